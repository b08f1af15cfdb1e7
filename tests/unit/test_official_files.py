"""Whatever authors wrap their weights in comes out as plain tensors; programs and ruins are refused with words."""

import os
import pickle

import pytest
import torch
from safetensors.torch import save_file

from restorelab.errors import CheckpointError
from restorelab.official.files import read_state
from restorelab.official.table import read_release

STATE = {"a.weight": torch.rand(2, 3), "b": torch.rand(1)}


@pytest.mark.parametrize(
    "content",
    [
        STATE,
        {"state_dict": STATE, "epoch": 3, "optimizer": {"state": {}}},
        {"model": {f"module.{key}": value for key, value in STATE.items()}},
        {"params": {"other": torch.zeros(1)}, "params_ema": STATE},
        {**STATE, "epoch": 7},
    ],
    ids=["bare", "state_dict", "model and module.", "params_ema before params", "a number among them"],
)
def test_wrappings_come_off(content, tmp_path):
    torch.save(content, tmp_path / "w.pth")
    found = read_state(tmp_path / "w.pth")
    assert found.keys() == STATE.keys() and all(torch.equal(found[key], STATE[key]) for key in STATE)


def test_module_stays_when_only_some_names_have_it(tmp_path):
    torch.save({"module.a": torch.zeros(1), "b": torch.zeros(1)}, tmp_path / "w.pth")
    assert set(read_state(tmp_path / "w.pth")) == {"module.a", "b"}


def test_safetensors_and_the_old_torch_format_are_read(tmp_path):
    save_file(STATE, tmp_path / "w.safetensors")
    torch.save(STATE, tmp_path / "w.h5", _use_new_zipfile_serialization=False)
    for name in ("w.safetensors", "w.h5"):
        assert torch.equal(read_state(tmp_path / name)["b"], STATE["b"])


class Program:
    def __reduce__(self):
        return os.mkdir, ("it_ran",)


@pytest.mark.parametrize("make", [lambda: torch.nn.Conv2d(1, 1, 1), Program], ids=["a whole module", "a program"])
def test_programs_are_refused_and_do_not_run(make, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(make(), "zip.pth")
    (tmp_path / "bare.pkl").write_bytes(pickle.dumps(make()))
    for name in ("zip.pth", "bare.pkl"):
        with pytest.raises(CheckpointError, match="pickled program.*state_dict"):
            read_state(tmp_path / name)
    assert not (tmp_path / "it_ran").exists()


def test_ruins_get_a_sentence(tmp_path):
    torch.save(STATE, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    save_file(STATE, tmp_path / "whole.safetensors")
    ruins = {
        "cut.pth": (whole[: len(whole) // 2], "damaged"),
        "empty.pth": (b"", "damaged"),
        "text.pth": (b"# Read me\n", "not a file of torch"),
        "cut.safetensors": ((tmp_path / "whole.safetensors").read_bytes()[:40], "damaged or not a safetensors file"),
    }
    for name, (content, message) in ruins.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError, match=message):
            read_state(tmp_path / name)
    torch.save({"epoch": 3}, tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="no table of named tensors"):
        read_state(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match="there is no file"):
        read_state(tmp_path / "nowhere.pth")


def test_a_strangers_file_is_told_what_would_be_read(tmp_path):
    torch.save(STATE, tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="2 tensors.*a.weight.*DMPHN"):
        read_release(tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match="holds no encoder_lv1.pkl"):
        read_release(tmp_path)
