import json
import math

import numpy as np
import pytest
import torch

from restorelab.data import photos
from restorelab.degrade import (
    CameraShake,
    Downsample,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
    Recipe,
    convolve,
    degrade,
    gaussian_kernel,
    path_kernel,
    shake_path,
)
from restorelab.errors import RecipeError
from restorelab.image import load, to_uint8
from restorelab.ops.light import to_display, to_linear


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def centroid(kernel: torch.Tensor) -> tuple[float, float]:
    at = torch.arange(kernel.shape[0], dtype=torch.float64) - kernel.shape[0] // 2
    return float((kernel.sum(1) * at).sum()), float((kernel.sum(0) * at).sum())


def test_gaussian_kernel_has_the_spread_and_direction_asked_for():
    kernel = gaussian_kernel(std=3.0, ratio=0.5, angle=0.0, size=41).double()
    at = torch.arange(41, dtype=torch.float64) - 20
    assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
    assert float((kernel.sum(0) * at**2).sum()) == pytest.approx(9.0, rel=1e-2)  # along the columns: 0 degrees points right
    assert float((kernel.sum(1) * at**2).sum()) == pytest.approx(2.25, rel=1e-2)
    diagonal = gaussian_kernel(std=3.0, ratio=0.2, angle=45.0, size=21)
    assert diagonal[5, 15] > 10 * diagonal[5, 5]  # up and right, not up and left


def test_a_point_of_light_comes_out_as_the_kernel_the_right_way_round():
    kernel = torch.zeros(5, 5)
    kernel[1, 2], kernel[2, 4] = 0.25, 0.75
    image = torch.zeros(1, 11, 11)
    image[0, 5, 5] = 1
    assert torch.equal(convolve(image, kernel)[0, 3:8, 3:8], kernel)


def test_convolve_mirrors_the_border_and_keeps_the_size():
    image = torch.rand(3, 9, 7)
    kernel = torch.zeros(5, 5)
    kernel[2, 4] = 1  # everything moves two pixels to the right; the mirror comes in from the left
    moved = convolve(image, kernel)
    assert torch.equal(moved[:, :, 2:], image[:, :, :-2])
    assert torch.equal(moved[:, :, 0], image[:, :, 2])


def test_shake_is_the_average_of_shifted_frames_in_linear_light():
    image, path = torch.rand(3, 24, 30), torch.tensor([[0.0, 0.0], [1.0, 2.0], [-1.0, -2.0], [0.5, 0.0]])
    frames = [to_linear(image), *(torch.roll(to_linear(image), shift, (1, 2)) for shift in ((1, 2), (-1, -2)))]
    frames.append((to_linear(image) + torch.roll(to_linear(image), 1, 1)) / 2)  # half a pixel down
    want = to_display(torch.stack(frames).mean(0))
    got = to_display(convolve(to_linear(image), path_kernel(path)))
    torch.testing.assert_close(got[:, 4:-4, 4:-4], want[:, 4:-4, 4:-4], atol=1e-5, rtol=0)


def test_gamma_space_averaging_dims_a_bright_streak():
    image = torch.zeros(3, 41, 41)
    image[:, 20, 20] = 1
    light, display = (degrade(image, Recipe((CameraShake(10.0, linear_light=on),), bits=None), rng()).image for on in (True, False))
    assert light.max() > 2 * display.max()
    assert float(to_linear(light).sum()) == pytest.approx(3, rel=1e-3)  # no light is lost


@pytest.mark.parametrize("length, smoothness", [(6.0, 0.1), (12.0, 0.5), (25.0, 2.0)])
def test_shake_path_has_its_length_is_centred_and_ignores_the_number_of_frames(length, smoothness):
    path = shake_path(length, smoothness, 4000, rng(1))
    assert float(np.hypot(*np.diff(path.numpy(), axis=0).T).sum()) == pytest.approx(length, rel=0.02)
    assert path.mean(0).abs().max() < 1e-5
    coarse = shake_path(length, smoothness, 40, rng(1))
    assert (coarse - path.reshape(40, 100, 2).mean(1)).abs().max() < 0.2


def test_a_smooth_shake_is_straighter_than_a_trembling_one():
    def reach(smoothness):
        ends = (shake_path(20.0, smoothness, 200, rng(seed))[[0, -1]] for seed in range(20))
        return np.mean([float((b - a).norm()) for a, b in ends])

    assert reach(2.0) > 1.5 * reach(0.05)


def test_kernels_of_a_shake_sum_to_one_and_keep_the_picture_registered():
    for seed in range(5):
        kernel = degrade(torch.rand(3, 32, 32), Recipe((CameraShake(length=(3.0, 20.0)),)), rng(seed)).truth["kernel"]
        assert float(kernel.sum()) == pytest.approx(1, abs=1e-6)
        assert (kernel >= 0).all()
        assert max(map(abs, centroid(kernel.double()))) < 1e-4


def test_noise_has_the_strength_asked_for_and_says_so():
    result = degrade(torch.full((3, 200, 200), 0.5), Recipe((GaussianNoise(sigma=(0.05, 0.06)),), bits=None), rng())
    assert 0.05 <= result.truth["sigma"] <= 0.06
    assert float((result.image - 0.5).std()) == pytest.approx(result.truth["sigma"], rel=0.02)


