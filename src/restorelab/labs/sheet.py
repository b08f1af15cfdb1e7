"""A chapter as a lab: its exercises, what each is worth, and its cells, read from the two editions of its notebook."""

import ast
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restorelab.errors import ParameterError
from restorelab.lesson.checks import EXERCISES
from restorelab.repository import chapter_path

POINTS_PER_STAR = 2  # half of them for the visible check, where there are hidden tests as well


@dataclass(frozen=True)
class Task:
    """One exercise of a lab."""

    id: str  # "5.1"
    title: str
    stars: int
    answers: tuple[str, ...]  # the names that its check is given
    stub: str  # its cell as students receive it
    solution: str

    @property
    def points(self) -> int:
        return POINTS_PER_STAR * self.stars

    def visible_points(self, hidden: bool) -> int:
        """What the visible check alone is worth, with or without hidden tests beside it."""
        return self.points // 2 if hidden else self.points


@dataclass(frozen=True)
class Lab:
    """A chapter's exercises, in its order."""

    name: str  # "05_multi_patch_dmphn"
    tasks: tuple[Task, ...]
    cells: tuple[dict, ...]  # of the student edition, as in the file

    @property
    def prelude(self) -> str:
        """The chapter's own imports, for a notebook that lost them."""
        return "\n".join(line for cell in self.cells if cell["cell_type"] == "code" for line in _imports(text_of(cell)))


def read_lab(name: str) -> Lab:
    """`05` or `05_multi_patch_dmphn` -> the lab. Raises ParameterError when there is no such chapter, or no exercise in it."""
    path = chapter_path(name)
    student, solutions = _cells(path), _cells(path.parent / "solutions" / path.name)
    solved = {exercise_of(cell): text_of(cell) for cell in solutions}
    asked = dict(found for cell in student if cell["cell_type"] == "code" and (found := check_of(text_of(cell))))
    tasks = []
    for cell in student:
        id = exercise_of(cell)
        if id in EXERCISES and id in asked and id in solved:
            exercise = EXERCISES[id]
            tasks.append(Task(id, exercise.title, exercise.stars, asked[id], text_of(cell), solved[id]))
    if not tasks:
        raise ParameterError(f"{path.stem} has no exercises, so it is no lab.")
    return Lab(path.stem, tuple(tasks), tuple(student))


def exercise_of(cell: dict) -> str:
    """The exercise whose answer stands in this cell, "5.1", by its tag or nbgrader's id (exercise-5-1); "" for any other."""
    metadata = cell.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    grader = metadata.get("nbgrader")
    tags = metadata.get("tags")
    marks = [*(tags if isinstance(tags, list) else ()), grader.get("grade_id") if isinstance(grader, dict) else ""]
    found = (re.fullmatch(r"exercise-(\d+)[.-](\d+)", mark) for mark in marks if isinstance(mark, str))
    return next((f"{match[1]}.{match[2]}" for match in found if match), "")


def check_of(source: str) -> tuple[str, tuple[str, ...]] | None:
    """Of the chapter's cell `check("5.1", split)` the ("5.1", ("split",)); None for a cell that checks nothing."""
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic
        return None
    for statement in body:
        match statement:
            case ast.Expr(ast.Call(ast.Name("check"), [ast.Constant(str() as id), *answers])):
                return id, tuple(ast.unparse(answer) for answer in answers)
    return None


def text_of(cell: dict) -> str:
    """The source of a cell, which a file holds as one text or as a list of lines."""
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(line for line in source if isinstance(line, str))


def _cells(path: Path) -> Sequence[dict]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))["cells"]
    except (OSError, ValueError, KeyError) as error:
        raise ParameterError(f"{path.name} is missing or damaged in {path.parent.name}/: run `make notebooks`.") from error


def _imports(source: str) -> list[str]:
    try:
        return [ast.unparse(part) for part in ast.parse(source).body if isinstance(part, (ast.Import, ast.ImportFrom))]
    except SyntaxError:
        return []
