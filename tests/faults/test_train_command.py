"""`restorelab train`: weights that load, a run that is taken up, words mistyped."""

import pytest
import torch
from faults.test_command_line import restorelab

from restorelab import checkpoint, presets
from restorelab.train import loop
from restorelab.train.run import read_manifest, read_rows


@pytest.fixture(autouse=True)
def _small_pictures_to_judge_by(monkeypatch):
    """The command is looked at here, and not its networks: they are judged on crops of 48 pixels."""
    watched = presets.watched_pairs
    monkeypatch.setattr(
        presets, "watched_pairs", lambda preset, split, draws=1, crop=None, sigma=None: watched(preset, split, 1, 48, sigma)
    )


SHORT = ("--steps", 4, "--batch", 2, "--crop", 32)


def test_a_training_leaves_weights_with_their_manifest(tmp_path):
    done = restorelab("train", "udvd", *SHORT, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "step 4/4" in done.stdout and "measured here" in done.stdout
    found = checkpoint.load(tmp_path / "checkpoints" / "final.safetensors")
    assert found.system == "udvd" and found.manifest["result"]["steps_done"] == 4 and len(found.manifest["result"]["gains"]) == 3
    assert found.manifest["parameters"]["training"] == "udvd" and "COURSE_RGB" in found.manifest["result"]["protocol"]
    assert read_manifest(tmp_path)["status"] == "finished"


def test_a_stopped_training_ends_with_the_same_weights(tmp_path, monkeypatch):
    """Stopped between two saved states: the lines logged after the last one are those of the run that goes on."""
    whole = restorelab("train", "mprnet_denoise", "--steps", 8, *SHORT[2:], "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    report = loop._report

    def stopping(run, cfg, step, *rest):
        if step == 8:  # states are saved every 6 steps
            raise KeyboardInterrupt
        return report(run, cfg, step, *rest)

    monkeypatch.setattr(loop, "_report", stopping)
    assert restorelab("train", "mprnet_denoise", "--steps", 8, *SHORT[2:], "--out", tmp_path / "stopped").returncode == 130
    monkeypatch.setattr(loop, "_report", report)
    again = restorelab("train", "mprnet_denoise", "--steps", 8, *SHORT[2:], "--out", tmp_path / "stopped")
    assert again.returncode == 0, again.stderr
    assert [row["step"] for row in read_rows(tmp_path / "stopped")] == list(range(1, 9))
    first, second = (
        checkpoint.load(tmp_path / name / "checkpoints" / "final.safetensors").model.state_dict() for name in ("whole", "stopped")
    )
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize(
    "words, says",
    [
        (("dmphm",), "Did you mean dmphn?"),
        (("dmphn", "--preset", "smok"), "Did you mean smoke?"),
        (("dmphn", "--photos", "nowhere"), "there is no folder"),
        (("dmphn", "--precision", "float8"), "precision is"),
        (("dmphn", "--shard"), "start them with torchrun"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(words, says, tmp_path):
    done = restorelab("train", *words, "--out", tmp_path / "run")
    assert done.returncode == 1 and says in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["deblurgan_v2", "x16_perceptual"])
def test_adversarial_trainings_leave_weights_that_say_how_they_look(name, tmp_path):
    done = restorelab("train", name, "--preset", "smoke", "--steps", 2, "--batch", 2, "--crop", 64, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    found = checkpoint.load(tmp_path / "checkpoints" / "final.safetensors")
    label = found.manifest["parameters"]["against"]["perceptual_label"]
    assert found.manifest["result"][label] > 0 and label in done.stdout
    assert all("discriminator_accuracy" in row for row in read_rows(tmp_path))
