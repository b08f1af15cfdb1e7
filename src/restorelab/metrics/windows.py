"""What the kinds of SSIM share: the Gaussian window, and the map over all windows.

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
13(4), 2004.

The textbook's (2 ma mb + C1) / (ma^2 + mb^2 + C1) times (2 cov + C2) / (va + vb + C2) is computed as

    (1 - md^2 / (ma^2 + mb^2 + C1)) (1 - vd / (va + vb + C2)),      d = a - b,

which is the same, needs the mean and variance of the difference instead of a covariance (four filterings, not five), and gives equal
pictures exactly 1. It also shows where digits are lost: va + vb is a small difference of large numbers and needs float64, while what is
about d is as small as d is, and half as long in float32. Strips of rows keep what is between in the processor's cache.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

WINDOW = 11  # pixels on a side
SIGMA = 1.5  # pixels
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # the paper's constants for pixels in 0..255: they keep dark, flat windows from 0/0
STRIP = 64  # rows of windows at a time: quicker than 32 and 128 at 1280x720 where measured

WindowMean = Callable[[np.ndarray], np.ndarray]  # `h w` -> `h-10 w-10`, of the same type
Mean = Callable[[Tensor, bool], Tensor]  # of every window; True: what is averaged is not needed afterwards, and may hold the result


def gaussian_window() -> Float64[np.ndarray, " 11"]:
    """One side of the window, which is separable; sums to 1."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    return weights / weights.sum()


def inside(filtered: np.ndarray) -> np.ndarray:
    """The windows that lie wholly inside: OpenCV filters everything, with some padding."""
    radius = WINDOW // 2
    return filtered[radius:-radius, radius:-radius]


def similarity_strips(
    a: Float64[np.ndarray, "h w"], b: Float64[np.ndarray, "h w"], window_mean: WindowMean, fine: torch.dtype
) -> Iterator[Float[np.ndarray, "h2 w2"]]:
    """SSIM of every window of one plane, a strip of rows after the other. `fine`: as for `similarity`."""
    rows = a.shape[0] - WINDOW + 1

    def mean(x: Tensor, _: bool) -> Tensor:
        return torch.from_numpy(window_mean(x.numpy()))

    a, b = torch.from_numpy(a), torch.from_numpy(b)
    for top in range(0, rows, STRIP):
        strip = slice(top, min(top + STRIP, rows) + WINDOW - 1)
        yield similarity(a[strip], b[strip], mean, fine).numpy()


def similarity(a: Tensor, b: Tensor, mean: Mean, fine: torch.dtype) -> Tensor:
    """SSIM of every window in the type `fine`, torch.float32 or float64, that of all that is about the difference.

    In torch and in place, which spares a third of the passes over memory. The constants go in where a pass is needed anyway.
    """
    squares = mean(torch.addcmul(C1_AND_C2, a, a).addcmul_(b, b), True)
    difference = (a - b).to(fine)
    mean_a, mean_difference = mean(a, False), mean(difference, False)
    spread = mean(difference.mul_(difference), True)
    brightness = torch.addcmul(JUST_C1, mean_a, mean_a)
    mean_b = mean_a.sub_(mean_difference)
    brightness.addcmul_(mean_b, mean_b)  # ma^2 + mb^2 + C1
    variances = squares.sub_(brightness).to(fine)  # va + vb + C2
    brightness, mean_difference = brightness.to(fine), mean_difference.mul_(mean_difference)
    contrast = torch.addcdiv(ONE.to(fine), spread.sub_(mean_difference), variances, value=-1, out=spread)
    return torch.addcdiv(ONE.to(fine), mean_difference, brightness, value=-1, out=mean_difference).mul_(contrast)


JUST_C1, C1_AND_C2 = (torch.tensor(constant, dtype=torch.float64) for constant in (C1, C1 + C2))
ONE = torch.tensor(1.0)