def test_jpeg_gets_worse_with_less_quality():
    clean = photos.load("coffee")[:, :128, :128]
    errors = [float((degrade(clean, Recipe((Jpeg(quality),)), rng()).image - clean).abs().mean()) for quality in (95, 50, 10)]
    assert errors == sorted(errors) and errors[0] > 0


def test_downsample_crops_to_a_multiple_and_reports_the_scale():
    result = degrade(torch.rand(3, 33, 46), Recipe((Downsample(4),)), rng())
    assert result.image.shape == (3, 8, 11) and result.truth == {"scale": 4}


FULL = Recipe(
    (
        GaussianBlur(std=(0.5, 2.0), ratio=0.6, angle=(0.0, 180.0)),
        CameraShake(frames=9),
        Downsample(2),
        GaussianNoise(0.02),
        Jpeg((40, 90)),
    ),
    bits=16,
)


def test_json_round_trip_is_exact_for_every_step():
    assert Recipe.from_json(FULL.to_json()) == FULL
    assert Recipe.from_json('{"steps": []}') == Recipe(())


def test_the_same_seed_gives_the_same_picture_and_another_does_not():
    clean = torch.rand(3, 40, 40)
    first, again, other = (degrade(clean, FULL, rng(seed)).image for seed in (3, 3, 4))
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_the_same_seed_gives_the_same_pixels_on_any_machine(fixtures):
    """The stored pictures were made on one machine; another may differ in the last bit of a float, hence at most one level."""
    clean = torch.from_numpy(np.random.default_rng(7).random((3, 12, 12)).repeat(4, axis=1).repeat(4, axis=2)).float()
    recipe = Recipe((CameraShake(length=(4.0, 16.0), smoothness=(0.2, 1.0)), GaussianNoise(sigma=(0.0, 3 / 255))))
    result = degrade(clean, recipe, rng(11))
    assert result.truth["sigma"] == 0.001360710279055957
    stored = to_uint8(load(fixtures / "shake_seed_11.png")).astype(int)
    difference = np.abs(to_uint8(result.image).astype(int) - stored)
    assert difference.max() <= 1 and (difference > 0).mean() < 0.01


def test_two_kernels_in_one_recipe_are_both_kept():
    truth = degrade(torch.rand(3, 20, 20), Recipe((GaussianBlur(1.0), GaussianBlur(2.0))), rng()).truth
    assert set(truth) == {"kernel", "kernel_2"} and truth["kernel"].shape != truth["kernel_2"].shape


def test_margin_is_what_the_recipe_looks_at():
    """Degrading a crop with the margin to spare and trimming equals degrading the whole picture."""
    clean = torch.rand(3, 96, 96)
    recipe = Recipe((GaussianBlur(1.5), CameraShake(9.0, 0.5), Downsample(2)), bits=None)
    margin = recipe.margin
    assert margin % 2 == 0
    whole = degrade(clean, recipe, rng(2)).image
    top = 96 // 2 - margin // 2 - 2
    crop = degrade(clean[:, 2 * (top // 2) :, :], recipe, rng(2)).image
    torch.testing.assert_close(crop[:, margin // 2 + 1 :], whole[:, top // 2 + margin // 2 + 1 :], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "text, words",
    [
        ("{", "not valid JSON"),
        ("[]", "a recipe is an object"),
        ('{"steps": [{"sigma": 1}]}', 'needs a "kind"'),
        ('{"steps": [{"kind": "gaussian_nose"}]}', "Did you mean gaussian_noise"),
        ('{"steps": [{"kind": "gaussian_noise", "sigm": 0.1}]}', "Did you mean sigma"),
        ('{"steps": [{"kind": "gaussian_noise", "sigma": 25}]}', "between 0 and 1"),
        ('{"steps": [{"kind": "gaussian_noise", "sigma": [0.2, 0.1]}]}', "swap them"),
        ('{"steps": [{"kind": "gaussian_noise", "sigma": "much"}]}', "must be a number"),
        ('{"steps": [{"kind": "gaussian_noise", "sigma": NaN}]}', "must be a number"),
        ('{"steps": [{"kind": "camera_shake", "frames": 0}]}', "frames must be a whole number"),
        ('{"steps": [{"kind": "camera_shake", "linear_light": 1}]}', "true or false"),
        ('{"steps": [{"kind": "downsample", "scale": 2.5}]}', "whole number"),
        ('{"steps": [{"kind": "jpeg", "quality": 0}]}', "between 1 and 100"),
        ('{"steps": [], "bits": 12}', "bits are 8, 16 or None"),
        ('{"steps": [], "seed": 1}', "a recipe is an object"),
    ],
)
def test_a_bad_recipe_says_what_is_wrong(text, words):
    with pytest.raises(RecipeError, match=words.replace("(", r"\(").replace("[", r"\[")):
        Recipe.from_json(text)


def test_json_is_plain():
    assert json.loads(Recipe((GaussianNoise(0.1),)).to_json()) == {"steps": [{"kind": "gaussian_noise", "sigma": 0.1}], "bits": 8}
    assert math.isclose(Recipe((Downsample(2), Downsample(3))).scale, 6)
