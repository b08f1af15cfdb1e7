"""`restorelab sweep` on this machine, with jobs that are killed, stopped and fail. Its chapter is `tests/tiny_chapter.py`."""

import contextlib
import io
import json
import os
import re
import signal
import sys

import pytest
import tiny_chapter
from rich.console import Console

from restorelab.cli import sweep as command
from restorelab.cli.chapters import ChapterFailed
from restorelab.cli.jobs import LocalJobs
from restorelab.cli.sweep import Where, sweep_chapter
from restorelab.errors import ParameterError
from restorelab.experiment import collect

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="sweeps need Linux or macOS: so does submitit")
GRID = ["rate=0.5,0.25", "seed=0,1"]


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tiny_chapter.make(tmp_path / "clone"))


class JobsInThisProcess(LocalJobs):
    """Runs every job where it is submitted, which saves the seconds of a new process."""

    def submit(self, jobs):
        terminate = signal.getsignal(signal.SIGTERM)
        for job in jobs:
            with contextlib.suppress(ChapterFailed):
                job()
        signal.signal(signal.SIGTERM, terminate)
        return ["0" for _ in jobs]

    def states(self):
        return {}


@pytest.fixture
def in_this_process(monkeypatch):
    monkeypatch.setattr(command, "LocalJobs", JobsInThisProcess)
    monkeypatch.setattr(command, "EVERY", 0.0)


def sweep(out, *over, resume=False, dry_run=False, jobs=None, **fixed) -> tuple[bool, str]:
    """Whether every run is finished, and what was said."""
    said = io.StringIO()
    given = {name: str(value) for name, value in fixed.items()}
    done = sweep_chapter("90", list(over), given, Where(jobs=jobs), resume, out, dry_run, Console(file=said, width=200, soft_wrap=True))
    return done, said.getvalue()


def submitted(said: str) -> list[str]:
    return sorted(line.split()[1] for line in said.splitlines() if line.startswith("submitted"))


