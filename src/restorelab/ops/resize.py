"""Resizing as the super-resolution literature does it: MATLAB's `imresize(image, ..., "bicubic")`, in the variants of published files.

Bicubic is not one thing. MATLAB's has a = -0.5 (Keys 1981), is antialiased (the cubic widens as the picture shrinks), and beyond the
border goes on as the mirrored picture, edge pixel included ("symmetric"), or in older versions as the edge pixel ("replicate"). Bytes
were rounded between the two axes and at the end, or at the end alone. Published files follow all of these, see `RULES`. torch's and
OpenCV's bicubic without antialiasing has a = -0.75 and follows none.

Resizing is linear and separable, and so two matrices. They are banded, and multiplied in blocks that leave the zeros out they are
faster than `F.interpolate`, for patches and for whole photographs.
"""

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from restorelab.ops.bicubic_kernels import keys_cubic
from restorelab.ops.pad import mirror

SUPPORT = 2  # output pixels to each side that the widened cubic of a shrinking picture reaches
BORDERS = ("symmetric", "replicate")
BLOCK = 64  # rows of a matrix multiplied at once: fewer waste time on calls, more on zeros
TIE = 1e-9  # exact halves are common (one byte in 165 of Set5 at x2): the last bit of a sum must not decide which way they go


class Rule(NamedTuple):
    """How a set of published files was made: `imresize_uint8(picture, 1 / scale, *RULES["rcan"])`."""

    border: str  # "symmetric" or "replicate"
    round_between: bool  # to 8 bits between rows and columns, too


RULES = MappingProxyType(
    {
        "matlab": Rule("symmetric", False),  # imresize of doubles, rounded once: what R2019b's own answers follow
        "basicsr": Rule("symmetric", False),  # the low-resolution pictures in BasicSR's tests; also SwinIR's Set5 x8
        "swinir": Rule("symmetric", True),  # SwinIR's Set5 x2, x3, x4
        "rcan": Rule("replicate", True),  # RCAN's and SelfExSR's Set5 x2, x3, x4
    }
)


def resize_matrix(
    size_in: int, size_out: int, scale: float | None = None, antialias: bool = True, border: str = "symmetric"
) -> Float64[Tensor, "o i"]:
    """The matrix that turns a line of `size_in` pixels into one of `size_out`; each row sums to 1.

    `scale` is size_out / size_in unless given; MATLAB gives it when it is told a scale that makes no whole number of pixels.
    """
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {border!r}")
    if min(size_in, size_out) < 1:
        raise ValueError(f"a line needs at least one pixel; got {size_in} to be made {size_out}")
    scale = scale or size_out / size_in
    narrow = min(scale, 1.0) if antialias else 1.0  # the cubic is stretched by 1 / narrow
    centre = (torch.arange(size_out, dtype=torch.float64) + 0.5) / scale - 0.5  # of the output pixels, on the input's grid
    first = (centre - 2 / narrow).floor().long()
    position = first[:, None] + torch.arange(math.ceil(4 / narrow) + 2)
    weight = keys_cubic((centre[:, None] - position) * narrow)
    weight = weight / weight.sum(dim=1, keepdim=True)
    inside = mirror(position.flatten(), size_in, repeat_edge=True) if border == "symmetric" else position.flatten().clamp(0, size_in - 1)
    return weight.new_zeros(size_out, size_in).scatter_add_(1, inside.view_as(position), weight)


def resize_bicubic(
    image: Float[Tensor, "b c h w"],
    size: tuple[int, int] | None = None,
    scale: float | None = None,
    antialias: bool = True,
    border: str = "symmetric",
) -> Float[Tensor, "b c h2 w2"]:
    """MATLAB's `imresize` to a `size` (height, width) or by a `scale`, any two sizes; differentiable. Not clipped: a cubic overshoots.

    Equal to MATLAB's rule in doubles to 1e-12 in float64 and 1e-6 in float32. The gradient is the exact adjoint, at the same speed.
    """
    return _Resize.apply(image, *_axes(image.shape[-2:], size, scale, antialias, border))


