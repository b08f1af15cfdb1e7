"""x16 trained by two processes that share its weights ends where it does in one, whole, and goes on from a saved state to the bit."""

import json
from pathlib import Path

import pytest
import torch
from processes import in_processes, under_torchrun
from unit.sharded_training import CFG, SMALL, Enlarged, train

from restorelab.errors import TrainingError
from restorelab.models.x16 import RRDBCascade
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run, read_rows
from restorelab.train.state import load_newest


def weights(folder: Path, rank: int = 0) -> dict[str, torch.Tensor]:
    return torch.load(folder / f"weights-{rank}.pt", weights_only=True)


def apart(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> float:
    assert one.keys() == other.keys()
    return max(float((value - other[key]).abs().max()) for key, value in one.items())


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> dict[str, Path]:
    folders = {name: tmp_path_factory.mktemp(name) for name in ("alone", "copies", "parts")}
    assert in_processes((train, folders["alone"], False)) == [0]
    assert under_torchrun(2, train, folders["copies"], False) == [0, 0] and under_torchrun(2, train, folders["parts"], True) == [0, 0]
    return folders


@pytest.mark.parametrize("way", ["copies", "parts"])
def test_two_processes_end_where_one_does(trained, way):
    assert apart(weights(trained[way]), weights(trained["alone"])) <= 1e-6
    assert apart(weights(trained[way]), weights(trained[way], rank=1)) == 0
    torch.manual_seed(0)
    assert apart(weights(trained[way]), RRDBCascade(SMALL).state_dict()) > 1e-4


@pytest.mark.parametrize("way", ["copies", "parts"])
def test_one_of_them_writes(trained, way):
    one, two = (read_rows(trained[name] / "run") for name in ("alone", way))
    assert [row["step"] for row in two] == list(range(1, CFG["steps"] + 1))
    for row, again in zip(one, two, strict=True):
        for name in row.keys() - {"seconds"}:
            assert again[name] == pytest.approx(row[name], rel=1e-5), name


def test_each_has_half_of_the_weights(trained):
    (everything, _), *mine = (
        json.loads((trained[way] / f"held-{rank}.json").read_text()) for way, rank in (("alone", 0), ("parts", 0), ("parts", 1))
    )
    assert mine[0][0] + mine[1][0] == everything and abs(mine[0][0] - mine[1][0]) < 0.01 * everything


def test_what_is_kept_of_a_sharded_network_is_the_whole(trained):
    whole, parts = (load_newest(trained[way] / "run" / "checkpoints") for way in ("alone", "parts"))
    assert apart(parts["model"], whole["model"]) <= 1e-6 and apart(parts["average"], whole["average"]) <= 1e-6


@pytest.mark.parametrize("way", ["copies", "parts"])
def test_stopped_and_begun_again_they_end_the_same(trained, tmp_path, way):
    for stop in (True, False):
        assert under_torchrun(2, train, tmp_path, way == "parts", stop) == [0, 0]
    assert apart(weights(tmp_path), weights(trained[way])) == 0
    assert [row["step"] for row in read_rows(tmp_path / "run")] == list(range(1, CFG["steps"] + 1))


def test_one_process_has_nothing_to_share(tmp_path):
    with Run(tmp_path) as run, pytest.raises(TrainingError, match="start them with torchrun"):
        fit(RRDBCascade(SMALL), every_stage_mse, Enlarged(), FitConfig(**CFG, shard=True), run)
