"""The dynamic filter: a convolution whose kernel is another one at every pixel. UDVD restores with it.

    out[b, c, y*s + dy, x*s + dx] = sum over i, j of kernels[b, dy, dx, i, j, y, x] * image[b, c, y + i - r, x + j - r],    r = k // 2

It is a correlation (tap (0, 0) weighs the pixel above and to the left), all colours share the kernels, and each of the s x s output
pixels that lie in one input pixel has a kernel of its own: s > 1 enlarges.

The textbook way (unfold, then a matrix product per pixel) copies the picture k*k times. Here the picture is shifted and added up
tap by tap, a band of rows at a time, so that the sum stays in the cache and little is made besides the result.

Call T(g, x, K) the sum of g times the filtered x. It is linear in each of the three, so the filter is dT/dg and its derivatives are
dT/dx and dT/dK, whose derivatives are again two of the three: three functions give derivatives of any order.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

BORDERS = {"replicate": "replicate", "zeros": "constant"}  # ours -> torch's names
BAND_CPU = 2**17  # elements of a band: with picture and taps they stay in the second-level cache
BAND_GPU = 2**22  # enough work for one launch


def dynamic_filter(
    image: Float[Tensor, "b c h w"], kernels: Float[Tensor, "b s s k k h w"], border: str = "replicate"
) -> Float[Tensor, "b c h*s w*s"]:
    """`b c h w` -> `b c h*s w*s`. Kernels are indexed (output row, output column, tap row, tap column, row, column); k is odd.

    Beyond its border the picture goes on as its edge pixel ("replicate") or as 0 ("zeros"). float16 and bfloat16 are added up in
    float32; of two types the result has the wider. Kernels that are not contiguous are copied. Raises ValueError for an even k or
    an unknown border.
    """
    taps = kernels.shape[3]
    if taps % 2 == 0:
        raise ValueError(f"a dynamic filter needs an odd number of taps, so that one is in the middle; got {taps}x{taps}")
    if border not in BORDERS:
        raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {border!r}")
    dtype = torch.promote_types(image.dtype, kernels.dtype)
    padded = F.pad(image, (taps // 2,) * 4, mode=BORDERS[border])
    return _Filter.apply(padded.to(dtype), kernels.to(dtype).contiguous())


class _Filter(torch.autograd.Function):
    """dT/dg: picture with its border x, kernels K -> filtered picture."""

    @staticmethod
    def forward(ctx, padded: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(padded, kernels)
        return _filter(padded, kernels)

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, Tensor | None]:
        padded, kernels = ctx.saved_tensors
        by_padded = _ByPicture.apply(grad, kernels) if ctx.needs_input_grad[0] else None
        by_kernels = _ByKernels.apply(grad, padded, kernels.shape[1]) if ctx.needs_input_grad[1] else None
        return by_padded, by_kernels


class _ByPicture(torch.autograd.Function):
    """dT/dx: g, K -> a picture with border. The adjoint of the filter for fixed kernels."""

    @staticmethod
    def forward(ctx, grad: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(grad, kernels)
        return _scatter(grad, kernels)

    @staticmethod
    def backward(ctx, padded: Tensor) -> tuple[Tensor | None, Tensor | None]:
        grad, kernels = ctx.saved_tensors
        by_grad = _Filter.apply(padded, kernels) if ctx.needs_input_grad[0] else None
        by_kernels = _ByKernels.apply(grad, padded, kernels.shape[1]) if ctx.needs_input_grad[1] else None
        return by_grad, by_kernels


class _ByKernels(torch.autograd.Function):
    """dT/dK: g, x -> kernels. At every pixel, what each tap saw, times g, summed over the colours."""

    @staticmethod
    def forward(ctx, grad: Tensor, padded: Tensor, scale: int) -> Tensor:
        ctx.save_for_backward(grad, padded)
        return _correlate(grad, padded, scale)

    @staticmethod
    def backward(ctx, kernels: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        grad, padded = ctx.saved_tensors
        by_grad = _Filter.apply(padded, kernels) if ctx.needs_input_grad[0] else None
        by_padded = _ByPicture.apply(grad, kernels) if ctx.needs_input_grad[1] else None
        return by_grad, by_padded, None


def _filter(padded: Tensor, kernels: Tensor) -> Tensor:
    (b, scale, _, k, _, h, w), channels = kernels.shape, padded.shape[1]
    out = padded.new_empty(b, channels, h * scale, w * scale)
    out_phases = _phases(out, scale)
    room = _Room(_wide(padded.dtype), padded.device)
    for some, rows, n, height in _bands(b, h, scale**2 * channels * w, padded.device):
        total = room("total", scale**2, n, channels, height, w)
        column = room("column", n, channels, height + k - 1, w)
        windows = _windows(column, k)
        taps = _taps(kernels[some, ..., rows, :]).to(total.dtype).unbind(1)
        for j in range(k):
            column.copy_(padded[some, :, rows.start : rows.stop + k - 1, j : j + w])
            for i in range(k):
                if i == j == 0:
                    torch.mul(windows[i], taps[0], out=total)
                else:
                    total.addcmul_(windows[i], taps[i * k + j])
        out_phases[:, :, some, :, rows] = total.unflatten(0, (scale, scale))
    return out


def _scatter(grad: Tensor, kernels: Tensor) -> Tensor:
    (b, scale, _, k, _, h, w), channels = kernels.shape, grad.shape[1]
    out = grad.new_zeros(b, channels, h + k - 1, w + k - 1, dtype=_wide(grad.dtype))
    grad_phases = _phases(grad, scale)
    room = _Room(out.dtype, grad.device)
    for some, rows, n, height in _bands(b, h, channels * w, grad.device):
        phase = room("phase", n, channels, height, w)
        columns = room("columns", k, n, channels, height + k - 1, w).zero_()
        windows = [_windows(column, k) for column in columns]
        taps = _taps(kernels[some, ..., rows, :]).to(out.dtype).flatten(0, 1).unbind(0)
        for p in range(scale**2):
            phase.copy_(grad_phases[p // scale, p % scale, some, :, rows])
            for j in range(k):
                for i in range(k):
                    windows[j][i].addcmul_(phase, taps[(p * k + i) * k + j])
        for j in range(k):
            out[some, :, rows.start : rows.stop + k - 1, j : j + w] += columns[j]
    return out.to(grad.dtype)


def _correlate(grad: Tensor, padded: Tensor, scale: int) -> Tensor:
    (b, channels), (h, w) = grad.shape[:2], (side // scale for side in grad.shape[2:])
    k = padded.shape[3] - w + 1
    out = grad.new_empty(b, scale, scale, k, k, h, w)
    grad_phases = _phases(grad, scale)
    room = _Room(_wide(grad.dtype), grad.device)
    for some, rows, n, height in _bands(b, h, scale**2 * channels * w, grad.device):
        phases = room("phases", scale, scale, n, channels, height, w).copy_(grad_phases[:, :, some, :, rows])
        colours = phases.flatten(0, 1).unsqueeze(3).unbind(2)
        column = room("column", n, channels, height + k - 1, w)
        windows = [window.unsqueeze(2).unbind(1) for window in _windows(column, k)]
        taps = _taps(out[some, ..., rows, :]).unbind(1)
        for j in range(k):
            column.copy_(padded[some, :, rows.start : rows.stop + k - 1, j : j + w])
            for i in range(k):
                tap = taps[i * k + j]
                total = tap if tap.dtype == phases.dtype else room("total", *tap.shape)
                torch.mul(colours[0], windows[i][0], out=total)
                for colour, seen in zip(colours[1:], windows[i][1:], strict=True):
                    total.addcmul_(colour, seen)
                if total is not tap:
                    tap.copy_(total)
    return out


class _Room:
    """Memory to work in, asked for by name and shape, and the same for every band: fresh memory costs more than the arithmetic."""

    def __init__(self, dtype: torch.dtype, device: torch.device):
        self.dtype, self.device, self.held = dtype, device, {}

    def __call__(self, name: str, *shape: int) -> Tensor:
        if name not in self.held or self.held[name].shape != shape:
            self.held[name] = torch.empty(shape, dtype=self.dtype, device=self.device)
        return self.held[name]


def _bands(b: int, h: int, row: int, device: torch.device) -> Iterator[tuple[slice, slice, int, int]]:
    """Which pictures, which of their rows, and how many of both: a few small pictures at a time, or a part of one, so that an
    band has about BAND elements. `row`: elements that one row of one picture has in it."""
    budget = BAND_CPU if device.type in ("cpu", "meta") else BAND_GPU
    pictures = max(1, min(b, budget // (row * h)))
    count = -(-h // max(1, min(h, budget // (row * pictures))))
    height = -(-h // count)  # all bands alike, rather than full ones and a remainder
    for first in range(0, b, pictures):
        last = min(first + pictures, b)
        for top in range(0, h, height):
            bottom = min(top + height, h)
            yield slice(first, last), slice(top, bottom), last - first, bottom - top


def _windows(column: Tensor, k: int) -> list[Tensor]:
    """What the k taps of one tap column see. The column is a copy as wide as the picture, so each is one unbroken run of memory."""
    return [column[:, :, i : i + column.shape[2] - k + 1] for i in range(k)]


def _taps(kernels: Tensor) -> Tensor:
    """`b s s k k h w` -> a view `phase tap b 1 h w`, taps row by row. (Unbinding it is several times faster than indexing.)"""
    return kernels.flatten(3, 4).flatten(1, 2).permute(1, 2, 0, 3, 4).unsqueeze(3)


def _phases(image: Tensor, scale: int) -> Tensor:
    """`b c h*s w*s` -> a view `s s b c h w`: of every input pixel, its output pixel (dy, dx)."""
    return image.unflatten(3, (-1, scale)).unflatten(2, (-1, scale)).permute(3, 5, 0, 1, 2, 4)


def _wide(dtype: torch.dtype) -> torch.dtype:
    """What to add up in."""
    return torch.promote_types(dtype, torch.float32)
