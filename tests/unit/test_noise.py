import dataclasses
import json

import numpy as np
import pytest
import torch

from restorelab.degrade import GaussianNoise
from restorelab.degrade.noise import CameraNoise, photon_transfer
from restorelab.errors import ParameterError, RecipeError
from restorelab.ops.light import to_display, to_linear


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def flat(light: float, side: int = 300) -> torch.Tensor:
    return torch.full((1, side, side), light)


@pytest.mark.parametrize("sigma", [1 / 255, 25 / 255, 0.4])
def test_gaussian_noise_measures_what_was_asked(sigma):
    noise = (GaussianNoise(sigma).apply(flat(0.5), rng())[0] - 0.5).double()
    error = sigma / np.sqrt(2 * noise.numel())  # of a standard deviation that is measured on so many pixels
    assert float(noise.std()) == pytest.approx(sigma, abs=4 * error)
    assert float(noise.mean()) == pytest.approx(0, abs=4 * sigma / np.sqrt(noise.numel()))


def test_gaussian_noise_is_numpys_normal_numbers_to_the_bit():
    image = torch.from_numpy(rng(1).random((3, 8, 9), dtype=np.float32))
    noise = torch.from_numpy(rng(7).standard_normal((3, 8, 9), dtype=np.float32))
    assert torch.equal(GaussianNoise(0.1).apply(image, rng(7))[0], image + 0.1 * noise)


@pytest.mark.parametrize("light", [0.0, 0.002, 0.1, 0.9])
def test_camera_noise_measures_what_its_map_says(light):
    step = CameraNoise(full_well=1000.0, read=4.0)
    noisy, truth = step.apply(to_display(flat(light)), rng())
    seen = to_linear(noisy).double()
    variance = light / 1000 + (4 / 1000) ** 2
    kurtosis = 3 + light / 1000**3 / variance**2  # of a Poisson count with Gaussian noise: the fourth cumulant is light / full_well^3
    assert truth["full_well"] == 1000 and truth["read"] == 4
    torch.testing.assert_close(truth["sigma_map"], flat(variance**0.5), rtol=1e-4, atol=0)
    assert float(seen.mean()) == pytest.approx(light, abs=4 * np.sqrt(variance / seen.numel()))
    assert float(seen.var()) == pytest.approx(variance, rel=4 * np.sqrt((kurtosis - 1) / seen.numel()))


def test_without_read_noise_the_electrons_are_whole_and_their_spread_is_poissons():
    light = CameraNoise(full_well=20.0, read=0.0, linear_light=False).apply(flat(0.3), rng())[0].double()
    electrons = light * 20
    assert (electrons - electrons.round()).abs().max() < 1e-4
    skewness = float(((electrons - 6) ** 3).mean() / 6**1.5)
    assert skewness == pytest.approx(6**-0.5, abs=0.05)  # a Gaussian of the same variance has none


def test_counting_display_values_instead_of_light_makes_the_shadows_too_noisy():
    """The point of `linear_light`: at display 0.2 there is 0.033 of the light, not 0.2."""
    right, wrong = (to_linear(CameraNoise(linear_light=on, read=0.0).apply(flat(0.2), rng())[0]).std() for on in (True, False))
    slope = float(to_linear(flat(0.2 + 1e-3)).mean() - to_linear(flat(0.2)).mean()) / 1e-3
    assert float(right) == pytest.approx(np.sqrt(float(to_linear(flat(0.2)).mean()) / 5000), rel=0.02)
    assert float(wrong) == pytest.approx(slope * np.sqrt(0.2 / 5000), rel=0.02)


@pytest.mark.parametrize("full_well, read", [(800.0, 2.0), (5000.0, 20.0)])
def test_the_photon_transfer_curve_gives_the_camera_back(full_well, read):
    patches = torch.linspace(0, 0.9, 10)[:, None, None].expand(10, 120, 120).contiguous()
    dust = 1 + 0.1 * torch.from_numpy(rng(9).standard_normal((10, 120, 120))).float()  # the same in both shots
    camera, generator = CameraNoise(full_well, read), rng(3)
    first, second = (to_linear(camera.apply(to_display(patches * dust), generator)[0]) for _ in range(2))
    measured = photon_transfer(first, second)
    assert measured.full_well == pytest.approx(full_well, rel=0.02)
    assert measured.read == pytest.approx(read, rel=0.03)


@pytest.mark.parametrize(
    "first, second, words",
    [
        (torch.rand(1, 9, 9), torch.rand(1, 9, 9), "two or more"),
        (torch.ones(3, 9, 9), torch.ones(3, 9, 9), "two or more"),
        (torch.rand(2, 50, 50) * 0.5, torch.rand(2, 50, 50) * torch.tensor([0.5, 0.1])[:, None, None] + 0.2, None),
    ],
)
def test_patches_that_tell_nothing_are_refused(first, second, words):
    if words is None:  # darker where it varies more
        second = second + torch.tensor([0.0, 2.0])[:, None, None]
        words = "does not grow with the light"
    with pytest.raises(ParameterError, match=words):
        photon_transfer(first, second)


def test_the_contract_of_a_step():
    image, step = torch.rand(3, 20, 30), CameraNoise(full_well=(500.0, 5000.0), read=(0.0, 5.0))
    before, state = image.clone(), torch.get_rng_state()
    first, again, other = (step.apply(image, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(first[0], again[0]) and first[1]["full_well"] != other[1]["full_well"]
    assert torch.equal(image, before) and torch.equal(state, torch.get_rng_state())
    assert first[0].dtype == torch.float32 and first[0].isfinite().all() and first[1]["sigma_map"].shape == (3, 20, 30)
    assert step.apply(image[:1], rng())[0].shape == (1, 20, 30)
    values = json.loads(json.dumps(dataclasses.asdict(step)))
    assert CameraNoise(**{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}) == step


def test_the_steps_after_it_draw_the_same_whatever_was_counted():
    generators = rng(5), rng(5)
    for generator, light in zip(generators, (0.1, 0.9), strict=True):
        CameraNoise().apply(flat(light, 16), generator)
    assert generators[0].random() == generators[1].random()


@pytest.mark.parametrize(
    "values, words",
    [
        ({"full_well": 1}, "full_well .* must lie between"),
        ({"read": -1.0}, "read .* must lie between"),
        ({"read": (3.0, 1.0)}, "swap them"),
        ({"linear_light": 1}, "true or false"),
    ],
)
def test_a_bad_camera_says_what_is_wrong(values, words):
    with pytest.raises(RecipeError, match=words):
        CameraNoise(**values)