@pytest.mark.slow
def test_a_sweep_with_a_killed_job_and_a_ctrl_c_resumes_to_the_table_of_an_undisturbed_one(tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("TINY_CHAPTER_PAUSE", "0.1")
    folder = tmp_path / "disturbed"
    killed, stopped = (folder / "runs" / f"rate=0.5,seed={seed}" for seed in (0, 1))
    look, hit = LocalJobs.states, []

    def states(self):
        if not hit and tiny_chapter.steps_done(killed) >= 3:
            hit.append(killed)
            os.kill(json.loads((killed / "job.json").read_text())["pid"], signal.SIGKILL)
        elif hit == [killed] and len(look(self)) < 2 and tiny_chapter.steps_done(stopped) >= 3:
            hit.append(stopped)
            raise KeyboardInterrupt
        return look(self)

    monkeypatch.setattr(LocalJobs, "states", states)
    with pytest.raises(KeyboardInterrupt):
        sweep(folder, *GRID, jobs=2, steps=40)
    assert [row.status for row in collect(folder)] == ["interrupted", "interrupted", "never started", "never started"]
    assert collect(folder)[0].error.startswith("ended without a result; its last words: ") and "Traceback" not in capfd.readouterr().err
    monkeypatch.delenv("TINY_CHAPTER_PAUSE")
    monkeypatch.setattr(command, "LocalJobs", JobsInThisProcess)
    done, said = sweep(folder, resume=True)
    assert done and len(submitted(said)) == 4
    assert sweep(tmp_path / "undisturbed", *GRID, steps=40)[0]
    assert tiny_chapter.table_without_times(folder) == tiny_chapter.table_without_times(tmp_path / "undisturbed")
    for run in (killed, stopped):
        assert [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()] == list(range(1, 41))
    assert [json.loads((folder / "runs" / row.name / "job.json").read_text())["attempts"] for row in collect(folder)] == [2, 2, 1, 1]


def test_a_failing_cell_is_one_failed_row_and_a_finished_sweep_does_nothing(tmp_path, in_this_process):
    done, said = sweep(tmp_path / "sweep", "fail_at=0,2", steps=3)
    assert not done and re.search(r"^failed  fail_at=2: cell \d of 90_tiny failed with ValueError: this step fails$", said, re.MULTILINE)
    good, bad = collect(tmp_path / "sweep")
    assert good.status == "finished" and good.result["protocol"] == "tiny" and good.minutes is not None and good.device == "a tiny one"
    assert bad.status == "failed" and "this step fails" in bad.error and "\n" not in bad.error and bad.result == {}
    again, said = sweep(tmp_path / "sweep", resume=True)
    assert not again and submitted(said) == ["fail_at=2"]  # the finished one is left alone
    (tmp_path / "sweep" / "runs" / "fail_at=2" / "job.json").write_text('{"status": "finished", "minutes": 0.1}')
    kept = (tmp_path / "sweep" / "runs" / "fail_at=0" / "notebook.ipynb").stat().st_mtime_ns
    done, said = sweep(tmp_path / "sweep", resume=True)
    assert done and "nothing to do" in said and submitted(said) == []
    assert (tmp_path / "sweep" / "runs" / "fail_at=0" / "notebook.ipynb").stat().st_mtime_ns == kept


def test_figures_of_two_protocols_stand_in_one_table_but_are_not_averaged(tmp_path, in_this_process):
    done, _ = sweep(tmp_path / "sweep", "protocol=RGB,Y", "seed=0,1", steps=1)
    table = tiny_chapter.table_without_times(tmp_path / "sweep")
    assert done and [row["result"]["protocol"] for row in table["rows"]] == ["RGB", "RGB", "Y", "Y"]
    assert [(mean["parameters"]["protocol"], mean["protocol"], mean["n"]) for mean in table["over_seeds"]] == [
        ("RGB", "RGB", 2),
        ("Y", "Y", 2),
    ]


@pytest.mark.parametrize(
    "over, fixed, says",
    [
        (["rat=0.5,0.25"], {}, "Did you mean rate"),
        (["rate=0.5,fast"], {}, "rate must be a number"),
        (["rate"], {}, "NAME=VALUE,VALUE"),
        (["rate=0.5", "rate=0.25"], {}, "every name once"),
        (["rate=0.5,0.50"], {}, "differ"),
        (["run_dir=a,b"], {}, "no parameter 'run_dir'"),
        (GRID, {"rate": 1}, "swept over and fixed"),
        (GRID, {"stepz": 3}, "Did you mean steps"),
        ([], {}, "--over"),
    ],
)
def test_mistakes_are_said_before_anything_is_written_or_started(over, fixed, says, tmp_path, monkeypatch):
    monkeypatch.setattr(LocalJobs, "submit", lambda *_: pytest.fail("something was started"))
    with pytest.raises(ParameterError, match=says):
        sweep(tmp_path / "sweep", *over, **fixed)
    assert not (tmp_path / "sweep").exists()


def test_a_dry_run_says_what_would_be_and_writes_nothing(tmp_path):
    done, said = sweep(tmp_path / "sweep", *GRID, dry_run=True, steps=4)
    assert done and "90_tiny: 4 runs, 1 at a time on this machine; all with steps=4" in said
    assert "3  rate=0.25,seed=0" in said and f"sweep folder: {tmp_path / 'sweep'}" in said
    assert not (tmp_path / "sweep").exists()


def test_resuming_with_other_parameters_or_beside_another_sweep_is_refused(tmp_path, in_this_process):
    sweep(tmp_path / "sweep", "rate=0.5", steps=1)
    with pytest.raises(ParameterError, match="begun with"):
        sweep(tmp_path / "sweep", "rate=0.25", resume=True)
    with pytest.raises(ParameterError, match="already holds a sweep"):
        sweep(tmp_path / "sweep", "rate=0.5")
    with pytest.raises(ParameterError, match="is unfinished"):
        sweep(None, resume=True)
    with command.filelock.FileLock(tmp_path / "sweep" / ".sweep.lock"), pytest.raises(ParameterError, match="at work"):
        sweep(tmp_path / "sweep", resume=True)


def test_words_of_slurm_are_refused_where_there_is_none(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    for where, says in ((Where(slurm=True), "sbatch and squeue are not here"), (Where(partition="gpu"), "give --slurm too")):
        with pytest.raises(ParameterError, match=says):
            sweep_chapter("90", GRID, {}, where, False, tmp_path / "sweep", False, Console(file=io.StringIO()))
    assert not (tmp_path / "sweep").exists()


@pytest.mark.parametrize(
    "seen, slot, slots, own",
    [
        (None, 0, 1, {"CUDA_VISIBLE_DEVICES": None}),  # submitit would set it to "", and training would silently run on the processor
        ("", 0, 2, {"CUDA_VISIBLE_DEVICES": ""}),
        ("1", 1, 2, {"CUDA_VISIBLE_DEVICES": "1"}),
        ("1,3", 0, 1, {"CUDA_VISIBLE_DEVICES": "1,3"}),
        ("1,3", 1, 3, {"CUDA_VISIBLE_DEVICES": "3"}),
        ("1,3", 2, 3, {"CUDA_VISIBLE_DEVICES": "1"}),
    ],
)
def test_jobs_see_the_gpus_that_were_seen_here_shared_out(seen, slot, slots, own, monkeypatch):
    from restorelab.cli.jobs import _share

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if seen is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", seen)
    assert _share(slot, slots) == own
