"""`hint("5.1")` says a little more each time; `solution("5.1")` shows the answer of the solution edition."""

import json
from pathlib import Path
from typing import Any

from restorelab.lesson.cards import Card, Code, show
from restorelab.lesson.checking import known_exercises
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.source import highlighted

_given: dict[str, int] = {}  # id -> hints shown so far in this session


def hint(id: Any) -> None:
    """Show the next hint of an exercise; after the last one, all of them again."""
    exercise = EXERCISES.get(str(id))
    if exercise is None:
        return _unknown(str(id))
    total = len(exercise.hints)
    number = _given.get(exercise.id, 0) + 1
    subject = f"{exercise.id} {exercise.title}"
    if number > total:
        again = tuple(f"{i}. {text}" for i, text in enumerate(exercise.hints, 1))
        return show(Card("calm", "★ No hints left", subject, (*again, f'To see the answer: `solution("{exercise.id}")`')))
    _given[exercise.id] = number
    show(Card("calm", f"★ Hint {number} of {total}", subject, (exercise.hints[number - 1],)))


def solution(id: Any) -> None:
    """Show the solution of an exercise, from the solution edition of the notebooks."""
    exercise = EXERCISES.get(str(id))
    if exercise is None:
        return _unknown(str(id))
    subject = f"{exercise.id} {exercise.title}"
    folder = _solutions_folder()
    if folder is None:
        return show(Card("quiet", "○ No solutions here", subject, ("The solutions are not part of this copy of the course.",)))
    code = _find(folder, f"exercise-{exercise.id}")
    if code is None:
        return show(Card("quiet", "○ No solution found", subject, ("None of the notebooks in `notebooks/solutions` holds it.",)))
    show(Card("calm", "★ One solution", subject, (Code(code, highlighted(code)),)))


def _unknown(id: str) -> None:
    show(Card("quiet", "? No such exercise", id, known_exercises(id)))


def _solutions_folder() -> Path | None:
    here = Path.cwd()
    folders = (folder / "notebooks" / "solutions" for folder in (here, *here.parents))
    return next((folder for folder in folders if any(folder.glob("*.ipynb"))), None)


def _find(folder: Path, tag: str) -> str | None:
    for path in sorted(folder.glob("*.ipynb")):
        try:
            cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        except (ValueError, KeyError):  # not the file that we look for
            continue
        for cell in cells:
            if tag in cell["metadata"].get("tags", ()):
                return "".join(cell["source"])
    return None
