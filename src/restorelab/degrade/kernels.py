"""Blur kernels: small pictures of where the light of one point goes.

A kernel is `k k`, float32, non-negative, sums to 1, odd side, indexed (row, column), its centre the pixel itself.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def gaussian_kernel(std: float, ratio: float = 1.0, angle: float = 0.0, size: int | None = None) -> Float[Tensor, "k k"]:
    """Gaussian blur, round or elongated.

    std: standard deviation along the long axis, in pixels (SRMD and its followers give variances or eigenvalues: take the root).
    ratio: short axis over long axis, in (0, 1]; 1 is round.
    angle: of the long axis in degrees, 0 pointing right and 90 pointing up.
    size: odd side; by default wide enough to hold three standard deviations.
    """
    size = size or 2 * math.ceil(3 * std) + 1
    offset = torch.arange(size, dtype=torch.float64) - size // 2
    up, right = -offset[:, None], offset[None, :]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = right * cos + up * sin, up * cos - right * sin
    weight = torch.exp(-0.5 * ((along / std) ** 2 + (across / (std * ratio)) ** 2))
    return (weight / weight.sum()).float()


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
