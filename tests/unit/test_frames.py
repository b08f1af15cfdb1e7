"""Averaging frames: in light, under the response asked for, and how smooth the result is."""

import weakref

import numpy as np
import pytest
import torch

from restorelab.data.moving_scenes import MovingSceneConfig, moving_scene
from restorelab.degrade.frames import GAMMA, LINEAR, RESPONSES, SRGB, CameraResponse, average_frames, ghosting, ghosting_against, windows
from restorelab.errors import ParameterError


def frames(count: int = 5, seed: int = 0, size: tuple[int, int] = (6, 7)) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((count, 3, *size), dtype=np.float32))


def encode(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1."""
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def decode(display: np.ndarray) -> np.ndarray:
    return np.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize(
    "response, expected",
    [
        ("linear", lambda stack: stack.mean(0)),
        ("gamma2.2", lambda stack: (stack**2.2).mean(0) ** (1 / 2.2)),
        ("srgb", lambda stack: encode(decode(stack).mean(0))),
        (CameraResponse("root", lambda image: image**2, torch.sqrt), lambda stack: np.sqrt((stack**2).mean(0))),
    ],
)
def test_average_is_the_formula(response, expected):
    stack = frames(9)
    found = average_frames(stack, response)
    assert found.dtype == torch.float32
    np.testing.assert_allclose(found, expected(stack.double().numpy()), atol=1e-6)


def test_half_white_half_black_is_half_the_light():
    """A pixel that is white for half of the exposure: 0.735 in an sRGB file, 0.730 under the power law, 0.5 without a response."""
    pair = torch.stack([torch.zeros(3, 2, 2), torch.ones(3, 2, 2)])
    values = [float(average_frames(pair, name)[0, 0, 0]) for name in ("srgb", "gamma2.2", "linear")]
    assert values == pytest.approx([0.7354, 0.5 ** (1 / 2.2), 0.5], abs=1e-4)


def test_an_iterator_gives_the_same_and_is_read_one_frame_at_a_time():
    alive = []

    def stream():
        for number in range(40):
            frame = frames(1, number)[0]
            alive.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(reference() is not None for reference in alive) <= 2

    assert torch.equal(average_frames(stream()), average_frames([frames(1, number)[0] for number in range(40)]))


def test_hundreds_of_equal_frames_are_that_frame():
    frame = frames(1)[0]
    for response in RESPONSES:
        torch.testing.assert_close(average_frames((frame for _ in range(200)), response), frame, atol=2e-7, rtol=0)


@pytest.mark.parametrize("response", RESPONSES.values(), ids=RESPONSES)
def test_responses_are_inverse_and_keep_black_and_white(response):
    ramp = torch.linspace(0, 1, 256).reshape(1, 1, 256)
    torch.testing.assert_close(response.to_display(response.to_light(ramp)), ramp, atol=1e-6, rtol=0)
    assert response.to_light(ramp)[0, 0, [0, -1]].tolist() == [0, 1]


def test_in_light_nothing_comes_out_darker_than_without():
    """Jensen's inequality: light is a convex function of the display value."""
    stack = frames(7)
    plain = average_frames(stack, LINEAR)
    for response in (SRGB, GAMMA):
        assert (average_frames(stack, response) >= plain - 1e-6).all()
        assert (average_frames(stack, response) - plain).mean() > 0.03


def test_overshooting_frames_give_an_image_all_the_same():
    found = average_frames(frames() * 1.4 - 0.2, "gamma2.2")
    assert found.isfinite().all() and found.min() >= 0 and found.max() <= 1


@pytest.mark.parametrize("measure", [average_frames, ghosting])
def test_bad_frames_are_answered_with_sentences(measure):
    with pytest.raises(ParameterError, match="frames"):
        measure(iter(()))
    with pytest.raises(ParameterError, match="frame 3 has the shape"):
        measure([*frames(2), *frames(3, size=(6, 8))])
    with pytest.raises(ParameterError, match=r"Did you mean gamma2\.2"):
        measure(frames(), "gamma22")


def test_windows_cover_the_clip_and_are_centred_on_their_sharp_frame():
    cut = windows(24, 7)
    assert [(window.start, window.middle, window.stop) for window in cut] == [(0, 3, 7), (7, 10, 14), (14, 17, 21)]
    overlapping = windows(13, 11, stride=1)
    assert [(window.start, window.middle, window.stop) for window in overlapping] == [(0, 5, 11), (1, 6, 12), (2, 7, 13)]
    assert len(windows(7, 7)) == 1 and windows(1, 1)[0].middle == 0


@pytest.mark.parametrize(
    "numbers, words", [((10, 8), "no middle frame"), ((10, 0), "no middle"), ((5, 7), "fewer than"), ((9, 3, 0), "move on")]
)
def test_bad_windows_are_answered_with_sentences(numbers, words):
    with pytest.raises(ParameterError, match=words):
        windows(*numbers)


@pytest.fixture(scope="module")
def scenes():
    config = MovingSceneConfig(shift=(10.0, 20.0), background_shift=(5.0, 10.0))
    return [moving_scene(64, 80, np.random.default_rng(seed), config) for seed in range(2)]


def test_ghosting_falls_as_frames_are_added_with_a_truth_and_without(scenes):
    for scene in scenes:
        exposure = scene.blurred()
        counts = (3, 5, 9, 17)
        estimates = [ghosting(scene.frames(scene.times(count))) for count in counts]
        errors = [ghosting_against(scene.blurred(count), exposure) for count in counts]
        assert estimates == sorted(estimates, reverse=True) and errors == sorted(errors, reverse=True)
        assert estimates[0] > 5 * estimates[-1]


@pytest.mark.parametrize("count", [7, 13])
def test_ghosting_without_a_truth_estimates_the_one_with(scenes, count):
    for scene in scenes:
        ratio = ghosting(scene.frames(scene.times(count))) / ghosting_against(scene.blurred(count), scene.blurred())
        assert 0.4 < ratio < 1.6


def test_a_scene_without_motion_has_no_ghosts():
    assert ghosting(frames(1).repeat(5, 1, 1, 1)) == 0


def test_ghosting_is_richardsons_estimate():
    """For frames x(t) = t^2 the average of n falls short of 1/3 by 1 / (12 n^2); the estimate has the n - 1 distances between them."""
    middles = (torch.arange(101) + 0.5) / 101
    frames = (middles**2).reshape(101, 1, 1, 1).expand(101, 1, 4, 4)
    assert ghosting(frames, "linear") == pytest.approx(1 / (12 * 101**2), rel=0.05)


def test_the_last_of_an_even_number_of_frames_is_left_out():
    assert ghosting(frames(8)) == ghosting(frames(8)[:7])
