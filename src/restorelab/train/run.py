"""A run: one folder that says what was done, with what, and what came of it.

runs/<chapter>/<time>-<hash>/
    manifest.json    parameters, seed, versions, device, data, git state, status
    metrics.jsonl    one line per step
    checkpoints/     the states to resume from, and the final weights
    figures/
"""

import functools
import json
import os
import platform
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import torch

import restorelab
from restorelab import repository
from restorelab.errors import ParameterError, TrainingError
from restorelab.files import write_atomically
from restorelab.train import state as states
from restorelab.train.distributed import agreed, rank

LOCK_WAIT = 20  # seconds: an orphaned kernel of a killed run notices its parent's death within a few


def runs_folder() -> Path:
    """Where runs are written: $RESTORELAB_RUNS, else `runs` in the repository (or here, outside of one)."""
    if os.environ.get("RESTORELAB_RUNS"):
        return Path(os.environ["RESTORELAB_RUNS"])
    try:
        return repository.root() / "runs"
    except ParameterError:
        return Path.cwd() / "runs"


def new_run_folder(chapter: str) -> Path:
    """A fresh folder, named by the time and a short random mark, the same one in all processes of torchrun. Not created yet."""
    return agreed(runs_folder() / chapter / f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}")


def by_the_first(method: Callable) -> Callable:
    """Of several processes under torchrun only the first one does it."""

    @functools.wraps(method)
    def alone(*args, **kwargs):
        return method(*args, **kwargs) if rank() == 0 else None

    return alone


class Run:
    """An open run folder. Only one process may hold it; use it in a `with` block or call `close()`.

    Of several processes under torchrun all open the same folder; the first one writes, the others only read the states.
    """

    def __init__(self, folder: str | Path, seed: int = 0, parameters: dict | None = None, data: dict | None = None, device: str = "cpu"):
        """Create the folder, or take up the one that is there; its parameters must be equal then. Raises TrainingError."""
        self.folder, self.seed = Path(folder), seed
        self._open()
        self._begin(parameters or {}, data or {}, device)

    @by_the_first
    def _open(self) -> None:
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            self.figures.mkdir(exist_ok=True)
        except OSError as error:
            raise TrainingError(
                f"the run folder {self.folder} cannot be made: {error.strerror}. Set RESTORELAB_RUNS to another place."
            ) from error
        self._lock = filelock.FileLock(self.folder / ".lock")
        try:
            self._lock.acquire(timeout=LOCK_WAIT)
        except filelock.Timeout as error:
            raise TrainingError(f"{self.folder} is being written to by another process: wait for it, or start a new run.") from error

    @property
    def checkpoints(self) -> Path:
        return self.folder / "checkpoints"

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    @property
    def manifest(self) -> dict:
        return read_manifest(self.folder)

    @by_the_first
    def _begin(self, parameters: dict, data: dict, device: str) -> None:
        asked = {"seed": self.seed, "parameters": json.loads(json.dumps(parameters)), "data": data}
        before = read_manifest(self.folder)
        for key, value in asked.items():
            if key in before and before[key] != value:
                self.close()
                raise TrainingError(
                    f"{self.folder} was begun with another {key}: {_difference(before[key], value)}. Start a new run for that."
                )
        facts = {"format": "restorelab-run-1", **asked, "versions": versions(), "device": device_name(device), "git": git_state()}
        started = before.get("started") or time.strftime("%Y-%m-%dT%H:%M:%S%z")
        self.note(**facts, started=started, status="running", resumed=before.get("resumed", -1) + 1 if "format" in before else 0)

    @by_the_first
    def note(self, **facts) -> None:
        """Add to, or replace in, the manifest."""
        text = json.dumps(read_manifest(self.folder) | facts, indent=2)
        with _said(self.folder / "manifest.json") as file:
            write_atomically(file, text.encode())

    @by_the_first
    def log(self, row: dict) -> None:
        with _said(self.folder / "metrics.jsonl") as path, open(path, "a") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[dict]:
        """What was logged, one dict per step. A line cut off by a kill is left out."""
        return read_rows(self.folder)

    @by_the_first
    def forget_after(self, step: int) -> None:
        """Drop the rows of steps that were done but not saved: they are about to be done again."""
        kept = [json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step]
        with _said(self.folder / "metrics.jsonl") as file:
            write_atomically(file, "".join(kept).encode())

    @by_the_first
    def save_state(self, step: int, state: dict) -> None:
        states.save_state(self.checkpoints, step, state)

    def newest_state(self) -> dict | None:
        return states.load_newest(self.checkpoints)

    def finish(self, **facts) -> None:
        """Mark the run as finished, with what it reached, and let go of the folder."""
        self.note(**facts, status="finished", finished=time.strftime("%Y-%m-%dT%H:%M:%S%z"))
        self.close()

    @by_the_first
    def close(self) -> None:
        self._lock.release()

    def __enter__(self) -> "Run":
        return self

    def __exit__(self, *_) -> None:
        self.close()


@contextmanager
def _said(file: Path) -> Iterator[Path]:
    """A file that cannot be written (a full disk, say) is a TrainingError."""
    try:
        yield file
    except OSError as error:
        raise TrainingError(f"{file} cannot be written: {error.strerror}. Make room and resume; the saved states are whole.") from error


def read_manifest(folder: Path) -> dict:
    """{} when the folder has none. Raises TrainingError for one that is not JSON."""
    file = folder / "manifest.json"
    try:
        return json.loads(file.read_text()) if file.is_file() else {}
    except ValueError as error:
        raise TrainingError(f"{file} is damaged: start a new run.") from error


def read_rows(folder: Path) -> list[dict]:
    file = folder / "metrics.jsonl"
    rows = []
    for line in file.read_text().splitlines() if file.is_file() else ():
        try:
            rows.append(json.loads(line))
        except ValueError:
            continue
    return rows


def versions() -> dict[str, str]:
    return {"restorelab": restorelab.__version__, "python": platform.python_version(), "torch": torch.__version__, "platform": sys.platform}


def device_name(device: str) -> str:
    if torch.device(device).type == "cuda":
        return torch.cuda.get_device_name(device)
    return f"{torch.get_num_threads()} threads of {platform.processor() or platform.machine()}"


def git_state() -> dict | None:
    """Commit of the working tree and whether it had changes, or None outside of git."""

    def git(*words: str) -> str:
        answer = subprocess.run(["git", *words], cwd=Path(__file__).parent, capture_output=True, text=True, timeout=10, check=True)
        return answer.stdout.strip()

    try:
        return {"commit": git("rev-parse", "HEAD"), "changed": bool(git("status", "--porcelain"))}
    except (OSError, subprocess.SubprocessError):
        return None


def _difference(before: object, now: object) -> str:
    if not (isinstance(before, dict) and isinstance(now, dict)):
        return f"{before} and not {now}"
    keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    return ", ".join(f"{key} was {before.get(key)!r} and is now {now.get(key)!r}" for key in keys)
