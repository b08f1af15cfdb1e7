"""Metrics and protocols: constants that must come out exactly, and mistakes that must not go through."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB, MATLAB_Y, PROTOCOLS, Protocol, dataset_psnr, psnr, rmse, same_protocol, ssim, ssim_map
from restorelab.metrics.psnr import rmse_of_psnr
from restorelab.metrics.reduction import dssim, dssim_reduction, rmse_reduction

UNROUNDED_RGB = Protocol("unrounded", rounding="none")
TRUNCATED = Protocol("truncated", rounding="truncated")
MATLAB_VOLUME = PROTOCOLS["GoPro/HIDE"]


def flat(red: float, green: float, blue: float, size: int = 16) -> torch.Tensor:
    """A picture of one 8-bit colour."""
    return torch.tensor([red, green, blue])[:, None, None].expand(3, size, size) / 255


def noisy_pair(seed: int = 0, size: int = 40, sigma: float = 0.05) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    clean = torch.rand(3, size, size, generator=generator)
    return clean + sigma * torch.randn(3, size, size, generator=generator), clean


def test_equal_pictures_are_perfect():
    _, clean = noisy_pair()
    for protocol in (COURSE_RGB, MATLAB_Y, UNROUNDED_RGB):
        assert psnr(clean, clean, protocol) == math.inf
        assert ssim(clean, clean, protocol) == 1.0


@pytest.mark.parametrize("shift", [1, 3, 20, 100])
def test_a_constant_shift_has_the_psnr_of_its_size(shift):
    assert psnr(flat(100 + shift, 50 + shift, 7 + shift), flat(100, 50, 7)) == pytest.approx(20 * math.log10(255 / shift), abs=1e-12)


def test_error_in_one_channel_of_three_counts_a_third():
    # The mean is over channels and pixels together; a mean of three channel PSNRs would be infinite here.
    assert psnr(flat(110, 50, 7), flat(100, 50, 7)) == pytest.approx(10 * math.log10(255**2 / (100 / 3)), abs=1e-12)


def test_ssim_of_two_flat_pictures_is_the_luminance_term():
    a, b, c1 = 100.0, 140.0, (0.01 * 255) ** 2
    expected = (2 * a * b + c1) / (a**2 + b**2 + c1)
    assert ssim(flat(a, a, a), flat(b, b, b)) == pytest.approx(expected, abs=1e-7)
    assert ssim(flat(a, a, a), flat(b, b, b), MATLAB_VOLUME) == pytest.approx(expected, abs=1e-12)


def test_studio_and_full_luma_lie_a_constant_apart():
    restored, clean = noisy_pair()
    studio = psnr(restored, clean, Protocol("s", colour="y_studio", rounding="none"))
    full = psnr(restored, clean, Protocol("f", colour="y_full", rounding="none"))
    assert studio - full == pytest.approx(20 * math.log10(255 / 219), abs=1e-9)
    assert studio - full == pytest.approx(1.3219, abs=5e-5)


@pytest.mark.parametrize(
    ("colour", "luma"),
    # rgb2ycbcr: Y = 16 + (65.481 R + 128.553 G + 24.966 B) / 255, rounded for uint8
    [((255, 255, 255), 235), ((0, 0, 0), 16), ((255, 0, 0), 81), ((0, 255, 0), 145), ((0, 0, 255), 41), ((128, 128, 128), 126)],
)
def test_matlab_luma_of_known_colours(colour, luma):
    assert np.all(MATLAB_Y.prepare(flat(*colour)) == luma)


def test_luma_stays_unrounded_where_asked():
    red = dataclasses.replace(MATLAB_Y, round_y=False).prepare(flat(255, 0, 0))
    assert red == pytest.approx(81.481, abs=1e-9)
    assert Protocol("full", colour="y_full").prepare(flat(255, 255, 255)) == pytest.approx(255, abs=1e-9)


@given(st.integers(0, 255))
def test_8_bit_values_survive_preparing(value):
    assert np.all(COURSE_RGB.prepare(flat(value, value, value, size=1)) == value)


def test_halves_are_rounded_up():
    assert np.all(COURSE_RGB.prepare(torch.full((3, 1, 1), 0.5)) == 128)  # 127.5
    assert np.all(COURSE_RGB.prepare(torch.full((3, 1, 1), 126.5 / 255, dtype=torch.float64)) == 127)  # half to even says 126


def test_rounding_beats_truncation():
    restored, clean = noisy_pair(sigma=0.002)
    clean = (clean * 255).round() / 255
    restored = restored.clamp(0, 1)
    by_hand = (restored * 255).floor() / 255
    assert psnr(restored, clean) > psnr(by_hand, clean) + 1
    assert psnr(restored, clean, TRUNCATED) == psnr(by_hand, clean)


def test_truncation_keeps_what_is_already_8_bit():
    """k * (1 / 255) lies just below k / 255 for some k in float64, where dropping the fraction makes k - 1 of it."""
    for every in (torch.arange(256.0) / 255, torch.arange(256, dtype=torch.float64) * (1 / 255)):
        every = every.reshape(1, 16, 16).expand(3, 16, 16)
        assert psnr(every, every, TRUNCATED) == math.inf
        assert np.array_equal(TRUNCATED.prepare(every)[:, :, 0].ravel(), np.arange(256))


def test_rounding_changes_the_number_and_none_keeps_the_fraction():
    restored, clean = flat(100.4, 100.4, 100.4), flat(100, 100, 100)
    assert psnr(restored, clean) == math.inf
    assert psnr(restored, clean, UNROUNDED_RGB) == pytest.approx(20 * math.log10(255 / 0.4), abs=1e-3)


def test_restored_is_clamped_under_every_rounding():
    white = torch.ones(3, 16, 16)
    for protocol in (COURSE_RGB, MATLAB_Y, UNROUNDED_RGB):
        assert psnr(white + 0.7, white, protocol) == math.inf
        assert psnr(-0.7 * white, 0 * white, protocol) == math.inf


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_scoring_leaves_the_pictures_alone(dtype):
    restored, clean = (picture.to(dtype).requires_grad_() for picture in noisy_pair())
    before = restored.clone(), clean.clone()
    for protocol in (COURSE_RGB, MATLAB_Y, UNROUNDED_RGB):
        psnr(restored, clean, protocol), ssim(restored, clean, protocol)
    assert torch.equal(restored, before[0]) and torch.equal(clean, before[1])


def test_the_border_is_left_out():
    clean = torch.full((3, 24, 30), 0.5)
    restored = clean.clone()
    restored[:, :, :4] = restored[:, :4] = restored[:, :, -4:] = restored[:, -4:] = 0
    assert psnr(restored, clean, COURSE_RGB.with_border(4)) == math.inf
    assert psnr(restored, clean, COURSE_RGB.with_border(3)) < 30
    assert COURSE_RGB.with_border(4).prepare(clean).shape == (16, 22, 3)


def test_grey_and_low_precision_pictures_are_scored():
    restored, clean = noisy_pair()
    assert 0 < ssim(restored[:1], clean[:1]) < 1
    assert psnr(restored.bfloat16(), clean) == pytest.approx(psnr(restored, clean), abs=0.1)


@given(st.integers(0, 10**6), st.floats(0.001, 0.5))
@settings(max_examples=25, deadline=None)
def test_ssim_is_symmetric_and_bounded(seed, sigma):
    restored, clean = noisy_pair(seed, size=20, sigma=sigma)
    restored = restored.clamp(0, 1)
    value = ssim(restored, clean)
    assert -1 <= value < 1
    assert value == pytest.approx(ssim(clean, restored), abs=1e-7)
    volume = ssim(restored, clean, MATLAB_VOLUME)
    assert -1 <= volume < 1 and volume == pytest.approx(ssim(clean, restored, MATLAB_VOLUME), abs=1e-12)


GOOD = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(1))
NOT_A_NUMBER = GOOD.clone()
NOT_A_NUMBER[0, 3, 3] = math.nan


def cw_ssim(restored, clean):
    return ssim(restored, clean, PROTOCOLS["DeblurGAN-v2"])


def volume_ssim(restored, clean):
    return ssim(restored, clean, MATLAB_VOLUME)


def aligned_psnr(restored, clean):
    return psnr(restored, clean, PROTOCOLS["RealBlur"])


@pytest.mark.parametrize("metric", [psnr, rmse, ssim, ssim_map, volume_ssim, cw_ssim, aligned_psnr])
@pytest.mark.parametrize(
    ("restored", "clean", "says"),
    [
        (GOOD[:, :19], GOOD, "3x19x20"),
        (GOOD[None], GOOD[None], "batch"),
        (GOOD[0], GOOD[0], "1 or 3 channels"),
        (GOOD.permute(1, 2, 0), GOOD.permute(1, 2, 0), "1 or 3 channels"),
        (GOOD[:, :0], GOOD[:, :0], "shape"),
        (NOT_A_NUMBER, GOOD, "restored contains NaN"),
        (GOOD, NOT_A_NUMBER, "clean contains NaN"),
        (GOOD / 0, GOOD, "infinity"),
        (-GOOD / 0, GOOD, "infinity"),
        (torch.where(GOOD > 0.5, math.inf, -math.inf), GOOD, "infinity"),
        (GOOD, GOOD * 255, "divide"),
        (GOOD * 255, GOOD, "restored has values .*divide"),
        (GOOD, GOOD - 0.5, r"\[0, 1\]"),
        ((GOOD * 255).byte(), GOOD, "uint8"),
    ],
)
def test_mistakes_are_refused(metric, restored, clean, says):
    with pytest.raises(ParameterError, match=says):
        metric(restored, clean)


def test_float_noise_outside_the_range_is_forgiven():
    white = torch.ones(3, 16, 16)
    assert psnr(white, white + 1e-6) == math.inf


def test_pictures_smaller_than_the_window_are_refused():
    assert ssim(GOOD[:, :11, :11], GOOD[:, :11, :11]) == 1
    with pytest.raises(ParameterError, match="10x20"):
        ssim(GOOD[:, :10], GOOD[:, :10])
    with pytest.raises(ParameterError, match="10x10"):  # 20 pixels less twice the border
        ssim(GOOD, GOOD, COURSE_RGB.with_border(5))


def test_a_border_that_leaves_nothing_is_refused():
    with pytest.raises(ParameterError, match="leaves nothing"):
        psnr(GOOD, GOOD, COURSE_RGB.with_border(10))


def test_luma_needs_three_channels():
    with pytest.raises(ParameterError, match="3 channels"):
        psnr(GOOD[:1], GOOD[:1], MATLAB_Y)


@pytest.mark.parametrize(
    ("choice", "says"),
    [
        ({"colour": "ycbcr"}, "'y_studio'"),
        ({"rounding": "truncate"}, "'truncated'"),
        ({"ssim": "3-D"}, "'MATLAB 3-D'"),
        ({"align": "ecc"}, "'homography'"),
        ({"pooling": "median"}, "'pooled error'"),
        ({"border": -1}, "negative"),
        ({"crop": 0}, "leaves nothing"),
        ({"align": "homography", "colour": "y_full"}, "colour='rgb'"),
        ({"align": "homography", "ssim": "MATLAB 3-D"}, "2-D valid"),
        ({"ssim": "CW-SSIM", "rounding": "none"}, "8-bit values"),
        ({"ssim": "CW-SSIM", "colour": "y_studio"}, "colour='rgb'"),
        ({"round_y": True}, "Y colour"),
        ({"round_y": True, "colour": "y_full", "rounding": "none"}, "rounding='8-bit'"),
    ],
)
def test_protocols_that_make_no_sense_are_refused(choice, says):
    with pytest.raises(ParameterError, match=says):
        Protocol("mine", **choice)


def test_protocols_are_frozen_and_print_on_one_line():
    with pytest.raises(dataclasses.FrozenInstanceError):
        COURSE_RGB.border = 4
    assert str(COURSE_RGB) == "COURSE_RGB: RGB, 8-bit, border 0, SSIM 2-D valid"
    assert str(MATLAB_Y.with_border(4)) == "MATLAB_Y: Y studio rounded, 8-bit, border 4, SSIM 2-D valid"


def test_only_one_protocol_in_a_table():
    same_protocol(COURSE_RGB, Protocol("the same under another name"))
    assert Protocol("the same under another name") == COURSE_RGB
    with pytest.raises(ParameterError, match="colour: 'rgb' and 'y_studio'; round_y: False and True"):
        same_protocol(COURSE_RGB, MATLAB_Y)
    with pytest.raises(ParameterError, match="differ in border: 0 and 4"):
        same_protocol(MATLAB_Y, MATLAB_Y.with_border(4))


def test_rmse_is_psnr_without_the_logarithm():
    restored, clean = noisy_pair()
    assert rmse(flat(103, 53, 10), flat(100, 50, 7)) == pytest.approx(3, abs=1e-12)
    for protocol in (COURSE_RGB, MATLAB_Y, UNROUNDED_RGB):
        assert rmse(restored, clean, protocol) == pytest.approx(rmse_of_psnr(psnr(restored, clean, protocol)), rel=1e-12)
    assert rmse(clean, clean) == 0 == rmse_of_psnr(math.inf)


@pytest.mark.parametrize(
    ("psnr_before", "ssim_before", "errors", "dssims"),
    # GoPro, each against MPRNet's 32.66 dB / 0.959: Suin et al., DeblurGAN-v2, SRN, DMPHN (Zamir et al. 2021, section 4)
    [(31.85, 0.948, 8.9, 21.2), (29.55, 0.934, 30.1, 37.9), (30.26, 0.934, 24.1, 37.9), (31.20, 0.940, 15.5, 31.7)],
)
def test_mprnets_error_reductions(psnr_before, ssim_before, errors, dssims):
    assert 100 * rmse_reduction(psnr_before, 32.66) == pytest.approx(errors, abs=0.05)
    assert 100 * dssim_reduction(ssim_before, 0.959) == pytest.approx(dssims, abs=0.05)


def test_a_reduction_is_of_the_errors_themselves():
    generator = torch.Generator().manual_seed(0)
    clean = torch.rand(3, 40, 40, generator=generator)
    noise = torch.randn(3, 40, 40, generator=generator)
    worse, better = ((clean + sigma * noise) for sigma in (0.1, 0.07))
    found = rmse_reduction(*(psnr(x, clean) for x in (worse, better)))
    assert found == pytest.approx(1 - rmse(better, clean) / rmse(worse, clean), abs=1e-12)
    assert rmse_reduction(30, 20) < 0 and rmse_reduction(30, 30) == 0
    assert dssim(1) == 0 and dssim(-1) == 1
    with pytest.raises(ParameterError, match="no error"):
        dssim_reduction(1.0, 1.0)


def test_a_data_set_is_the_mean_of_its_pictures_or_its_pooled_error():
    psnrs = [20.0, 40.0]
    pooled = dataclasses.replace(COURSE_RGB, pooling="pooled error")
    assert dataset_psnr(psnrs) == 30
    assert dataset_psnr(psnrs, pooled) == pytest.approx(-10 * math.log10((1e-2 + 1e-4) / 2))
    assert dataset_psnr([math.inf, 30.0], pooled) == pytest.approx(30 + 10 * math.log10(2))
    assert dataset_psnr([math.inf], pooled) == math.inf
    with pytest.raises(ParameterError, match="at least one"):
        dataset_psnr([])


def test_the_pooled_error_is_that_of_the_pictures_side_by_side():
    pairs = [noisy_pair(seed, sigma=sigma) for seed, sigma in ((0, 0.02), (1, 0.1))]
    pooled = dataclasses.replace(COURSE_RGB, pooling="pooled error")
    together = psnr(*(torch.cat(pictures, 2) for pictures in zip(*pairs, strict=True)))
    assert dataset_psnr([psnr(*pair) for pair in pairs], pooled) == pytest.approx(together, abs=1e-9)


@pytest.mark.parametrize("size", [(11, 11), (75, 30), (84, 21), (150, 16)])
def test_the_map_has_the_mean_and_the_size_it_says(size):
    """Sizes at and around the strips of rows in which it is computed."""
    restored, clean = (picture[:, : size[0], : size[1]] for picture in noisy_pair(size=160))
    assert ssim_map(restored, clean).shape == (size[0] - 10, size[1] - 10, 3)
    assert ssim_map(restored, clean).mean(dtype=np.float64) == pytest.approx(ssim(restored, clean), abs=1e-12)
    assert ssim_map(restored, clean, MATLAB_VOLUME).shape == (*size, 3)
    assert ssim_map(restored, clean, MATLAB_VOLUME).mean() == pytest.approx(ssim(restored, clean, MATLAB_VOLUME), abs=1e-12)
    with pytest.raises(ParameterError, match="no map"):
        ssim_map(restored, clean, PROTOCOLS["DeblurGAN-v2"])


def test_the_map_shows_where():
    _, clean = noisy_pair(size=60)
    restored = clean.clone()
    restored[:, 30:34, 40:44] = 0.5
    low = ssim_map(restored, clean).mean(2) < 0.999
    rows, columns = np.nonzero(low)
    assert rows.min() >= 20 and rows.max() <= 33 and columns.min() >= 30 and columns.max() <= 43 and low[26, 36]


def test_ssim_of_pictures_whose_channels_lie_side_by_side_in_memory():
    restored, clean = noisy_pair(size=48)
    interleaved = [picture.permute(1, 2, 0).contiguous().permute(2, 0, 1) for picture in (restored, clean)]
    for protocol in (COURSE_RGB, MATLAB_VOLUME, MATLAB_Y):
        assert ssim(*interleaved, protocol) == ssim(restored, clean, protocol)
        assert psnr(*interleaved, protocol) == psnr(restored, clean, protocol)
