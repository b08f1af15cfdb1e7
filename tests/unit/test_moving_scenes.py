"""Moving scenes: the truths they come with are true, each against an independent way to the same thing."""

import math

import numpy as np
import pytest
import torch

from restorelab.data import photos
from restorelab.data.moving_layers import Motion, SceneLayer
from restorelab.data.moving_scenes import MovingScene, MovingSceneConfig, moving_scene
from restorelab.data.scenes import dead_leaves
from restorelab.degrade import convolve, gaussian_kernel, path_kernel
from restorelab.degrade.frames import average_frames
from restorelab.errors import ParameterError, RecipeError
from restorelab.ops.light import to_display, to_linear

BUSY = MovingSceneConfig(occluders=3, shift=(6.0, 12.0), background_shift=(2.0, 4.0))


def scene(seed: int = 0, height: int = 80, width: int = 96, config: MovingSceneConfig = BUSY, **kwargs) -> MovingScene:
    return moving_scene(height, width, np.random.default_rng(seed), config, **kwargs)


def layer(surface: torch.Tensor, motion: Motion, corner: tuple[int, int] = (0, 0)) -> SceneLayer:
    """An opaque one of this picture (display values)."""
    light = to_linear(surface).permute(1, 2, 0).numpy()
    return SceneLayer(np.dstack([light, np.ones(light.shape[:2], np.float32)]), corner, motion)


def clouds(seed: int) -> torch.Tensor:
    """A texture so smooth that any interpolation follows it."""
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal((3, 130, 150), dtype=np.float32))
    return (0.5 + 2.5 * convolve(noise, gaussian_kernel(6.0))).clamp(0, 1)


def psnr(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(-10 * torch.log10((a - b).square().mean()))


def test_one_seed_gives_one_scene_and_another_another():
    assert torch.equal(scene(3).blurred(5), scene(3).blurred(5))
    assert (scene(3).sharp - scene(4).sharp).abs().mean() > 0.05


def test_frames_are_images():
    for frame in scene().frames([0, 0.3, 1]):
        assert frame.shape == (3, 80, 96) and frame.dtype == torch.float32
        assert frame.is_contiguous() and frame.min() >= 0 and frame.max() <= 1


def test_the_sharp_picture_is_the_drawn_one_to_the_bit():
    """At time 1/2 nothing is interpolated."""
    surface = dead_leaves(60, 70, np.random.default_rng(0))
    motion = Motion((5.3, -2.1), 7.0, 1.1)
    one = MovingScene(40, 50, (layer(surface, motion, (-10, -10)),))
    expected = to_display(to_linear(surface[:, 10:50, 10:60]))
    assert torch.equal(one.sharp, expected)


def test_a_static_scene_stays_sharp():
    still = MovingSceneConfig(shift=0, background_shift=0, turn=0, zoom=1)
    static = scene(config=still)
    assert (static.blurred(7) - static.sharp).abs().max() < 2e-6
    assert not static.flow(0, 1).any() and static.visible(0, 1).all()
    kernel = static.kernels_at(40, 40)
    assert kernel.hidden == 0 and torch.equal(kernel.kernel, torch.ones(1, 1))


@pytest.mark.parametrize("shift, stops", [((0.0, 9.0), 9), ((-6.0, 9.0), 3), ((7.0, 0.0), 7)])
def test_one_translating_layer_is_a_convolution_with_its_path(shift, stops):
    """Away from the border, in light. Where the stops are whole pixels nothing is interpolated, and the two agree to rounding;
    between pixels the scene interpolates better than the kernel does, linearly."""
    surface = dead_leaves(90, 90, np.random.default_rng(1))
    moving = MovingScene(70, 70, (layer(surface, Motion(shift), (-10, -10)),))
    for count, bound in ((stops, 1e-5), (64, 0.01)):
        path = torch.tensor([[(time - 0.5) * step for step in shift] for time in moving.times(count)])
        expected = convolve(to_linear(surface), path_kernel(path))[:, 10:-10, 10:-10]
        difference = (to_linear(moving.blurred(count)) - expected)[:, 10:-10, 10:-10]
        assert difference.square().mean().sqrt() < bound
    kernel = moving.kernels_at(35, 35, stops)
    assert kernel.hidden == 0
    torch.testing.assert_close(kernel.kernel, path_kernel(torch.tensor([[(t - 0.5) * s for s in shift] for t in moving.times(stops)])))


def plane_waves(rows: np.ndarray, columns: np.ndarray, wavelength: float) -> np.ndarray:
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, (30, 2))
    waves = [np.cos(2 * np.pi / wavelength * (np.cos(a) * rows + np.sin(a) * columns) + phase) for a, phase in angles]
    return 0.5 + 0.4 * np.mean(waves, axis=0)


