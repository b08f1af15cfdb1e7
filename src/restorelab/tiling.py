"""Restoring a picture piece by piece.

Each tile is computed with a halo of context around it. When no output pixel can depend on anything further away than the halo, the
tiles are cut out of exactly what the whole picture would have given. When the network is not local (a mean over the picture, a
cut at its middle), no halo is enough: neighbours then disagree, are blended across their overlap, and how far they disagreed is
reported.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

INEXACT_HALO = 32  # input pixels of context around a tile of a network that is not local
Span = tuple[int, int]  # from, up to


@dataclass(frozen=True)
class Tiling:
    """How a picture was cut up, and what that did to it."""

    tile: Span  # rows and columns of a tile, input pixels
    halo: Span  # context to each side, input pixels
    tiles: int
    exact: bool  # equal to the whole picture's result, up to the rounding of floats
    largest_difference: float = 0.0  # between neighbouring tiles where they overlap, in [0, 1] units; 0 when exact
    mean_difference: float = 0.0

    def __str__(self) -> str:
        rows, columns = self.tile
        said = f"in {self.tiles} tiles of {rows}x{columns} pixels"
        if self.exact:
            return f"{said}, equal to the whole picture"
        return (
            f"{said}, which changes the result: neighbouring tiles differ by {255 * self.mean_difference:.2f}/255 on average "
            f"and {255 * self.largest_difference:.1f}/255 at most where they overlap"
        )


@dataclass(frozen=True)
class Piece:
    """One tile along one axis, in pixels: it answers for its core and is computed with its window."""

    core: Span
    window: Span


def restore_in_tiles(
    restore_window: Callable[[slice, slice], list[Tensor]], size: Span, tile: int, multiple: Span, least: Span,
    radius: int | None, scale: int, progress: Callable[[int, int], None] | None = None,
) -> tuple[list[Float[Tensor, "c h w"]], Tiling]:  # fmt: skip
    """Call `restore_window(rows, columns)` for every tile with its halo and put the answers together.

    size: rows and columns of the (padded) picture, multiples of `multiple`. tile: wanted side in input pixels, rounded up to
    multiples. least: the smallest window the network takes. radius: the network's, None when it is not local. An answer is a list
    of pictures, `scale` times as large as the window.
    """
    reach = INEXACT_HALO if radius is None else radius
    axes = [_pieces(side, _up(tile, step), _up(reach, step), small) for side, step, small in zip(size, multiple, least, strict=True)]
    places = [(row, column) for row in axes[0] for column in axes[1]]
    canvases, weight, differences = [], torch.zeros(size[0] * scale, size[1] * scale), _Differences()
    for done, pieces in enumerate(places, start=1):
        answers = restore_window(*(slice(*piece.window) for piece in pieces))
        here = tuple(slice(scale * piece.window[0], scale * piece.window[1]) for piece in pieces)
        canvases = canvases or [torch.zeros(one.shape[0], *weight.shape) for one in answers]
        if radius is None:
            differences.add(canvases[-1][:, *here], weight[here], answers[-1])
        down, across = (_share(piece, side, scale, radius is not None) for piece, side in zip(pieces, size, strict=True))
        share = down[:, None] * across
        weight[here] += share
        for canvas, answer in zip(canvases, answers, strict=True):
            canvas[:, *here] += answer * share
        if progress:
            progress(done, len(places))
    halo = tuple(_up(reach, step) for step in multiple)
    cut = tuple(axis[0].core[1] for axis in axes)
    tiling = Tiling(cut, halo, len(places), radius is not None or len(places) == 1, differences.largest, differences.mean)
    return [canvas / weight for canvas in canvases], tiling


def _up(value: int, step: int) -> int:
    return -(-value // step) * step


def _pieces(size: int, tile: int, halo: int, least: int) -> list[Piece]:
    pieces = []
    for start in range(0, size, tile):
        stop = min(start + tile, size)
        right = min(stop + halo, size)
        left = max(min(start - halo, right - least), 0)
        pieces.append(Piece((start, stop), (left, max(right, min(least, size)))))
    return pieces


def _share(piece: Piece, size: int, scale: int, exact: bool) -> Float[Tensor, " n"]:
    """How much each line of the window's answer counts: the core alone, or, blended, less and less towards the inner borders."""
    (core, core_stop), (start, stop) = piece.core, piece.window
    position = torch.arange(scale * start, scale * stop) + 0.5
    if exact:
        return ((position > scale * core) & (position < scale * core_stop)).float()
    rise = (position - scale * start) / (2 * scale * max(core - start, 1)) if start > 0 else torch.ones_like(position)
    fall = (scale * stop - position) / (2 * scale * max(stop - core_stop, 1)) if stop < size else torch.ones_like(position)
    return torch.minimum(rise, fall).clamp(max=1)


class _Differences:
    """How far a tile's answer is from what its neighbours have already said of the same pixels."""

    def __init__(self):
        self.largest, self.total, self.count = 0.0, 0.0, 0

    def add(self, canvas: Tensor, weight: Tensor, answer: Tensor) -> None:
        known = weight > 0
        if known.any():
            apart = (canvas[:, known] / weight[known] - answer[:, known]).abs()
            self.largest = max(self.largest, float(apart.max()))
            self.total, self.count = self.total + float(apart.sum()), self.count + apart.numel()

    @property
    def mean(self) -> float:
        return self.total / max(self.count, 1)
