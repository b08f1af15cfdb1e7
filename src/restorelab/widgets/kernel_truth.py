"""The kernels that a picture was really blurred with, at every pixel, from whatever the recipes say of it."""

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from restorelab.degrade.varying import gaussian_kernels
from restorelab.errors import ParameterError

LEVELS = 256  # kernels at most: a label is a byte
MOST_TAPS = 2**17  # of all kernels; as half floats 256 kB
FORMS = "one kernel `k k`, a map of standard deviations `1 H W` (VaryingBlur's truth), or regions: (labels `H W`, kernels `n k k`)"

Truth = Tensor | tuple[Tensor, Tensor]


class TrueKernels(NamedTuple):
    """A few kernels, and which of them every pixel of a window has."""

    kernels: Float[Tensor, "n k k"]
    labels: UInt8[np.ndarray, "h w"]


def true_kernels(truth: Truth, size: tuple[int, int], rows: slice, columns: slice) -> TrueKernels:
    """What recipes give as truth -> kernels of the pixels in a window of the clean picture, whose `size` is (H, W).

    truth: `kernel`, `k k`, of the blurs that are the same everywhere; `std_map`, `1 H W`, of VaryingBlur; or regions, a tuple of labels
    `H W` and kernels `n k k`. A map with more than 256 widths in the window is rounded to 256 of them (fewer where kernels are large).

    Shown as given. `kernel` says how a point of light spreads, a predicted kernel what a pixel collects: they compare directly where the
    blur is symmetric, and otherwise the one is to be turned by 180 degrees.

    Raises ParameterError for anything else, and for kernels too many or too large for a page.
    """
    regions = isinstance(truth, tuple)
    if not regions and truth.ndim == 2:
        found = TrueKernels(truth[None].float(), np.zeros((_length(rows), _length(columns)), np.uint8))
    elif not regions and tuple(truth.shape) == (1, *size):
        found = _of_widths(truth[0], rows, columns)
    elif regions and len(truth) == 2 and tuple(truth[0].shape) == size and truth[1].ndim == 3:
        found = _of_regions(*truth, rows, columns)
    else:
        given = ", ".join(str(tuple(part.shape)) for part in (truth if regions else (truth,)))
        raise ParameterError(f"truth is {FORMS}, with H, W = {size[0]}, {size[1]}; got {given}.")
    return _checked(found)


def _of_widths(std: Float[Tensor, "h w"], rows: slice, columns: slice) -> TrueKernels:
    radius = int(np.ceil(3 * float(std.max()) - 1e-4))  # VaryingBlur's window
    levels = max(2, min(LEVELS, MOST_TAPS // (2 * radius + 1) ** 2))
    window = std[rows, columns].double().numpy()
    widths, labels = np.unique(window, return_inverse=True)
    if len(widths) > levels:
        widths = np.linspace(window.min(), window.max(), levels)
        labels = np.rint((window - widths[0]) / (widths[1] - widths[0]))
    kernels = gaussian_kernels(torch.from_numpy(widths)[None], radius)[:, :, 0].permute(2, 0, 1)
    return TrueKernels(kernels.float(), labels.reshape(window.shape).astype(np.uint8))


def _of_regions(labels: Tensor, kernels: Tensor, rows: slice, columns: slice) -> TrueKernels:
    """Only the kernels that occur in the window."""
    present, renamed = np.unique(labels[rows, columns].numpy(), return_inverse=True)
    if present.min() < 0 or present.max() >= len(kernels):
        raise ParameterError(f"labels go from {present.min()} to {present.max()}, but the {len(kernels)} kernels are numbered from 0.")
    if len(present) > LEVELS:
        raise ParameterError(f"there are {len(present)} kernels in this window; a page holds at most {LEVELS}: choose a smaller crop.")
    shape = (_length(rows), _length(columns))
    return TrueKernels(kernels[torch.from_numpy(present).long()].float(), renamed.reshape(shape).astype(np.uint8))


def _checked(found: TrueKernels) -> TrueKernels:
    height, width = found.kernels.shape[1:]
    if height != width or height % 2 == 0:
        raise ParameterError(f"a true kernel is square and of odd side, so that one tap is in the middle; got {height}x{width}.")
    if found.kernels.numel() > MOST_TAPS:
        raise ParameterError(f"{len(found.kernels)} true kernels of {height}x{width} are too much for a page: cut them to fewer taps.")
    return found


def _length(window: slice) -> int:
    return window.stop - window.start