def imresize_uint8(
    picture: UInt8[np.ndarray, "h w c"], scale: float, border: str = "symmetric", round_between: bool = True
) -> UInt8[np.ndarray, "h2 w2 c"]:
    """MATLAB's `imresize` of bytes, to the byte: rows first, halves up. `RULES`: which published files follow which border and rounding."""
    rows, columns = _axes(picture.shape[:2], None, scale, True, border)
    pixels = torch.from_numpy(picture.astype(np.float64)).permute(2, 0, 1)[None]
    pixels = _resize_rows(pixels, rows)
    pixels = _resize_columns(_rounded(pixels) if round_between else pixels, columns)
    return _rounded(pixels)[0].permute(1, 2, 0).byte().contiguous().numpy()


def downsample_bicubic(image: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c h2 w2"]:
    """`b c h w` -> `b c h/scale w/scale`; h and w must be multiples of `scale`. Not clipped: a cubic overshoots."""
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"a {height}x{width} picture cannot be shrunk exactly {scale} times; crop it to multiples of {scale}")
    return resize_bicubic(image, scale=1 / scale)


@dataclass(frozen=True)
class _Axis:
    """What is done along one axis of the picture."""

    size_in: int
    size_out: int
    scale: float
    antialias: bool
    border: str
    adjoint: bool = False  # the transposed matrix: how a gradient goes back


def _axes(sides: tuple[int, int], size: tuple[int, int] | None, scale: float | None, antialias: bool, border: str) -> list[_Axis]:
    if (size is None) == (scale is None):
        raise ValueError(f"give either size=(height, width) or scale=; got size={size} and scale={scale}")
    if size is None:
        size = tuple(math.ceil(side * scale - TIE) for side in sides)  # 50 * 1.1 is 55.00000000000001, not 56 pixels
    return [_Axis(side, new, scale or new / side, antialias, border) for side, new in zip(sides, size, strict=True)]


@lru_cache(maxsize=64)
def _blocks(axis: _Axis, dtype: torch.dtype, device: torch.device) -> list[tuple[int, int, Tensor]]:
    """The axis' matrix in blocks of rows, each with the range of columns outside of which it is zero."""
    matrix = resize_matrix(axis.size_in, axis.size_out, axis.scale, axis.antialias, axis.border)
    blocks = []
    for rows in (matrix.T if axis.adjoint else matrix).split(BLOCK):
        used = rows.any(dim=0).nonzero()
        first, end = (int(used.min()), int(used.max()) + 1) if len(used) else (0, 1)  # an adjoint may have rows of zeros only
        blocks.append((first, end, rows[:, first:end].to(device, dtype).contiguous()))
    return blocks


def _resize_rows(image: Tensor, axis: _Axis) -> Tensor:
    return torch.cat([rows @ image[..., first:end, :] for first, end, rows in _blocks(axis, image.dtype, image.device)], dim=-2)


def _resize_columns(image: Tensor, axis: _Axis) -> Tensor:
    return torch.cat([image[..., first:end] @ rows.mT for first, end, rows in _blocks(axis, image.dtype, image.device)], dim=-1)


class _Resize(torch.autograd.Function):
    """Both axes. Left to autograd, every block would add a gradient of the whole picture, nearly all of it zeros."""

    @staticmethod
    def forward(image: Tensor, rows: _Axis, columns: _Axis) -> Tensor:
        with torch.autocast(image.device.type, enabled=False):  # bfloat16 has 8 bits; a picture in 8 bits would lose its last ones
            return _resize_columns(_resize_rows(image, rows), columns)

    @staticmethod
    def setup_context(ctx, inputs: tuple, output: Tensor) -> None:
        _, *ctx.axes = inputs

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        return _Resize.apply(grad, *(replace(axis, adjoint=not axis.adjoint) for axis in ctx.axes)), None, None


def _rounded(pixels: Tensor) -> Tensor:
    """To whole numbers from 0 to 255, halves up, as MATLAB's uint8 does it."""
    return (pixels + (0.5 + TIE)).floor_().clamp_(0, 255)
