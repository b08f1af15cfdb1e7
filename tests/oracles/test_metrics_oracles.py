"""Our metrics against scikit-image's, against definitions written out the slow way, and against published baselines.

The baselines run where RESTORELAB_DATA names a folder with `sr_set5` and `deblur_gopro` in it.
"""

import dataclasses
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import convolve, gaussian_filter
from skimage import data
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from restorelab import image
from restorelab.data import photos
from restorelab.degrade import GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.metrics import COURSE_RGB, MATLAB_Y, PROTOCOLS, Protocol, psnr, ssim, ssim_map
from restorelab.metrics.cw_ssim import grey, ricker
from restorelab.ops.resize import resize_bicubic

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
    assert ssim(as_tensor(restored), as_tensor(clean)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize("protocol", [MATLAB_Y.with_border(4), COURSE_RGB.with_border(7), Protocol("raw", rounding="none")], ids=str)
def test_both_equal_scikit_image_on_the_prepared_pixels(pair, protocol):
    restored, clean = (as_tensor(pixels) for pixels in pair)
    a, b = protocol.prepare_pair(restored, clean)
    assert psnr(restored, clean, protocol) == pytest.approx(peak_signal_noise_ratio(b, a, data_range=255), abs=1e-9)
    assert ssim(restored, clean, protocol) == pytest.approx(skimage_ssim(a, b), abs=1e-7)


def test_full_luma_equals_opencv(pair):
    _, clean = pair
    ours = Protocol("full", colour="y_full").prepare(as_tensor(clean))[:, :, 0]
    assert np.abs(ours - cv2.cvtColor(clean, cv2.COLOR_RGB2GRAY)).max() <= 0.51  # OpenCV's is rounded, in 14-bit arithmetic


def test_studio_luma_equals_scikit_image(pair):
    from skimage.color import rgb2ycbcr

    _, clean = pair
    unrounded = Protocol("studio", colour="y_studio").prepare(as_tensor(clean))[:, :, 0]
    assert unrounded == pytest.approx(rgb2ycbcr(clean)[:, :, 0], abs=1e-9)


def test_every_pixel_of_the_map_equals_scikit_images(pair):
    restored, clean = (pixels.astype(np.float64) for pixels in pair)
    options = {"data_range": 255, "gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False}
    _, expected = structural_similarity(restored, clean, channel_axis=2, full=True, **options)
    assert np.abs(ssim_map(*map(as_tensor, pair)) - expected[5:-5, 5:-5]).max() < 1e-4


HARD = {
    "black and white halves": np.repeat([0.0, 255.0], 64)[None, :, None] * np.ones((128, 1, 3)),
    "white": np.full((128, 128, 3), 255.0),
    "checkerboard": np.indices((128, 128)).sum(0)[:, :, None] % 2 * np.full(3, 255.0),
}


@pytest.mark.parametrize("name", HARD)
def test_ssim_where_variances_cancel(name):
    """Bright and flat with a little noise: float32 throughout is 1e-6 off here."""
    clean = HARD[name]
    restored = np.clip(clean + np.random.default_rng(0).normal(0, 2, clean.shape).round(), 0, 255)
    assert ssim(as_tensor(restored), as_tensor(clean)) == pytest.approx(skimage_ssim(restored, clean), abs=1e-7)


def window_3d() -> np.ndarray:
    line = np.exp(-((np.arange(11) - 5) ** 2) / (2 * 1.5**2))
    window = line[:, None, None] * line[:, None] * line
    return window / window.sum()


def ssim_as_a_volume(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """MATLAB's `ssim` of an `h w 3` array, from its documentation: an 11x11x11 Gaussian, borders repeated, the whole map."""
    mean_a, mean_b, aa, bb, ab = (convolve(x, window_3d(), mode="nearest") for x in (a, b, a * a, b * b, a * b))
    c1, c2 = 2.55**2, 7.65**2
    top = (2 * mean_a * mean_b + c1) * (2 * (ab - mean_a * mean_b) + c2)
    return top / ((mean_a**2 + mean_b**2 + c1) * (aa - mean_a**2 + bb - mean_b**2 + c2))


def test_matlabs_ssim_equals_a_convolution_in_three_dimensions(pair):
    restored, clean = (pixels[:90, :60] for pixels in pair)
    expected = ssim_as_a_volume(restored.astype(np.float64), clean.astype(np.float64))
    volume = PROTOCOLS["GoPro/HIDE"]
    assert np.abs(ssim_map(as_tensor(restored), as_tensor(clean), volume) - expected).max() < 1e-10
    assert ssim(as_tensor(restored), as_tensor(clean), volume) == pytest.approx(expected.mean(), abs=1e-10)


def test_matlabs_ssim_of_a_grey_picture_is_two_dimensional(pair):
    restored, clean = (pixels[:, :, 0].astype(np.float64) for pixels in pair)
    means = [gaussian_filter(x, 1.5, truncate=3.5, mode="nearest") for x in (restored, clean, restored**2, clean**2, restored * clean)]
    a, b, aa, bb, ab = means
    top = (2 * a * b + 2.55**2) * (2 * (ab - a * b) + 7.65**2)
    expected = (top / ((a**2 + b**2 + 2.55**2) * (aa - a**2 + bb - b**2 + 7.65**2))).mean()
    found = ssim(*(as_tensor(x[:, :, None]) for x in (restored, clean)), PROTOCOLS["GoPro/HIDE"])
    assert found == pytest.approx(expected, abs=1e-10)


def pyssims_cw_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The definition as pyssim has it, both factors and all 30 answers, by direct convolution."""
    answers = []
    for line in (a.ravel(), b.ravel()):
        wavelets = []
        for width in range(1, 31):
            x = np.arange(min(10 * width, line.size)) - (min(10 * width, line.size) - 1) / 2
            wavelets.append(2 / (np.sqrt(3 * width) * np.pi**0.25) * (1 - (x / width) ** 2) * np.exp(-(x**2) / (2 * width**2)))
        answers.append(np.array([np.convolve(line, np.conj(w[::-1]), mode="same") for w in wavelets]))
    c, d = answers
    magnitudes = 2 * np.sum(np.abs(c) * np.abs(d), 0) + 0.01
    first = magnitudes / (np.sum(np.abs(c) ** 2, 0) + np.sum(np.abs(d) ** 2, 0) + 0.01)
    second = (2 * np.abs(np.sum(c * np.conj(d), 0)) + 0.01) / (2 * np.sum(np.abs(c * np.conj(d)), 0) + 0.01)
    return float(np.mean(first * second))


DEBLURGAN = PROTOCOLS["DeblurGAN-v2"]


def test_cw_ssim_equals_its_definition(pair):
    from PIL import Image

    small = [np.ascontiguousarray(pixels[:48, :64]) for pixels in pair]
    greys = [np.asarray(Image.fromarray(pixels).convert("L"), dtype=np.float64) for pixels in small]
    assert ssim(*map(as_tensor, small), DEBLURGAN) == pytest.approx(pyssims_cw_ssim(*greys), abs=1e-10)
    for ours, pillows in zip(small, greys, strict=True):
        assert np.array_equal(grey(ours.astype(np.float64)), pillows)


def test_cw_ssim_of_a_picture_shorter_than_its_wavelets():
    a, b = np.random.default_rng(0).integers(0, 256, (2, 9, 12, 1)).astype(np.float64)
    assert ssim(as_tensor(a), as_tensor(b), DEBLURGAN) == pytest.approx(pyssims_cw_ssim(a, b), abs=1e-10)


def test_the_wavelet_is_scipys_ricker():
    """The example in the documentation of scipy.signal.ricker, which SciPy has removed since."""
    documented = [-0.2032123, -0.09155891, 0.10812217, 0.33143298, 0.48012569]
    assert ricker(10, 3) == pytest.approx(documented + documented[::-1], abs=1e-8)


def test_cw_ssim_knows_nothing_of_black_and_white_and_is_no_ssim(pair):
    restored, clean = map(as_tensor, pair)
    assert ssim(clean, clean, DEBLURGAN) == pytest.approx(1, abs=1e-12)
    assert ssim(1 - clean, clean, DEBLURGAN) > 0.97 and ssim(1 - clean, clean) < 0.6
    assert ssim(restored, clean, DEBLURGAN) > 0.9


STUDIO_Y = dataclasses.replace(MATLAB_Y, round_y=False)
STUDIO_GAIN = 20 * np.log10(255 / 219)  # dB, of the smaller range alone
NOISE_GAIN = STUDIO_GAIN - 10 * np.log10(0.299**2 + 0.587**2 + 0.114**2)  # 4.82: luma averages independent noise away


def gains_of_y(fault) -> list[float]:
    """PSNR on Y less PSNR on RGB, dB, of the corner of every bundled photograph but the grey one."""
    found = []
    for number, name in enumerate(name for name in photos.names() if name != "camera"):
        clean = photos.load(name)[:, :256, :256]
        restored = degrade(clean, Recipe((fault,)), np.random.default_rng(number)).image
        found.append(psnr(restored, clean, STUDIO_Y) - psnr(restored, clean))
    return found


@pytest.mark.parametrize(
    ("fault", "low", "high"),
    # dB, measured: colour noise is what Y hides best; JPEG on red and pink subjects, whose colours it coarsens, goes beyond
    [
        (GaussianNoise(5 / 255), 4.66, NOISE_GAIN),
        (GaussianNoise(25 / 255), 4.43, NOISE_GAIN),
        (GaussianBlur(1.6), 1.24, 5.10),
        (Jpeg(20), 2.51, 6.62),
    ],
    ids=["noise 5", "noise 25", "blur", "jpeg"],
)
def test_y_adds_decibels_to_the_same_photographs(fault, low, high):
    gains = gains_of_y(fault)
    assert low - 0.01 < min(gains) < low + 0.02 and high - 0.02 < max(gains) < high + 0.01


def test_a_grey_photograph_gains_the_studio_range_and_no_more():
    clean = photos.load("camera")[:, :256, :256]
    blurred = degrade(clean, Recipe((GaussianBlur(1.6),)), np.random.default_rng(0)).image
    assert psnr(blurred, clean, STUDIO_Y) - psnr(blurred, clean) == pytest.approx(STUDIO_GAIN, abs=1e-6)


def needs_data(*parts: str) -> Path:
    folder = os.environ.get("RESTORELAB_DATA")
    if not folder or not Path(folder, *parts).exists():
        pytest.skip(f"RESTORELAB_DATA names no folder with {'/'.join(parts)} in it")
    return Path(folder, *parts)


@pytest.mark.parametrize(("scale", "published"), [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_bicubic_on_set5_scores_what_is_published(scale, published):
    """RCAN's row of the table that every super-resolution paper begins with."""
    folder = needs_data("sr_set5")
    protocol, scores = PROTOCOLS[f"SR x{scale}"], []
    for file in sorted((folder / "HR").glob("*.png")):
        low = image.load(folder / "LR_bicubic" / f"X{scale}" / f"{file.stem}x{scale}.png")
        restored = resize_bicubic(low[None].double(), scale=scale)[0]
        clean = image.load(file)[:, : restored.shape[1], : restored.shape[2]]
        scores.append(psnr(restored, clean, protocol))
    assert len(scores) == 5 and np.mean(scores) == pytest.approx(published, abs=0.02)


def test_the_gopro_example_pair_scores_what_its_readme_says():
    folder = needs_data("deblur_gopro")
    blurred, sharp = (image.load(folder / kind / "Flower1.png") for kind in ("blur", "sharp"))
    assert psnr(blurred, sharp, PROTOCOLS["GoPro/HIDE"]) == pytest.approx(25.11, abs=0.005)
    assert ssim(blurred, sharp, PROTOCOLS["GoPro/HIDE"]) > ssim(blurred, sharp)  # the volume's is the kinder one
