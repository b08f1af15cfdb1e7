"""From a picture in [0, 1] to the numbers that are compared: what may come in, rounding, luma."""

import math

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from restorelab.errors import ParameterError

# ITU-R BT.601 luma. The studio row is the first row of MATLAB's rgb2ycbcr and is 219 times the full one: Y = 16 is
# black and Y = 235 is white. All for pixels in 0..255.
LUMA_FULL = np.array([0.299, 0.587, 0.114])
LUMA_STUDIO = np.array([65.481, 128.553, 24.966]) / 255
STUDIO_BLACK = 16.0

# A clean picture may leave [0, 1] by what float32 arithmetic does to it, and no more.
RANGE_TOLERANCE = 1e-4

# A restored one may overshoot, but if it has nothing below 0 and goes as far as this, it is in 0..255.
LOOKS_LIKE_8_BIT = 20.0


def check_image(image: Tensor, name: str) -> tuple[float, float]:
    """The lowest and highest value; raises `ParameterError` unless this is one finite picture `c h w`, c = 1 or 3, not in 0..255.

    Checked here and not by the annotation: shapes in annotations are checked in tests only.
    """
    if image.ndim == 4:
        raise ParameterError(f"{name} is a batch ({describe(image)}); score one image `c h w` at a time and average the numbers.")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise ParameterError(f"{name} has the shape {tuple(image.shape)}; a picture is `c h w` with 1 or 3 channels first.")
    if not image.is_floating_point():
        raise ParameterError(f"{name} holds {image.dtype}; pictures are floating point in [0, 1] (divide 8-bit values by 255).")
    low, high = (value.item() for value in image.detach().aminmax())
    if not math.isfinite(low + high):  # one NaN makes both NaN
        raise ParameterError(f"{name} contains NaN or infinity; no number describes it. Look for the step that produced it.")
    if low >= 0 and high > LOOKS_LIKE_8_BIT:
        raise ParameterError(f"{name} has values from {low:.4g} to {high:.4g}; pictures lie in [0, 1] (divide 8-bit values by 255).")
    return low, high


def check_pair(restored: Tensor, clean: Tensor) -> None:
    """Raise `ParameterError` unless the two can be compared and `clean` lies in [0, 1]."""
    check_image(restored, "restored")
    low, high = check_image(clean, "clean")
    if restored.shape != clean.shape:
        raise ParameterError(f"restored is {describe(restored)} and clean is {describe(clean)}; the two must have one size.")
    if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
        raise ParameterError(f"clean has values from {low:.4g} to {high:.4g}; pictures lie in [0, 1] (divide 8-bit values by 255).")


def describe(image: Tensor) -> str:
    """Size in words for a message."""
    return "x".join(map(str, image.shape))


def levels(image: Tensor, rounding: str) -> Float64[np.ndarray, "c h w"]:
    """Clamped, and in units of 0..255: "8-bit" rounds to whole levels, "truncated" drops the fraction, "none" keeps it."""
    # A copy of our own, so that the caller's stays, with every channel one run of memory, however the caller laid it out.
    how = {"device": "cpu", "copy": True, "memory_format": torch.contiguous_format}
    if rounding == "truncated":
        # In float32, as the scripts that do it: k/255 rounded to it lies just above k/255 for every k, so that whole levels survive.
        return image.detach().to(dtype=torch.float32, **how).clamp_(0, 1).mul_(255).floor_().double().numpy()
    # float64 first: neither bfloat16 nor float32 may decide on which side of a half a pixel falls.
    pixels = image.detach().to(dtype=torch.float64, **how).clamp_(0, 1).mul_(255)
    # Halves go up, as in MATLAB; numpy's and torch's own `round` send them to the even neighbour.
    return (pixels.add_(0.5).floor_() if rounding == "8-bit" else pixels).numpy()


def luma(pixels: Float64[np.ndarray, "3 h w"], colour: str, rounded: bool) -> Float64[np.ndarray, "1 h w"]:
    """Y of pixels in 0..255: `colour` "y_full" or "y_studio"."""
    row = LUMA_FULL if colour == "y_full" else LUMA_STUDIO
    y = (row @ pixels.reshape(3, -1)).reshape(1, *pixels.shape[1:])
    if colour == "y_studio":
        y += STUDIO_BLACK
    if rounded:
        y += 0.5
        np.floor(y, out=y)
    return y
