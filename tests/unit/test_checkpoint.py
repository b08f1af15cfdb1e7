import dataclasses
import json

import pytest
import torch
from safetensors.torch import save as write_tensors

from restorelab import checkpoint
from restorelab.errors import CheckpointError
from restorelab.files import sum_file, write_with_sum
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.systems import SYSTEMS


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, DMPHN(DMPHNConfig(width=2)), {"who": "a test"})
    return path


def rewrite(path, header: dict | None, tensors: dict | None = None) -> None:
    metadata = None if header is None else {checkpoint.KEY: json.dumps(header)}
    write_with_sum(path, write_tensors(tensors or {"x": torch.zeros(1)}, metadata))


def test_half_precision_is_half_the_size_and_comes_back_as_float32(saved, tmp_path):
    model = checkpoint.load(saved).model
    checkpoint.save(tmp_path / "half.safetensors", model, half=True)
    found = checkpoint.load(tmp_path / "half.safetensors").model
    assert all(p.dtype == torch.float32 for p in found.parameters())
    assert all((a - b).abs().max() < 1e-3 for a, b in zip(model.parameters(), found.parameters(), strict=True))
    assert (tmp_path / "half.safetensors").stat().st_size < 0.75 * saved.stat().st_size


def test_equal_weights_make_equal_files(saved):
    first = saved.read_bytes()
    for _ in range(5):
        checkpoint.save(saved, checkpoint.load(saved).model, {"who": "a test"})
        assert saved.read_bytes() == first


def test_one_flipped_bit_is_noticed(saved):
    data = bytearray(saved.read_bytes())
    data[-3] ^= 4
    saved.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged or half copied"):
        checkpoint.load(saved)


def test_a_truncated_file_is_noticed(saved):
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="damaged"):
        checkpoint.load(saved)


def test_a_missing_file_and_a_missing_sum_are_told_apart(saved, tmp_path):
    with pytest.raises(CheckpointError, match="there is no checkpoint"):
        checkpoint.load(tmp_path / "other.safetensors")
    sum_file(saved).unlink()
    with pytest.raises(CheckpointError, match="copy both files"):
        checkpoint.load(saved)


HEADER = {"format": checkpoint.FORMAT, "system": "dmphn", "config": {"width": 2}, "manifest": {}}


@pytest.mark.parametrize(
    "header, words",
    [
        (None, "not written by restorelab"),
        ({"format": "pt"}, "not written by restorelab"),
        (HEADER | {"system": "udvdd"}, "newer or unknown system"),
        (HEADER | {"config": "x"}, "configuration"),
        (HEADER | {"config": {"widht": 2}}, "configuration"),
        (HEADER | {"config": {"patches": [3]}}, "powers of two"),
        (HEADER, "missing"),
    ],
)
def test_a_foreign_or_unfitting_file_says_why(saved, header, words):
    rewrite(saved, header)
    with pytest.raises(CheckpointError, match=words):
        checkpoint.load(saved)


def test_a_checkpoint_older_than_a_setting_means_the_network_without_it(saved):
    model = DeblurGANv2(DeblurGANv2Config(width=4))
    config = dataclasses.asdict(model.cfg)
    del config["gated_blocks"]  # the course's first checkpoints do not have it
    rewrite(saved, HEADER | {"system": "deblurgan_v2", "config": config}, model.state_dict())
    assert checkpoint.load(saved).model.cfg == model.cfg


def test_misshaped_and_unexpected_tensors_are_named(saved):
    tensors = DMPHN(DMPHNConfig(width=3)).state_dict()
    rewrite(saved, HEADER, tensors | {"extra": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"1 unexpected \(such as extra\).*of another shape"):
        checkpoint.load(saved)


def test_something_that_is_no_safetensors_file(saved):
    write_with_sum(saved, b"not at all a checkpoint")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        checkpoint.load(saved)


def test_a_place_that_cannot_be_written_keeps_what_was_there(saved):
    with pytest.raises(CheckpointError, match="cannot be written"):
        checkpoint.save(saved.parent / "no folder" / "x.safetensors", DMPHN(DMPHNConfig(width=2)))
    assert checkpoint.load(saved).manifest == {"who": "a test"}
    assert sorted(file.name for file in saved.parent.iterdir()) == ["small.safetensors", "small.safetensors.sha256"]


@pytest.mark.parametrize("path", [one.path for entry in SYSTEMS.values() for one in entry.weights], ids=lambda path: path.stem)
def test_course_checkpoints_are_small_and_say_how_they_were_made(path):
    found = checkpoint.load(path)
    assert sum(p.numel() for p in found.model.parameters()) <= 4_000_000 and path.stat().st_size <= 8e6
    assert found.manifest.keys() >= {"seed", "parameters", "data", "versions", "result"}
    assert found.manifest["result"].keys() >= {"gain", "protocol", "recipe", "on"}
    assert "/" not in found.manifest["data"]["terms"]


def test_a_system_that_has_no_course_checkpoint_yet_says_so(monkeypatch):
    monkeypatch.setitem(SYSTEMS, "x16", dataclasses.replace(SYSTEMS["x16"], weights=()))
    with pytest.raises(CheckpointError, match="ships no weights for x16 yet"):
        checkpoint.load_course("x16")