@pytest.mark.parametrize("wavelength, error", [(8, 0.01), (4, 0.02), (3, 0.025)])
def test_drawing_is_as_exact_as_it_says(wavelength, error):
    rows, columns = np.mgrid[-20:100, -20:100].astype(np.float64)
    patch = np.repeat(plane_waves(rows, columns, wavelength)[:, :, None], 4, 2).astype(np.float32)
    moved = SceneLayer(patch, (-20, -20), Motion((3.7, 8.2), 5.0, 1.04))
    wrong = []
    for time in (0.1, 0.3, 0.9):
        there = moved.move(np.mgrid[:80, :80].astype(np.float64), time, 0.5)
        wrong.append(moved.drawn(time, 80, 80)[:, :, 0] - plane_waves(*there, wavelength))
    assert np.sqrt(np.square(wrong).mean()) < error * patch.std()


def test_a_turn_is_counter_clockwise_and_a_zoom_above_one_grows():
    one = SceneLayer(np.ones((21, 21, 4), np.float32), (0, 0), Motion(turn=90.0, zoom=4.0))
    right_of_the_middle = np.array([10.0, 14.0])
    np.testing.assert_allclose(one.move(right_of_the_middle, 0, 1), [10 - 16, 10], atol=1e-9)  # above it, four times as far


@pytest.mark.parametrize("seed", range(3))
def test_flow_takes_one_frame_to_another_where_it_is_seen(seed):
    moving = scene(seed, photographs=[clouds(0), clouds(1)])
    flow, seen = moving.flow(0.2, 0.9), moving.visible(0.2, 0.9)
    assert 0.6 < seen.float().mean() < 1
    rows, columns = (torch.arange(size, dtype=torch.float32) for size in (80, 96))
    grid = torch.stack([(columns + flow[1]) / 95 * 2 - 1, (rows[:, None] + flow[0]) / 79 * 2 - 1], -1)[None]
    first, second = moving.frame(0.2), moving.frame(0.9)
    carried = torch.nn.functional.grid_sample(second[None], grid, mode="bicubic", padding_mode="border", align_corners=True)[0]
    inner = ~torch.nn.functional.max_pool2d((~seen).float()[None], 7, 1, 3)[0].bool() & inside_one_layer(moving.owner(0.2))
    assert psnr(first[:, inner], carried[:, inner]) > 55
    assert psnr(first[:, inner], second[:, inner]) < 30


def inside_one_layer(owner: torch.Tensor) -> torch.Tensor:
    """Pixels more than three away from an outline, where two layers mix."""
    around = owner.float()[None]
    return (torch.nn.functional.max_pool2d(around, 7, 1, 3) == -torch.nn.functional.max_pool2d(-around, 7, 1, 3))[0]


def test_flow_of_flow_leads_back():
    moving = scene(2)
    there, back = moving.flow(0.1, 0.8).double(), moving.flow(0.8, 0.1).double()
    rows, columns = torch.meshgrid(torch.arange(80.0), torch.arange(96.0), indexing="ij")
    target = torch.stack([rows, columns]) + there
    for row, column in ((10, 10), (40, 48), (60, 30)):
        if moving.visible(0.1, 0.8)[row, column]:
            near = target[:, row, column].round().long()
            assert (there[:, row, column] + back[:, near[0], near[1]]).abs().max() < 0.2  # read at the nearest pixel


@pytest.mark.parametrize("seed", range(3))
def test_the_kernel_of_a_pixel_blurs_the_sharp_picture_there(seed):
    """In the middle of a layer the blurred light is the sum over the kernel, although every pixel has another one."""
    moving = scene(seed, photographs=[clouds(0), clouds(1)])
    sharp, blurred = to_linear(moving.sharp), to_linear(moving.blurred(31))
    inside = inside_one_layer(moving.owner(0.5))
    wrong, blur = [], []
    for row, column in np.random.default_rng(seed).integers([12, 12], [68, 84], (25, 2)).tolist():
        found = moving.kernels_at(row, column, 31)
        assert found.kernel.sum() == pytest.approx(1, abs=1e-6)
        if found.hidden or not inside[row, column]:
            continue
        reach = found.kernel.shape[0] // 2
        window = sharp[:, row - reach : row + reach + 1, column - reach : column + reach + 1]
        predicted = (window * found.kernel.flip(0, 1)).sum((1, 2))
        wrong.append(predicted - blurred[:, row, column])
        blur.append((sharp - blurred)[:, row, column])
    assert len(wrong) > 4 and torch.stack(wrong).abs().max() < 0.003
    assert torch.stack(wrong).norm() < 0.15 * torch.stack(blur).norm()  # and the blur is not nothing


