"""The switchboard: every row a known distance from the course's, on one pair of pictures that nobody touches."""

import math

import numpy as np
import pytest
import torch
from skimage.metrics import structural_similarity

from restorelab.data import photos
from restorelab.degrade import GaussianNoise, Recipe, degrade
from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB, psnr, ssim
from restorelab.metrics.conventions import (
    mean_of_channel_psnrs,
    psnr_with_epsilon,
    psnr_with_peak_of_the_picture,
    ssim_downsampled,
    ssim_reflected,
    ssim_uniform,
    ssim_zero_padded,
    switchboard,
)


@pytest.fixture(scope="module")
def pair() -> tuple[torch.Tensor, torch.Tensor]:
    clean = photos.load("chelsea")[:, :200, :260]
    return degrade(clean, Recipe((GaussianNoise(0.05),), bits=None), np.random.default_rng(0)).image, clean


@pytest.fixture(scope="module")
def rows(pair) -> dict:
    return {row.convention: row for row in switchboard(*pair)}


def test_the_first_row_is_the_courses(pair, rows):
    first = next(iter(rows.values()))
    assert (first.psnr, first.ssim) == (psnr(*pair), ssim(*pair)) and first.psnr_difference == first.ssim_difference == 0


def test_one_picture_moves_by_three_decibels_and_a_tenth_of_ssim(rows):
    scores = [row.psnr for row in rows.values() if row.psnr is not None]
    similarities = [row.ssim for row in rows.values() if row.ssim is not None]
    assert max(scores) - min(scores) > 3 and max(similarities) - min(similarities) > 0.1


def test_luma_ranges_lie_the_constant_apart(rows):
    assert rows["Y in 16..235"].psnr - rows["Y in 0..255"].psnr == pytest.approx(1.3219, abs=5e-5)


def test_differences_are_from_the_first_row(rows):
    first = next(iter(rows.values()))
    for row in rows.values():
        assert (row.psnr is None) == (row.psnr_difference is None) and (row.ssim is None) == (row.ssim_difference is None)
        if row.psnr is not None:
            assert row.psnr_difference == row.psnr - first.psnr
        if row.ssim is not None:
            assert row.ssim_difference == row.ssim - first.ssim
        assert row.followed_by


def test_truncation_darkens_and_the_volume_flatters(pair, rows):
    restored, clean = pair
    by_hand = psnr(((restored.clamp(0, 1) * 255).floor() / 255), clean)
    assert rows["truncated to 8 bits"].psnr == pytest.approx(by_hand, abs=1e-9)
    assert rows["SSIM of a volume"].ssim > rows["RGB, rounded to 8 bits, SSIM of 2-D windows"].ssim
    assert rows["border of 4 left out"].psnr == psnr(restored[:, 4:-4, 4:-4], clean[:, 4:-4, 4:-4])


def test_the_mean_of_channels_is_never_below_all_together(pair):
    a, b = COURSE_RGB.prepare_pair(*pair)
    assert mean_of_channel_psnrs(a, b) >= psnr(*pair)
    a = b.copy()
    a[:, :, 0] += 10
    assert mean_of_channel_psnrs(a, b) == math.inf


def test_the_peak_of_the_picture_and_the_epsilon(pair):
    a, b = COURSE_RGB.prepare_pair(*pair)
    narrow_a, narrow_b = a * 0.5 + 30, b * 0.5 + 30
    assert psnr_with_peak_of_the_picture(narrow_a, narrow_b) == pytest.approx(psnr_with_peak_of_the_picture(a, b))
    assert psnr_with_epsilon(a, a) == pytest.approx(80)
    assert psnr_with_epsilon(a, b) == pytest.approx(psnr(*pair), abs=1e-3)


def test_ssim_variants_are_their_libraries(pair):
    a, b = COURSE_RGB.prepare_pair(*pair)
    assert ssim_uniform(a, b) == pytest.approx(structural_similarity(a, b, channel_axis=2, data_range=255), abs=1e-9)
    options = {"data_range": 255, "gaussian_weights": True, "use_sample_covariance": False, "channel_axis": 2, "full": True}
    for of, mode in ((ssim_reflected, "mirror"), (ssim_zero_padded, "constant")):
        from scipy.ndimage import gaussian_filter

        def mean(x, mode=mode):
            return gaussian_filter(x, (1.5, 1.5, 0), truncate=3.5, mode=mode)

        ma, mb = mean(a), mean(b)
        top = (2 * ma * mb + 2.55**2) * (2 * (mean(a * b) - ma * mb) + 7.65**2)
        expected = top / ((ma**2 + mb**2 + 2.55**2) * (mean(a * a) - ma**2 + mean(b * b) - mb**2 + 7.65**2))
        assert of(a, b) == pytest.approx(expected.mean(), abs=1e-9)
    assert ssim_downsampled(a, b) == pytest.approx(structural_similarity(a, b, **options)[0], abs=1e-9)  # 200 / 256 rounds to 1
    wide_a, wide_b = (np.repeat(np.repeat(x, 2, 0), 2, 1) for x in (a, b))
    assert ssim_downsampled(wide_a, wide_b) == pytest.approx(ssim_downsampled(a, b), abs=1e-9)  # 400 / 256 rounds to 2


def test_equal_pictures_agree_under_nearly_all(pair):
    _, clean = pair
    for row in switchboard(clean, clean):
        assert row.psnr in (None, math.inf) or row.psnr == pytest.approx(80)  # the epsilon's
        assert row.ssim is None or row.ssim == pytest.approx(1, abs=1e-9)
        assert row.psnr_difference is None or row.psnr_difference in (0, -math.inf)


def test_mistakes_are_refused(pair):
    restored, clean = pair
    with pytest.raises(ParameterError, match="one size"):
        switchboard(restored[:, 1:], clean)
    with pytest.raises(ParameterError, match="NaN"):
        switchboard(restored * torch.nan, clean)
