"""`restorelab lab-release`: a chapter as the lab that students are given, or as the source of an nbgrader course.

Both come from the two editions of the chapter's notebook. A cell of the lab that counts carries nbgrader's metadata (schema 3,
https://nbgrader.readthedocs.io): `exercise-5-1` is the student's, `check-5-1` and `hidden-5-1` are locked and worth points.
"""

import ast
import copy
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from restorelab.errors import ParameterError
from restorelab.files import write_atomically
from restorelab.labs.hidden import Hidden, load_hidden
from restorelab.labs.sheet import Lab, Task, check_of, exercise_of, read_lab, text_of

NOTE = "# Hidden tests of exercise {id} run here when your lab is graded. There is nothing to do in this cell."
_ONLY_IN_THE_SOURCE = (
    "### BEGIN HIDDEN TESTS",
    "from restorelab.labs.nbgrader import hidden_points",
    'hidden_points("{id}", {answers})',
    "### END HIDDEN TESTS",
)
_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"},
}
_CONFIG = """\
# Settings of nbgrader for the labs of restorelab. `nbgrader generate_assignment NAME` makes what `restorelab lab-release` makes.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "restorelab"
c.ClearSolutions.code_stub = {"python": ""}  # the stub stands above the solution
c.ExecutePreprocessor.timeout = 300  # seconds for a cell: chapters train
"""
_README = """\
# {title}

A lab of {count} exercises, {points} points. Plan {minutes} minutes for the exercises.

1. Install restorelab (its README says how), open `{name}.ipynb` in JupyterLab, and choose *Run, Run All Cells* once: an unsolved exercise
   stops nothing.
2. Write each answer in its own cell, where the stub stands, and keep the names of the stub. Run the cell below it: it says whether you are
   right. `hint("{first}")` helps.
3. The cells that check are locked, and no copy of them counts: the checks live in the package. You may add cells, and move or delete
   whatever else you like.
4. Restart the kernel, run all cells, save, and hand in the one file `{name}.ipynb`.

| exercise | points | of them for hidden tests |
|---|---|---|
{rows}

Hidden tests ask the same as the visible check of other inputs: sizes, shapes, edges. Each one that is passed counts. Your answer is run
alone, with the definitions that it uses, without a network, for at most {seconds} seconds and in 1 GB of memory. Widgets and training
are not run.
"""


def release(name: str, out: Path, teacher: Path, seconds: int = 10) -> Path:
    """Write `OUT/CHAPTER/CHAPTER.ipynb` and its README; returns that folder. No hidden test and no solution is in it."""
    lab = read_lab(name)
    folder = _new_folder(out / lab.name)
    hidden = load_hidden(teacher, lab.name)
    write_atomically(folder / "README.md", _readme(lab, hidden, seconds).encode())
    write_atomically(folder / f"{lab.name}.ipynb", _written(notebook(lab, hidden, for_teacher=False)))
    return folder


def nbgrader_source(name: str, out: Path, teacher: Path) -> Path:
    """Write `OUT/source/CHAPTER/CHAPTER.ipynb`, solutions and calls of the hidden tests included, and nbgrader's settings; returns OUT."""
    lab = read_lab(name)
    folder = _new_folder(out / "source" / lab.name)
    if not (out / "nbgrader_config.py").exists():
        write_atomically(out / "nbgrader_config.py", _CONFIG.encode())
    write_atomically(folder / f"{lab.name}.ipynb", _written(notebook(lab, load_hidden(teacher, lab.name), for_teacher=True)))
    return out


def notebook(lab: Lab, hidden: Hidden, for_teacher: bool) -> NotebookNode:
    """The lab, without outputs: as students get it, or with what nbgrader cuts out."""
    tasks = {task.id: task for task in lab.tasks}
    made = nbformat.v4.new_notebook(metadata=copy.deepcopy(_METADATA))
    for old in lab.cells:
        cell = nbformat.from_dict(copy.deepcopy(dict(old, source=text_of(old))))
        made.cells.append(cell)
        if cell.cell_type != "code":
            continue
        cell.outputs, cell.execution_count = [], None
        checked = check_of(cell.source)
        if exercise_of(cell):
            _as_answer(cell, tasks[exercise_of(cell)], for_teacher)
        elif checked and checked[0] in tasks:
            task = tasks[checked[0]]
            tests = bool(hidden.get(task.id))
            _as_check(cell, task, task.visible_points(tests))
            made.cells += [_hidden_cell(task, for_teacher)] if tests else []
    return made


def _as_answer(cell: NotebookNode, task: Task, for_teacher: bool) -> None:
    cell.metadata["nbgrader"] = _role("exercise", task, solution=True)
    if for_teacher:
        cell.source = f"{task.stub}\n### BEGIN SOLUTION\n{task.solution}\n### END SOLUTION"


def _as_check(cell: NotebookNode, task: Task, points: float) -> None:
    """The chapter's check, and as its last line the points it gives: nbgrader takes that number for the credit."""
    lines = cell.source.splitlines()
    for statement in ast.parse(cell.source).body:
        if check_of(ast.unparse(statement)):
            del lines[statement.lineno - 1 : statement.end_lineno]
            break
    lines = [line for line in lines if not line.startswith("# solution(")]
    question = f'check("{task.id}", {", ".join(task.answers)})'
    cell.source = "\n".join([*lines, f"{points:g} * {question}.passed  # points"])
    cell.metadata["nbgrader"] = _role("check", task, points=points)


def _hidden_cell(task: Task, for_teacher: bool) -> NotebookNode:
    lines = [NOTE.format(id=task.id)]
    if for_teacher:
        lines += [line.format(id=task.id, answers=", ".join(task.answers)) for line in _ONLY_IN_THE_SOURCE]
    metadata = {"nbgrader": _role("hidden", task, points=task.points - task.visible_points(True))}
    return nbformat.v4.new_code_cell("\n".join(lines), id=f"hidden-{_dashed(task.id)}", metadata=metadata)


def _role(kind: str, task: Task, solution: bool = False, points: float | None = None) -> dict:
    role = {"grade": points is not None, "grade_id": f"{kind}-{_dashed(task.id)}", "locked": not solution, "schema_version": 3}
    return role | {"solution": solution, "task": False} | ({} if points is None else {"points": points})


def _dashed(id: str) -> str:
    return id.replace(".", "-")  # nbgrader's ids have no dots


def _readme(lab: Lab, hidden: Hidden, seconds: int) -> str:
    from restorelab.lesson.checks import EXERCISES

    title = next((line[2:] for cell in lab.cells for line in text_of(cell).splitlines() if line.startswith("# ")), lab.name)
    rows = [
        f"| {task.id} {task.title} {'★' * task.stars} | {task.points} | {task.points - task.visible_points(bool(hidden.get(task.id))):g} |"
        for task in lab.tasks
    ]
    facts = {"count": len(lab.tasks), "points": sum(task.points for task in lab.tasks), "first": lab.tasks[0].id, "seconds": seconds}
    minutes = sum(EXERCISES[task.id].minutes for task in lab.tasks)
    return _README.format(title=title, name=lab.name, minutes=minutes, rows="\n".join(rows), **facts)


def _new_folder(folder: Path) -> Path:
    if folder.exists() and any(folder.iterdir()):
        raise ParameterError(f"{folder} is there already: take it away, or give another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _written(made: NotebookNode) -> bytes:
    nbformat.validate(made)
    return (nbformat.writes(made) + "\n").encode()
