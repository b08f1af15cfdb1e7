"""How good is a restored picture? Every number is scored under a `Protocol` and is worth nothing without it."""

from restorelab.metrics.protocol import COURSE_RGB, MATLAB_Y, PROTOCOLS, Protocol, find_protocol, same_protocol
from restorelab.metrics.psnr import dataset_psnr, psnr, rmse
from restorelab.metrics.ssim import ssim, ssim_map

__all__ = [
    "COURSE_RGB",
    "MATLAB_Y",
    "PROTOCOLS",
    "Protocol",
    "dataset_psnr",
    "find_protocol",
    "psnr",
    "rmse",
    "same_protocol",
    "ssim",
    "ssim_map",
]
