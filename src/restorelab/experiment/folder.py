"""A sweep's folder: what lies where, how far every run of it came, and who is at work in it.

runs/sweeps/<chapter>/<time>-<hash>/
    sweep.json               the chapter, the axes, the fixed parameters, the seeds
    runs/<name=value,...>/   run folders as `restorelab run` makes them, each with a job.json: how far its job came
    jobs/                    what the jobs said, and their numbers
    table.json .csv .md
"""

import hashlib
import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import filelock

from restorelab.errors import ParameterError, RestorelabError, TrainingError
from restorelab.experiment.grid import Point, Sweep
from restorelab.files import write_atomically
from restorelab.train.run import LOCK_WAIT, runs_folder

SWEEP, JOB, IDS = "sweep.json", "job.json", "jobs/ids.json"
FINISHED, FAILED, RUNNING, INTERRUPTED, NEVER = "finished", "failed", "running", "interrupted", "never started"
BEGUN = "begun"  # in job.json only: running or interrupted, which the lock tells


def new_sweep_folder(sweep: Sweep) -> Path:
    """Named by the time, and by a hash of what is swept. Not created yet."""
    mark = hashlib.sha256(sweep.to_json().encode()).hexdigest()[:6]
    return runs_folder() / "sweeps" / sweep.chapter / f"{time.strftime('%Y%m%d-%H%M%S')}-{mark}"


def lay_out(sweep: Sweep, folder: Path) -> None:
    """Begin a sweep's folder. Raises ParameterError where there is a sweep already, or no folder can be made."""
    if (folder / SWEEP).exists():
        raise ParameterError(f"{folder} already holds a sweep: give --resume to go on with it, or another --out.")
    try:
        (folder / "jobs").mkdir(parents=True, exist_ok=True)
        write_atomically(folder / SWEEP, sweep.to_json().encode())
    except OSError as error:
        raise ParameterError(f"the sweep's folder {folder} cannot be made ({error.strerror}): give another --out.") from error


def read_sweep(folder: Path) -> Sweep:
    """Raises ParameterError when the folder holds none."""
    try:
        text = (folder / SWEEP).read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise ParameterError(f"{folder} holds no sweep: its {SWEEP} cannot be read.") from error
    return Sweep.from_json(text)


def run_folder(folder: Path, point: Point) -> Path:
    return folder / "runs" / point.name


@contextmanager
def hold(run: Path) -> Iterator[None]:
    """Be the only job that works in a run folder; the system lets go for a process that is killed. Raises TrainingError."""
    run.mkdir(parents=True, exist_ok=True)
    try:
        with filelock.FileLock(run / ".job.lock", timeout=LOCK_WAIT):
            yield
    except filelock.Timeout as error:
        raise TrainingError(f"another job is at work in {run}.") from error


@contextmanager
def attempt(run: Path) -> Iterator[None]:
    """Write down that the work in a run folder has begun, and how it ends. A kill leaves "begun": only the lock tells it from running."""
    before, began = read_record(run), time.time()
    minutes = _minutes_until_death(run, before) if before.get("status") == BEGUN else before.get("minutes", 0.0)
    facts = {"attempts": before.get("attempts", 0) + 1, "host": platform.node(), "pid": os.getpid(), "began": began}

    def note(status: str, **more) -> None:
        total = minutes + (time.time() - began) / 60
        write_atomically(run / JOB, json.dumps(facts | {"status": status, "minutes": total} | more, indent=2).encode())

    note(BEGUN)
    try:
        yield
    except Exception as error:
        words = str(error).strip() if isinstance(error, RestorelabError) else f"{type(error).__name__}: {error}"
        note(FAILED, error=(words or type(error).__name__).splitlines()[0])
        raise
    note(FINISHED)


def _minutes_until_death(run: Path, record: dict) -> float:
    """Until the last sign of life: a killed job cannot write when it ended."""
    signs = [file.stat().st_mtime for name in ("metrics.jsonl", "notebook.ipynb", "manifest.json") if (file := run / name).is_file()]
    return record.get("minutes", 0.0) + max(0.0, max(signs, default=0.0) - record.get("began", 0.0)) / 60


def read_record(run: Path) -> dict:
    try:
        return json.loads((run / JOB).read_text())
    except FileNotFoundError:
        return {}
    except ValueError:  # not from us, who write it in one step: a damaged disk
        return {"status": BEGUN}


def status_of(run: Path) -> str:
    """Of one run folder, by what lies in it and by who holds it."""
    status = read_record(run).get("status", NEVER)
    if status != BEGUN:
        return status
    try:
        with filelock.FileLock(run / ".job.lock", timeout=0):
            status = read_record(run).get("status")  # it may have ended between the two looks
            return INTERRUPTED if status == BEGUN else status
    except filelock.Timeout:
        return RUNNING


def read_ids(folder: Path) -> dict[str, dict]:
    """Name of a run -> {"by": "local" or "slurm", "id": number of its newest job, "ended": how, as far as was seen}."""
    try:
        return json.loads((folder / IDS).read_text())
    except (FileNotFoundError, ValueError):
        return {}


def write_ids(folder: Path, ids: Mapping[str, dict]) -> None:
    write_atomically(folder / IDS, json.dumps(ids, indent=2).encode())


def last_words(folder: Path, number: str) -> str:
    """The last line that a job wrote, on standard error if it wrote any there."""
    for suffix in ("err", "out"):
        file = folder / "jobs" / f"{number}_0_log.{suffix}"
        lines = file.read_text(errors="replace").split("\n") if number and file.is_file() else []
        if said := [line.strip() for line in lines if line.strip()]:
            return said[-1][:300]
    return "none"
