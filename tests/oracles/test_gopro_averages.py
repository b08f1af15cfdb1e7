"""Are GoPro's two blurred twins what this package calls "linear" and "gamma2.2"? And are ghosts of a real film removed?

An average conserves the mean of what is averaged: light under the curve it was taken in, and display values under none. So the
exponent p at which the means of blurred^p and sharp^p agree says in what the frames were averaged. And by Jensen's inequality the
average in light is nowhere darker than that of display values, and brighter where bright and dark passed by: near edges.

The files are the official example pair Flower1 (github.com/SeungjunNah/DeepDeblur_release) and ten frames of park_joy; they are
looked for below RESTORELAB_DATA. The same is asked of synthetic scenes, always.
"""

import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from restorelab import image
from restorelab.data.clips import Clip, open_clip
from restorelab.data.moving_scenes import MovingSceneConfig, moving_scene
from restorelab.degrade.frames import average_frames, ghosting, ghosting_against, windows
from restorelab.degrade.interpolate import interpolate, interpolate_clip


@pytest.fixture
def pictures() -> Path:
    if "RESTORELAB_DATA" not in os.environ:
        pytest.skip("RESTORELAB_DATA names no folder of test pictures")
    return Path(os.environ["RESTORELAB_DATA"])


@pytest.fixture
def flower(pictures) -> dict[str, torch.Tensor]:
    return {name: image.load(pictures / "deblur_gopro" / name / "Flower1.png") for name in ("blur", "blur_gamma", "sharp")}


@pytest.fixture
def park(pictures) -> Clip:
    return open_clip(pictures / "burst_parkjoy" / "park_joy_480x270_50fps_10f.y4m")


@pytest.fixture(scope="module", params=range(3))
def twins(request) -> dict[str, torch.Tensor]:
    """Made as GoPro made them: a window of 11 frames of 8 bits, averaged in two ways, 8 bits again; sharp is the middle one."""
    scene = moving_scene(128, 160, np.random.default_rng(request.param), MovingSceneConfig(shift=(6.0, 12.0)))
    frames = [eight_bits(frame) for frame in scene.frames(scene.times(11))]
    (window,) = windows(len(frames), 11)
    blurred = {name: eight_bits(average_frames(frames, response)) for name, response in (("blur", "linear"), ("blur_gamma", "gamma2.2"))}
    return blurred | {"sharp": frames[window.middle]}


def eight_bits(picture: torch.Tensor) -> torch.Tensor:
    return image.from_uint8(image.to_uint8(picture))


def conserving_exponent(blurred: torch.Tensor, sharp: torch.Tensor) -> float:
    blurred, sharp = blurred.double(), sharp.double()
    return brentq(lambda power: float((blurred**power).mean() - (sharp**power).mean()), 0.3, 6)


def excess(pair: dict[str, torch.Tensor]) -> np.ndarray:
    """How much brighter the average in light is, in levels of 255."""
    return 255 * (pair["blur_gamma"] - pair["blur"]).mean(0).numpy()


def contrast(sharp: torch.Tensor) -> np.ndarray:
    """The variance of brightness within 15x15 pixels."""
    grey = sharp.mean(0).numpy()
    return cv2.blur(grey**2, (15, 15)) - cv2.blur(grey, (15, 15)) ** 2


def test_the_exponent_tells_synthetic_averages_apart(twins):
    """What moves across the border is not conserved, hence the tolerance."""
    assert conserving_exponent(twins["blur"], twins["sharp"]) == pytest.approx(1, abs=0.15)
    assert conserving_exponent(twins["blur_gamma"], twins["sharp"]) == pytest.approx(2.2, abs=0.15)


def test_the_exponent_tells_gopros_twins_apart(flower):
    """Measured: 1.02 and 2.22."""
    assert conserving_exponent(flower["blur"], flower["sharp"]) == pytest.approx(1.02, abs=0.01)
    assert conserving_exponent(flower["blur_gamma"], flower["sharp"]) == pytest.approx(2.22, abs=0.01)


def test_jensen_on_synthetic_averages(twins):
    assert (twins["blur_gamma"] >= twins["blur"]).all()
    assert excess(twins)[contrast(twins["sharp"]) > np.quantile(contrast(twins["sharp"]), 0.75)].mean() > 1.3 * excess(twins).mean() > 1.3


def test_jensen_on_gopros_twins(flower):
    """Measured: no sample of 2.8 million is darker in light; it is brighter by 1.76 levels on average and by 57 at most, by 0.18 in
    the flattest quarter of the picture and by 12.1 in the hundredth with the most contrast."""
    assert (flower["blur_gamma"] >= flower["blur"]).all()
    assert float((flower["blur_gamma"] - flower["blur"]).max()) * 255 == pytest.approx(57, abs=0.01)
    brighter, flat, steep = excess(flower), *np.quantile(contrast(flower["sharp"]), [0.25, 0.99])
    assert brighter.mean() == pytest.approx(1.762, abs=0.001)
    assert brighter[contrast(flower["sharp"]) <= flat].mean() == pytest.approx(0.18, abs=0.01)
    assert brighter[contrast(flower["sharp"]) >= steep].mean() == pytest.approx(12.1, abs=0.1)


def test_interpolation_removes_the_ghosts_of_a_film(park):
    """Ten frames of trees passing by; a part of the picture, for speed."""
    frames = [frame[:, 20:180, 100:340] for frame in park][:6]
    finer = list(interpolate_clip(frames, 8))
    assert ghosting(frames) > 8 * ghosting(finer)


def test_frames_left_out_of_a_film_are_found_again(park):
    """Measured over all eight: 27.3 dB, and 22.4 dB for blending the neighbours."""
    first, truth, second = list(park)[:3]
    noise, blended = ((found - truth).square().mean() for found in (interpolate(first, second, 1)[0], (first + second) / 2))
    assert 10 * torch.log10(blended / noise) > 4


def test_interpolation_removes_the_ghosts_of_a_synthetic_film():
    scene = moving_scene(80, 96, np.random.default_rng(8), MovingSceneConfig(shift=(12.0, 24.0)))
    frames = list(scene.frames(np.linspace(0, 1, 5)))
    finer = list(interpolate_clip(frames, 8))
    truth = average_frames(scene.frames(np.linspace(0, 1, 129)))
    assert ghosting(frames) > 8 * ghosting(finer)
    assert ghosting_against(average_frames(frames), truth) > 2 * ghosting_against(average_frames(finer), truth)
