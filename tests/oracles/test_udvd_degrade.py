"""The degradations of SRMD's code and of KAIR's on a whole picture, and our fast way to the first.

`udvd_degrade.npz`: a picture `hr` (3x48x60) and what becomes of it under two 15x15 kernels at scales 2, 3, 4; of each answer one channel
is kept (`kair_wrap` red, `srmd_replicate` green, `srmd_quant_noise` blue). In float64, made apart from this kit.
"""

import numpy as np
import pytest
import torch
from scipy import ndimage

from restorelab.data.online import BlurDownNoise, blur_down_any
from restorelab.degrade.srmd import SRMDBlur
from restorelab.ops.resize import resize_bicubic

SCALES = pytest.mark.parametrize("scale", [2, 3, 4])
KERNELS = pytest.mark.parametrize("number", [0, 1])


@pytest.fixture(scope="module")
def stored(request):
    with np.load(request.path.parents[1] / "fixtures" / "udvd_degrade.npz") as file:
        return dict(file)


def shrink(planes: np.ndarray, scale: int) -> np.ndarray:
    return resize_bicubic(torch.from_numpy(planes)[None], scale=1 / scale)[0].numpy()


def srmd_clean_low(hr: np.ndarray, kernel: np.ndarray, scale: int) -> np.ndarray:
    """MATLAB's imfilter correlates; "replicate" repeats the edge pixel."""
    return shrink(np.stack([ndimage.correlate(plane, kernel, mode="nearest") for plane in hr.astype(np.float64)]), scale)


def kair_low(hr: np.ndarray, kernel: np.ndarray, scale: int) -> np.ndarray:
    """KAIR convolves; what leaves on one side comes in on the other."""
    return shrink(np.stack([ndimage.convolve(plane, kernel, mode="wrap") for plane in hr.astype(np.float64)]), scale)


def srmd_low(hr: np.ndarray, kernel: np.ndarray, scale: int) -> np.ndarray:
    """Blur, shrink, 8 bits, noise, and no clipping after it: the order of SRMD's training code."""
    levels = np.floor(srmd_clean_low(hr, kernel, scale) * 255 + 0.5).clip(0, 255)
    noise = np.random.default_rng(1000 + scale).standard_normal(levels.shape)
    return levels / 255 + 15 / 255 * noise


@SCALES
@KERNELS
def test_whole_pictures_become_what_srmd_and_kair_make_of_them(stored, scale, number):
    hr, kernel = stored["hr"], stored["kernels"][number]
    for name, low, channel in (("kair_wrap", kair_low, 0), ("srmd_replicate", srmd_clean_low, 1), ("srmd_quant_noise", srmd_low, 2)):
        want = stored[f"{name}_s{scale}_k{number}"]
        np.testing.assert_allclose(low(hr, kernel, scale)[channel], want, atol=1e-12, rtol=0, err_msg=name)


@SCALES
@KERNELS
@pytest.mark.parametrize("dtype, close", [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_the_fast_way_gives_the_same_pixels_from_a_crop(stored, scale, number, dtype, close):
    hr, kernel = torch.from_numpy(stored["hr"]).to(dtype), torch.from_numpy(stored["kernels"][number]).to(dtype)
    margin = BlurDownNoise(scale, SRMDBlur()).margin
    first = -(-margin // scale)  # the first low pixel that no border reaches
    start, n = first * scale - margin, (48 - first * scale - margin) // scale
    side = n * scale + 2 * margin
    crop = hr[None, :, start : start + side, start : start + side]
    want = stored[f"srmd_replicate_s{scale}_k{number}"][first : first + n, first : first + n]
    got = blur_down_any(crop, kernel[None], scale)[0, 1]
    assert got.shape == (n, n) and n >= 4
    np.testing.assert_allclose(got, want, atol=close, rtol=0)
