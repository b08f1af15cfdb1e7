"""The dynamic filter: a convolution whose kernel is another one at every pixel. UDVD restores with it.

    out[b, c, y*s + dy, x*s + dx] = sum over i, j of kernels[b, dy, dx, i, j, y, x] * image[b, c, y + i - r, x + j - r],    r = k // 2

It is a correlation (tap (0, 0) weighs the pixel above and to the left), all colours share the kernels, and each of the s x s output
pixels that lie in one input pixel has a kernel of its own: s > 1 enlarges.

The textbook way (unfold, then a matrix product per pixel) copies the picture k*k times. Here the picture is shifted and added up
tap by tap, a band of rows at a time, so that the sum stays in the cache and nothing larger than the result is made.

Call T(g, x, K) the sum of g times the filtered x. It is linear in each of the three, so the filter is dT/dg and its derivatives are
dT/dx and dT/dK, whose derivatives are again two of the three: three functions give derivatives of any order.
"""

from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

BORDERS = {"replicate": "replicate", "zeros": "constant"}  # ours -> torch's names
BAND_CPU = 2**16  # elements of one sum: with picture and taps it stays in the second-level cache
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
    for some, rows, rows_padded in _bands(padded, k):
        windows = _one_by_one(_windows(_shifted(padded[some, :, rows_padded], k), k))
        total = torch.empty_like(windows[0], memory_format=torch.contiguous_format)
        for phase, taps in zip(_phases(out, scale, some, rows), _taps(kernels[some, ..., rows, :].to(total.dtype)), strict=True):
            total.zero_()
            for window, tap in zip(windows, _one_by_one(taps), strict=True):
                total.addcmul_(window, tap)
            phase.copy_(total)
    return out


def _scatter(grad: Tensor, kernels: Tensor) -> Tensor:
    (b, scale, _, k, _, h, w), channels = kernels.shape, grad.shape[1]
    out = grad.new_zeros(b, channels, h + k - 1, w + k - 1, dtype=_wide(grad.dtype))
    for some, rows, rows_padded in _bands(out, k):
        band = out[some, :, rows_padded]
        totals = _shifted(band, k).zero_()
        windows = _one_by_one(_windows(totals, k))
        for phase, taps in zip(_phases(grad, scale, some, rows), _taps(kernels[some, ..., rows, :].to(out.dtype)), strict=True):
            phase = phase.to(out.dtype, memory_format=torch.contiguous_format, copy=True)
            for window, tap in zip(windows, _one_by_one(taps), strict=True):
                window.addcmul_(phase, tap)
        for j, total in enumerate(totals):
            band[..., j : j + w] += total
    return out.to(grad.dtype)


def _correlate(grad: Tensor, padded: Tensor, scale: int) -> Tensor:
    (b, channels), (h, w) = grad.shape[:2], (side // scale for side in grad.shape[2:])
    k = padded.shape[3] - w + 1
    out = grad.new_empty(b, scale, scale, k, k, h, w)
    for some, rows, rows_padded in _bands(padded, k):
        windows = _windows(_shifted(padded[some, :, rows_padded], k), k)
        phases = torch.stack(_phases(grad, scale, some, rows)).to(windows.dtype)
        band = out[some, ..., rows, :]
        total = band if band.dtype == windows.dtype else torch.empty_like(band, dtype=windows.dtype)
        taps = _taps(total).squeeze(4)
        for c in range(channels):
            colour, seen = phases[:, None, None, :, c], windows[:, :, :, c]
            torch.mul(colour, seen, out=taps) if c == 0 else taps.addcmul_(colour, seen)
        if total is not band:
            band.copy_(total)
    return out


def _bands(padded: Tensor, k: int) -> Iterator[tuple[slice, slice, slice]]:
    """Which pictures, which rows of them, and the rows of the padded picture these reach: a few small pictures, or a part of one."""
    b, channels, h, w = padded.shape[0], padded.shape[1], padded.shape[2] - k + 1, padded.shape[3] - k + 1
    budget = BAND_CPU if padded.device.type in ("cpu", "meta") else BAND_GPU
    pictures = max(1, min(b, budget // (channels * h * w)))
    count = -(-h // max(1, min(h, budget // (channels * w))))
    height = -(-h // count)  # all bands alike, rather than full ones and a remainder
    for first in range(0, b, pictures):
        for top in range(0, h, height):
            bottom = min(top + height, h)
            yield slice(first, first + pictures), slice(top, bottom), slice(top, bottom + k - 1)


def _shifted(padded: Tensor, k: int) -> Tensor:
    """`b c h w` -> `k b c h w-k+1`: a copy for every tap column, so that whatever a tap sees is one unbroken run of memory."""
    columns = padded.unfold(3, padded.shape[3] - k + 1, 1).permute(3, 0, 1, 2, 4)
    return columns.to(_wide(padded.dtype), memory_format=torch.contiguous_format, copy=True)


def _windows(shifted: Tensor, k: int) -> Tensor:
    """What each tap sees, as a view `column row b c h w`."""
    return shifted.unfold(3, shifted.shape[3] - k + 1, 1).permute(0, 3, 1, 2, 5, 4)


def _taps(kernels: Tensor) -> Tensor:
    """`b s s k k h w` -> the same as a view `phase column row b 1 h w`."""
    return kernels.flatten(1, 2).unsqueeze(4).permute(1, 3, 2, 0, 4, 5, 6)


def _one_by_one(taps: Tensor) -> list[Tensor]:
    """`column row ...` -> all of them in a row. Column by column: five in turn read the same shifted copy, which is still in the cache.
    (Unbinding makes the views several times faster than indexing.)"""
    return [tap for column in taps.unbind(0) for tap in column.unbind(0)]


def _phases(image: Tensor, scale: int, pictures: slice, rows: slice) -> list[Tensor]:
    """Views `b c h w`: of every input pixel, its output pixel (dy, dx)."""
    band = image[pictures, :, rows.start * scale : rows.stop * scale]
    return [band[..., dy::scale, dx::scale] for dy in range(scale) for dx in range(scale)]


def _wide(dtype: torch.dtype) -> torch.dtype:
    """What to add up in."""
    return torch.promote_types(dtype, torch.float32)
