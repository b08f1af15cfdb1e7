"""Two processes under torchrun take the same steps as one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from processes import in_processes, under_torchrun
from torch import nn
from torch.nn import functional as F
from unit import distributed_adversary, distributed_training

from restorelab import checkpoint
from restorelab.models.discriminators import UNetDiscriminator
from restorelab.train import batch_norms
from restorelab.train.run import read_manifest, read_rows


def test_two_processes_end_where_one_does(tmp_path):
    alone, two = tmp_path / "alone", tmp_path / "two"
    alone.mkdir(), two.mkdir()
    assert in_processes((distributed_training.train, alone)) == [0]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run([*torchrun, distributed_training.__file__, str(two)], check=True, env=environment, timeout=300, capture_output=True)
    one, other = (torch.load(folder / "weights.pt", weights_only=True) for folder in (alone, two))
    assert all((one[key] - other[key]).abs().max() <= 1e-6 for key in one)
    start = torch.load(alone / "weights.pt", weights_only=True)
    assert any(value.abs().max() > 0 for value in start.values())
    assert list((two / "run" / "checkpoints").glob("*.pt"))


def test_the_command_takes_the_processes_of_torchrun_for_one_training(tmp_path):
    """One run folder, judged and told once; begun again when it is done, it is the same."""
    given = "train dmphn --steps 4 --batch 2 --crop 32 --device cpu --precision float32"
    words = (str(tmp_path / "runs"), *given.split())
    assert in_processes((distributed_training.command, *words, "--out", str(tmp_path / "alone"))) == [0]
    assert under_torchrun(2, distributed_training.command, *words) == [0, 0]
    (two,) = (tmp_path / "runs" / "dmphn").iterdir()
    one, other = (checkpoint.load(folder / "checkpoints" / "final.safetensors") for folder in (tmp_path / "alone", two))
    assert all((one.model.state_dict()[key] - value).abs().max() <= 1e-6 for key, value in other.model.state_dict().items())
    assert other.manifest["result"]["gain"] == pytest.approx(one.manifest["result"]["gain"], abs=1e-3)
    assert len(read_rows(two)) == 4 and read_manifest(two)["resumed"] == 0

    assert under_torchrun(2, distributed_training.command, *words, "--out", str(two)) == [0, 0]
    again = checkpoint.load(two / "checkpoints" / "final.safetensors")
    assert all(torch.equal(again.model.state_dict()[key], value) for key, value in other.model.state_dict().items())
    assert len(read_rows(two)) == 4 and read_manifest(two)["resumed"] == 1


@pytest.fixture(scope="module")
def both_ways(tmp_path_factory) -> tuple[Path, Path]:
    """The adversarial trainings by one process, and by two."""
    alone, two = (tmp_path_factory.mktemp(name) for name in ("alone", "two"))
    assert in_processes((distributed_adversary.train, alone)) == [0] and under_torchrun(2, distributed_adversary.train, two) == [0, 0]
    return alone, two


@pytest.mark.parametrize("game", ["relativistic", "pools", "unet"])
def test_two_processes_play_the_game_of_one(both_ways, game):
    """Left out: the biases that a norm takes away again, and the means it stores of them. Their gradient is rounding, which Adam blows
    up, and in training nothing depends on them."""
    one, *others = (
        torch.load(folder / f"{game}-{number}.pt", weights_only=True) for folder, number in zip(
            (both_ways[0], both_ways[1], both_ways[1]), (0, 0, 1), strict=True)
    )  # fmt: skip
    for other in others:
        for key, value in one["generator"].items():
            assert (value - other["generator"][key]).abs().max() <= 1e-6, key
        for key, value in one["game"].items() if game != "pools" else ():  # its scores hold that last bias
            if key not in idle_biases(game) and not key.endswith("running_mean"):
                assert (value.double() - other["game"][key].double()).abs().max() <= 1e-6, key
    for row, again in zip(one["rows"], others[0]["rows"], strict=True):
        for name in row:
            assert again[name] == pytest.approx(row[name], rel=1e-5, abs=1e-7), name


def idle_biases(game: str) -> set[str]:
    if game == "unet":
        norms = [name for name, module in UNetDiscriminator(width=2).named_modules() if isinstance(module, nn.BatchNorm2d)]
        return {f"discriminator.{name.replace('norm', 'conv')}.bias" for name in norms}
    # the layers of a PatchGAN: convolution, LeakyReLU, then `depth` times convolution, norm, LeakyReLU; and a convolution, whose bias
    # moves real and fake logits alike, which is nothing to a relativistic loss
    scales = {"local_scale": 3, "global_scale": 5}
    return {f"discriminator.{scale}.layers.{2 + 3 * i}.bias" for scale, depth in scales.items() for i in range(depth + 1)}


def test_batch_norms_over_one_process_are_torchs(monkeypatch):
    """Values, gradients and stored statistics; more processes are played above."""
    monkeypatch.setattr(batch_norms, "_mean_of_all", lambda value: value)
    monkeypatch.setattr(torch.distributed, "get_world_size", lambda: 1)
    x = torch.randn(4, 3, 5, 5, generator=torch.Generator().manual_seed(0)) * 3 + 10
    found = []
    for norm in (F.batch_norm, batch_norms.batch_norm_over_processes):
        given, weight, bias = (
            x.clone().requires_grad_(),
            torch.tensor([1.0, 2.0, 3.0], requires_grad=True),
            torch.zeros(3, requires_grad=True),
        )
        mean, variance = torch.zeros(3), torch.ones(3)
        out = norm(given, mean, variance, weight, bias, True, 0.1, 1e-5)
        out.square().sum().backward()
        later = norm(given.detach(), mean, variance, weight, bias, False, 0.1, 1e-5)
        found.append((out, mean, variance, given.grad, weight.grad, bias.grad, later))
    for torchs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, torchs, atol=2e-4, rtol=1e-4)
