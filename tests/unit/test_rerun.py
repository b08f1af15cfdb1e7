"""A checkpoint's manifest is enough to train it again: the same preset, and on the same machine the same weights to the bit."""

import dataclasses
import json
import random

import pytest
import torch
from rich.console import Console

from restorelab import checkpoint, image, presets, rerun
from restorelab.checkpoint import Checkpoint
from restorelab.cli import again
from restorelab.cli.training import train
from restorelab.errors import CheckpointError, ParameterError
from restorelab.models.udvd import UDVD, UDVDConfig

TINY = UDVDConfig(width=4, depth=1, pca=15)


@pytest.fixture(autouse=True)
def _small_pictures_to_judge_by(monkeypatch):
    watched = presets.watched_pairs
    monkeypatch.setattr(
        presets, "watched_pairs", lambda preset, split, draws=1, crop=None, sigma=None: watched(preset, split, 1, 48, sigma)
    )


@pytest.fixture
def said(tmp_path):
    """A console, and what it was told."""
    file = open(tmp_path / "said.txt", "w+")  # noqa: SIM115
    yield Console(file=file, highlight=False, soft_wrap=True), lambda: (file.flush(), (tmp_path / "said.txt").read_text())[1]
    file.close()


def as_manifest(name: str, preset: presets.Preset) -> Checkpoint:
    facts = {"seed": 3, "parameters": presets.describe(preset) | {"training": name}, "data": {"photographs": 4, "sha256": "abc"}}
    return Checkpoint(torch.nn.Identity(), presets.TRAININGS[name][0], json.loads(json.dumps(facts)))


@pytest.mark.parametrize("level", ["smoke", "lab", "paper"])
@pytest.mark.parametrize("name", presets.TRAININGS)
def test_every_preset_is_read_back_as_it_was_described(name, level):
    preset = presets.TRAININGS[name][1][level]
    preset = dataclasses.replace(preset, crop=3 * preset.crop, fit=dataclasses.replace(preset.fit, steps=77, learning_rate=7e-5))
    found = rerun.recorded(as_manifest(name, preset))
    assert (found.training, found.seed, found.photographs, found.changes) == (name, 3, 4, ())
    assert presets.describe(found.preset) == presets.describe(preset)
    assert found.preset.model == preset.model and found.preset.told == preset.told


def test_the_checkpoints_of_the_course_tell_how_they_were_trained():
    there = rerun.course_checkpoints()
    assert {"dmphn_shake", "udvd_x2"} <= there.keys() and "course_trunk" not in there
    for path in there.values():
        found = checkpoint.load(path)
        then = rerun.recorded(found)
        assert then.preset.model == found.model.cfg and then.photographs == 119 and "CID22" in then.terms
    words = " ".join(rerun.recorded(checkpoint.load(there["dmphn_shake"])).changes)
    assert "it began with the weights of" in words and "for shakes of 5 to 8 pixels" in words


def test_a_checkpoint_is_trained_again_to_the_bit(tmp_path, said):
    console, words = said
    given = {"steps": 4, "batch": 2, "crop": 32, "width": 8}
    first = train("udvd", "smoke", tmp_path / "first", None, "cpu", 5, given, console)
    folder = again.train_again(str(first / "checkpoints" / "final.safetensors"), None, tmp_path / "second", "cpu", console)
    assert "the same weights as in final.safetensors, to the bit" in words() and "other than then" not in words()
    one, other = (checkpoint.load(run / "checkpoints" / "final.safetensors") for run in (first, folder))
    assert all(torch.equal(value, other.model.state_dict()[key]) for key, value in one.model.state_dict().items())
    assert one.manifest["parameters"] == other.manifest["parameters"] and one.manifest["seed"] == other.manifest["seed"] == 5


def test_a_training_that_began_with_a_course_checkpoint_begins_with_it_again(tmp_path, said, monkeypatch):
    console, words = said
    given = {"steps": 2, "batch": 2, "crop": 32, "width": 8}
    first = train("udvd", "smoke", tmp_path / "first", None, "cpu", 0, given, console) / "checkpoints" / "final.safetensors"
    second = train("udvd", "smoke", tmp_path / "second", None, "cpu", 0, given, console, start=first) / "checkpoints" / "final.safetensors"
    assert "it began with" in rerun.recorded(checkpoint.load(second)).changes[0], "no course checkpoint has these weights"
    monkeypatch.setattr(rerun, "course_checkpoints", lambda: {"first": first})
    again.train_again(str(second), None, tmp_path / "third", "cpu", console)
    assert "the same weights as in final.safetensors, to the bit" in words() and "other than then" not in words()
    with pytest.raises(ParameterError, match="of another network"):
        train("udvd", "smoke", tmp_path / "fourth", None, "cpu", 0, given | {"width": 4}, console, start=first)


