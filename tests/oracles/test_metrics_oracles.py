"""Our PSNR and SSIM against scikit-image's, on photographs with the faults that restoration meets."""

import cv2
import numpy as np
import pytest
import torch
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restorelab.metrics import COURSE_RGB, MATLAB_Y, Protocol, psnr, ssim

PHOTOGRAPHS = {"astronaut": data.astronaut, "chelsea": data.chelsea, "coffee": data.coffee}


def with_jpeg(image: np.ndarray) -> np.ndarray:
    return cv2.imdecode(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 20])[1], cv2.IMREAD_COLOR)


def with_noise(image: np.ndarray) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, 25, image.shape)
    return np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)


FAULTS = {
    "noise": with_noise,
    "blur": lambda image: cv2.GaussianBlur(image, (0, 0), 2),
    "jpeg": with_jpeg,
    "gain": lambda image: np.clip(np.rint(image * 1.02), 0, 255).astype(np.uint8),
}


def as_tensor(pixels: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(pixels).permute(2, 0, 1).float() / 255


@pytest.fixture(params=[(p, f) for p in PHOTOGRAPHS for f in FAULTS], ids="-".join)
def pair(request) -> tuple[np.ndarray, np.ndarray]:
    photograph, fault = request.param
    clean = PHOTOGRAPHS[photograph]()[40:260, 60:300]
    return FAULTS[fault](clean), clean


def skimage_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """scikit-image averages over the inside of the map already: (win_size - 1) // 2 pixels cut on each side."""
    return structural_similarity(a, b, channel_axis=2, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)


def test_psnr_equals_scikit_image(pair):
    restored, clean = pair
    expected = peak_signal_noise_ratio(clean, restored, data_range=255)
    assert psnr(as_tensor(restored), as_tensor(clean)) == pytest.approx(expected, abs=1e-9)


def test_ssim_equals_scikit_image(pair):
    restored, clean = pair
    expected = skimage_ssim(restored.astype(np.float64), clean.astype(np.float64))
    assert ssim(as_tensor(restored), as_tensor(clean)) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("protocol", [MATLAB_Y.with_border(4), COURSE_RGB.with_border(7), Protocol("raw", rounding="none")], ids=str)
def test_both_equal_scikit_image_on_the_prepared_pixels(pair, protocol):
    restored, clean = (as_tensor(pixels) for pixels in pair)
    a, b = protocol.prepare_pair(restored, clean)
    assert psnr(restored, clean, protocol) == pytest.approx(peak_signal_noise_ratio(b, a, data_range=255), abs=1e-9)
    assert ssim(restored, clean, protocol) == pytest.approx(skimage_ssim(a, b), abs=1e-10)


def test_full_luma_equals_opencv(pair):
    _, clean = pair
    ours = Protocol("full", colour="y_full").prepare(as_tensor(clean))[:, :, 0]
    assert np.abs(ours - cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)).max() <= 0.51  # OpenCV's is rounded, in 14-bit arithmetic


def test_studio_luma_equals_scikit_image(pair):
    from skimage.color import rgb2ycbcr

    _, clean = pair
    unrounded = Protocol("studio", colour="y_studio").prepare(as_tensor(clean))[:, :, 0]
    assert unrounded == pytest.approx(rgb2ycbcr(clean)[:, :, 0], abs=1e-9)
