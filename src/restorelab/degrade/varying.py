"""Blur by another kernel at every pixel, and its adjoint.

Gather and scatter are two readings of the same kernels, and each is the adjoint of the other. A network's dynamic filter gathers: the
kernel of a pixel says which neighbours it collects from, and as it sums to 1 an even area keeps its brightness. A lens scatters: the
kernel of a pixel says where the light of that point goes, so no light is lost, but where sharp and blurred regions meet an even area does
not stay even; only where all pixels share one symmetric kernel are the two the same.

    gather(x)[p] = sum over d of K[p][d] * x[p + d]        scatter(y)[q] = sum over d of K[q - d][d] * y[q - d]

Gathering is done here in three ways that agree: from kernels that lie in memory (`gather`), from a Gaussian whose kernels never do
(`gather_gaussian`), and from a few kernels that all the others are mixtures of (`gather_basis`).
Kernels are indexed (tap row, tap column, row, column); their side is odd.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from restorelab.degrade.borders import pad, pad_adjoint
from restorelab.degrade.draw import Amount, check_amount, draw, largest
from restorelab.errors import RecipeError
from restorelab.ops.dynamic_filter import dynamic_filter

BAND = 2**16  # elements worked on at a time: what a tap reads and writes then stays in the cache
GRID_LIMIT = 64  # rows and columns of `stds`: it is a coarse grid


def gather(image: Float[Tensor, "c h w"], kernels: Float[Tensor, "k k h w"], border: str = "mirror") -> Float[Tensor, "c h w"]:
    """Every pixel collects from its neighbours with its own kernel. Border: "mirror", "replicate" or "zeros"."""
    radius = kernels.shape[0] // 2
    if border != "mirror":
        return dynamic_filter(image[None], kernels[None, None, None], border)[0]
    # the dynamic filter knows no mirror: it gets the padded picture, and what its own border touched is cut off
    padded, around = pad(image, radius, border), F.pad(kernels, (radius,) * 4)
    wide = dynamic_filter(padded[None], around[None, None, None], "zeros")[0]
    return wide[:, radius : radius + image.shape[1], radius : radius + image.shape[2]].contiguous()


def scatter(image: Float[Tensor, "c h w"], kernels: Float[Tensor, "k k h w"], border: str = "mirror") -> Float[Tensor, "c h w"]:
    """The adjoint of `gather`: every pixel sends its light to its neighbours with its own kernel.

    Light that leaves the picture comes back from a "mirror", piles up on the edge pixels ("replicate"), or is lost ("zeros").
    """
    taps, (height, width) = kernels.shape[0], image.shape[1:]
    wide = image.new_zeros(image.shape[0], height + taps - 1, width + taps - 1)
    for i in range(taps):
        for j in range(taps):
            wide[:, i : i + height, j : j + width].addcmul_(image, kernels[i, j])
    return pad_adjoint(wide, taps // 2, border)


def gaussian_kernels(std: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "k k h w"]:
    """The kernel of every pixel, k = 2 radius + 1, for a map of standard deviations in pixels. k*k times the memory of the map."""
    half = _profile(std, radius)
    profile = torch.cat([half[1:].flip(0), half])
    return profile[:, None] * profile[None, :]


def gather_gaussian(
    image: Float[Tensor, "c h w"], std: Float[Tensor, "h w"], radius: int | None = None, border: str = "mirror"
) -> Float[Tensor, "c h w"]:
    """`gather(image, gaussian_kernels(std, radius))` without the kernels, which would take k*k times the memory of the map.

    A Gaussian weighs the four pixels (+-i, +-j) alike, by the product of two numbers of one profile: the four are added before they are
    weighed, and only the radius + 1 numbers are held. `radius` is three of the largest std if left open.
    """
    radius = _radius(std) if radius is None else radius
    padded, width = pad(image, radius, border), image.shape[2]
    out = torch.empty_like(image)
    for rows, height in _bands(image):
        profile = _profile(std[rows].to(image.dtype), radius)
        band = padded[:, rows.start : rows.stop + 2 * radius]
        total = out[:, rows].zero_()
        for i in range(radius + 1):
            both = band[:, radius + i : radius + i + height]
            both = both + band[:, radius - i : radius - i + height] if i else both
            line = both[:, :, radius : radius + width] * profile[0]
            for j in range(1, radius + 1):
                left, right = (both[:, :, at : at + width] for at in (radius - j, radius + j))
                line.addcmul_(left + right, profile[j])
            total.addcmul_(line, profile[i])
    return out


def scatter_gaussian(
    image: Float[Tensor, "c h w"], std: Float[Tensor, "h w"], radius: int | None = None, border: str = "mirror"
) -> Float[Tensor, "c h w"]:
    """The adjoint of `gather_gaussian`: the same sums, taken the other way."""
    radius = _radius(std) if radius is None else radius
    (channels, height, width), wide = image.shape, pad(torch.zeros_like(image), radius, "zeros")
    for rows, height in _bands(image):
        profile = _profile(std[rows].to(image.dtype), radius)
        for i in range(radius + 1):
            line = image[:, rows] * profile[i]
            both = image.new_zeros(channels, height, width + 2 * radius)
            both[:, :, radius : radius + width] = line * profile[0]
            for j in range(1, radius + 1):
                share = line * profile[j]
                both[:, :, radius - j : radius - j + width] += share
                both[:, :, radius + j : radius + j + width] += share
            for at in {radius - i, radius + i}:
                wide[:, rows.start + at : rows.stop + at] += both
    return pad_adjoint(wide, radius, border)


def gather_basis(
    image: Float[Tensor, "c h w"],
    basis: Float[Tensor, "n k k"],
    maps: Float[Tensor, "n h w"],
    border: str = "mirror",
    keep_brightness: bool = True,
) -> Float[Tensor, "c h w"]:
    """`gather` where every kernel is a mixture of n: K[p] = sum over n of maps[n, p] * basis[n].

    The picture is blurred n times, with one kernel each, and the results are added with the maps as weights. With eigen-kernels (PCA)
    as the basis the maps are the kernels' code, so the degradation map that SRMD and UDVD are fed is the map of these weights.
    Cut off after n eigen-kernels a mixture no longer sums to 1: `keep_brightness` divides by what it sums to.
    """
    basis, maps = basis.to(image.dtype), maps.to(image.dtype)
    padded = pad(image, basis.shape[1] // 2, border)
    mixed = torch.einsum("cnhw,nhw->chw", F.conv2d(padded[:, None], basis[:, None]), maps)
    return mixed / torch.einsum("nij,nhw->hw", basis, maps) if keep_brightness else mixed


def spread(grid: Float[Tensor, "rows columns"], height: int, width: int) -> Float[Tensor, "1 h w"]:
    """A coarse grid over a whole picture: its corners on the picture's corners, bilinear between."""
    return F.interpolate(grid[None, None], size=(height, width), mode="bilinear", align_corners=True)[0]


