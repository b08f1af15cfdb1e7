"""`restorelab sweep`: a chapter over a grid of parameters, here or by SLURM, and one table of it."""

import json
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import filelock
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from restorelab.cli.chapters import read_parameters
from restorelab.cli.jobs import ChapterJob, LocalJobs, SlurmJobs
from restorelab.errors import ParameterError
from restorelab.experiment.folder import (
    FAILED,
    FINISHED,
    NEVER,
    RUNNING,
    lay_out,
    new_sweep_folder,
    read_ids,
    read_sweep,
    run_folder,
    status_of,
    write_ids,
)
from restorelab.experiment.grid import Point, Sweep, as_text
from restorelab.experiment.table import Row, collect, newest_unfinished, write_table
from restorelab.repository import chapter_path

EVERY = 1.0  # seconds between two looks
SAY_EVERY = 10  # looks between two lines where no terminal can show a moving bar
TAIL = 4096  # bytes: more than one line of metrics


@dataclass(frozen=True)
class Where:
    """Where the runs are worked off. `None` leaves it to the place: one at a time here, as there is room on a cluster."""

    slurm: bool = False
    partition: str | None = None
    minutes: float | None = None  # for one run; here without a limit, SLURM: an hour
    jobs: int | None = None  # at a time


def sweep_chapter(chapter: str, over: list[str], fixed: dict[str, str], where: Where, resume: bool, out: Path | None,
                  dry_run: bool, console: Console) -> bool:  # fmt: skip
    """Run what is unfinished of a sweep, new or resumed; returns whether every run is finished then. Raises ParameterError.

    Every name and value is checked before anything is written or started.
    """
    _check_place(where, out)
    notebook = chapter_path(chapter)
    if resume:
        if over or fixed:
            raise ParameterError("a sweep is resumed with the parameters that it was begun with: leave them out, or start a new one.")
        folder = (out or newest_unfinished(notebook.stem)).resolve()
        sweep = read_sweep(folder)
        if sweep.chapter != notebook.stem:
            raise ParameterError(f"{folder} is a sweep of {sweep.chapter}, not of {notebook.stem}.")
    else:
        sweep = read_sweep_words(notebook, over, fixed)
        folder = (out or new_sweep_folder(sweep)).resolve()
    queue = _queue(sweep, folder, where)
    console.print(escape(plan(sweep, folder, str(queue))))
    if dry_run:
        return True
    if not resume:
        lay_out(sweep, folder)
    try:
        with filelock.FileLock(folder / ".sweep.lock", timeout=0):
            return Following(sweep, folder, queue, console).to_the_end()
    except filelock.Timeout as error:
        raise ParameterError(f"another `restorelab sweep` is at work in {folder}: wait for it, or stop it.") from error


def read_sweep_words(notebook: Path, over: list[str], fixed: dict[str, str]) -> Sweep:
    """["learning_rate=1e-3,1e-4", "seed=0,1"] and {"steps": "60"} -> the sweep. Raises ParameterError."""
    axes = {}
    for words in over:
        name, equals, values = words.partition("=")
        if not equals or name in axes:
            raise ParameterError(f"--over takes NAME=VALUE,VALUE, every name once; not {words!r}.")
        axes[name] = tuple(read_parameters(notebook, {name: value})[name] for value in values.split(","))
    seeds = axes.pop("seed", ())
    return Sweep(notebook.stem, axes, read_parameters(notebook, fixed), seeds)


def plan(sweep: Sweep, folder: Path, place: str) -> str:
    """How many runs, what each is, how it stands, and where."""
    points = sweep.points()
    fixed = ", ".join(f"{name}={as_text(value)}" for name, value in sweep.fixed.items())
    lines = [f"{sweep.chapter}: {len(points)} runs, {place}" + (f"; all with {fixed}" if fixed else "")]
    for number, point in enumerate(points, 1):
        status = status_of(run_folder(folder, point))
        lines.append(f"{number:>4}  {point.name}" + (f"  ({status})" if status != NEVER else ""))
    return "\n".join([*lines, f"sweep folder: {folder}"])


