"""The convention switchboard: how far one picture's score moves without a pixel being touched.

Every row is a convention that somebody's numbers follow, found in their code. It is applied to the same two pictures as all the
others, and its distance from the course's own protocol is noted. What a set of pictures adds, pooling, is `dataset_psnr`.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float64
from torch import Tensor

from restorelab.metrics.protocol import COURSE_RGB, MATLAB_Y, PROTOCOLS, Protocol
from restorelab.metrics.psnr import gap, psnr
from restorelab.metrics.ssim import ssim
from restorelab.metrics.windows import C1, C2, gaussian_window

Plane = Float64[np.ndarray, "h w"]
Pixels = Float64[np.ndarray, "h w c"]


@dataclass(frozen=True)
class Row:
    """One convention: what it says of the picture (dB, SSIM; None where it has no say), and how much more than the course's does."""

    convention: str
    followed_by: str
    psnr: float | None
    ssim: float | None
    psnr_difference: float | None
    ssim_difference: float | None


def switchboard(restored: Tensor, clean: Tensor, border: int = 4) -> list[Row]:
    """Score one pair `3 h w` under every convention; the first row is the course's. `border`: pixels that the border row leaves out.

    Raises `ParameterError` as `psnr` and `ssim` do.
    """
    reference = COURSE_RGB.compare(restored, clean)
    found = [(name, who, psnr(restored, clean, p), ssim(restored, clean, p)) for name, who, p in _protocols(border)]
    found += [(name, who, of(reference.restored, reference.clean), None) for name, who, of in PSNR_VARIANTS]
    found += [(name, who, None, of(reference.restored, reference.clean)) for name, who, of in SSIM_VARIANTS]
    found.append(("CW-SSIM", "DeblurGAN-v2's table", None, ssim(restored, clean, replace(COURSE_RGB, ssim="CW-SSIM"))))
    _, _, own_psnr, own_ssim = found[0]
    moved = [tuple(None if value is None else gap(value, own) for value, own in ((row[2], own_psnr), (row[3], own_ssim))) for row in found]
    return [Row(*row, *by) for row, by in zip(found, moved, strict=True)]


def _protocols(border: int) -> list[tuple[str, str, Protocol]]:
    return [
        ("RGB, rounded to 8 bits, SSIM of 2-D windows", "this course", COURSE_RGB),
        ("not rounded", "scores taken while training (MPRNet)", replace(COURSE_RGB, rounding="none")),
        ("truncated to 8 bits", "DeblurGAN-v2", replace(COURSE_RGB, rounding="truncated")),
        (f"border of {border} left out", "super-resolution", COURSE_RGB.with_border(border)),
        ("Y in 16..235", "BasicSR", PROTOCOLS["SR x4"].with_border(0)),
        ("Y in 16..235, rounded", "MATLAB: deraining, PIRM", MATLAB_Y),
        ("Y in 0..255", "OpenCV, Pillow, pyiqa's default", replace(COURSE_RGB, colour="y_full")),
        ("SSIM of a volume", "MATLAB: GoPro, SIDD since MPRNet", PROTOCOLS["GoPro/HIDE"]),
    ]


def mean_of_channel_psnrs(a: Pixels, b: Pixels) -> float:
    """dB. Never below the PSNR of all channels together."""
    return float(np.mean([_psnr(np.mean((a[:, :, c] - b[:, :, c]) ** 2)) for c in range(a.shape[2])]))


def psnr_with_peak_of_the_picture(a: Pixels, b: Pixels) -> float:
    """dB below the range that the clean picture happens to have, instead of 255."""
    return _psnr(np.mean((a - b) ** 2), peak=b.max() - b.min())


def psnr_with_epsilon(a: Pixels, b: Pixels) -> float:
    """1e-8 beside the MSE of pictures in [0, 1]: equal ones get 80 dB."""
    return 10 * math.log10(1 / (np.mean((a - b) ** 2) / 255**2 + 1e-8))


def ssim_uniform(a: Pixels, b: Pixels) -> float:
    """7x7 windows of equal weight, covariances of a sample (n - 1)."""
    return _ssim(a, b, np.full(7, 1 / 7), sample=49 / 48)


def ssim_zero_padded(a: Pixels, b: Pixels) -> float:
    """Windows that reach over the border find black there, and count."""
    return _ssim(a, b, gaussian_window(), padding=cv2.BORDER_CONSTANT)


def ssim_reflected(a: Pixels, b: Pixels) -> float:
    """Windows that reach over the border find the picture mirrored there, and count."""
    return _ssim(a, b, gaussian_window(), padding=cv2.BORDER_REFLECT_101)


def ssim_downsampled(a: Pixels, b: Pixels) -> float:
    """Both averaged over squares first, so that the shorter side comes to about 256."""
    factor = max(1, round(min(a.shape[:2]) / 256))
    height, width = (side // factor * factor for side in a.shape[:2])
    small = (x[:height, :width].reshape(height // factor, factor, width // factor, factor, -1).mean((1, 3)) for x in (a, b))
    return _ssim(*small, gaussian_window())


Variant = tuple[str, str, Callable[[Pixels, Pixels], float]]
PSNR_VARIANTS: tuple[Variant, ...] = (
    ("mean of the three channels' PSNRs", "some scripts", mean_of_channel_psnrs),
    ("peak from the picture", "torchmetrics without data_range", psnr_with_peak_of_the_picture),
    ("epsilon under the logarithm", "piq, pyiqa", psnr_with_epsilon),
)
SSIM_VARIANTS: tuple[Variant, ...] = (
    ("7x7 windows of equal weight", "scikit-image's default", ssim_uniform),
    ("zeros beyond the border", "many losses", ssim_zero_padded),
    ("mirrored beyond the border", "torchmetrics", ssim_reflected),
    ("pictures made small first", "piq's default", ssim_downsampled),
)


def _psnr(squared_error: float, peak: float = 255.0) -> float:
    return math.inf if squared_error == 0 else 10 * math.log10(peak**2 / squared_error) if peak else -math.inf


def _ssim(a: Pixels, b: Pixels, weights: np.ndarray, padding: int | None = None, sample: float = 1.0) -> float:
    """The textbook's formula; `padding`: OpenCV's border, or None for windows inside the picture alone."""
    values = [
        _ssim_plane(np.ascontiguousarray(a[:, :, c]), np.ascontiguousarray(b[:, :, c]), weights, padding, sample) for c in range(a.shape[2])
    ]
    return float(np.mean(values))


def _ssim_plane(a: Plane, b: Plane, weights: np.ndarray, padding: int | None, sample: float) -> float:
    radius = len(weights) // 2
    border = cv2.BORDER_REFLECT_101 if padding is None else padding
    inside = slice(radius, -radius) if padding is None else slice(None)

    def mean(x: Plane) -> Float64[np.ndarray, "h2 w2"]:
        return cv2.sepFilter2D(x, -1, weights, weights, borderType=border)[inside, inside]

    mean_a, mean_b = mean(a), mean(b)
    variance_a, variance_b = sample * (mean(a * a) - mean_a**2), sample * (mean(b * b) - mean_b**2)
    covariance = sample * (mean(a * b) - mean_a * mean_b)
    top = (2 * mean_a * mean_b + C1) * (2 * covariance + C2)
    return float(np.mean(top / ((mean_a**2 + mean_b**2 + C1) * (variance_a + variance_b + C2))))
