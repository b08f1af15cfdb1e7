"""Faults of every kind at one mean squared error."""

import numpy as np
import pytest
import torch

from restorelab.data import photos
from restorelab.data.equal_mse import FAULTS, equal_mse
from restorelab.errors import ParameterError
from restorelab.metrics import Protocol, psnr, ssim

CLEAN = photos.load("chelsea")[:, 50:178, 120:248]
UNROUNDED = Protocol("unrounded", rounding="none")


@pytest.mark.parametrize("mse", [1e-4, 1e-3, 5e-3])
@pytest.mark.parametrize("kind", [kind for kind in FAULTS if kind != "blur"])
def test_the_error_is_exactly_the_one_asked_for(kind, mse):
    spoiled = equal_mse(CLEAN, mse, kind)
    assert float((spoiled.image.double() - CLEAN.double()).square().mean()) == pytest.approx(mse, rel=1e-4)
    assert psnr(spoiled.image, CLEAN, UNROUNDED) == pytest.approx(-10 * np.log10(mse), abs=1e-3)
    worst = 1.5 if kind == "brightness" else 0.3  # dB that rounding to 8 bits does: a shift of 2.55 levels becomes one of 3
    assert psnr(spoiled.image, CLEAN) == pytest.approx(-10 * np.log10(mse), abs=worst)
    assert spoiled.image.min() >= 0 and spoiled.image.max() <= 1 and spoiled.image.dtype == torch.float32
    low, high = FAULTS[kind][1:]
    assert low < spoiled.strength < high


def test_blur_too_and_all_look_unlike_one_another():
    similarity = {kind: ssim(equal_mse(CLEAN, 8e-4, kind).image, CLEAN) for kind in FAULTS}
    assert max(similarity.values()) - min(similarity.values()) > 0.12
    assert similarity["gain"] > similarity["jpeg"] and similarity["brightness"] > similarity["noise"]


def test_faults_are_what_they_are_called():
    brightness = equal_mse(CLEAN * 0.5 + 0.2, 1e-3, "brightness")
    assert torch.allclose(brightness.image - (CLEAN * 0.5 + 0.2), torch.tensor(1e-3**0.5), atol=1e-5)
    assert brightness.strength == pytest.approx(1e-3**0.5, rel=1e-3)
    assert equal_mse(CLEAN * 0.5, 1e-3, "noise").strength == pytest.approx(1e-3**0.5, rel=0.05)
    contrast = equal_mse(CLEAN, 1e-3, "contrast").image
    assert torch.allclose(contrast.mean((1, 2)), CLEAN.mean((1, 2)), atol=1e-5) and contrast.std() < CLEAN.std()


def test_the_same_seed_gives_the_same_picture():
    first, again, other = (equal_mse(CLEAN, 1e-3, "noise", seed).image for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    ("mse", "kind", "says"),
    [
        (1e-3, "blurr", "Did you mean blur"),
        (0.0, "noise", "above 0"),
        (float("nan"), "noise", "above 0"),
        (0.9, "contrast", "ask for less"),
        (0.9, "jpeg", "reaches a mean squared error"),
    ],
)
def test_mistakes_are_refused(mse, kind, says):
    with pytest.raises(ParameterError, match=says):
        equal_mse(CLEAN, mse, kind)
