"""Blur kernels: small pictures of where the light of one point goes.

A kernel is `k k`, float32, non-negative, sums to 1, odd side, indexed (row, column), its centre the pixel itself.

Two words for how wide a Gaussian is: a `std` is a standard deviation, in pixels, and what papers call a width; a `variance` is its
square, in pixels squared. SRMD draws variances (the eigenvalues of a covariance) for its elongated kernels and gives widths for its
round ones; a network that is told the one where it learnt the other is told another blur.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.errors import ParameterError

Values = Float[Tensor, " n"] | Float[np.ndarray, " n"]  # a number for each kernel, on the CPU
TAPS_AT_ONCE = 2**14  # what is being worked on stays in the processor's cache


def gaussian_kernel(std: float, ratio: float = 1.0, angle: float = 0.0, size: int | None = None) -> Float[Tensor, "k k"]:
    """Gaussian blur, round or elongated.

    std: standard deviation along the long axis, in pixels (SRMD and its followers give variances or eigenvalues: take the root).
    ratio: short axis over long axis, in (0, 1]; 1 is round.
    angle: of the long axis in degrees, 0 pointing right and 90 pointing up.
    size: odd side; by default wide enough to hold three standard deviations.

    Raises ParameterError for an even size or a width that is not positive.
    """
    variances = np.array([[std**2], [(std * ratio) ** 2]])
    return covariance_kernels(*variances, np.array([float(angle)]), size or 2 * math.ceil(3 * std) + 1)[0]


def isotropic_kernels(std: Values, size: int) -> Float[Tensor, "n k k"]:
    """Round Gaussians of standard deviation `std`, in pixels (not the variance). Errors as `covariance_kernels`."""
    variance = _float64(std) ** 2
    return covariance_kernels(variance, variance, np.zeros_like(variance), size)


def covariance_kernels(
    variance_long: Values, variance_short: Values, angle: Values, size: int, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n k k"]:
    """Many elongated Gaussians at once, worked out in float64 and rounded to `dtype` at the end.

    variance_long, variance_short: along the two axes, in pixels squared: the eigenvalues of the covariance, the roots of which are
        the widths.
    angle: of the long axis in degrees, 0 pointing right and 90 pointing up, as everywhere in this kit. SRMD and its descendants
        give an angle theta, in radians, that goes from right to *down*: angle = -degrees(theta).
    size: odd side of the square window. What a Gaussian has outside it is cut off and the rest divided by its sum; how much that
        is says `mass_outside`, and how wide the kernel still is `effective_std`.

    Raises ParameterError for a variance that is not positive, lists of different lengths, or an even size.
    """
    long, short, angle = _float64(variance_long), _float64(variance_short), _float64(angle)
    turns, factors = _turns(angle), _factors(long, short, angle)
    places = _places(_checked_size(size))
    kernels = np.empty((len(angle), size * size), np.float64 if dtype == torch.float64 else np.float32)
    block = max(1, TAPS_AT_ONCE // size**2)
    for first in range(0, len(angle), block):
        some = slice(first, first + block)
        distance = turns[some] @ places  # n, along and across, tap
        distance *= distance
        distance *= factors[some]
        weight = np.exp(distance[:, 0] + distance[:, 1])
        np.divide(weight, np.add.reduce(weight, axis=1, keepdims=True), out=kernels[some], casting="same_kind")
    return torch.from_numpy(kernels.reshape(-1, size, size)).to(dtype)


def mass_outside(variance_long: Values, variance_short: Values, angle: Values, size: int) -> Float[Tensor, " n"]:
    """The share of each Gaussian's light, from 0 to 1, that a window of side `size` cuts off. Arguments as `covariance_kernels`.

    A window of 15 cuts off 2.4 % of a round Gaussian of width 3, and 11.7 % at width 4.
    """
    _checked_size(size)
    lists = [_float64(values) for values in (variance_long, variance_short, angle)]
    outside = []
    for one in zip(*(values[:, None] for values in lists), strict=True):  # one by one: a wide Gaussian fills a large picture
        reach = max(math.ceil(8 * math.sqrt(max(one[0][0], one[1][0], 0))), size // 2)  # beyond 8 standard deviations lies 1e-14
        whole = covariance_kernels(*one, 2 * reach + 1, dtype=torch.float64)[0]
        inside = slice(reach - size // 2, reach + size // 2 + 1)
        outside.append(1 - whole[inside, inside].sum())
    return torch.stack(outside) if outside else torch.empty(0, dtype=torch.float64)


def effective_std(kernels: Float[Tensor, "*n k k"]) -> Float[Tensor, "*n 2"]:
    """The standard deviations that kernels of any kind have as they are, in pixels: along the long axis and along the short one.

    For a Gaussian that its window cuts they are smaller than what was asked for (15x15 at width 4: 3.41), and for one narrower than
    a pixel too, as its weights are read at whole pixels only (width 0.2: 0.003, no blur at all).
    """
    kernels = kernels.double()
    offset = torch.arange(kernels.shape[-1], dtype=torch.float64) - kernels.shape[-1] // 2
    by_row, by_column, mass = kernels.sum(-1), kernels.sum(-2), kernels.sum((-2, -1))
    row, column = (by_row @ offset / mass, by_column @ offset / mass)
    rows, columns = by_row @ offset**2 / mass - row**2, by_column @ offset**2 / mass - column**2
    both = kernels @ offset @ offset / mass - row * column
    middle, half = (rows + columns) / 2, torch.hypot((rows - columns) / 2, both)
    return torch.stack([middle + half, middle - half], dim=-1).clamp(min=0).sqrt()


def pad_or_crop(kernels: Float[Tensor, "*n k k"], size: int) -> Float[Tensor, "*n m m"]:
    """The same kernels in a window of another odd `size`: zeros around, or the middle cut out and divided by its sum.

    Raises ParameterError for an even size, or when the middle of a kernel that would be cut out holds nothing.
    """
    more = (_checked_size(size) - kernels.shape[-1]) // 2
    if more >= 0:
        return torch.nn.functional.pad(kernels, (more,) * 4)
    middle = kernels[..., -more:more, -more:more]
    mass = middle.sum((-2, -1), keepdim=True)
    if not (mass > 0).all():
        raise ParameterError(f"nothing of a kernel lies within its middle {size}x{size}: take a larger size.")
    return middle / mass


def path_kernel(path: Float[Tensor, "n 2"]) -> Float[Tensor, "k k"]:
    """The kernel left by a point of light that visits `path` (row, column offsets in pixels), the same time at each stop.

    A stop between pixels is shared bilinearly by its four neighbours, so that convolving with this kernel is exactly the
    average of the bilinearly shifted pictures.
    """
    size = 2 * int(path.abs().max().ceil()) + 1
    kernel = torch.zeros(size, size, dtype=torch.float64)
    position = path.double() + size // 2
    corner = position.floor()
    fraction = position - corner
    for down in (0, 1):
        for right in (0, 1):
            share = (fraction[:, 0] if down else 1 - fraction[:, 0]) * (fraction[:, 1] if right else 1 - fraction[:, 1])
            row, column = corner[:, 0].long() + down, corner[:, 1].long() + right
            inside = share > 0  # an exact stop has empty neighbours, which may lie outside
            kernel.index_put_((row[inside], column[inside]), share[inside], accumulate=True)
    return (kernel / kernel.sum()).float()


def _float64(values: Values) -> np.ndarray:
    return np.asarray(values, dtype=np.float64)


def _checked_size(size: int) -> int:
    if not isinstance(size, int) or isinstance(size, bool) or size < 1 or size % 2 == 0:
        raise ParameterError(f"a kernel's size must be an odd whole number, so that one tap is in the middle, not {size!r}.")
    return size


def _factors(long: np.ndarray, short: np.ndarray, angle: np.ndarray) -> Float[np.ndarray, "n 2 1"]:
    """What a squared distance along each axis is multiplied by in the exponent of a Gaussian."""
    if not long.shape == short.shape == angle.shape or long.ndim != 1:
        raise ParameterError(f"kernels need as many variances as angles, in lists; got {long.shape}, {short.shape} and {angle.shape}.")
    variances = np.array((long, short))
    if np.count_nonzero((variances > 0) & (variances < np.inf)) < variances.size:  # not a number is neither
        raise ParameterError(f"the variance of a Gaussian must be a positive number, not {variances.min()} or {variances.max()}.")
    return (-0.5 / variances).T[:, :, None]


@lru_cache(maxsize=8)
def _places(size: int) -> Float[np.ndarray, "2 t"]:
    """Of every tap, row by row: how far it lies to the right of the middle, and how far up."""
    offset = np.arange(size, dtype=np.float64) - size // 2
    places = np.stack([np.tile(offset, size), -np.repeat(offset, size)])
    places.setflags(write=False)
    return places


def _turns(angle: np.ndarray) -> Float[np.ndarray, "n 2 2"]:
    """Matrices that turn (right, up) into (along the long axis, across it)."""
    turns = np.empty((len(angle), 2, 2))
    radians = np.deg2rad(angle)
    turns[:, 0, 0] = turns[:, 1, 1] = np.cos(radians)
    turns[:, 0, 1] = np.sin(radians)
    turns[:, 1, 0] = -turns[:, 0, 1]
    return turns
