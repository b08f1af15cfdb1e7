"""SSIM as MATLAB's `ssim` computes it on an RGB array: three channels taken for three slices of a volume.

GoPro, HIDE, SIDD and DND numbers since MPRNet are of this kind (its evaluate_GOPRO_HIDE.m calls `ssim` on uint8 RGB), and lie
well above those of 2-D windows. MATLAB's default "DataFormat" for an `h w 3` array is three spatial dimensions
(mathworks.com/matlabcentral/answers/2142916): an 11x11x11 Gaussian window, sigma 1.5, the borders repeated outwards ("replicate"), and the
mean over the whole map. A window of 11 on a side along 3 channels sees mostly repeated first and last ones: the
11 taps fall together into a 3x3 matrix that mixes channels, and what is left is a 2-D filter.
"""

import cv2
import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from restorelab.metrics.windows import WINDOW, gaussian_window, similarity


def volume_map(a: Float64[np.ndarray, "h w c"], b: Float64[np.ndarray, "h w c"]) -> Float64[np.ndarray, "h w c"]:
    """The full map, in float64, of pixels in 0..255. A grey picture gets MATLAB's 2-D one."""
    slices = [np.ascontiguousarray(x.transpose(2, 0, 1)) for x in (a, b)]
    weights, mixing = gaussian_window(), torch.from_numpy(channel_mixing(a.shape[2]))
    seen = torch.empty(slices[0].shape, dtype=torch.float64)  # the same memory for all four filterings: fresh memory costs as much

    def mean(x: Tensor, spent: bool) -> Tensor:
        for plane, filtered in zip(x.numpy(), seen.numpy(), strict=True):
            cv2.sepFilter2D(plane, -1, weights, weights, dst=filtered, borderType=cv2.BORDER_REPLICATE)
        mixed = x if spent else torch.empty_like(x)
        torch.mm(mixing, seen.flatten(1), out=mixed.view(len(mixed), -1))
        return mixed

    # The whole picture at once: OpenCV repeats the borders of what it is given, and those of a strip are not the picture's.
    return similarity(*(torch.from_numpy(x) for x in slices), mean, torch.float64).numpy().transpose(1, 2, 0)


def channel_mixing(channels: int) -> Float64[np.ndarray, "c c"]:
    """Row i: how much of every channel the window around channel i sees, the outer channels repeated outwards."""
    mixing = np.zeros((channels, channels))
    for tap, weight in enumerate(gaussian_window()):
        seen = np.clip(np.arange(channels) + tap - WINDOW // 2, 0, channels - 1)
        mixing[np.arange(channels), seen] += weight
    return mixing
