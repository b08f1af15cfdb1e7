"""Where the runs of a sweep are worked off: on this machine, or on a cluster by SLURM. submitit starts the jobs of both.

What became of a job is read from its run's folder and never from submitit's own files: those are pickles, which can run code, and a
job that was killed has not written one. submitit asks `sacct` how a job stands, which needs an accounting daemon that small clusters
lack; `squeue` always answers.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import submitit
import torch
from rich.console import Console
from submitit.core.utils import DelayedSubmission, FailedJobError

from restorelab.cli.chapters import ASKED, run_chapter
from restorelab.errors import ParameterError
from restorelab.experiment.folder import FINISHED, attempt, hold, status_of

FOREVER = 60 * 24 * 365  # minutes; submitit's own limit for a job on this machine would be two
SLURM_MINUTES = 60.0  # when no limit is given
TIMEOUTS = 3  # times that SLURM may take up a run again which came to its time limit
PATIENCE = 15.0  # seconds that jobs have to end when they are told to
OVER = {"BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "REVOKED", "TIMEOUT"}


@dataclass(frozen=True)
class ChapterJob:
    """One run of a sweep, as submitit carries it to where it is executed."""

    chapter: str
    parameters: Mapping[str, str]
    run: Path
    environment: Mapping[str, str | None] = field(default_factory=dict)  # None: not set

    def __call__(self) -> None:
        signal.signal(signal.SIGTERM, _stop)
        for name, value in self.environment.items():
            os.environ.pop(name, None)
            os.environ.update({name: value} if value is not None else {})
        with hold(self.run):
            if status_of(self.run) != FINISHED:
                with attempt(self.run):
                    begun = (self.run / ASKED).exists()
                    run_chapter(self.chapter, dict(self.parameters), begun, self.run, Console(highlight=False, soft_wrap=True))

    def checkpoint(self) -> DelayedSubmission:
        """submitit calls this shortly before a time limit or a preemption, and queues what it returns: the same, for it resumes."""
        return DelayedSubmission(self)


def _stop(*_) -> None:
    """submitit ignores SIGTERM; a job that goes at once is one that can be taken up at once."""
    sys.exit(128 + signal.SIGTERM)


class LocalJobs:
    """So many jobs at a time on this machine; with several GPUs, each job sees one of them."""

    by = "local"
    grace = 0.0  # seconds between the end of a job and the last of its files to be seen

    def __init__(self, folder: Path, at_once: int | None, minutes: float | None):
        self._folder, self._at_once, self._minutes, self._jobs = folder, at_once or 1, minutes or FOREVER, {}

    @cached_property
    def _executor(self) -> submitit.LocalExecutor:  # makes the folder: not before something is submitted
        executor = submitit.LocalExecutor(self._folder, max_num_timeout=0)
        executor.update_parameters(timeout_min=self._minutes, signal_delay_s=5)
        return executor

    def __str__(self) -> str:
        return f"{self._at_once} at a time on this machine"

    def room(self) -> int:
        return self._at_once - len(self.states())

    def submit(self, jobs: list[ChapterJob]) -> list[str]:
        return [self._start(job) for job in jobs]

    def _start(self, job: ChapterJob) -> str:
        slot = min(set(range(self._at_once)) - {slot for slot, other in self._jobs.values() if not other.done()})
        equipped = ChapterJob(job.chapter, job.parameters, job.run, _share(slot, self._at_once))
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # inherited: Ctrl-C is for us, who then stop the job in order
        try:
            started = self._executor.submit(equipped)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self._jobs[started.job_id] = (slot, started)
        return started.job_id

    def states(self) -> dict[str, str]:
        """Number of every job that is alive -> how it stands."""
        return {number: "RUNNING" for number, (_, job) in self._jobs.items() if not job.done()}

    def ending(self, number: str) -> str:
        return ""

    def leave(self) -> str:
        """Stop what runs; says what that means."""
        deadline = time.monotonic() + PATIENCE
        while (alive := self.states()) and time.monotonic() < deadline:
            for number in alive:
                os.kill(int(number), signal.SIGTERM)  # again and again: submitit ignores it until the job itself begins
            time.sleep(0.5)
        return "The runs are stopped where they were" if not alive else f"Still running: processes {', '.join(alive)}"


def _share(slot: int, slots: int) -> dict[str, str | None]:
    """The environment of the job in one of the slots. submitit hides every GPU from local jobs that ask for none by number."""
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    gpus = [gpu for gpu in seen.split(",") if gpu] if seen is not None else [str(n) for n in range(torch.cuda.device_count())]
    own = {"CUDA_VISIBLE_DEVICES": gpus[slot % len(gpus)] if slots > 1 and len(gpus) > 1 else seen}
    if slots > 1 and "OMP_NUM_THREADS" not in os.environ:  # or every job would want every core
        own["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // slots))
    return own


class SlurmJobs:
    """Jobs of a SLURM cluster, submitted as one array. They live without us: `states` finds those of an earlier session too."""

    by = "slurm"
    grace = 5.0  # the folder is on a network disk

    def __init__(self, folder: Path, at_once: int | None, minutes: float | None, partition: str | None, gpus: int, name: str):
        if shutil.which("sbatch") is None or shutil.which("squeue") is None:
            raise ParameterError("SLURM's sbatch and squeue are not here: run this on a machine of the cluster, or leave out --slurm.")
        limit = max(1, round(minutes or SLURM_MINUTES))
        self._words = f"by SLURM, {f'{at_once} at a time' if at_once else 'as it has room'}, at most {limit} minutes in one go"
        self._states: dict[str, str] = {}
        self._folder = folder
        self._asked = {
            "job_name": f"restorelab-{name}",
            "time": limit,
            "partition": partition,
            "gpus_per_node": gpus or None,
            "array_parallelism": at_once or 256,
            "signal_delay_s": min(90, 12 * limit),
        }

    @cached_property
    def _executor(self) -> submitit.SlurmExecutor:
        executor = submitit.SlurmExecutor(self._folder, max_num_timeout=TIMEOUTS)
        executor.update_parameters(**self._asked)
        return executor

    def __str__(self) -> str:
        return self._words

    def room(self) -> int:
        return sys.maxsize

    def submit(self, jobs: list[ChapterJob]) -> list[str]:
        try:
            with self._executor.batch():
                started = [self._executor.submit(job) for job in jobs]
        except FailedJobError as error:
            words = str(error).strip().splitlines()
            raise ParameterError(f"SLURM refused the sweep: {words[-1] if words else 'sbatch failed without a word'}") from error
        self._states |= {job.job_id: "PENDING" for job in started}
        return [job.job_id for job in started]

    def states(self) -> dict[str, str]:
        """Number of every job that is alive -> how it stands. Where squeue does not answer, what it last said."""
        try:
            words = ["squeue", "--me", "--noheader", "--array", "--states=all", "--format=%i|%T"]
            said = subprocess.run(words, capture_output=True, text=True, timeout=60, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            return self._alive()
        gone = {number: state if state in OVER else "" for number, state in self._states.items()}
        self._states = gone | dict(line.split("|", 1) for line in said.split())
        return self._alive()

    def _alive(self) -> dict[str, str]:
        return {number: state for number, state in self._states.items() if state and state not in OVER}

    def ending(self, number: str) -> str:
        """The state in which a job left, as long as SLURM remembers it."""
        return f"SLURM says {self._states[number]}" if self._states.get(number) else ""

    def leave(self) -> str:
        return "The jobs stay with SLURM (scancel ends them)"
