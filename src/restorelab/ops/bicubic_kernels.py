"""Bicubic enlargement as a dynamic filter: the same few kernels at every pixel, one for each place inside it.

The cubic is Keys' of 1981 with a = -0.5, which MATLAB's `imresize` uses. Enlarging s times, the output pixel in row dy of an input
pixel lies (dy + 0.5)/s - 0.5 rows below its centre, so s x s kernels of 4x4 taps repeat over the picture; 5x5 holds them all.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def keys_cubic(distance: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
    """The weight of a sample `distance` samples away; 0 from 2 on. a = -0.5."""
    x = distance.abs()
    near = 1.5 * x**3 - 2.5 * x**2 + 1
    far = -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2
    return torch.where(x <= 1, near, torch.where(x < 2, far, torch.zeros_like(x)))


def bicubic_kernels(scale: int, size: int = 5) -> Float[Tensor, "s s k k"]:
    """The kernels (output row, output column, tap row, tap column) that make `dynamic_filter` enlarge bicubically; float64.

    Each sums to 1. At scale 1 the one kernel is a 1 in the middle. Raises ValueError when 4 taps do not fit into `size`.
    """
    if size % 2 == 0 or (size < 5 and scale > 1):
        raise ValueError(f"a bicubic kernel needs an odd size, at least 5 to enlarge; got {size} at scale {scale}")
    place = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    tap = torch.arange(size, dtype=torch.float64) - size // 2
    line = keys_cubic(tap[None, :] - place[:, None])
    return line[:, None, :, None] * line[None, :, None, :]