def test_the_kernels_centre_is_the_mean_of_the_flow():
    """The light of a pixel at `time` comes from where the flow to the sharp picture points, so its offset is minus that flow."""
    moving = scene(1, config=MovingSceneConfig(occluders=0, background_shift=9.0, turn=30.0, zoom=1.3))
    count = len(moving.times())
    flows = torch.stack([moving.flow(time, 0.5) for time in moving.times()])
    for row, column in ((40, 48), (20, 30), (60, 70)):
        found = moving.kernels_at(row, column)
        at = torch.arange(found.kernel.shape[0]) - found.kernel.shape[0] // 2
        centre = torch.stack([(found.kernel.sum(1) * at).sum(), (found.kernel.sum(0) * at).sum()])
        assert found.hidden == 0 and len(found.path) == count
        torch.testing.assert_close(centre, -flows[:, :, row, column].mean(0), atol=1e-4, rtol=0)
        assert centre.norm() > 0.01  # the turn and the zoom shift it, or the test would say little


def test_what_the_sharp_picture_hides_is_left_out_of_the_kernel():
    """A wall before a striped ground: in the middle of the exposure it hides half of what a pixel left of it saw."""
    ground = layer(dead_leaves(60, 80, np.random.default_rng(0)), Motion((0.0, 0.0)), (-10, -10))
    wall = layer(torch.full((3, 40, 20), 0.9), Motion((0.0, 20.0)), (0, 30))
    moving = MovingScene(40, 60, (ground, wall))
    # The wall's left rim is at 29.5 + 20 (time - 1/2). It has passed column 35 at 0.775: then the ground is seen, hidden at 1/2.
    covered = moving.kernels_at(20, 35, 200)
    assert covered.hidden == pytest.approx(0.225, abs=1e-9)
    assert covered.path[:, 0].abs().max() == 0 and covered.path[-1, 1] == pytest.approx(5.5, abs=0.1)
    # It has passed column 25 at 0.275; then the ground is seen, as in the sharp picture.
    beside = moving.kernels_at(20, 25, 200)
    assert beside.hidden == 0 and (beside.path[:, 1] == 0).float().mean() == pytest.approx(0.725)
    assert moving.kernels_at(20, 5).hidden == 0
    assert not moving.visible(0.5, 0.0)[20, 25] and moving.visible(0.5, 1.0)[20, 25]


def test_blurred_is_the_average_of_its_frames_in_light():
    moving = scene(5)
    light = torch.stack([to_linear(frame) for frame in moving.frames(moving.times(7))])
    torch.testing.assert_close(moving.blurred(7), to_display(light.mean(0)), atol=1e-6, rtol=0)
    assert torch.equal(moving.blurred(7, "linear"), average_frames(moving.frames(moving.times(7)), "linear"))
    assert (moving.blurred(7) - moving.blurred(7, "linear")).min() > -1e-6  # Jensen


def test_frames_are_dense_enough_that_more_change_nothing_visible():
    moving = scene(6)
    assert psnr(moving.blurred(), moving.blurred(3 * len(moving.times()))) > 55
    assert psnr(moving.blurred(3), moving.blurred()) < 40


def test_the_edge_of_the_background_is_never_seen():
    wild = MovingSceneConfig(occluders=0, background_shift=20.0, turn=60.0, zoom=0.6)
    for seed in range(3):
        moving = scene(seed, 40, 64, wild)
        for time in (0.0, 0.25, 0.75, 1.0):
            drawn = moving.layers[0].drawn(time, 40, 64)
            assert drawn[:, :, 3].min() == pytest.approx(1, abs=1e-6)


def test_photographs_can_be_the_textures():
    tiny = torch.zeros(3, 20, 30)
    tiny[0] = 1  # red, and smaller than the scene
    red = scene(0, photographs=[tiny])
    assert red.sharp[0].min() > 0.99 and red.sharp[1:].max() < 1e-6
    assert scene(0, photographs=[photos.load("coffee")]).sharp.std() > 0.05


def test_bad_numbers_are_answered_with_sentences():
    with pytest.raises(ParameterError, match="empty"):
        scene(height=0)
    with pytest.raises(ParameterError, match=r"no pixel \(80, 3\) in a picture of 80 rows"):
        scene().kernels_at(80, 3)
    with pytest.raises(ParameterError, match="count=0"):
        scene().blurred(0)
    for bad, words in (
        ({"occluders": -1}, "occluders must be a whole number"),
        ({"size": 0.0}, "size .* between"),
        ({"shift": (5.0, 1.0)}, "swap them"),
        ({"turn": 400.0}, "turn must lie"),
        ({"zoom": math.nan}, "zoom must be a number"),
    ):
        with pytest.raises(RecipeError, match=words):
            MovingSceneConfig(**bad)
