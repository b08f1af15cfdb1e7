"""What there is to see of predicted filters (UDVD), as numbers: the terms of one output pixel, a kernel's shape, all kernels at once.

A block of dynamic filters makes the value of an output pixel from the pixels around one place of the picture it was given:

    value = sum over the k x k taps of kernel[i, j] * neighbourhood[i, j] + residual
"""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from skimage.color import lab2rgb
from torch import Tensor
from torch.nn import functional as F

from restorelab.errors import ParameterError
from restorelab.models.udvd import kernel_at
from restorelab.ops.dynamic_filter import BORDERS, dynamic_filter
from restorelab.restore import RestoredImage

EXACT = 1e-3  # the terms must make the network's value: one level of 8 bits is four times that
LIGHTNESS, CHROMA = 65, 60  # CIE L*, and the most of a* and b*: a plane of colours equally light
SPREAD = 2.0  # standard deviations of a coordinate that reach the most colour


class Terms(NamedTuple):
    """How one output pixel came about."""

    kernel: Float[Tensor, "k k"]  # rows down, columns right; the same for all colours
    neighbourhood: Float[Tensor, "c k k"]  # of the picture that the block was given
    product: Float[Tensor, "c k k"]
    residual: Float[Tensor, " c"]
    value: Float[Tensor, " c"]  # sum of the products + residual; not cut to [0, 1]


class Chain(NamedTuple):
    """What every block of a chain was given, and how."""

    inputs: tuple[Tensor, ...]  # `c h w`, not cut to [0, 1]: the last output is not among them
    scales: tuple[int, ...]  # output size / input size of the block
    border: str  # how the pictures go on beyond their border: "replicate" or "zeros"


class KernelNumbers(NamedTuple):
    """A kernel's shape. Centre and width are those of its weights' absolute values, whatever their signs.

    With signs they would be undefined for a kernel that sums to 0, and the width of one that sharpens would be imaginary. What it costs:
    the middle of a bicubic kernel for scale 2, which with signs lies 0.25 input pixels off the middle tap, lies 0.17 off by this rule.
    """

    total: float  # sum, with signs: 1 keeps the brightness
    centre: tuple[float, float]  # row, column; in taps from the middle tap, down and right
    width: tuple[float, float]  # standard deviations in taps, along the long axis and the short one
    angle: float  # of the long axis in degrees, 0 right and 90 up, in (-90, 90]


class Atlas(NamedTuple):
    """All kernels of a block at once: each as its two strongest coordinates, shown as a colour."""

    colours: Float[Tensor, "3 h w"]  # in [0, 1]; the first coordinate from blue to yellow, the second from green to magenta
    share: float  # of the kernels' variance that the two coordinates hold, 0 to 1
    axes: Float[Tensor, "2 k k"]  # what a kernel changes by from the mean to the most colour


def filtered_pictures(degraded: Float[Tensor, "c h w"], restored: RestoredImage) -> Chain:
    """The pictures that the blocks of `restored` filtered: `degraded` first, then every block's own output, as the network saw them.

    `restored.stages` are cut to [0, 1] and the network's own pictures are not, so they are made again, which also proves that kernels
    and residuals are the whole truth. Raises ParameterError for a result without kernels, or of another picture.
    """
    for name in ("kernels", "residual"):
        if len(restored.maps.get(name, ())) != len(restored.stages):
            raise ParameterError("the result holds no kernels: make it with restore(udvd, degraded, condition=..., explain=True).")
    for border in BORDERS:
        chain = _run_again(degraded, restored, border)
        if chain is not None:
            return chain
    raise ParameterError("kernels, residuals and picture do not make this result: give the very picture that was given to restore().")


def term_by_term(degraded: Float[Tensor, "c h w"], restored: RestoredImage, block: int, row: int, column: int) -> Terms:
    """How output pixel (row, column) of a block came about; block 0 is the first, -1 the last.

    `value` is `restored.stages[block][:, row, column]` before that was cut to [0, 1]. Raises ParameterError for a block or a pixel that
    does not exist, and as `filtered_pictures` does. That works out the whole chain: for many pixels call it once, and `terms_at`.
    """
    return terms_at(filtered_pictures(degraded, restored), restored, block, row, column)


