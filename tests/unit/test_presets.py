"""Presets are values that fit together: networks that take the samples, conditions of the right length, manifests that are JSON."""

import json

import pytest
import torch

from restorelab import presets
from restorelab.data.online import OnlineCrops
from restorelab.data.pairs import training_photos
from restorelab.degrade import gaussian_kernel
from restorelab.errors import ParameterError
from restorelab.evaluate import evaluate
from restorelab.systems import system
from restorelab.train import session
from restorelab.train.objectives import OBJECTIVES

SMOKE = {name: choices["smoke"] for name, (_, choices) in presets.TRAININGS.items()}


@pytest.mark.parametrize("name", presets.TRAININGS)
def test_every_training_has_three_presets_of_its_system_that_describe_themselves(name):
    entry, choices = presets.TRAININGS[name]
    assert list(choices) == ["smoke", "lab", "paper"]
    for preset in choices.values():
        assert isinstance(preset.model, system(entry).config) and preset.objective in OBJECTIVES and preset.note
        facts = json.loads(json.dumps(presets.describe(preset)))
        assert bool(facts["recipe"]) != ("kernel_code" in facts)
        with torch.device("meta"):
            network = system(entry).model(preset.model)
        side = preset.crop // network.scale
        assert side % network.size_multiple[0] == 0 and side % network.size_multiple[1] == 0


@pytest.mark.parametrize("name", presets.TRAININGS)
def test_a_batch_of_every_smoke_preset_trains_its_network(name):
    preset = SMOKE[name]
    samples, words = presets.training_samples(preset, training_photos(), seed=0)
    assert "4 photographs" in words and isinstance(samples, OnlineCrops) == bool(preset.told)
    batch = presets.preparation(preset)(torch.utils.data.default_collate([samples[0], samples[1]]), "cpu")
    network = session.new_network(name, preset, seed=0)
    restored = network(batch.degraded) if batch.condition is None else network(batch.degraded, condition=batch.condition)
    assert restored.image.shape == batch.clean.shape
    OBJECTIVES[preset.objective](restored, batch.clean).backward()


def test_the_same_seed_gives_the_same_network():
    first, again, other = (session.new_network("udvd", SMOKE["udvd"], seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first.state_dict().values(), again.state_dict().values(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(first.state_dict().values(), other.state_dict().values(), strict=True))


def test_a_network_is_told_what_was_done_to_each_picture():
    preset = SMOKE["udvd"]
    pairs = presets.watched_pairs(preset, "validation", draws=2, crop=64, sigma=10 / 255)
    code = presets.kernel_code()
    for pair in pairs:
        given = presets.told(pair)
        assert given.shape == (16,) and given[-1] == pytest.approx(10 / 255)
        assert torch.allclose(given[:-1], code.encode(pair.truth["kernel"]).float())
    network = session.new_network("udvd", preset, seed=0)
    result = evaluate(network, pairs, condition=presets.condition_of(preset))
    assert len(result.rows) == 2 and abs(result.mean("gain")) < 1  # it begins as bicubic enlargement
    assert presets.condition_of(SMOKE["dmphn"]) is None


def test_the_code_of_the_course_holds_its_widest_and_narrowest_kernels():
    code = presets.kernel_code()
    kernels = torch.stack([gaussian_kernel(std, size=15) for std in (0.2, 1.0, 2.0, 3.0, 4.0)])
    errors = code.reconstruction_error(kernels)
    assert errors[:4].max() < 0.04 and errors[4] < 0.14  # the window cuts the widest


def test_choosing_changes_what_is_named_and_refuses_what_is_not():
    preset = presets.choose(presets.UDVD, "smoke", steps=7, width=24, crop=0)
    assert (preset.fit.steps, preset.model.width, preset.crop) == (7, 24, presets.UDVD["smoke"].crop)
    with pytest.raises(ParameterError, match="Did you mean smoke"):
        presets.choose(presets.UDVD, "smke")
    with pytest.raises(ParameterError, match="no 'stepz'"):
        presets.choose(presets.UDVD, "smoke", stepz=3)
