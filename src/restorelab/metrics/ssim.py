"""Structural similarity: are mean, contrast and structure of every small window alike?

Wang, Bovik, Sheikh, Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP
13(4), 2004.
"""

from collections.abc import Iterator

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.metrics.cw_ssim import cw_ssim_of_pixels
from restorelab.metrics.protocol import COURSE_RGB, Compared, Protocol
from restorelab.metrics.ssim_volume import volume_map
from restorelab.metrics.windows import WINDOW, gaussian_window, inside, similarity_strips


def ssim(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> float:
    """Mean SSIM, at most 1 (equal pictures), of the protocol's kind; by default over all windows that fit into the picture and
    over the channels.

    `restored`, `clean`: `c h w`, floating point, RGB in [0, 1]; `restored` is clamped. MATLAB's `ssim` of a colour picture is
    another number (it takes the three channels for a volume) and lies 0.13 higher on average: papers that used it
    cannot be compared with others, and same_protocol refuses to.

    Raises `ParameterError` if the two cannot be compared (sizes, a batch, NaN, values that are not in [0, 1]) or are smaller than
    the 11x11 window after the border is cut.
    """
    pair = protocol.compare(restored, clean)
    _check_size(pair, protocol)
    if protocol.ssim == "CW-SSIM":
        return cw_ssim_of_pixels(pair.restored, pair.clean)
    if protocol.ssim == "MATLAB 3-D":
        return float(volume_map(pair.restored, pair.clean).mean())
    if pair.mask is None:
        return mean_ssim(pair.restored, pair.clean)
    similarity, mask = valid_map(pair.restored, pair.clean), inside(pair.mask)
    return float((similarity * mask).sum() / (mask.sum() * similarity.shape[2]))


def ssim_map(restored: Tensor, clean: Tensor, protocol: Protocol = COURSE_RGB) -> Float[np.ndarray, "h2 w2 c"]:
    """SSIM of every window, whose mean is `ssim`: where in the picture it is lost. Arguments and errors as for `ssim`.

    "2-D valid" has 5 rows and columns less on every side than the pixels that are scored, "MATLAB 3-D" has as many. CW-SSIM has no map:
    it looks at the picture as one long line.
    """
    if protocol.ssim == "CW-SSIM":
        raise ParameterError("CW-SSIM has no map; use a protocol with another ssim.")
    pair = protocol.compare(restored, clean)
    _check_size(pair, protocol)
    return (volume_map if protocol.ssim == "MATLAB 3-D" else valid_map)(pair.restored, pair.clean)


def _check_size(pair: Compared, protocol: Protocol) -> None:
    height, width, _ = pair.clean.shape
    if protocol.ssim == "2-D valid" and min(height, width) < WINDOW:
        raise ParameterError(f"SSIM looks through {WINDOW}x{WINDOW} windows; {height}x{width} pixels (border cut) are too few.")
    if pair.mask is not None and not inside(pair.mask).any():
        raise ParameterError("SSIM has no window in the part that both pictures show once they are aligned.")


def mean_ssim(a: Float64[np.ndarray, "h w c"], b: Float64[np.ndarray, "h w c"]) -> float:
    """The mean of `valid_map`, which is never held as a whole."""
    parts = [(strip.sum(dtype=np.float64), strip.size) for channel in _channels(a, b) for strip in channel]
    total, count = (sum(part) for part in zip(*parts, strict=True))
    return float(total / count)


def valid_map(a: Float64[np.ndarray, "h w c"], b: Float64[np.ndarray, "h w c"]) -> Float[np.ndarray, "h2 w2 c"]:
    """SSIM of all 11x11 windows that lie inside, channel by channel, in float32; pixels in 0..255."""
    return np.stack([np.concatenate(list(channel)) for channel in _channels(a, b)], axis=2)


def _channels(a: np.ndarray, b: np.ndarray) -> Iterator[Iterator[np.ndarray]]:
    return (similarity_strips(a[:, :, c], b[:, :, c], _window_mean, torch.float32) for c in range(a.shape[2]))


def _window_mean(x: np.ndarray) -> np.ndarray:
    weights = WEIGHTS.astype(x.dtype)
    return inside(cv2.sepFilter2D(x, -1, weights, weights))


WEIGHTS = gaussian_window()
