"""How good is a restored picture? Every number is scored under a `Protocol` and is worth nothing without it."""

from restorelab.metrics.protocol import COURSE_RGB, MATLAB_Y, Protocol, same_protocol
from restorelab.metrics.psnr import psnr
from restorelab.metrics.ssim import ssim

__all__ = ["COURSE_RGB", "MATLAB_Y", "Protocol", "psnr", "same_protocol", "ssim"]
