"""Structural similarity: are mean, contrast and structure of every small window alike?

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
13(4), 2004.
"""

import cv2
import numpy as np
from jaxtyping import Float64
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.protocol import COURSE_RGB, Protocol

WINDOW = 11  # pixels on a side
SIGMA = 1.5  # pixels
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # the paper's constants for pixels in 0..255: they keep dark, flat windows from 0/0


def ssim(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> float:
    """Mean SSIM, at most 1 (equal pictures), over all windows that fit into the picture and over the channels.

    `restored`, `clean`: `c h w`, floating point, RGB in [0, 1]; `restored` is clamped. Float64 throughout, because
    E[x^2] - E[x]^2 loses smooth pictures in less. MATLAB's `ssim` of a colour picture is another number (it takes the
    three channels for a volume) and lies 0.13 higher on average: papers that used it cannot be compared with this one.

    Raises `ParameterError` if the two cannot be compared (sizes, a batch, NaN, `clean` outside [0, 1]) or are smaller than
    the 11x11 window after the border is cut.
    """
    a, b = protocol.prepare_pair(restored, clean)
    height, width, _ = a.shape
    if min(height, width) < WINDOW:
        raise ParameterError(f"SSIM looks through {WINDOW}x{WINDOW} windows; {height}x{width} pixels (border cut) are too few.")
    return float(_ssim_map(a, b).mean())


def _ssim_map(a: Float64[np.ndarray, "h w c"], b: Float64[np.ndarray, "h w c"]) -> Float64[np.ndarray, "h2 w2 c"]:
    mean_a, mean_b = _window_mean(a), _window_mean(b)
    product, squares = mean_a * mean_b, mean_a**2 + mean_b**2
    covariance = _window_mean(a * b) - product
    variances = _window_mean(a * a + b * b) - squares  # only the sum of the two is needed: four filterings, not five
    return (2 * product + C1) * (2 * covariance + C2) / ((squares + C1) * (variances + C2))


def _window_mean(x: np.ndarray) -> np.ndarray:
    """Gaussian-weighted mean of every window that lies inside: `h w c` -> `h-10 w-10 c`."""
    offsets = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    inside = slice(WINDOW // 2, -(WINDOW // 2))
    # OpenCV filters everything, with some padding, and drops a single channel's axis.
    return cv2.sepFilter2D(x, -1, weights, weights).reshape(x.shape)[inside, inside]
