"""The loop, its state and its run folder, on a network of three numbers."""

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from restorelab import image, presets
from restorelab.data.pairs import TrainingPairs
from restorelab.errors import DataError, TrainingError
from restorelab.models.restored import Restored
from restorelab.train.batch import Batch
from restorelab.train.forecast import forecast
from restorelab.train.loop import FitConfig, Progress, batches, fit, learning_rate_at, use_bfloat16
from restorelab.train.objectives import OBJECTIVES, every_stage_mse
from restorelab.train.run import Run, read_manifest
from restorelab.train.state import load_newest, save_state, saved_states


class Gain(nn.Module):
    """restored = weight * degraded + bias, per channel."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1, groups=3)

    def forward(self, degraded):
        return Restored(self.layer(degraded))


class Halved(torch.utils.data.Dataset):
    """Sample n: a random picture and its half-bright version; `poison` makes one of them NaN."""

    def __init__(self, poison: int | None = None):
        self.poison = poison

    def __getitem__(self, number: int):
        clean = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(number))
        return (clean * float("nan") if number == self.poison else clean / 2), clean


CFG = FitConfig(steps=12, batch=2, learning_rate=0.05, warmup=3, ema=0.5, save_every=4, validate_every=6)


def train(folder: Path, cfg: FitConfig = CFG, samples=None, **more) -> tuple[nn.Module, Run]:
    torch.manual_seed(0)
    with Run(folder, seed=0) as run:
        return fit(Gain(), every_stage_mse, samples or Halved(), cfg, run, **more), run


def weights(model: nn.Module) -> list[float]:
    return [float(x) for p in model.parameters() for x in p.detach().flatten()]


def test_learns_and_reports_every_step(tmp_path):
    seen: list[Progress] = []
    cfg = FitConfig(steps=300, batch=4, learning_rate=0.05, warmup=5, ema=0.5, validate_every=100)
    model, run = train(tmp_path, cfg, watch=seen.append, validate=lambda net: {"psnr": 1.0})
    assert float(model.layer.weight.detach().mean()) == pytest.approx(2, abs=0.2)
    assert [p.step for p in seen] == list(range(1, 301))
    assert seen[-1].remaining == 0 and seen[0].remaining > 0
    rows = run.rows()
    assert rows[-1]["loss"] < rows[0]["loss"] / 20
    assert [row["step"] for row in rows if "psnr" in row] == [100, 200, 300]
    assert not model.training


def test_learning_rate_warms_up_and_follows_a_cosine_to_a_hundredth():
    cfg = FitConfig(steps=110, warmup=10, learning_rate=1.0)
    assert [learning_rate_at(step, cfg) for step in (1, 5, 10)] == [0.1, 0.5, 1.0]
    assert learning_rate_at(60, cfg) == pytest.approx(0.505)
    assert learning_rate_at(110, cfg) == pytest.approx(0.01)


def test_samples_are_numbered_through_and_resuming_starts_at_the_right_one():
    class Number(torch.utils.data.Dataset):
        def __getitem__(self, number):
            return torch.tensor(number), torch.tensor(number)

    cfg = FitConfig(steps=4, batch=3)
    assert [a.tolist() for a, _ in batches(Number(), cfg, done=0)] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10, 11]]
    assert [a.tolist() for a, _ in batches(Number(), cfg, done=2)] == [[6, 7, 8], [9, 10, 11]]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_stopped_training_ends_with_the_same_weights_to_the_bit(tmp_path, workers):
    cfg = FitConfig(**{**vars(CFG), "workers": workers})

    def stop_at_ten(progress):
        if progress.step == 10:
            raise KeyboardInterrupt

    straight, _ = train(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", cfg, watch=stop_at_ten)
    resumed, run = train(tmp_path / "stopped", cfg)
    assert weights(resumed) == weights(straight)
    assert [row["step"] for row in run.rows()] == list(range(1, 13))
    assert [row["loss"] for row in run.rows()] == [row["loss"] for row in Run(tmp_path / "straight").rows()]


def test_a_finished_run_taken_up_again_does_nothing_more(tmp_path):
    first, _ = train(tmp_path)
    again, run = train(tmp_path)
    assert weights(again) == weights(first) and len(run.rows()) == 12
    assert run.manifest["resumed"] == 1


def test_nan_stops_with_the_last_good_state_and_advice(tmp_path):
    with pytest.raises(TrainingError, match=r"step 6 .*after step 5 is saved.*learning_rate"):
        train(tmp_path, samples=Halved(poison=10))
    state = load_newest(tmp_path / "checkpoints")
    assert state["step"] == 5
    assert all(torch.isfinite(value).all() for value in state["model"].values())


def test_a_damaged_state_falls_back_to_the_one_before_and_ends_the_same(tmp_path):
    straight, _ = train(tmp_path)
    newest = saved_states(tmp_path / "checkpoints")[-1]
    data = bytearray(newest.read_bytes())
    data[len(data) // 2] ^= 1
    newest.write_bytes(data)
    with pytest.warns(UserWarning, match="damaged"):
        again, _ = train(tmp_path)
    assert weights(again) == weights(straight)


def test_only_the_last_two_states_are_kept(tmp_path):
    for step in range(5):
        save_state(tmp_path, step, {"step": step})
    assert [file.name for file in saved_states(tmp_path)] == ["step-00000003.pt", "step-00000004.pt"]
    assert len(list(tmp_path.iterdir())) == 4


def test_another_network_cannot_resume_the_run(tmp_path):
    train(tmp_path)
    with Run(tmp_path, seed=0) as run, pytest.raises(TrainingError, match="another network"):
        fit(nn.Sequential(nn.Conv2d(3, 3, 1)), every_stage_mse, Halved(), CFG, run)


def test_other_parameters_cannot_resume_the_run(tmp_path):
    Run(tmp_path, 0, {"steps": 5, "batch": 2}).close()
    with pytest.raises(TrainingError, match="steps was 5 and is now 6"):
        Run(tmp_path, 0, {"steps": 6, "batch": 2})
    with pytest.raises(TrainingError, match="another seed"):
        Run(tmp_path, 1, {"steps": 5, "batch": 2})
    Run(tmp_path, 0, {"steps": 5, "batch": 2}).close()  # the refusals let go of the folder


def test_manifest_says_what_was_done(tmp_path):
    with Run(tmp_path / "a", 3, {"x": (1, 2)}, {"photographs": 4}) as run:
        assert run.manifest["status"] == "running"
        run.finish(result={"gain": 1.5})
    manifest = read_manifest(tmp_path / "a")
    assert manifest["parameters"] == {"x": [1, 2]} and manifest["seed"] == 3 and manifest["result"] == {"gain": 1.5}
    assert manifest["status"] == "finished" and manifest["versions"]["torch"] == torch.__version__
    assert manifest.keys() >= {"format", "data", "device", "git", "started", "finished"}


def test_two_processes_cannot_hold_one_run(tmp_path):
    with Run(tmp_path):
        code = f"import restorelab.train.run as r; r.LOCK_WAIT = 0.2; r.Run({str(tmp_path)!r})"
        other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert other.returncode and "written to by another process" in other.stderr


def test_a_line_cut_off_by_a_kill_is_left_out(tmp_path):
    with Run(tmp_path) as run:
        run.log({"step": 1, "loss": 1.0})
        with open(tmp_path / "metrics.jsonl", "a") as file:
            file.write('{"step": 2, "lo')
        assert run.rows() == [{"step": 1, "loss": 1.0}]
        run.forget_after(1)
        run.log({"step": 2, "loss": 0.5})
        assert [row["step"] for row in run.rows()] == [1, 2]


def test_configurations_are_checked():
    for bad in (
        {"steps": 0},
        {"batch": 0},
        {"learning_rate": 0.0},
        {"ema": 1.0},
        {"precision": "half"},
        {"clip": -1.0},
        {"workers": -1},
        {"accumulate": 0},
        {"freeze_steps": -1},
        {"freeze_norms": -1},
    ):
        with pytest.raises(TrainingError):
            FitConfig(**bad)


def test_auto_precision_is_float32_on_a_cpu():
    assert not use_bfloat16("auto", "cpu") and use_bfloat16("bfloat16", "cpu") and not use_bfloat16("float32", "cpu")


def test_bfloat16_trains_too(tmp_path):
    model, _ = train(tmp_path, FitConfig(**{**vars(CFG), "precision": "bfloat16"}))
    assert all(map(math.isfinite, weights(model)))


def test_gradients_are_clipped(tmp_path):
    straight, _ = train(tmp_path / "a")
    clipped, run = train(tmp_path / "b", FitConfig(**{**vars(CFG), "clip": 1e-9, "learning_rate": 1e-9}))
    assert max(row["gradient_norm"] for row in run.rows()) > 1e-3  # as measured, before it was shortened
    assert weights(clipped) != weights(straight)


def test_objectives_count_every_stage():
    clean = torch.rand(1, 3, 4, 4)
    restored = Restored(clean, (clean + 0.5, clean))
    assert float(OBJECTIVES["mse"](restored, clean)) == pytest.approx(0.25)
    assert float(OBJECTIVES["charbonnier"](restored, clean)) == pytest.approx(0.501, abs=1e-3)


def test_forecast_leaves_everything_alone_and_scales_with_the_steps(tmp_path):
    torch.manual_seed(0)
    model, state = Gain(), None
    before, state = weights(model), torch.get_rng_state()
    short, long = (forecast(model, every_stage_mse, Halved(), FitConfig(steps=n, batch=2)) for n in (10, 10_000))
    assert weights(model) == before and torch.equal(torch.get_rng_state(), state)
    assert all(p.grad is None for p in model.parameters())
    assert 0 < short.seconds < long.seconds and "10 steps" in str(short)


def test_metrics_are_json_lines(tmp_path):
    train(tmp_path)
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert rows[0].keys() == {"step", "steps", "loss", "gradient_norm", "learning_rate", "seconds"}


def test_a_preset_trains_on_its_data_set_where_it_lies_prepared(tmp_path, monkeypatch):
    paper, pictures = presets.DMPHN["paper"], [np.zeros((300, 300, 3), np.uint8)]
    monkeypatch.setenv("RESTORELAB_DATA_SETS", str(tmp_path))
    samples, what = presets.training_samples(dataclasses.replace(paper, leaves=0.5), pictures, 0)
    assert isinstance(samples, TrainingPairs) and what == "1 photographs, 50% dead leaves, degraded by the recipe"

    folder, files = tmp_path / "gopro_large", {}
    for side in ("blur", "sharp"):
        path = folder / "train" / "GOPR0001" / side / "0001.png"
        path.parent.mkdir(parents=True)
        image.save(torch.rand(3, 264, 270, generator=torch.Generator().manual_seed(1)), path)
        files[path.relative_to(folder).as_posix()] = [path.stat().st_size, "0" * 64]
    manifest = {"format": 1, "set": "gopro_large", "layout": "gopro", "inside": ".", "splits": {"train": 1}, "files": files}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    samples, what = presets.training_samples(paper, pictures, 0)
    assert what == "gopro_large, 1 pairs" and [tuple(one.shape) for one in samples[0]] == [(3, 256, 256)] * 2
    (folder / "train" / "GOPR0001" / "blur" / "0001.png").unlink()
    with pytest.raises(DataError, match="data_scripts/gopro_large.py again"):
        presets.training_samples(paper, pictures, 0)


@pytest.mark.parametrize("parts", [2, 4])
def test_a_batch_in_parts_gives_the_same_weights(tmp_path, parts):
    whole, run = train(tmp_path / "whole", FitConfig(**{**vars(CFG), "batch": 4}))
    cut, other = train(tmp_path / "cut", FitConfig(**{**vars(CFG), "batch": 4, "accumulate": parts}))
    assert np.allclose(weights(whole), weights(cut), rtol=0, atol=1e-6)
    assert [row["loss"] for row in run.rows()] == pytest.approx([row["loss"] for row in other.rows()], rel=1e-6)
    with pytest.raises(TrainingError, match="equal parts"):
        train(tmp_path / "uneven", FitConfig(**{**vars(CFG), "batch": 4, "accumulate": 3}))


def test_a_condition_is_cut_with_its_pictures():
    whole = Batch(torch.arange(4.0).view(4, 1, 1, 1), torch.arange(4.0).view(4, 1, 1, 1), torch.arange(4.0).view(4, 1, 1, 1))
    first, second = whole.parts(2)
    assert all(getattr(second, name).flatten().tolist() == [2, 3] for name in ("degraded", "clean", "condition"))
    assert first.degraded.flatten().tolist() == [0, 1] and Batch(first.degraded, first.clean).parts(2)[1].condition is None


def in_one_go_and_stopped(folder: Path, kind: type[nn.Module], look, at: int, **settings) -> tuple[list, list]:
    """Eight steps in one go, and again stopped in step `at` and gone on with: what `look(net)` gave after every step of the first, and the
    weights at both ends."""
    seen, ends = [], []

    def watch(progress):
        seen.append(look(net))
        if progress.step == at and stops:
            raise KeyboardInterrupt

    cfg = FitConfig(**{**vars(CFG), "steps": 8, "save_every": 2, **settings})
    for name, stops in (("straight", False), ("stopped", True), ("stopped", False)):
        torch.manual_seed(0)
        net = kind()
        with Run(folder / name, seed=0) as run:
            try:
                ends.append(weights(fit(net, every_stage_mse, Halved(), cfg, run, watch=watch)))
            except KeyboardInterrupt:
                assert stops
    return seen[:8], ends


def stood_still(values: list[torch.Tensor]) -> list[bool]:
    """From step to step."""
    return [torch.equal(before, after) for before, after in zip(values[:-1], values[1:], strict=True)]


class Two(Gain):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Conv2d(3, 3, 1)

    def forward(self, degraded):
        return Restored(self.layer(self.backbone(degraded)))


def test_a_backbone_stands_still_for_the_steps_it_is_told_to(tmp_path):
    def look(net):
        return net.backbone.weight.detach().clone(), net.layer.weight.detach().clone()

    seen, ends = in_one_go_and_stopped(tmp_path, Two, look, at=3, freeze_steps=4)
    backbone, layer = zip(*seen, strict=True)
    assert stood_still(backbone) == [True, True, True, False, False, False, False]
    assert not any(stood_still(layer))
    assert ends[0] == ends[1]
    with pytest.raises(TrainingError, match="no backbone"):
        train(tmp_path / "none", FitConfig(**{**vars(CFG), "freeze_steps": 4}))


class Normed(Gain):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, degraded):
        return Restored(self.norm(self.layer(degraded)))


def test_batch_norms_stop_measuring_at_a_step_and_a_resumed_run_stays_the_same(tmp_path):
    """Before that step the stored statistics move with every batch; from it on they are what the network normalises by."""

    def look(net):
        return net.norm.running_mean.clone(), net.layer.weight.detach().clone(), net.norm.training

    seen, ends = in_one_go_and_stopped(tmp_path, Normed, look, at=5, freeze_norms=4)
    means, layer, measured = zip(*seen, strict=True)
    assert stood_still(means) == [False, False, True, True, True, True, True]
    assert not any(stood_still(layer))
    assert list(measured) == [True] * 3 + [False] * 5
    assert ends[0] == ends[1]


def test_only_where_it_is_asked_for_the_network_is_compiled(tmp_path, monkeypatch):
    compiled = []
    monkeypatch.setattr(torch, "compile", lambda net: compiled.append(net) or net)
    plain, _ = train(tmp_path / "plain")
    assert not compiled
    quick, _ = train(tmp_path / "quick", FitConfig(**{**vars(CFG), "compile": True}))
    assert len(compiled) == 1 and weights(quick) == weights(plain)
