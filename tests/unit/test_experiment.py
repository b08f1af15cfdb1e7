"""Sweeps before and after anything runs: the grid, its names, how runs stand, and the table."""

import csv
import json
import os

import filelock
import pytest

from restorelab.errors import ParameterError, TrainingError
from restorelab.experiment import Sweep, collect
from restorelab.experiment.folder import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    NEVER,
    RUNNING,
    attempt,
    hold,
    lay_out,
    new_sweep_folder,
    read_sweep,
    run_folder,
    status_of,
    write_ids,
)
from restorelab.experiment.grid import as_text, name_of
from restorelab.experiment.table import newest_unfinished, over_seeds, write_table
from restorelab.train import run as runs

SWEEP = Sweep("90_tiny", {"preset": ("smoke", "lab"), "rate": (0.5, 1e-5)}, {"wide": True, "steps": 7}, (3, 4))


def test_the_grid_has_every_combination_once_the_seed_fastest():
    points = SWEEP.points()
    assert [tuple(point.parameters[name] for name in ("preset", "rate", "seed")) for point in points][:5] == [
        ("smoke", 0.5, 3),
        ("smoke", 0.5, 4),
        ("smoke", 1e-5, 3),
        ("smoke", 1e-5, 4),
        ("lab", 0.5, 3),
    ]
    assert len(points) == len({point.name for point in points}) == 8
    assert all(point.parameters["wide"] is True and point.parameters["steps"] == 7 for point in points)
    assert points[2].name == "preset=smoke,rate=1e-05,seed=3"


def test_a_sweep_comes_back_from_json_as_it_was():
    again = Sweep.from_json(SWEEP.to_json())
    assert again == SWEEP and [point.name for point in again.points()] == [point.name for point in SWEEP.points()]
    assert isinstance(again.points()[0].parameters["rate"], float) and again.fixed["wide"] is True


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": "another"}', SWEEP.to_json().replace("seeds", "sheds")])
def test_json_of_something_else_is_refused(text):
    with pytest.raises(ParameterError, match="not a sweep"):
        Sweep.from_json(text)


@pytest.mark.parametrize(
    "axes, fixed, seeds, says",
    [
        ({}, {}, (), "varies something"),
        ({"rate": ()}, {}, (), "rate needs values"),
        ({"rate": (0.1, 0.10)}, {}, (), "differ"),
        ({"rate": (0.1, 0.2)}, {"rate": 0.3}, (), "both swept over and fixed"),
        ({"rate": (0.1,)}, {"seed": 1}, (0, 1), "seed cannot be both"),
        ({"seed": (0,)}, {}, (0, 1), "seed cannot be both"),
    ],
)
def test_grids_that_make_no_sense_are_refused(axes, fixed, seeds, says):
    with pytest.raises(ParameterError, match=says):
        Sweep("90_tiny", axes, fixed, seeds)


def test_names_are_safe_for_file_systems_and_stay_apart():
    values = ["a/b", "a:b", "../..", "", "a b", "ä", "x" * 300, "x" * 300 + "y", "CON\n"]
    names = [name_of({"photo_folder": value}) for value in values]
    assert len(set(names)) == len(values) and names == [name_of({"photo_folder": value}) for value in values]
    assert all(len(os.fsencode(name)) < 200 and not set(name) & set('/\\:*?"<>|% \n') and name.isascii() for name in names)
    assert as_text(True) == "true" and as_text(0.1) == "0.1"


def finish(folder, point, **result):
    run = run_folder(folder, point)
    with hold(run), attempt(run):
        (run / "manifest.json").write_text(json.dumps({"status": "finished", "device": "a tiny one", "result": result}))


@pytest.fixture
def folder(tmp_path):
    lay_out(SWEEP, tmp_path / "sweep")
    return tmp_path / "sweep"


