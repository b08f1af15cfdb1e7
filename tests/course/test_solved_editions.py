"""What a solved notebook has of its own, proven without running it: every answer passes the check below it, and nothing else differs.

The students' editions are run cell by cell; the solved ones too by `make test-all`, and whenever a chapter is built.
"""

import ast
import dis
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import CodeType

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "course"))
import editions  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
every_chapter = pytest.mark.parametrize("chapter", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))


def read(chapter: str, edition: str) -> NotebookNode:
    return nbformat.read(editions.notebook_path(NOTEBOOKS, chapter, edition), as_version=4)


def codes(notebook: NotebookNode) -> Iterator[tuple[NotebookNode, list[ast.stmt]]]:
    """The code cells, and the statements of each."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield cell, ast.parse(TransformerManager().transform_cell(cell.source)).body


def is_check(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call) and ast.unparse(statement.value.func) == "check"


def run(statements: list[ast.stmt], names: dict) -> None:
    exec(compile(ast.Module(statements, []), "<cell>", "exec"), names)


def read_names(code: CodeType) -> set[str]:
    """What it takes from the notebook: global names, those inside of functions too."""
    own = {step.argval for step in dis.get_instructions(code) if step.opname in ("LOAD_NAME", "LOAD_GLOBAL")}
    return own.union(*(read_names(inner) for inner in code.co_consts if isinstance(inner, CodeType)))


@every_chapter
def test_every_answer_passes_the_check_below_it(chapter):
    """With the imports that the notebook has made until there, and no more."""
    names: dict = {}
    asked = []
    for cell, statements in codes(read(chapter, "solution")):
        if editions.is_exercise(cell):
            run(statements, names)
            asked.append(editions.exercise_id(cell))
            continue
        run([one for one in statements if isinstance(one, ast.Import | ast.ImportFrom)], names)
        for one in filter(is_check, statements):
            outcome = eval(ast.unparse(one), names)
            assert outcome.passed and outcome.id == asked.pop(0), outcome.body
    assert asked == []


@every_chapter
def test_nothing_but_its_check_reads_an_answer(chapter):
    """So the other cells do the same, solved or not; and a learner who skips an exercise is held up by none."""
    answers: set[str] = set()
    for cell, statements in codes(read(chapter, "solution")):
        if editions.is_exercise(cell):
            answers |= {one.name for one in statements if isinstance(one, ast.FunctionDef | ast.ClassDef)}
            continue
        rest = ast.Module([one for one in statements if not is_check(one)], [])
        found = read_names(compile(rest, "<cell>", "exec")) & answers
        assert not found, f"{', '.join(found)} in: {cell.source[:200]}"


@every_chapter
def test_the_editions_differ_in_exercises_and_in_what_is_said_of_them_alone(chapter):
    student, solution = (read(chapter, edition) for edition in editions.EDITIONS)
    for one, other in zip(student.cells, solution.cells, strict=True):
        assert (one.source == other.source) != editions.is_exercise(other)
        for statement in ast.parse(other.source).body if "check(" in other.source and other.cell_type == "code" else ():
            assert not is_check(statement) or "Passed" in json.dumps(other.outputs)
