"""What every degradation step promises, asked of every step."""

import numpy as np
import pytest
import torch

from restorelab.degrade import (
    CameraNoise,
    CameraShake,
    Downsample,
    GaussianBlur,
    GaussianNoise,
    IsotropicBlur,
    Jpeg,
    Rain,
    Recipe,
    SRMDBlur,
    VaryingBlur,
    degrade,
)
from restorelab.degrade.recipe import STEPS

EXAMPLES = {
    "gaussian_blur": GaussianBlur(std=(0.6, 2.5), ratio=(0.3, 1.0), angle=(0.0, 180.0)),
    "isotropic_blur": IsotropicBlur(std=(0.2, 4.0)),
    "srmd_blur": SRMDBlur(),
    "varying_blur": VaryingBlur(stds=((0.3, 2.0), (1.0, (0.5, 2.5)))),
    "rain": Rain(density=(1.0, 5.0), angle=(-20.0, 20.0)),
    "camera_noise": CameraNoise(full_well=(500.0, 5000.0)),
    "camera_shake": CameraShake(length=(2.0, 15.0), smoothness=(0.1, 1.0)),
    "gaussian_noise": GaussianNoise(sigma=(0.0, 0.2)),
    "downsample": Downsample(2),
    "jpeg": Jpeg(quality=(20, 95)),
}


@pytest.fixture(params=EXAMPLES)
def recipe(request):
    return Recipe((EXAMPLES[request.param],))


def picture(seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random((3, 40, 56), dtype=np.float32))


def test_every_step_is_under_contract():
    assert EXAMPLES.keys() == STEPS.keys()


def test_stays_in_range_and_leaves_the_clean_picture_alone(recipe):
    clean = picture()
    before = clean.clone()
    for seed in range(5):
        image = degrade(clean, recipe, np.random.default_rng(seed)).image
        assert image.dtype == torch.float32 and image.min() >= 0 and image.max() <= 1
    assert torch.equal(clean, before)


def test_is_decided_by_the_generator(recipe):
    first, again = (degrade(picture(), recipe, np.random.default_rng(5)).image for _ in range(2))
    assert torch.equal(first, again)


def test_a_drawn_step_varies_and_a_fixed_one_says_what_was_drawn(recipe):
    truths = [degrade(picture(), recipe, np.random.default_rng(seed)).truth for seed in (1, 2)]
    assert truths[0].keys() == truths[1].keys() and truths[0]
    if recipe.steps[0].kind != "downsample":
        assert str(truths[0]) != str(truths[1])


def test_torch_random_numbers_are_not_touched(recipe):
    torch.manual_seed(3)
    want = torch.rand(1)
    torch.manual_seed(3)
    degrade(picture(), recipe, np.random.default_rng(0))
    assert torch.equal(torch.rand(1), want)


def test_works_on_one_channel_too(recipe):
    assert degrade(picture()[:1], recipe, np.random.default_rng(0)).image.shape[0] == 1


def test_survives_json(recipe):
    assert Recipe.from_json(recipe.to_json()) == recipe