def terms_at(chain: Chain, restored: RestoredImage, block: int, row: int, column: int) -> Terms:
    """`term_by_term` when the chain is known."""
    check_place(restored, block, row, column)
    kernel = kernel_at(restored.maps, block, row, column)
    taps, scale = kernel.shape[0], chain.scales[block]
    padded = padded_input(chain, block, taps // 2)
    top, left = row // scale, column // scale
    neighbourhood = padded[:, top : top + taps, left : left + taps]
    residual = restored.maps["residual"][block][:, row, column]
    product = kernel * neighbourhood
    return Terms(kernel, neighbourhood, product, residual, product.sum((1, 2)) + residual)


def padded_input(chain: Chain, block: int, radius: int) -> Float[Tensor, "c h2 w2"]:
    """What a block was given, with what its filters see beyond the border."""
    return F.pad(chain.inputs[block][None], (radius,) * 4, mode=BORDERS[chain.border])[0]


def check_place(restored: RestoredImage, block: int, row: int, column: int) -> None:
    """Raise ParameterError for a block or an output pixel that does not exist."""
    check_block(restored, block)
    height, width = restored.stages[block].shape[-2:]
    if not (0 <= row < height and 0 <= column < width):
        raise ParameterError(f"({row}, {column}) is no pixel of the result, which has {height} rows and {width} columns, from 0.")


def check_block(restored: RestoredImage, block: int) -> None:
    """Raise ParameterError for a block that does not exist."""
    count = len(restored.stages)
    if not -count <= block < count:
        raise ParameterError(f"the blocks are numbered 0 to {count - 1}; there is no block {block}.")


def kernel_numbers(kernel: Float[Tensor, "k k"]) -> KernelNumbers:
    """Sum, centre of mass and width of a kernel of odd side. See `KernelNumbers` for what they are where weights are negative."""
    weights = kernel.abs().double()
    mass = float(weights.sum())
    if mass == 0:
        return KernelNumbers(0.0, (0.0, 0.0), (0.0, 0.0), 0.0)
    taps = torch.arange(len(kernel), dtype=torch.float64) - len(kernel) // 2
    rows, columns = taps[:, None].expand_as(weights), taps[None, :].expand_as(weights)
    row, column = (float((weights * place).sum()) / mass for place in (rows, columns))
    away = torch.stack([rows - row, columns - column]).flatten(1)
    covariance = (weights.flatten() * away) @ away.T / mass
    variances, directions = torch.linalg.eigh(covariance)  # the short axis first
    short, long = (float(variance) ** 0.5 for variance in variances.clamp_min(0))
    down, right = (float(part) for part in directions[:, 1])
    angle = 90 - (90 - np.degrees(np.arctan2(-down, right))) % 180  # an axis has no end that comes first
    return KernelNumbers(float(kernel.double().sum()), (row, column), (long, short), angle)


def kernel_atlas(kernels: Float[Tensor, "t h w"], scale: int = 1) -> Atlas:
    """The two principal axes of all the kernels of a picture, and where every pixel's kernel lies on them, as a colour.

    kernels: as in `restored.maps["kernels"][block]`, t = k * k taps, rows first. The mean is taken off first. scale: of a block that
    enlarges; each of the scale * scale output pixels in an input pixel then has a mean of its own, as their kernels differ by where
    they lie before they differ by what they do. Which direction of an axis is the positive one is arbitrary; here the first tap of at
    least half the strongest rises.
    """
    (height, width), side = kernels.shape[1:], round(kernels.shape[0] ** 0.5)
    around = kernels.double().clone()
    for top in range(scale):
        for left in range(scale):
            phase = around[:, top::scale, left::scale]
            phase -= phase.mean((1, 2), keepdim=True)
    flat = around.flatten(1)
    energies, vectors = torch.linalg.eigh(flat @ flat.T)  # in rising order
    strongest = vectors.T.flip(0)[:2]
    first = (strongest.abs() >= strongest.abs().amax(1, keepdim=True) / 2).int().argmax(1, keepdim=True)
    strongest = strongest * strongest.gather(1, first).sign()
    coordinates = strongest @ flat
    most = SPREAD * coordinates.square().mean(1, keepdim=True).sqrt()
    shares = (coordinates / most.clamp_min(1e-12)).clamp(-1, 1).unflatten(1, (height, width))
    energy = float(energies.clamp_min(0).sum())
    held = float(energies.clamp_min(0)[-2:].sum()) / energy if energy > 0 else 1.0
    return Atlas(colour_of(shares.float()), held, (strongest * most).unflatten(1, (side, side)).float())


def colour_of(coordinates: Float[Tensor, "2 h w"]) -> Float[Tensor, "3 h w"]:
    """Coordinates in [-1, 1] as colours of one lightness. The first is told apart by nearly all colour-blind."""
    first, second = coordinates.numpy()
    lab = np.stack([np.full_like(first, LIGHTNESS), CHROMA * second, CHROMA * first], axis=-1)
    return torch.from_numpy(lab2rgb(lab)).permute(2, 0, 1).float().clamp(0, 1)


def _run_again(degraded: Tensor, restored: RestoredImage, border: str) -> Chain | None:
    """The chain with this border, if it makes the stages."""
    inputs, scales, image = [], [], degraded
    for kernels, residual, stage in zip(restored.maps["kernels"], restored.maps["residual"], restored.stages, strict=True):
        scale = kernels.shape[-1] // image.shape[-1]
        if not scale or kernels.shape[-2:] != (image.shape[-2] * scale, image.shape[-1] * scale) or residual.shape[0] != image.shape[0]:
            return None
        inputs.append(image)
        scales.append(scale)
        image = dynamic_filter(image[None], _by_phase(kernels, scale)[None], border)[0] + residual
        if not (image.clamp(0, 1) - stage).abs().max() < EXACT:
            return None
    return Chain(tuple(inputs), tuple(scales), border)


def _by_phase(kernels: Float[Tensor, "t h w"], scale: int) -> Float[Tensor, "s s k k h2 w2"]:
    """The filter of every output pixel -> as `dynamic_filter` takes them."""
    side = round(kernels.shape[0] ** 0.5)
    return F.pixel_unshuffle(kernels, scale).unflatten(0, (side, side, scale, scale)).permute(2, 3, 0, 1, 4, 5)
