"""`check("5.1", answer)`: is it right, and if not, what is the likely mistake? Never raises."""

import difflib
import inspect
import linecache
import re
import sysconfig
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import restorelab
from restorelab.lesson.cards import Card, Code, show
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.exercise import Exercise, NotAttempted, Wrong
from restorelab.lesson.isolate import BoundedOutput, guarded, isolated
from restorelab.lesson.progress import note_attempt

# kind of outcome -> tone of the card and its heading
_HEADINGS = {
    "passed": ("good", "✓ Passed"),
    "wrong": ("bad", "✗ Not right yet"),
    "error": ("odd", "! Stopped by an error"),
    "not attempted": ("quiet", "○ Not attempted yet"),
    "unknown": ("quiet", "? No such exercise"),
}
# Files that are not the learner's: this package, the standard library, installed packages.
_NOT_THE_LEARNERS = tuple(
    Path(folder).resolve() for folder in (Path(restorelab.__file__).parent, *map(sysconfig.get_path, ("stdlib", "purelib", "platlib")))
)
_ATTEMPTS = ("passed", "wrong", "error")  # kinds that are one
_LONGEST = 600  # characters of a message or of printed text that are shown


@dataclass(frozen=True)
class Outcome:
    """How a check ended. It has been displayed already, so a notebook shows nothing more for it."""

    id: str
    kind: str  # one of the keys of _HEADINGS
    body: tuple[str | Code, ...] = ()

    @property
    def passed(self) -> bool:
        return self.kind == "passed"

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"<check {self.id}: {self.kind}>"

    def _ipython_display_(self) -> None:
        """Nothing: the card is on the screen."""

    @property
    def card(self) -> Card:
        tone, heading = _HEADINGS[self.kind]
        exercise = EXERCISES.get(self.id)
        return Card(tone, heading, f"{self.id} {exercise.title}" if exercise else self.id, self.body)


def check(id: Any, *answers: Any) -> Outcome:
    """Say whether the answers to an exercise are right: `check("0.1", mean_colour)`.

    Functions are given copies of everything, the random numbers of the session stay as they are, what is printed is kept and
    shown, and any error becomes part of the outcome. Only a keyboard interrupt gets through.
    """
    id = _safely(str, id)
    exercise = EXERCISES.get(id)
    outcome = _try(exercise, answers) if exercise else Outcome(id, "unknown", known_exercises(id))
    show(outcome.card)
    if outcome.kind in _ATTEMPTS:
        note_attempt(id, outcome.passed)
    return outcome


def known_exercises(id: str) -> tuple[str]:
    """A sentence that lists the exercises there are, the closest to this id first."""
    closest = sorted(EXERCISES, key=lambda known: -difflib.SequenceMatcher(None, id, known).ratio())
    return (f"The exercises are {', '.join(closest)}.",)


def _try(exercise: Exercise, answers: tuple) -> Outcome:
    output = BoundedOutput()
    try:
        with isolated() as output:
            problem = _count_problem(exercise, answers)
            if not problem:
                exercise.check(*map(guarded, answers))
        kind, body = ("error", (problem,)) if problem else ("passed", ())
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit, RecursionError, TooMuchOutput: all of them are an answer's doing
        kind, body = _diagnose(error)
    return Outcome(exercise.id, kind, (*body, *_printed(output), *_next(kind, exercise)))


def _count_problem(exercise: Exercise, answers: tuple) -> str:
    wanted = list(inspect.signature(exercise.check).parameters)
    if len(answers) == len(wanted):
        return ""
    if not answers:
        raise NotAttempted("the answer itself is missing." + _usage(exercise, wanted))
    return f"This check takes {len(wanted)} answer{'s' * (len(wanted) != 1)}, and got {len(answers)}." + _usage(exercise, wanted)


def _usage(exercise: Exercise, wanted: list[str]) -> str:
    return f' Call it as `check("{exercise.id}", {", ".join(wanted)})`.'


def _diagnose(error: BaseException) -> tuple[str, tuple[str | Code, ...]]:
    if isinstance(error, Wrong):
        return "wrong", (_message(error),)
    if isinstance(error, NotAttempted):
        return "not attempted", (f"Nothing to check: {_message(error)}",)
    number, line = _learners_line(error)
    if isinstance(error, NotImplementedError) and ("NotImplementedError" in line or not _message(error)):
        return "not attempted", ("Nothing to check: the stub still stands. Put your code in place of `raise NotImplementedError`.",)
    sentence = f"{type(error).__name__}: {_message(error)}".rstrip(": ")
    if line:
        return "error", (sentence, Code(f"line {number}:  {line}"))
    return "error", (sentence, "It happened where the check used your answer: is it the kind of thing that was asked for?")


def _next(kind: str, exercise: Exercise) -> tuple[str, ...]:
    if kind == "not attempted":
        return (f"Difficulty {'★' * exercise.stars}{'☆' * (5 - exercise.stars)}, about {exercise.minutes} minutes.",)
    return () if kind == "passed" else (f'Stuck? `hint("{exercise.id}")`',)


def _learners_line(error: BaseException) -> tuple[int, str]:
    """Number and text of the last line of the learner's own code that the error passed through."""
    for frame, number in reversed(list(traceback.walk_tb(error.__traceback__))):
        name = frame.f_code.co_filename
        if not name.startswith("<frozen") and not any(Path(name).resolve().is_relative_to(root) for root in _NOT_THE_LEARNERS):
            line = linecache.getline(name, number, frame.f_globals).strip()
            return number, line or "(its text is not available)"
    return 0, ""


def _message(error: BaseException) -> str:
    return _tidy(_safely(str, error))


def _printed(output: BoundedOutput) -> tuple[str | Code, ...]:
    lines = output.getvalue().rstrip().splitlines()
    text = _tidy("\n".join(lines[:12] + ["…"] * (len(lines) > 12)))
    return ("Your code printed:", Code(text)) if text else ()


def _tidy(text: str) -> str:
    """Without what differs from run to run (addresses, names of temporary files), and not endless."""
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", text)
    text = re.sub(r"[^\s'\"<>]*ipykernel_\d+[^\s'\"<>]*?\.py", "your cell", text)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} … (cut here)"


def _safely(convert, value: Any) -> str:
    try:
        return convert(value)
    except KeyboardInterrupt:
        raise
    except BaseException:
        return f"<{type(value).__name__}>"