def test_a_folder_holds_one_sweep_and_bad_places_are_said(folder, tmp_path):
    assert read_sweep(folder) == SWEEP
    with pytest.raises(ParameterError, match="--resume"):
        lay_out(SWEEP, folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(ParameterError, match="another --out"):
        lay_out(SWEEP, tmp_path / "file" / "sweep")
    with pytest.raises(ParameterError, match="holds no sweep"):
        collect(tmp_path / "nothing")


def test_how_a_run_stands_is_told_by_its_folder_and_who_holds_it(folder):
    run = run_folder(folder, SWEEP.points()[0])
    assert status_of(run) == NEVER
    with pytest.raises(KeyboardInterrupt), hold(run), attempt(run):  # as a kill does, it leaves no last word
        assert status_of(run) == RUNNING
        raise KeyboardInterrupt
    assert status_of(run) == INTERRUPTED
    with pytest.raises(ValueError), hold(run), attempt(run):
        raise ValueError("too small\nby far")
    assert status_of(run) == FAILED and collect(folder)[0].error == "ValueError: too small"
    finish(folder, SWEEP.points()[0])
    assert status_of(run) == FINISHED and collect(folder)[0].error == ""
    assert json.loads((run / "job.json").read_text())["attempts"] == 3


def test_one_job_at_a_time_works_in_a_run(folder, monkeypatch):
    monkeypatch.setattr("restorelab.experiment.folder.LOCK_WAIT", 0.1)
    run = run_folder(folder, SWEEP.points()[0])
    with hold(run), pytest.raises(TrainingError, match="another job"), hold(run):
        pass
    with filelock.FileLock(run / ".job.lock", timeout=0):
        pass


def test_minutes_count_what_a_killed_attempt_did_until_its_last_sign_of_life(folder):
    run = run_folder(folder, SWEEP.points()[0])
    with pytest.raises(KeyboardInterrupt), hold(run), attempt(run):
        raise KeyboardInterrupt
    began = json.loads((run / "job.json").read_text())["began"]
    (run / "metrics.jsonl").write_text("")
    os.utime(run / "metrics.jsonl", (began + 600, began + 600))
    finish(folder, SWEEP.points()[0])
    assert collect(folder)[0].minutes == pytest.approx(10, abs=0.05)


def test_an_interrupted_run_is_told_with_its_last_words(folder):
    point = SWEEP.points()[0]
    with pytest.raises(KeyboardInterrupt), hold(run_folder(folder, point)), attempt(run_folder(folder, point)):
        raise KeyboardInterrupt
    (folder / "jobs" / "12_0_0_log.out").write_text("training: 3/7\n\n")
    write_ids(folder, {point.name: {"by": "slurm", "id": "12_0", "ended": "SLURM says OUT_OF_MEMORY"}})
    row = collect(folder)[0]
    assert row.status == INTERRUPTED and row.error == "SLURM says OUT_OF_MEMORY; its last words: training: 3/7"


def test_a_damaged_manifest_is_a_failed_row_and_not_the_end_of_the_table(folder):
    for point in SWEEP.points():
        finish(folder, point, gain=1.0)
    (run_folder(folder, SWEEP.points()[1]) / "manifest.json").write_text("{")
    rows = collect(folder)
    assert [row.status for row in rows] == [FINISHED, FAILED] + [FINISHED] * 6 and "damaged" in rows[1].error


def test_results_of_unfinished_runs_are_not_in_the_table(folder):
    run = run_folder(folder, SWEEP.points()[0])
    finish(folder, SWEEP.points()[0], gain=1.0)
    with pytest.raises(KeyboardInterrupt), hold(run), attempt(run):
        raise KeyboardInterrupt
    assert collect(folder)[0].result == {}


def test_tables_have_every_row_in_the_order_of_the_grid(folder):
    points = SWEEP.points()
    for point in reversed(points[1:]):
        finish(folder, point, gain=point.parameters["rate"] + point.parameters["seed"], protocol="RGB | 8 bits")
    write_table(folder, collect(folder))
    table = json.loads((folder / "table.json").read_text())
    assert [row["name"] for row in table["rows"]] == [point.name for point in points]
    assert [row["status"] for row in table["rows"]] == [NEVER] + [FINISHED] * 7 and table["fixed"] == {"wide": True, "steps": 7}
    with open(folder / "table.csv", newline="") as file:
        lines = list(csv.DictReader(file))
    assert [float(line["gain"]) for line in lines[1:]] == [row["result"]["gain"] for row in table["rows"][1:]]
    assert lines[1]["wide"] == "true" and lines[1]["protocol"] == "RGB | 8 bits" and lines[0]["gain"] == ""
    text = (folder / "table.md").read_text()
    assert (
        "Fixed: wide=true, steps=7." in text and "RGB \\| 8 bits" in text and "| preset | rate | seed | status | gain | protocol |" in text
    )
    assert len({line.replace("\\|", "").count("|") for line in text.split("\n\n")[2].splitlines()}) == 1


def test_seeds_are_averaged_within_one_protocol_and_never_over_two(folder):
    points = SWEEP.points()
    for point, gain, protocol in zip(points, (1.0, 3.0, 5.0, 6.0, 7.0), ("RGB", "RGB", "RGB", "Y", "Y"), strict=False):
        finish(folder, point, gain=gain, good=True, protocol=protocol)
    both, mixed, alone, none = over_seeds(SWEEP, collect(folder))
    assert both["n"] == 2 and both["protocol"] == "RGB" and both["figures"] == {"gain": {"mean": 2.0, "std": pytest.approx(2**0.5)}}
    assert mixed["figures"] == {} and "RGB / Y" in mixed["protocol"]
    assert alone["n"] == 1 and alone["figures"]["gain"] == {"mean": 7.0, "std": None}
    assert none["n"] == 0 and none["figures"] == {}
    write_table(folder, collect(folder))
    assert "| smoke | 0.5 | 2 | 2 ± 1.4 | RGB |" in (folder / "table.md").read_text()


def test_without_seeds_nothing_is_averaged():
    sweep = Sweep("90_tiny", {"rate": (0.5, 0.25)})
    assert over_seeds(sweep, []) == []


def test_the_newest_unfinished_sweep_is_found():
    with pytest.raises(ParameterError, match="no sweep of 90_tiny is unfinished"):
        newest_unfinished("90_tiny")
    folder = new_sweep_folder(SWEEP)
    assert folder.parent == runs.runs_folder() / "sweeps" / "90_tiny"
    lay_out(SWEEP, folder)
    assert newest_unfinished("90_tiny") == folder
    for point in SWEEP.points():
        finish(folder, point)
    with pytest.raises(ParameterError, match="unfinished"):
        newest_unfinished("90_tiny")
