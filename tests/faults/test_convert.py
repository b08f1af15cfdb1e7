"""Files as the authors of every system saved them become checkpoints that restore. No authors' weights are involved: names and shapes
are theirs, values are random."""

import numpy as np
import pytest
import torch
from faults.test_command_line import restorelab
from oracles import test_deblurgan_v2_parity as deblurgan_parity
from oracles import test_mprnet_parity as mprnet_parity
from oracles import test_udvd_parity as udvd_parity
from oracles import test_x16_parity as x16_parity
from PIL import Image

from restorelab import checkpoint
from restorelab.models.mprnet import DERAIN
from restorelab.official.table import RELEASES


def module(state: dict) -> dict:
    """As DataParallel saves."""
    return {f"module.{key}": value for key, value in state.items()}


def udvd_state(fixtures) -> dict:
    with np.load(fixtures / "udvd_seednet.npz") as stored:
        return {key: value.float() for key, value in udvd_parity.official_state(stored).items()}


SAVED = {  # system, what its authors' torch.save was given
    "fpn_mobilenet.h5": ("deblurgan_v2", lambda f: {"model": module(deblurgan_parity.official_state(f, "mobilenet"))}),
    "model_deraining.pth": (
        "mprnet",
        lambda f: {"epoch": 1, "state_dict": module(mprnet_parity.official_state(DERAIN, f)), "optimizer": {}},
    ),
    "RRDB_ESRGAN_x4.pth": ("x16", lambda f: x16_parity.official_state("ESRGAN", width=8, depth=2, growth=4)),
    "RRDB_ESRGAN_x4_old_arch.pth": ("x16", lambda f: x16_parity.official_state("old ESRGAN", width=8, depth=2, growth=4)),
    "RealESRGAN_x4plus.pth": ("x16", lambda f: {"params_ema": x16_parity.official_state("BasicSR", width=8, depth=2, growth=4)}),
    "x16_state.pth": ("x16", lambda f: x16_parity.official_state("ESRGAN", trunks=2, width=8, depth=1, growth=4)),
    "udvd_x2.pth": ("udvd", udvd_state),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_released_file_is_recognised_converted_and_restores(name, tmp_path, fixtures):
    system, make = SAVED[name]
    saved = make(fixtures)
    torch.save(saved, tmp_path / name)
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)).save(tmp_path / "photo.png")

    told = restorelab("info", tmp_path / name)
    assert told.returncode == 0 and RELEASES[system].origin in " ".join(told.stdout.split()), told.stderr
    made = restorelab("convert", tmp_path / name, "--out", tmp_path / "ours.safetensors")
    assert made.returncode == 0, made.stderr
    found = checkpoint.load(tmp_path / "ours.safetensors")
    assert found.system == system and found.manifest["converted_from"] == name
    words = ["--condition", ",".join(["0.1"] * found.model.condition_channels)] if found.model.condition_channels else []
    words += ["--model", system, "--weights", tmp_path / "ours.safetensors"]
    done = restorelab("restore", tmp_path / "photo.png", *words)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "photo_restored.png") as picture:
        assert picture.size == (20 * found.model.scale, 12 * found.model.scale)


@pytest.mark.parametrize("name", SAVED)
def test_no_other_system_takes_the_file_for_its_own(name, fixtures):
    system, make = SAVED[name]
    saved = make(fixtures)
    for wrapper in ("model", "state_dict", "params_ema"):
        saved = saved.get(wrapper, saved)
    state = {key.removeprefix("module."): value for key, value in saved.items()}
    assert [other for other, release in RELEASES.items() if release.recognise(state)] == [system]


@pytest.mark.parametrize("name", ["fpn_mobilenet.h5", "model_deraining.pth", "RRDB_ESRGAN_x4.pth", "udvd_x2.pth"])
def test_a_file_with_a_tensor_missing_is_counted_out_and_nothing_is_written(name, tmp_path, fixtures):
    _, make = SAVED[name]
    saved = make(fixtures)
    inner = next((saved[key] for key in ("model", "state_dict") if key in saved), saved)
    lost = [key for key in inner if not key.startswith("module.fpn.") and "RDB" not in key and key.endswith("weight")][-1]
    del inner[lost]
    torch.save(saved, tmp_path / name)
    done = restorelab("convert", tmp_path / name)
    assert done.returncode == 1 and len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not list(tmp_path.glob("*.safetensors"))


def test_a_network_that_asks_for_the_degradation_says_so(tmp_path, fixtures):
    torch.save(udvd_state(fixtures), tmp_path / "udvd.pth")
    restorelab("convert", tmp_path / "udvd.pth", "--out", tmp_path / "ours.safetensors")
    Image.new("RGB", (8, 8)).save(tmp_path / "p.png")
    words = ("restore", tmp_path / "p.png", "--model", "udvd", "--weights", tmp_path / "ours.safetensors")
    for more, says in (
        ((), "give condition, 16 numbers"),
        (("--condition", "1,2"), "takes 16"),
        (("--condition", "a"), "numbers with commas"),
    ):
        done = restorelab(*words, *more)
        assert done.returncode == 1 and says in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_a_system_without_weights_asks_for_some(tmp_path):
    done = restorelab("restore", "p.png", "--model", "udvd", "--task", "denoising")
    assert done.returncode == 1 and "ships no weights for udvd for denoising; it has super-resolution" in done.stderr
