"""`restorelab sweep --slurm` on a real SLURM of one node: see `tests/slurm_cluster.py`."""

import contextlib
import io
import json
import subprocess

import pytest
import slurm_cluster
import tiny_chapter
from rich.console import Console

from restorelab.cli.jobs import ChapterJob, SlurmJobs
from restorelab.cli.sweep import Where, sweep_chapter
from restorelab.errors import ParameterError
from restorelab.experiment import Sweep, collect
from restorelab.experiment.folder import lay_out, run_folder
from restorelab.experiment.table import write_table

absent = slurm_cluster.missing()
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(absent), reason=f"SLURM is not installed here ({', '.join(absent)}): apt-get install slurm-wlm munge"),
]
GRID = ["rate=0.5,0.25", "seed=0,1"]


@pytest.fixture(scope="module")
def cluster():
    with slurm_cluster.cluster() as environment:
        yield environment


@pytest.fixture(autouse=True)
def _inside(cluster, tmp_path, monkeypatch):
    for name in ("PATH", "SLURM_CONF"):
        monkeypatch.setenv(name, cluster[name])
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.chdir(tiny_chapter.make(tmp_path / "clone"))


def sweep(out, *over, resume=False, partition=None, **fixed) -> tuple[bool, str]:
    said = io.StringIO()
    where = Where(slurm=True, partition=partition, minutes=2)
    return sweep_chapter("90", list(over), fixed, where, resume, out, False, Console(file=said, soft_wrap=True)), said.getvalue()


def work_off_here(folder) -> None:
    """The same sweep, undisturbed and without SLURM."""
    whole = Sweep(tiny_chapter.NAME, {"rate": (0.5, 0.25)}, {"steps": 30}, (0, 1))
    lay_out(whole, folder)
    for point in whole.points():
        ChapterJob(whole.chapter, {name: str(value) for name, value in point.parameters.items()}, run_folder(folder, point))()
    write_table(folder, collect(folder))


def test_a_cancelled_job_and_a_follower_gone_away_resume_to_the_table_of_an_undisturbed_sweep(tmp_path, monkeypatch):
    folder, victim = tmp_path / "a sweep", "rate=0.5,seed=1"
    look, cancelled = SlurmJobs.states, []

    def states(self):
        if not cancelled and tiny_chapter.steps_done(folder / "runs" / victim) >= 3:
            cancelled.append(json.loads((folder / "jobs" / "ids.json").read_text())[victim]["id"])
            subprocess.run(["scancel", cancelled[0]], check=True)
        alive = look(self)
        if cancelled and cancelled[0] not in alive and "CANCELLED" in collect(folder)[1].error:
            raise KeyboardInterrupt  # and the other jobs go on without us
        return alive

    with monkeypatch.context() as disturbed, contextlib.suppress(KeyboardInterrupt):
        disturbed.setattr(SlurmJobs, "states", states)
        disturbed.setenv("TINY_CHAPTER_PAUSE", "0.1")
        sweep(folder, *GRID, steps="30")
    row = collect(folder)[1]
    assert row.name == victim and row.status == "interrupted" and row.error.startswith("SLURM says CANCELLED; its last words: ")
    done, said = sweep(folder, resume=True)
    assert done, said
    assert [line.split()[1] for line in said.splitlines() if line.startswith("submitted")] == [victim]  # the others were found, not doubled
    work_off_here(tmp_path / "undisturbed")
    assert tiny_chapter.table_without_times(folder) == tiny_chapter.table_without_times(tmp_path / "undisturbed")
    attempts = [json.loads((folder / "runs" / row.name / "job.json").read_text())["attempts"] for row in collect(folder)]
    assert attempts == [1, 2, 1, 1]


def test_what_slurm_refuses_is_one_sentence(tmp_path):
    with pytest.raises(ParameterError, match="SLURM refused the sweep: .*partition"):
        sweep(tmp_path / "sweep", *GRID, partition="nowhere")
    assert [row.status for row in collect(tmp_path / "sweep")] == ["never started"] * 4
