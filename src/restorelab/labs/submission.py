"""What a student handed in, read without trust: each exercise's cell is found, whatever became of the notebook."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restorelab.errors import DataError
from restorelab.labs.sheet import Lab, Task, exercise_of, text_of

MOST_BYTES = 50_000_000  # of a notebook; outputs of a megabyte in every cell fit


@dataclass(frozen=True)
class Chosen:
    """Where an exercise's answer stands, and what the student should know of the choice."""

    index: int | None  # among the code cells; None when there is none
    note: str = ""


def read_cells(path: Path) -> list[dict]:
    """The code cells of a notebook. Raises DataError, saying what is wrong in words for the student."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"The notebook is larger than {MOST_BYTES // 10**6} MB: clear its outputs and hand it in again.")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        return [cell for cell in cells if cell.get("cell_type") == "code"]
    except OSError as error:
        raise DataError(f"The file cannot be read: {error.strerror}.") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise DataError("The file is no notebook, or a damaged one: open it in JupyterLab, save it, and hand it in again.") from error


def lab_of(cells: Sequence[dict], path: Path, labs: Sequence[Lab]) -> Lab | None:
    """Which lab a notebook is: the one that most of its exercise cells belong to, else by the file's name, else by the names it defines."""
    numbers = [exercise_of(cell).partition(".")[0] for cell in cells if exercise_of(cell)]
    by_marks = max(set(numbers), key=lambda number: (numbers.count(number), number)) if numbers else ""
    sources = [text_of(cell) for cell in cells]
    defined = {lab.name: sum(any(_defines(source, task) for source in sources) for task in lab.tasks) for lab in labs}
    for lab in labs:
        if lab.tasks[0].id.partition(".")[0] == by_marks or (not by_marks and path.name.startswith(lab.name[:3])):
            return lab
    best = max(labs, key=lambda lab: defined[lab.name])
    return best if defined[best.name] and not by_marks else None


def choose(cells: Sequence[dict], task: Task) -> Chosen:
    """The last cell marked as the exercise's that is not the stub any more; without the mark, the last that defines its answer."""
    marked = [index for index, cell in enumerate(cells) if exercise_of(cell) == task.id]
    worked = [index for index in marked if worked_on(cells[index], task)]
    if worked:
        return Chosen(worked[-1], f"{len(worked)} cells answer this exercise; the last of them was graded." if len(worked) > 1 else "")
    found = [index for index, cell in enumerate(cells) if not exercise_of(cell) and _defines(text_of(cell), task)]
    if found:
        return Chosen(found[-1], "The exercise's own cell is gone or untouched; another one that defines the same name was graded.")
    if marked:
        return Chosen(marked[-1])
    return Chosen(None, "The cell of this exercise is not in the notebook.")


def worked_on(cell: dict, task: Task) -> bool:
    """Whether the cell is not the stub any more, blanks at the ends of lines aside."""
    source, stub = ([line.rstrip() for line in text.strip().splitlines()] for text in (text_of(cell), task.stub))
    return source != stub


def _defines(source: str, task: Task) -> bool:
    return any(re.search(rf"^(def {name}\b|class {name}\b|{name}\s*=[^=])", source, re.MULTILINE) for name in map(re.escape, task.answers))
