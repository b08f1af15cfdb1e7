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
    with pytest.raises(ParameterError, match="kernel_size=3 does not go .* 5 or more"):
        presets.choose(presets.UDVD, "smoke", kernel_size=3)
    with pytest.raises(ParameterError, match="no objective 'l1'; there are mse, charbonnier"):
        presets.choose(presets.UDVD, "smoke", objective="l1")


ADVERSARIAL = {name: preset for name, preset in SMOKE.items() if preset.against}


def test_weights_and_the_discriminators_rate_can_be_chosen_and_stand_in_the_manifest():
    assert set(ADVERSARIAL) == {"deblurgan_v2", "x16_perceptual"}
    chosen = presets.choose(presets.DEBLURGAN_V2, "smoke", pixel_weight=2.0, perceptual_weight=0.5, adversarial_weight=0.25,
                            feature_weight=3.0, discriminator_rate=1e-3, learning_rate=1e-2, width=32)  # fmt: skip
    against = chosen.against
    assert (against.pixel_weight, against.perceptual_weight, against.adversarial_weight, against.feature_weight) == (2.0, 0.5, 0.25, 3.0)
    assert (chosen.fit.learning_rate, against.discriminator_rate, chosen.model.width) == (1e-2, 1e-3, 32)
    told = presets.describe(chosen)["against"]
    assert told["adversarial_weight"] == 0.25 and told["perceptual_weight_taken"] == 0.5 and told["perceptual_label"]
    assert presets.adversary(chosen, seed=0).weights == {"adversarial": 0.25, "features": 3.0}
    with pytest.raises(ParameterError, match="no 'pixel_weight'"):
        presets.choose(presets.DMPHN, "smoke", pixel_weight=1.0)
    with pytest.raises(ParameterError, match="Did you mean relativistic"):
        presets.choose(presets.DEBLURGAN_V2, "smoke", game="relativistik")


def test_runs_begun_before_a_setting_existed_can_be_taken_up():
    plain = presets.describe(SMOKE["dmphn"])
    assert "against" not in plain and not {"accumulate", "freeze_steps", "freeze_norms", "shard", "compile"} & set(plain["fit"])
    assert presets.describe(presets.choose(presets.DMPHN, "smoke", accumulate=2))["fit"]["accumulate"] == 2


def test_a_discriminator_is_drawn_by_its_seed_and_leaves_torchs_random_state_alone():
    state = torch.get_rng_state()
    first, again, other = (presets.adversary(ADVERSARIAL["x16_perceptual"], seed).game.discriminator for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.encoder[0].conv.weight, again.encoder[0].conv.weight)
    assert not torch.equal(first.encoder[0].conv.weight, other.encoder[0].conv.weight)


def test_a_training_judged_by_a_perceptual_distance_says_which():
    preset = SMOKE["x16"]
    network = session.new_network("x16", preset, seed=0)
    found = session.validation(preset)(network)
    (label,) = set(found) - {"psnr", "input_psnr"}
    assert label in ("course trunk, not LPIPS", "LPIPS (alex, v0.1)") and found[label] > 0
    assert session.draws(preset) == 1 and session.draws(SMOKE["deblurgan_v2"]) == session.DRAWS
    assert set(session.validation(SMOKE["dmphn"])(session.new_network("dmphn", SMOKE["dmphn"], 0))) == {"psnr", "input_psnr"}