def test_kept_weights_that_lie_between_two_networks_are_made_again_to_the_bit(tmp_path, said, monkeypatch):
    console, words = said
    given = {"steps": 2, "batch": 2, "crop": 32, "width": 8}
    first = train("udvd", "smoke", tmp_path / "first", None, "cpu", 0, given, console) / "checkpoints" / "final.safetensors"
    ends = {}
    for far in (1.0, 0.25):
        folder = train("udvd", "smoke", tmp_path / f"{far}", None, "cpu", 0, given | {"interpolation": far}, console, start=first)
        ends[far] = checkpoint.load(folder / "checkpoints" / "final.safetensors")
    begun, trained, between = (one.model.state_dict() for one in (checkpoint.load(first), ends[1.0], ends[0.25]))
    for name, value in between.items():
        torch.testing.assert_close(value, 0.75 * begun[name] + 0.25 * trained[name], atol=1e-7, rtol=1e-6)
    assert any(not torch.equal(begun[name], trained[name]) for name in begun)
    assert "interpolation" not in ends[1.0].manifest["parameters"] and ends[0.25].manifest["parameters"]["interpolation"] == 0.25
    monkeypatch.setattr(rerun, "course_checkpoints", lambda: {"first": first})
    again.train_again(str(tmp_path / "0.25" / "checkpoints" / "final.safetensors"), None, tmp_path / "again", "cpu", console)
    assert "the same weights as in final.safetensors, to the bit" in words()
    with pytest.raises(ParameterError, match="name them with start"):
        train("udvd", "smoke", tmp_path / "none", None, "cpu", 0, given | {"interpolation": 0.5}, console)
    with pytest.raises(ParameterError, match="at most 1"):
        presets.choose(presets.UDVD, "smoke", interpolation=1.5)


def test_other_photographs_are_said_and_change_the_weights(tmp_path, said):
    console, words = said
    given = {"steps": 2, "batch": 2, "crop": 32, "width": 8}
    first = train("udvd", "smoke", tmp_path / "first", None, "cpu", 0, given, console)
    (tmp_path / "photos").mkdir()
    image.save(torch.rand(3, 80, 90, generator=torch.Generator().manual_seed(0)), tmp_path / "photos" / "mine.png")
    again.train_again(str(first / "checkpoints" / "final.safetensors"), tmp_path / "photos", tmp_path / "second", "cpu", console)
    assert "it saw 4 photographs, these are 5" in words() and "other weights than in final.safetensors" in words()


def test_weights_written_as_float16_are_recognised():
    torch.manual_seed(0)
    model = UDVD(TINY)
    halved = UDVD(TINY)
    halved.load_state_dict({key: value.half().float() if value.is_floating_point() else value for key, value in model.state_dict().items()})
    found = Checkpoint(halved, "udvd", {})
    assert rerun.same_weights(model, found)
    weight = random.Random(0).choice(list(model.parameters()))
    with torch.no_grad():
        weight.view(-1)[0] += 0.01
    assert not rerun.same_weights(model, found)


def test_what_is_not_as_it_was_is_said():
    preset = presets.UDVD["smoke"]
    found = as_manifest("udvd", preset)
    found.manifest.update(versions={"restorelab": "0.0.1", "torch": "2.0.0"}, device="an abacus", note="by hand", result={"steps_done": 12})
    found.manifest["parameters"] |= {"kernel_code": "0" * 16, "start": "old.safetensors"}
    assert [any(word in words for words in rerun.recorded(found).changes) for word in ("by hand", "old.safetensors", "12 of 30")] == [
        True
    ] * 3
    differences = " ".join(rerun.other_circumstances(found, "cpu"))
    assert all(word in differences for word in ("0.0.1", "2.0.0", "abacus", "another one now"))


def test_mistakes_are_named(tmp_path):
    with pytest.raises(ParameterError, match="Did you mean dmphn_shake"):
        rerun.find("dmphn_shak")
    checkpoint.save(tmp_path / "converted.safetensors", UDVD(TINY), {"converted_from": "a.pth"})
    with pytest.raises(CheckpointError, match="does not tell how it was trained"):
        rerun.recorded(checkpoint.load(tmp_path / "converted.safetensors"))
    found = as_manifest("mprnet_derain", presets.MPRNET_DERAIN["smoke"])
    found.manifest["parameters"]["training"] = "dmphn"
    with pytest.raises(CheckpointError, match="not a training of mprnet"):
        rerun.recorded(found)
