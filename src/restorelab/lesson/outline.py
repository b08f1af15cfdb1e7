"""What the chapters ask of a learner: the exercises that have a check, and the predictions that the lessons ask for."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.exercise import Exercise
from restorelab.lesson.progress import Progress
from restorelab.repository import root


@dataclass(frozen=True)
class Chapter:
    number: str  # "05"
    title: str
    exercises: tuple[Exercise, ...]
    questions: tuple[str, ...]  # of its predictions

    def passed(self, progress: Progress) -> list[bool]:
        """Of each exercise, whether it is."""
        return [exercise.id in progress.passed for exercise in self.exercises]

    def predicted(self, progress: Progress) -> int:
        return sum(question in progress.guesses for question in self.questions)

    def minutes_left(self, progress: Progress) -> int:
        """To plan for the exercises that are open."""
        return sum(exercise.minutes for exercise in self.exercises if exercise.id not in progress.passed)

    def begun(self, progress: Progress) -> bool:
        return any(self.passed(progress)) or self.predicted(progress) > 0


def outline() -> list[Chapter]:
    """Every chapter of this clone, in order. Raises ParameterError where there are none."""
    return [_read(path) for path in sorted((root() / "course").glob("[0-9][0-9]_*/lesson.py"))]


def _read(path: Path) -> Chapter:
    text, number = path.read_text(encoding="utf-8"), path.parent.name[:2]
    title = re.search(rf"^# # {number} · (.+)$", text, re.MULTILINE)
    exercises = tuple(exercise for exercise in EXERCISES.values() if int(exercise.id.partition(".")[0]) == int(number))
    return Chapter(number, title[1] if title else path.parent.name, exercises, tuple(questions(text)))


def questions(lesson: str) -> list[str]:
    """The questions of the predictions in a lesson, which are plain words: there, or in a variable before it."""
    words, found = {}, []
    for statement in ast.parse(lesson).body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Constant(value=str(text))):
                words[name] = text
            case ast.Expr(value=ast.Call(func=ast.Name(id="predict"), args=[_, ast.Constant(value=str(text)), *_])):
                found.append(text)
            case ast.Expr(value=ast.Call(func=ast.Name(id="predict"), args=[_, ast.Name(id=name), *_])) if name in words:
                found.append(words[name])
    return found
