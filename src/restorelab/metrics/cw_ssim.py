"""What DeblurGAN-v2's table calls SSIM: `cw_ssim_value` of the package pyssim, "complex wavelet SSIM".

CW-SSIM was meant to overlook small moves and turns of the picture (Sampat, Wang, Gupta, Bovik, Markey 2009, IEEE TIP 18(11)): it
compares phases of complex wavelets. pyssim (jterrace/pyssim, ssim/ssimlib.py) takes another road, and this file follows it to the digit:

    the grey picture, 8-bit, its rows laid end to end, as one long line x;
    its convolutions c1 ... c30 with Ricker wavelets ("Mexican hats") of width 1 to 30, each 10 widths long, zeros beyond the ends;
    at each pixel  (2 sum|c d| + k) / (sum|c|^2 + sum|d|^2 + k)  times  (2 |sum c conj(d)| + k) / (2 sum|c d| + k),   k = 0.01;
    the mean over the pixels.

Ricker wavelets are real. So the two factors share a term, and what is left is (2 |sum c d| + k) / (sum c^2 + sum d^2 + k), as
computed here: no phase, nothing complex, nothing vertical. The negative of a picture scores nearly as high as the picture itself. It is
neither Wang's SSIM nor Sampat's, and a number of it says nothing beside one of those.
"""

import math

import numpy as np
from jaxtyping import Float64, Int64
from scipy.signal import oaconvolve

WIDTHS = range(1, 31)
LENGTH = 10  # of a wavelet, in its widths
K = 0.01


def cw_ssim_of_pixels(a: Float64[np.ndarray, "h w c"], b: Float64[np.ndarray, "h w c"]) -> float:
    """pyssim's CW-SSIM of 8-bit pixels in 0..255, grey or RGB."""
    # Wavelets are real, so one complex line carries both pictures: its real part answers for the one, its imaginary for the other.
    line = grey(a).ravel() + 1j * grey(b).ravel()
    energy, product = np.zeros(line.size), np.zeros(line.size)
    for width in WIDTHS:
        answer = oaconvolve(line, ricker(min(LENGTH * width, line.size), width), mode="same")
        energy += answer.real**2 + answer.imag**2
        product += answer.real * answer.imag
    return float(np.mean((2 * np.abs(product) + K) / (energy + K)))


def ricker(length: int, width: float) -> Float64[np.ndarray, " n"]:
    """The second derivative of a Gaussian of that standard deviation, turned over, of energy 1."""
    square = ((np.arange(length) - (length - 1) / 2) / width) ** 2
    return 2 / (math.sqrt(3 * width) * math.pi**0.25) * (1 - square) * np.exp(-square / 2)


def grey(pixels: Float64[np.ndarray, "h w c"]) -> Int64[np.ndarray, "h w"]:
    """Whole grey levels as Pillow makes them: BT.601 luma in 16-bit arithmetic, rounded."""
    whole = pixels.astype(np.int64)
    if whole.shape[2] == 1:
        return whole[:, :, 0]
    return (whole @ np.array([19595, 38470, 7471]) + 0x8000) >> 16
