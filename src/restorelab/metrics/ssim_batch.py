"""SSIM of batches of tensors, with a gradient: for losses, and for whole sets on a GPU.

The number is `ssim`'s for 2-D windows without rounding, in float32. Half precision is refused to it, autocast or not: the variance is a
difference of large, nearly equal numbers, and on a smooth picture bfloat16 makes an SSIM of -1.40 from a true 0.9957. A GPU's TF32, which
cuDNN uses for convolutions unless told otherwise, has bfloat16's fate with three more digits, and is switched off as well.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from restorelab.errors import ParameterError
from restorelab.metrics.windows import WINDOW, gaussian_window

C1, C2 = 0.01**2, 0.03**2  # for pixels in [0, 1]


def ssim_batch(restored: Tensor, clean: Tensor) -> Float[Tensor, " b"]:
    """Mean SSIM of every picture of two batches `b c h w`, over all 11x11 windows inside it and its channels; differentiable in both.

    Pixels in [0, 1]; nothing is clamped, since a clamp takes the gradient away. Raises `ParameterError` for two shapes or pictures
    smaller than a window.
    """
    if restored.shape != clean.shape or restored.ndim != 4:
        shapes = f"restored is {tuple(restored.shape)} and clean is {tuple(clean.shape)}"
        raise ParameterError(f"{shapes}; SSIM compares two batches of one shape (b, c, h, w).")
    if min(restored.shape[-2:]) < WINDOW:
        raise ParameterError(f"SSIM looks through {WINDOW}x{WINDOW} windows; {restored.shape[-2]}x{restored.shape[-1]} pixels are too few.")
    with torch.autocast(restored.device.type, enabled=False), torch.backends.cudnn.flags(**FLAGS, allow_tf32=False):
        return _map(restored.float(), clean.float()).mean((1, 2, 3))


FLAGS = {"enabled": True, "benchmark": False, "deterministic": False}


def _map(a: Tensor, b: Tensor) -> Tensor:
    """As in `windows`: through the difference of the two."""
    difference = a - b
    # Variances do not ask where zero is, and float32 keeps more of them near it. A constant to the gradient, which it does not change.
    level = a.detach().mean((1, 2, 3), keepdim=True)
    first = a - level
    second = first - difference
    terms = torch.cat([first, difference, first.square() + second.square(), difference.square()], 1)
    mean_first, mean_difference, squares, spread = _window_mean(terms).chunk(4, 1)
    mean_second = mean_first - mean_difference
    squared = mean_difference.square()
    variances = squares - mean_first.square() - mean_second.square()
    brightness = 1 - squared / ((mean_first + level).square() + (mean_second + level).square() + C1)
    return brightness * (1 - (spread - squared) / (variances + C2))


def _window_mean(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    channels = x.shape[1]
    weights = torch.from_numpy(gaussian_window()).to(x).expand(channels, 1, WINDOW)
    x = functional.conv2d(x, weights[:, :, :, None], groups=channels)
    return functional.conv2d(x, weights[:, :, None, :], groups=channels)
