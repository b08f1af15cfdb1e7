"""How much smaller an error became: what papers mean by "9 % and 21 % error reduction".

Decibels and SSIM do not tell that: 0.81 dB more is an error 8.9 % smaller. The convention (MPRNet, Zamir et al. 2021, CVPR) goes from
PSNR to RMSE, which is proportional to 10^(-PSNR/20), and from SSIM to DSSIM = (1 - SSIM) / 2.
"""

from restorelab.errors import ParameterError
from restorelab.metrics.psnr import rmse_of_psnr


def dssim(ssim: float) -> float:
    """Structural dissimilarity: 0 for equal pictures, 1 at most."""
    return (1 - ssim) / 2


def rmse_reduction(before: float, after: float) -> float:
    """The share of the RMSE that is gone when the PSNR rises from `before` to `after` (dB); negative when it falls.

    Both under one protocol. MPRNet against Suin et al. on GoPro, 31.85 -> 32.66 dB: 0.089.
    """
    return 1 - rmse_of_psnr(after - before) / rmse_of_psnr(0)


def dssim_reduction(before: float, after: float) -> float:
    """The share of the DSSIM that is gone when the SSIM goes from `before` to `after`. MPRNet against Suin et al.: 0.948 -> 0.959, 0.212.

    Raises ParameterError if `before` is 1: nothing was wrong then.
    """
    if before >= 1:
        raise ParameterError("an SSIM of 1 leaves no error to be reduced.")
    return 1 - dssim(after) / dssim(before)
