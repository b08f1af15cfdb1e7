"""NIQE: how far the statistics of a picture lie from those of natural ones. No clean picture is needed; lower is better.

"Making a 'Completely Blind' Image Quality Analyzer", Mittal, Soundararajan and Bovik 2013 (IEEE Signal Processing Letters 20(3)). The
picture, each pixel less its local mean and over its local deviation, is cut into 96x96 blocks. Of every block, and again at half the
size, 18 numbers say how its values and the products of neighbours are distributed. Their mean and covariance over the blocks
are compared with those of 125 pristine photographs (`niqe_model`, the authors' numbers, shipped with their notice).

Differs from the MATLAB release in speed: all blocks are taken at once, and the shape of a distribution is looked up in a sorted table of
9801 instead of searched through. And in flat areas: a pixel that equals its local mean is neither above nor below it, but in floating
point it is, by 1e-14, one or the other. Published ports count it, and so depend on the order in which a filter sums: by 6 % where JPEG
has left flat blocks (measured between two orders), not at all in pictures with grain. Here it counts for nothing, on every machine.

With less than 37 blocks the covariance of the 36 numbers has no full
rank; then the arithmetic's precision alone moves the result by percents, and a warning says so.
"""

import warnings
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float64
from scipy.special import gamma
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.protocol import COURSE_RGB, MATLAB_Y, Protocol
from restorelab.ops.resize import downsample_bicubic

MODEL = Path(__file__).parent / "niqe_model" / "niqe_pris_params.npz"
BLOCK = 96  # pixels on a side
ENOUGH = 37  # blocks: one more than there are numbers per block
FLAT = 1e-9  # levels of 0..255: far above rounding, far below what one level more in one pixel does to its neighbours
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))

SHAPES = np.arange(0.2, 10.001, 0.001)  # of a generalised Gaussian: 2 is the normal one
RATIOS = gamma(2 / SHAPES) ** 2 / (gamma(1 / SHAPES) * gamma(3 / SHAPES))  # (mean |x|)^2 over mean x^2; rises with the shape

Blocks = Float64[np.ndarray, "n p p"]


class FewBlocksWarning(UserWarning):
    """A NIQE of too small a picture: its last digits mean nothing."""


