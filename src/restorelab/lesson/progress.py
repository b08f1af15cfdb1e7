"""What a learner has done so far, in one file on this machine: exercises passed, predictions made. Nothing is sent anywhere.

The file is `progress.json` where runs are written. $RESTORELAB_PROGRESS names another one; set to nothing, it switches this off.
Deleting the file is always safe. Several notebooks may write to it at once, and no lesson stops because it cannot be written.
"""

import json
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import filelock

from restorelab.errors import RestorelabError
from restorelab.files import write_atomically
from restorelab.lesson.cards import Card, show
from restorelab.train.run import runs_folder

SWITCH = "RESTORELAB_PROGRESS"
LOCK_WAIT = 5  # seconds; a file of a few kilobytes is written in far less
_FORMAT = "restorelab-progress-"
_VERSION = "1"

_said: set[str] = set()  # problems that this session has been told of


class ProgressError(RestorelabError):
    """The file of notes cannot be read."""


class _Damaged(ProgressError):
    """It is not what this module writes."""


@dataclass(frozen=True)
class Guess:
    """A prediction, and how it came out."""

    name: str
    guess: float | str
    unit: str = ""
    truth: float | str | None = None  # None: not revealed yet
    verdict: str = ""

    def __post_init__(self) -> None:
        if not (isinstance(self.guess, float | str) and isinstance(self.truth, float | str | None)):
            raise TypeError("a guess and the truth are numbers or words")


@dataclass
class Progress:
    """Everything that is noted."""

    passed: dict[str, str] = field(default_factory=dict)  # id of an exercise -> when it passed first
    failed: dict[str, int] = field(default_factory=dict)  # id -> attempts that did not pass
    guesses: dict[str, Guess] = field(default_factory=dict)  # by question: names are unique in their chapter alone


def somebody_is_here() -> bool:
    """Whether the cell that runs was sent by somebody's notebook page, and not by a program that executes notebooks.

    Each request of the Jupyter protocol says whether its sender could answer a question (`allow_stdin`). JupyterLab can; nbclient,
    and with it papermill and nbconvert, and nbval cannot. Outside of a notebook nobody is here.
    """
    if "IPython" not in sys.modules:
        return False
    from IPython import get_ipython

    get_parent = getattr(get_ipython(), "get_parent", None)  # the shell of a terminal has none
    request = get_parent() if get_parent else {}
    return bool(request.get("content", {}).get("allow_stdin"))


def progress_file() -> Path | None:
    """Where notes are kept; None when they are switched off."""
    named = os.environ.get(SWITCH)
    if named is None:
        return runs_folder() / "progress.json"
    return Path(named).expanduser() if named else None


def read() -> Progress:
    """What is noted so far. Raises ProgressError for a file that is damaged, unreadable, or of a newer restorelab."""
    file = progress_file()
    try:
        return Progress() if file is None or not file.exists() else _parse(file)
    except OSError as error:
        raise ProgressError(f"{file} cannot be read: {error.strerror}.") from error


def note_attempt(id: str, passed: bool) -> None:
    """An exercise was checked. The first time that it passed stays."""

    def change(known: Progress) -> None:
        if passed:
            known.passed.setdefault(id, time.strftime("%Y-%m-%dT%H:%M:%S%z"))
        elif id not in known.passed:
            known.failed[id] = known.failed.get(id, 0) + 1

    _note(change)


def note_guess(question: str, guess: Guess) -> None:
    """A prediction was made or revealed. A guess can be changed until then: afterwards it would be no guess."""

    def change(known: Progress) -> None:
        if question not in known.guesses or known.guesses[question].truth is None:
            known.guesses[question] = guess

    _note(change)


def files() -> list[Path]:
    """Every file with notes, those set aside as damaged included."""
    file = progress_file()
    if file is None or not file.parent.is_dir():
        return []
    return [path for path in (file, *sorted(file.parent.glob(f"{file.stem}.damaged-*{file.suffix}"))) if path.is_file()]


def forget() -> None:
    """Delete them, and the lock. Raises OSError."""
    file = progress_file()
    if file is None or not files():
        return
    with _lock(file) as lock:
        for path in files():
            path.unlink()
    Path(lock.lock_file).unlink(missing_ok=True)


def _note(change: Callable[[Progress], None]) -> None:
    """Change what is in the file, one process at a time. What goes wrong is said once, and the lesson goes on."""
    try:
        file = progress_file()
        if file is None or not somebody_is_here() or _in_solutions():
            return
        file.parent.mkdir(parents=True, exist_ok=True)
        with _lock(file):
            known = _read_or_set_aside(file)
            change(known)
            text = json.dumps({"format": _FORMAT + _VERSION, **asdict(known)}, indent=1)
            write_atomically(file, text.encode())
    except filelock.Timeout:
        _say("Another process holds the file of your progress; this is not noted.")
    except OSError as error:
        _say(f"Your progress cannot be noted: {error.strerror or error} ({error.filename}).")
    except ProgressError as error:
        _say(f"Your progress is not noted: {error}")


def _in_solutions() -> bool:
    """Notebooks run in their own folder; nobody passes an exercise by running its solution."""
    return Path.cwd().name == "solutions"


def _lock(file: Path) -> filelock.FileLock:
    return filelock.FileLock(file.with_name(f".{file.name}.lock"), timeout=LOCK_WAIT)


def _read_or_set_aside(file: Path) -> Progress:
    try:
        return _parse(file) if file.exists() else Progress()
    except _Damaged as error:
        aside = file.with_name(f"{file.stem}.damaged-{secrets.token_hex(3)}{file.suffix}")
        os.replace(file, aside)
        _say(f"{error} It is called `{aside.name}` now, and a new one is begun.")
        return Progress()


def _parse(file: Path) -> Progress:
    try:
        facts = json.loads(file.read_bytes())
        if facts["format"] == _FORMAT + _VERSION:
            passed = {str(id): str(when) for id, when in facts["passed"].items()}
            failed = {str(id): int(count) for id, count in facts["failed"].items()}
            return Progress(passed, failed, {str(question): Guess(**guess) for question, guess in facts["guesses"].items()})
        newer = facts["format"].startswith(_FORMAT)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _Damaged(f"{file} is damaged.") from error
    if newer:
        raise ProgressError(f"{file} was written by a newer restorelab. Update this one, or name another file with {SWITCH}.")
    raise _Damaged(f"{file} is something else.")


def _say(sentence: str) -> None:
    if sentence not in _said:
        _said.add(sentence)
        show(Card("quiet", "○ Progress", "", (sentence,)))