def _check_place(where: Where, out: Path | None) -> None:
    if sys.platform == "win32":
        raise ParameterError("sweeps need Linux or macOS, which submitit is made for: on Windows, use WSL.")
    if out and "%" in str(out):
        raise ParameterError(f"the sweep's folder must have no % in its path, which SLURM would replace: {out}.")
    if where.partition and not where.slurm:
        raise ParameterError("--partition is a word of SLURM's: give --slurm too.")


def _queue(sweep: Sweep, folder: Path, where: Where) -> LocalJobs | SlurmJobs:
    jobs = folder / "jobs"
    if not where.slurm:
        return LocalJobs(jobs, where.jobs, where.minutes)
    devices = {sweep.fixed.get("device"), *sweep.axes.get("device", ())}
    return SlurmJobs(jobs, where.jobs, where.minutes, where.partition, gpus=int("cuda" in devices), name=sweep.chapter)


class Following:
    """A sweep being worked off: submits what is unfinished, watches what is alive, says what ends and how, keeps the table."""

    def __init__(self, sweep: Sweep, folder: Path, queue: LocalJobs | SlurmJobs, console: Console):
        self._sweep, self._folder, self._queue, self._console = sweep, folder, queue, console
        self._points = {point.name: point for point in sweep.points()}
        self._ids = read_ids(folder)
        self._finished: set[str] = set()
        self._ended: dict[str, float] = {}  # name -> when its job was first seen to be gone
        states = queue.states()
        self._refuse_a_second_place()
        unfinished = [name for name in self._points if self._status(name) != FINISHED]
        self._alive = {name for name in unfinished if self._is_alive(name, states) or self._status(name) == RUNNING}
        self._waiting = [name for name in unfinished if name not in self._alive]
        self._begun, self._at_first = time.monotonic(), self._progress()

    def to_the_end(self) -> bool:
        if not self._waiting and not self._alive:
            self._console.print("every run is finished: there is nothing to do")
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("{task.fields[left]}"))
        try:
            with Progress(*columns, console=self._console, transient=True, disable=not self._console.is_terminal) as bars:
                self._follow(bars)
        except KeyboardInterrupt:
            words = self._queue.leave()
            again = ["restorelab", "sweep", self._sweep.chapter, "--resume", "--out", str(self._folder)]
            again += ["--slurm"] if self._queue.by == "slurm" else []
            self._console.print(escape(f"{words}; go on with: {shlex.join(again)}"))
            raise
        finally:
            rows = self._write()
        self._console.print(escape(f"{_count(rows)}\nwritten to {self._folder}: table.md, table.csv, table.json"))
        return all(row.status == FINISHED for row in rows)

    def _follow(self, bars: Progress) -> None:
        bar = bars.add_task("", total=len(self._points), left="")
        looks = 0
        while self._waiting or self._alive:
            self._submit()
            time.sleep(EVERY)
            states = self._queue.states()
            for name in sorted(self._alive):
                self._look(name, states)
            looks += 1
            words, left = self._words(states), self._left()
            bars.update(bar, description=words, completed=self._progress(), left=left)
            if not self._console.is_terminal and looks % SAY_EVERY == 0:
                self._console.print(f"{words}, {left}")

    def _submit(self) -> None:
        if not self._waiting:
            return
        states = self._queue.states()
        strangers = sum(not self._is_alive(name, states) for name in self._alive)  # begun by a session that was killed, and running on
        room = max(0, self._queue.room() - strangers)
        names, self._waiting = self._waiting[:room], self._waiting[room:]
        if not names:
            return
        jobs = [ChapterJob(self._sweep.chapter, self._given(self._points[name]), self._run(name)) for name in names]
        for name, number in zip(names, self._queue.submit(jobs), strict=True):
            self._ids[name] = {"by": self._queue.by, "id": number}
            self._console.print(escape(f"submitted  {name}  (job {number})"))
        self._alive |= set(names)
        write_ids(self._folder, self._ids)

    def _look(self, name: str, states: dict[str, str]) -> None:
        if self._is_alive(name, states) or self._status(name) == RUNNING:
            self._ended.pop(name, None)
            return
        gone = time.monotonic() - self._ended.setdefault(name, time.monotonic())
        if gone < self._queue.grace and self._status(name) not in (FINISHED, FAILED):
            return
        self._alive.discard(name)
        job = self._ids.setdefault(name, {"by": self._queue.by, "id": ""})
        job["ended"] = self._queue.ending(job["id"]) or "ended without a result"
        write_ids(self._folder, self._ids)
        self._say(next(row for row in self._write() if row.name == name))

    def _say(self, row: Row) -> None:
        if row.status == FINISHED:
            figures = ", ".join(f"{key} {value}" for key, value in row.result.items())
            self._console.print(f"[green]finished[/]  {escape(f'{row.name}  {row.minutes} min  {figures}')}")
        else:
            self._console.print(f"[red]{row.status}[/]  {escape(f'{row.name}: {row.error}')}")

    def _words(self, states: dict[str, str]) -> str:
        how = Counter(states.get(self._ids.get(name, {}).get("id", ""), self._status(name)).lower() for name in self._alive)
        finished = sum(self._status(name) == FINISHED for name in self._points)
        return f"{finished} of {len(self._points)} finished, " + ", ".join(f"{number} {state}" for state, number in sorted(how.items()))

    def _left(self) -> str:
        """What is left, at the pace of this session."""
        gained = self._progress() - self._at_first
        if gained <= 0:
            return "time left not known yet"
        seconds = (time.monotonic() - self._begun) * (len(self._points) - self._at_first - gained) / gained
        return f"about {seconds / 60:.0f} minutes left" if seconds > 90 else f"about {seconds:.0f} seconds left"

    def _progress(self) -> float:
        """In runs, those in training by the share of their steps."""
        return sum(1.0 if self._status(name) == FINISHED else 0.95 * _trained(self._run(name)) for name in self._points)

    def _refuse_a_second_place(self) -> None:
        """A run that waits in SLURM's queue must not be started here as well."""
        there = [name for name, job in self._ids.items() if job["by"] == "slurm" and "ended" not in job]
        unfinished = [name for name in there if self._status(name) != FINISHED]
        if self._queue.by != "slurm" and unfinished:
            raise ParameterError(f"{len(unfinished)} runs of this sweep were given to SLURM: go on with --slurm, which finds them.")

    def _is_alive(self, name: str, states: dict[str, str]) -> bool:
        job = self._ids.get(name, {})
        return job.get("by") == self._queue.by and job.get("id") in states and "ended" not in job

    def _status(self, name: str) -> str:
        if name in self._finished:
            return FINISHED
        status = status_of(self._run(name))
        self._finished |= {name} if status == FINISHED else set()
        return status

    def _run(self, name: str) -> Path:
        return run_folder(self._folder, self._points[name])

    @staticmethod
    def _given(point: Point) -> dict[str, str]:
        return {name: as_text(value) for name, value in point.parameters.items()}

    def _write(self) -> list[Row]:
        rows = collect(self._folder)
        write_table(self._folder, rows)
        return rows


def _count(rows: list[Row]) -> str:
    return ", ".join(f"{number} {status}" for status, number in Counter(row.status for row in rows).items())


def _trained(run: Path) -> float:
    """The share of its steps that a run has done, by its newest line of metrics."""
    try:
        with open(run / "metrics.jsonl", "rb") as file:
            file.seek(max(0, file.seek(0, 2) - TAIL))
            row = json.loads(file.read().rsplit(b"\n", 2)[-2])
            return min(1.0, row["step"] / row["steps"])
    except (OSError, ValueError, KeyError, IndexError, TypeError, ZeroDivisionError):
        return 0.0