def niqe(image: Tensor, protocol: Protocol = MATLAB_Y) -> float:
    """NIQE of one picture `c h w`, RGB or grey in [0, 1] (clamped).

    `protocol`: colour, rounding, crop and border; by default the rounded studio Y of NTIRE's and PIRM's tables (PIRM: border 4). A
    grey picture is scored as it is. What is left over beyond whole blocks, right and below, is not looked at.

    Raises `ParameterError` for a batch, NaN, values that are not in [0, 1], an RGB protocol, or fewer than two blocks that are not flat.
    Warns (`FewBlocksWarning`) below 37 blocks, which is about 600x600 pixels.
    """
    grey = image.ndim == 3 and image.shape[0] == 1  # `prepare` refuses what is no picture
    if protocol.colour == "rgb" and not grey:
        raise ParameterError(f"NIQE looks at Y, and {protocol.name} scores RGB; use a protocol with a Y colour, such as MATLAB_Y.")
    pixels = (COURSE_RGB.with_border(protocol.border) if grey else protocol).prepare(image)[:, :, 0]
    rows, columns = (side // BLOCK for side in pixels.shape)
    if rows * columns < ENOUGH:
        text = f"NIQE from {rows * columns} blocks of {BLOCK}x{BLOCK} pixels is uncertain by some percent; {ENOUGH} would do."
        warnings.warn(text, FewBlocksWarning, stacklevel=2)
    return niqe_of_pixels(pixels)


def niqe_of_pixels(y: Float64[np.ndarray, "h w"]) -> float:
    """NIQE of one plane in 0..255. Raises `ParameterError` below two blocks, or two that are not flat."""
    height, width = (side // BLOCK * BLOCK for side in y.shape)
    if height * width < 2 * BLOCK**2:
        raise ParameterError(f"NIQE needs two blocks of {BLOCK}x{BLOCK} pixels, which do not fit into {y.shape[0]}x{y.shape[1]}.")
    return _distance(_features(np.ascontiguousarray(y[:height, :width])))


@lru_cache(maxsize=1)
def pristine_model() -> tuple[Float64[np.ndarray, "1 36"], Float64[np.ndarray, "36 36"], Float64[np.ndarray, " 7"]]:
    """Mean and covariance of natural photographs' features, and one side of the local window, which is separable."""
    with np.load(MODEL) as model:
        return model["mu_pris_param"], model["cov_pris_param"], model["gaussian_window"].sum(0)


def _distance(features: Float64[np.ndarray, "n 36"]) -> float:
    """Equation 10 of the paper. A flat block has no shape, hence NaN among its numbers, and is left out of the covariance."""
    mean, covariance, _ = pristine_model()
    whole = features[~np.isnan(features).any(axis=1)]
    if len(whole) < 2:
        raise ParameterError("NIQE needs two blocks that are not flat: this picture shows next to nothing.")
    gap = mean[0] - np.nanmean(features, axis=0)
    return float(np.sqrt(gap @ np.linalg.pinv((covariance + np.cov(whole, rowvar=False)) / 2) @ gap))


def _features(y: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "n 36"]:
    # Through [0, 1], as the release, which only matters to the last digit.
    half = downsample_bicubic(torch.from_numpy(y / 255)[None, None], 2)[0, 0].numpy() * 255
    with np.errstate(invalid="ignore", divide="ignore"):  # 0/0 is how a flat block says so
        return np.concatenate([_of_blocks(_blocks(_normalised(y), BLOCK)), _of_blocks(_blocks(_normalised(half), BLOCK // 2))], axis=1)


def _normalised(y: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"]:
    """Less the local mean, over the local deviation plus 1; exactly 0 where only rounding would say otherwise."""
    _, _, window = pristine_model()
    mean, square = (cv2.sepFilter2D(x, -1, window, window, borderType=cv2.BORDER_REPLICATE) for x in (y, y * y))
    deviation = square - mean * mean
    np.sqrt(np.abs(deviation, out=deviation), out=deviation)  # in place: fresh memory takes longer than the arithmetic
    deviation += 1
    normalised = np.subtract(y, mean, out=mean)
    normalised[(normalised < FLAT) & (normalised > -FLAT)] = 0
    normalised /= deviation
    return normalised


def _blocks(x: Float64[np.ndarray, "h w"], side: int) -> Blocks:
    height, width = x.shape
    return x.reshape(height // side, side, width // side, side).swapaxes(1, 2).reshape(-1, side, side)


def _of_blocks(blocks: Blocks) -> Float64[np.ndarray, "n 18"]:
    shape, left, right = _asymmetric_gaussian(blocks)
    columns = [shape, (left + right) / 2]
    for shift in NEIGHBOURS:  # a block is bent round to meet itself, as in the release
        shape, left, right = _asymmetric_gaussian(blocks * np.roll(blocks, shift, axis=(1, 2)))
        columns += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return np.stack(columns, axis=1)


def _asymmetric_gaussian(blocks: Blocks) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per block: the shape, and the scales to the left and right, of the asymmetric generalised Gaussian with its moments."""
    x = blocks.reshape(len(blocks), -1)
    below = np.minimum(x, 0)
    squares, squares_below = np.einsum("np,np->n", x, x), np.einsum("np,np->n", below, below)
    left, right = np.sqrt(squares_below / _count(x < 0)), np.sqrt((squares - squares_below) / _count(x > 0))
    lean = left / right
    size = (x.sum(1) - 2 * below.sum(1)) / x.shape[1]  # mean |x|
    ratio = size**2 / (squares / x.shape[1]) * (lean**3 + 1) * (lean + 1) / (lean**2 + 1) ** 2
    shape = SHAPES[np.where(np.isnan(ratio), 0, np.searchsorted((RATIOS[1:] + RATIOS[:-1]) / 2, ratio))]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def _count(true: np.ndarray) -> np.ndarray:
    """Per row. Row by row, because with an axis `count_nonzero` takes twice as long."""
    return np.array([np.count_nonzero(row) for row in true])