@dataclass(frozen=True)
class VaryingBlur:
    """Round Gaussian blur whose width changes over the picture, gathered, mirrored border. Truth: `std_map` (1 h w).

    The grid spans the picture that the step is applied to, whatever its size. So a crop that is degraded by itself, as training pairs
    are, gets the whole grid and not its part of it: to train on the mild changes that lie within one crop of a large picture, give
    pairs (low, high), drawn anew for every picture.
    """

    kind: ClassVar[str] = "varying_blur"
    stds: tuple[tuple[Amount, ...], ...] = ((0.3, 2.5),)  # pixels; rows of columns, spread over the picture: here left to right

    def __post_init__(self):
        object.__setattr__(self, "stds", _read_grid(self.stds))

    @property
    def margin(self) -> int:
        """Pixels around a crop that this step looks at."""
        return math.ceil(3 * max(largest(std) for row in self.stds for std in row))

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        grid = torch.tensor([[draw(std, rng) for std in row] for row in self.stds])
        std_map = spread(grid, *image.shape[1:])
        return gather_gaussian(image, std_map[0].to(image.device)), {"std_map": std_map}


def _read_grid(value: object) -> tuple[tuple[Amount, ...], ...]:
    """The grid as tuples, from whatever JSON makes of them."""
    rows = _tuple(value)
    grid = tuple(tuple(_tuple(std) or std for std in _tuple(row) or ()) for row in rows or ())
    if not grid or not grid[0] or any(len(row) != len(grid[0]) for row in grid):
        raise RecipeError(f"varying_blur stds are rows of equally many columns, such as ((0.3, 2.5),) for left to right, not {value!r}.")
    if max(len(grid), len(grid[0])) > GRID_LIMIT:
        raise RecipeError(f"varying_blur stds are a coarse grid, of at most {GRID_LIMIT} rows and columns, not {len(grid)}x{len(grid[0])}.")
    for std in (std for row in grid for std in row):
        check_amount("a std of varying_blur", std, 0.05, 10)
    return grid


def _tuple(value: object) -> tuple | None:
    return tuple(value) if isinstance(value, (list, tuple)) else None


def _radius(std: Tensor) -> int:
    return math.ceil(3 * float(std.max()) - 1e-4)  # less a hair: the map is rounded to float32, and must not look past a step's margin


def _profile(std: Float[Tensor, "h w"], radius: int) -> Float[Tensor, "n h w"]:
    """Weights of the taps 0 to radius along one axis: exp(-i^2 / 2 std^2), with the other side summing to 1."""
    taps = torch.arange(radius + 1, dtype=std.dtype, device=std.device)[:, None, None]
    weights = torch.exp(-0.5 * (taps / std) ** 2)
    return weights / (2 * weights.sum(0) - weights[0])


def _bands(image: Tensor) -> Iterator[tuple[slice, int]]:
    """Rows a few at a time, and how many."""
    channels, height, width = image.shape
    step = max(1, BAND // (channels * width))
    for top in range(0, height, step):
        bottom = min(top + step, height)
        yield slice(top, bottom), bottom - top
