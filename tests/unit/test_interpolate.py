"""Frames between frames, against true ones: from synthetic scenes, where every instant can be drawn."""

import cv2
import numpy as np
import pytest
import torch

from restorelab.data.moving_scenes import MovingSceneConfig, moving_scene
from restorelab.data.scenes import dead_leaves
from restorelab.degrade.frames import average_frames, ghosting, ghosting_against
from restorelab.degrade.interpolate import interpolate, interpolate_clip, optical_flow
from restorelab.errors import ParameterError

NEAR = MovingSceneConfig(shift=(2.0, 7.0), background_shift=(1.0, 4.0), turn=(-3.0, 3.0))
FAR = MovingSceneConfig(shift=(8.0, 20.0), background_shift=(4.0, 10.0))


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(-10 * torch.log10((a - b).square().mean()))


def shifted_pair(columns: int) -> tuple[torch.Tensor, torch.Tensor]:
    wide = dead_leaves(80, 120, np.random.default_rng(4))
    return wide[:, :, 20:100], wide[:, :, 20 - columns : 100 - columns]


@pytest.mark.parametrize("config, gain", [(NEAR, 7), (FAR, 7)], ids=["near", "far"])
def test_interpolated_frames_beat_a_blend_by_far(config, gain):
    gains = []
    for seed in range(3):
        scene = moving_scene(96, 128, np.random.default_rng(seed), config)
        first, second = scene.frame(0), scene.frame(1)
        for time, found in zip((0.25, 0.5, 0.75), interpolate(first, second, 3), strict=True):
            truth = scene.frame(time)
            gains.append(psnr(found, truth) - psnr((1 - time) * first + time * second, truth))
    assert np.mean(gains) > gain and min(gains) > 3


def test_flow_of_a_shift_is_the_shift():
    flow = optical_flow(*shifted_pair(5))
    assert flow.shape == (80, 80, 2)
    assert np.median(flow[..., 0]) == pytest.approx(5, abs=0.1) and np.median(flow[..., 1]) == pytest.approx(0, abs=0.1)


def test_a_shift_is_halved():
    first, second = shifted_pair(6)
    truth = shifted_pair(3)[1]
    middle = interpolate(first, second, 1)[0]
    assert psnr(middle[:, 8:-8, 8:-8], truth[:, 8:-8, 8:-8]) > 40


def test_frames_are_images_in_order_of_time():
    first, second = shifted_pair(6)
    between = interpolate(first, second, 3)
    assert between.shape == (3, 3, 80, 80) and between.dtype == torch.float32 and between.is_contiguous()
    assert between.min() >= 0 and between.max() <= 1
    distances = [psnr(frame, first) for frame in between]
    assert distances == sorted(distances, reverse=True)


def test_still_frames_stay_as_they_are():
    first = dead_leaves(40, 50, np.random.default_rng(0))
    torch.testing.assert_close(interpolate(first, first, 2), torch.stack([first, first]), atol=1e-6, rtol=0)


def test_swapping_the_frames_turns_the_time_around():
    first, second = (moving_scene(48, 64, np.random.default_rng(1), NEAR).frame(time) for time in (0, 1))
    torch.testing.assert_close(interpolate(second, first, 3).flip(0), interpolate(first, second, 3), atol=1e-5, rtol=0)


def test_the_number_of_threads_changes_nothing():
    first, second = shifted_pair(4)
    before, found = cv2.getNumThreads(), []
    try:
        for threads in (1, 2, 4):
            cv2.setNumThreads(threads)
            found.append(interpolate(first, second, 1))
    finally:
        cv2.setNumThreads(before)
    assert torch.equal(found[0], found[1]) and torch.equal(found[0], found[2])


def test_grey_frames_are_interpolated_too():
    first, second = (frame[:1] for frame in shifted_pair(4))
    middle = interpolate(first, second, 1)
    assert middle.shape == (1, 1, 80, 80)
    assert psnr(middle[0], first) < psnr(middle[0], shifted_pair(2)[1][:1])


@pytest.mark.parametrize("size", [(16, 16), (16, 90), (90, 17), (33, 31)])
def test_small_and_odd_sizes(size):
    first, second = torch.from_numpy(np.random.default_rng(0).random((2, 3, *size), dtype=np.float32))
    assert interpolate(first, second, 1).isfinite().all()


def test_a_clip_keeps_its_frames_and_gains_those_between():
    scene = moving_scene(32, 40, np.random.default_rng(2), NEAR)
    clip = list(scene.frames((0, 0.5, 1)))
    finer = list(interpolate_clip(iter(clip), 4))
    assert len(finer) == 9
    assert all(torch.equal(finer[4 * number], frame) for number, frame in enumerate(clip))
    assert torch.equal(torch.stack(finer[1:4]), interpolate(clip[0], clip[1], 3))
    assert len(list(interpolate_clip(clip, 1))) == 3 and len(list(interpolate_clip(clip[:1], 16))) == 1
    assert list(interpolate_clip([], 2)) == []


def test_ghosts_disappear_as_the_clip_is_made_finer():
    """240 frames a second brought to 3840 before averaging, in small: 5 frames of an exposure, interpolated 16 times."""
    scene = moving_scene(64, 80, np.random.default_rng(3), FAR)
    clip = list(scene.frames(np.linspace(0, 1, 5)))
    exposure = average_frames(scene.frames(np.linspace(0, 1, 161)))
    finer = [list(interpolate_clip(clip, factor)) for factor in (1, 4, 16)]
    without_truth = [ghosting(frames) for frames in finer]
    with_truth = [ghosting_against(average_frames(frames), exposure) for frames in finer]
    assert without_truth[0] > 4 * without_truth[1] > 16 * without_truth[2]
    assert with_truth[0] > 2 * with_truth[1] > 2 * with_truth[2]


@pytest.mark.parametrize(
    "shapes, count, words",
    [
        (((3, 20, 20), (3, 20, 21)), 1, "both must be equal"),
        (((3, 15, 20), (3, 15, 20)), 1, "16 pixels a side"),
        (((4, 20, 20), (4, 20, 20)), 1, "grey or RGB"),
        (((3, 20, 20), (3, 20, 20)), -1, "0 or more"),
    ],
)
def test_bad_frames_are_answered_with_sentences(shapes, count, words):
    with pytest.raises(ParameterError, match=words):
        interpolate(*(torch.zeros(shape) for shape in shapes), count)


def test_a_bad_factor_is_answered_at_once():
    with pytest.raises(ParameterError, match="1 or more"):
        interpolate_clip([], 0)
