"""Labs: what is released, how answers are found in what comes back, and what is written in the end."""

import contextlib
import dataclasses
import html.parser
import importlib.util
import json
import math
import sys
from pathlib import Path

import nbformat
import pytest
import torch
from slips import SLIPS

from restorelab.errors import DataError, ParameterError
from restorelab.labs import feedback, results
from restorelab.labs import grade as grading
from restorelab.labs.folder import find_submissions
from restorelab.labs.hidden import load_hidden, teacher_folder, what_it_tests
from restorelab.labs.nbgrader import hidden_points
from restorelab.labs.needed import pieces
from restorelab.labs.release import nbgrader_source, release
from restorelab.labs.sheet import exercise_of, read_lab
from restorelab.labs.submission import choose, lab_of, read_cells
from restorelab.labs.wire import CannotCross, decode, encode
from restorelab.lesson.checks import EXERCISES
from restorelab.lesson.isolate import guarded, isolated
from restorelab.repository import chapters

ROOT = Path(__file__).parents[2]
CHAPTERS = [name for name in chapters() if not name.startswith("00_")]
ONE_ANSWER = {"2.8", "3.2", "3.9", "8.10"}  # no inputs, one right answer: the visible check has asked everything
INSIDE = {"3.7", "6.7", "7.8"}  # a network or gradients are handed over, which cannot cross to a sandbox
WITHOUT_HIDDEN = ONE_ANSWER | {"3.7", "6.7"}


@pytest.fixture(scope="module")
def planted() -> dict:
    """The wrong answers of tests/course/test_exercises.py."""
    folder = ROOT / "tests" / "course"
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))  # as pytest does for the tests there
    spec = importlib.util.spec_from_file_location("planted_mistakes", folder / "test_exercises.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PLANTED


def run(source: str) -> dict:
    names: dict = {"math": math, "torch": torch}
    exec(compile(source, "<answer>", "exec"), names)
    return names


def passes(test, answer) -> bool:
    try:
        with isolated():
            test(guarded(answer))
    except Exception:
        return False
    return True


def wired(function):
    """The function with everything that it is given and returns turned into a message and back, as between judge and sandbox."""
    return lambda *args, **kwargs: crossed(function(*crossed(args), **crossed(kwargs)))


def crossed(value):
    kept: list = []
    message = encode(value, lambda function: kept.append(function) or len(kept) - 1)
    return decode(message, lambda number: wired(kept[number]))


# Release


@pytest.fixture(scope="module")
def released(tmp_path_factory) -> Path:
    return release("05", tmp_path_factory.mktemp("labs"), teacher_folder())


def test_the_release_has_no_solution_and_no_hidden_test(released):
    told = "".join(path.read_text() for path in released.iterdir())
    lab, tests = read_lab("05"), load_hidden(teacher_folder(), "05_multi_patch_dmphn")
    for task in lab.tasks:
        assert task.solution not in told and task.solution.splitlines()[-1].strip() not in told
        assert not any(test.__name__ in told or what_it_tests(test) in told for test in tests[task.id])
    assert not any(word in told for word in ("BEGIN HIDDEN", "BEGIN SOLUTION", "hidden_points", "# solution"))


def test_the_release_is_the_chapter_with_graded_cells(released):
    lab = nbformat.read(released / "05_multi_patch_dmphn.ipynb", as_version=4)
    chapter = nbformat.read(ROOT / "notebooks" / "05_multi_patch_dmphn.ipynb", as_version=4)
    roles = {cell.metadata.nbgrader.grade_id: cell.metadata.nbgrader for cell in lab.cells if "nbgrader" in cell.metadata}
    assert len(roles) == 3 * 6  # answer, check, hidden
    assert sum(role.points for role in roles.values() if role.grade) == sum(task.points for task in read_lab("05").tasks) == 24
    for kind, locked, solution in (("exercise", False, True), ("check", True, False), ("hidden", True, False)):
        of_kind = [role for id, role in roles.items() if id.startswith(kind)]
        assert all((role.locked, role.solution, role.grade) == (locked, solution, locked) for role in of_kind)
    untouched = [cell.source for cell in lab.cells if "nbgrader" not in cell.metadata or cell.metadata.nbgrader.solution]
    assert untouched == [cell.source for cell in chapter.cells if not cell.source.startswith("check(")]
    assert not any(cell.get("outputs") for cell in lab.cells)


def test_a_check_says_its_points_last(released):
    cells = {
        cell.metadata.nbgrader.grade_id: cell.source
        for cell in nbformat.read(released / "05_multi_patch_dmphn.ipynb", as_version=4).cells
        if "nbgrader" in cell.metadata
    }
    assert cells["check-5-2"].splitlines() == ['# hint("5.2")', '2 * check("5.2", join).passed  # points']
    assert cells["check-5-6"].splitlines()[-1] == '1 * check("5.6", cost).passed  # points'
    assert "reveal(" in cells["check-5-6"]


def test_without_hidden_tests_the_check_is_worth_everything(tmp_path):
    folder = release("05", tmp_path, tmp_path / "nobody")
    text = (folder / "05_multi_patch_dmphn.ipynb").read_text()
    assert '4 * check(\\"5.1\\", split).passed' in text and "hidden-5-1" not in text


def test_a_release_overwrites_nothing(released):
    with pytest.raises(ParameterError, match="another --out"):
        release("05", released.parent, teacher_folder())


def test_the_readme_names_every_exercise_and_its_points(released):
    text = (released / "README.md").read_text()
    assert "24 points" in text and "| 5.4 Bug hunt: the scrambled quadrants ★★★ | 6 | 3 |" in text


def test_the_source_for_nbgrader_differs_by_what_nbgrader_cuts_out(released, tmp_path):
    nbgrader_source("05", tmp_path, teacher_folder())
    source = nbformat.read(tmp_path / "source" / "05_multi_patch_dmphn" / "05_multi_patch_dmphn.ipynb", as_version=4)
    lab = nbformat.read(released / "05_multi_patch_dmphn.ipynb", as_version=4)
    for ours, theirs in zip(lab.cells, source.cells, strict=True):
        kept, inside = [], False
        for line in theirs.source.splitlines():
            inside = inside or line.startswith("### BEGIN")
            kept += [] if inside else [line]
            inside = inside and not line.startswith("### END")
        assert "\n".join(kept).strip() == ours.source.strip()


# Hidden tests


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_solutions_pass_every_hidden_test_and_stubs_none(chapter):
    lab, hidden = read_lab(chapter[:2]), load_hidden(teacher_folder(), chapter)
    assert set(hidden) == {task.id for task in lab.tasks} - WITHOUT_HIDDEN
    for task in lab.tasks:
        for test in hidden.get(task.id, ()):
            assert passes(test, wired(run(task.solution)[task.answers[0]])), test.__name__
            assert not passes(test, run(task.stub)[task.answers[0]]), test.__name__


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_exercise_has_a_hidden_test_that_a_common_mistake_fails(chapter, planted):
    for id, tests in load_hidden(teacher_folder(), chapter).items():
        assert not all(passes(test, wrong) for wrong in planted[id] for test in tests), id


@pytest.mark.parametrize("id", SLIPS)
def test_hidden_tests_see_what_the_visible_check_lets_through(id):
    chapter = next(name for name in CHAPTERS if int(name[:2]) == int(id.split(".")[0]))
    tests = load_hidden(teacher_folder(), chapter)[id]
    assert passes(EXERCISES[id].check, SLIPS[id])
    assert not all(passes(test, SLIPS[id]) for test in tests)


def test_only_networks_and_gradients_are_checked_inside():
    inside = set()
    for task in (task for name in CHAPTERS for task in read_lab(name).tasks):
        try:
            with isolated():
                EXERCISES[task.id].check(guarded(wired(run(task.solution)[task.answers[0]])))
        except CannotCross:
            inside.add(task.id)
    assert inside == INSIDE


def test_hidden_points_are_a_share_of_half(planted):
    assert hidden_points("5.1", run(read_lab("05").tasks[0].solution)["split"]) == 2
    scrambled = planted["5.1"][0]
    assert hidden_points("5.1", scrambled) == 1.33  # one patch, and pictures of one colour, cannot be scrambled


def test_a_broken_teachers_file_is_said_to_be(tmp_path):
    (tmp_path / "05_x.py").write_text("HIDDEN = {'5.1': (len, 3 / 0)}")
    with pytest.raises(ParameterError, match="05_x.py.*ZeroDivisionError"):
        load_hidden(tmp_path, "05_x")
    (tmp_path / "05_x.py").write_text("def test(answer): pass\nHIDDEN = {'5.1': (test,)}")
    with pytest.raises(ParameterError, match="docstring"):
        load_hidden(tmp_path, "05_x")


# Finding answers


def cell(source: str, id: str = "", grader: bool = False) -> dict:
    metadata = {} if not id else {"nbgrader": {"grade_id": f"exercise-{id.replace('.', '-')}"}} if grader else {"tags": [f"exercise-{id}"]}
    return {"cell_type": "code", "metadata": metadata, "source": source}


def test_the_last_cell_that_is_not_the_stub_counts():
    task = read_lab("05").tasks[0]
    stub, first, second = cell(task.stub, "5.1"), cell("split = 1", "5.1"), cell("split = 2", "5.1", grader=True)
    assert choose([first, second, stub], task).index == 1
    assert "2 cells" in choose([first, second, stub], task).note
    assert choose([stub, cell("x = 1")], task).index == 0
    assert choose([cell("x = 1"), cell("def split(x): ...\n"), cell("split == 3")], task).index == 1
    assert choose([cell("join = 1", "5.2")], task).index is None


@pytest.mark.parametrize("metadata", [None, [], {"tags": "exercise-5.1"}, {"tags": [3]}, {"nbgrader": "x"}, {"nbgrader": {"grade_id": 1}}])
def test_damaged_metadata_marks_nothing(metadata):
    assert exercise_of({"metadata": metadata}) == ""


def test_the_lab_of_a_notebook():
    labs = [read_lab("01"), read_lab("05")]
    assert lab_of([cell("x", "5.1"), cell("x", "5.2"), cell("x", "1.1")], Path("a.ipynb"), labs) == labs[1]
    assert lab_of([cell("x = 1")], Path("01_mine.ipynb"), labs) == labs[0]
    assert lab_of([cell("def kernel_basis(k, d): ...")], Path("a.ipynb"), labs) == labs[0]
    assert lab_of([cell("x = 1")], Path("a.ipynb"), labs) is None


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cells": 3}', '{"cells": [3]}', "[" * 100_000, "\ud800".encode("utf-8", "surrogatepass")]
)
def test_a_damaged_notebook_is_said_to_be(tmp_path, text):
    path = tmp_path / "a.ipynb"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match="hand it in again"):
        read_cells(path)


def test_an_exercise_brings_the_definitions_it_needs_and_nothing_else():
    sources = [
        "import math\nfit(net)",
        "def helper(x):\n    local = math.sqrt(other(x)) + SCALE\n    return [item for item in local]",
        "def broken(:",
        "%matplotlib inline\nSCALE = 1\nwhile True: pass",
        "def other(x): return x\nPlayground()",
        "SCALE = 2\nlocal = x = item = train()",
        "def answer(x):\n    return helper(x)",
    ]
    lines = [(piece.cell, piece.statement.lineno) for piece in pieces(sources, 6)]
    assert lines == [(0, 1), (1, 1), (4, 1), (5, 1), (6, 1)]
    with pytest.raises(SyntaxError):
        pieces(sources, 2)


def test_submissions_are_notebooks_and_folders_of_them(tmp_path):
    for name in ("ann.ipynb", "bo/lab/x.ipynb", "bo/.ipynb_checkpoints/x.ipynb", ".hidden.ipynb", "notes.txt", "cy/readme.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert [(one.student, one.path.name) for one in find_submissions(tmp_path)] == [("ann", "ann.ipynb"), ("bo", "x.ipynb")]
    with pytest.raises(DataError, match=r"NAME\.ipynb"):
        find_submissions(tmp_path / "cy")


# Tables and pages


def one(**given) -> dict:
    facts = {
        "id": "5.1",
        "kind": "wrong",
        "points": 1.33,
        "of": 4,
        "message": "a < b, `c * d * e`, *f g*, h * i *",
        "printed": "<script>",
        "note": "",
        "hidden": 2,
    }
    return facts | {"hidden_of": 3, "failed": ["A grid of *one* patch."]} | given


def test_tables_have_a_row_each_and_no_formula():
    found = [{"student": "=cmd()", "lab": "05", "problem": "", "exercises": [one(), one(id="5.2", points=4, kind="passed")]}]
    rows = results.exercise_table(found, {"5.1": "Cut, and so on", "5.2": "Join"}).decode("utf-8-sig").splitlines()
    assert rows[1] == '\'=cmd(),05,5.1,"Cut, and so on",1.33,4,wrong,2,3,'
    assert results.totals_table(found).decode("utf-8-sig").splitlines()[1] == "'=cmd(),05,5.33,8,66.6,1,2,"


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))
        if tag not in ("meta", "!doctype"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_asks_nobody_and_runs_nothing():
    page = feedback.page('<b>"x"', [{"lab": "05", "problem": "", "exercises": [one()]}], {"5.1": "Cut"}).decode()
    tags = Tags()
    tags.feed(page)
    assert not tags.open
    assert not {"script", "img", "link", "b", "iframe"} & {tag for tag, _ in tags.seen}
    assert not any({"src", "href", "onclick"} & set(attributes) for _, attributes in tags.seen)
    assert (
        ("html", {"lang": "en"}) in tags.seen
        and "prefers-color-scheme: dark" in page
        and "a &lt; b, <code>c * d * e</code>, <em>f g</em>, h * i *<" in page
    )
    assert "2 of 3 passed" in page and "A grid of" in page


def test_lab_cells_survive_json(released):
    notebook = json.loads((released / "05_multi_patch_dmphn.ipynb").read_text())
    assert [exercise_of(cell) for cell in notebook["cells"] if exercise_of(cell)] == [f"5.{n}" for n in range(1, 7)]


# The journal


class QuietJudge(grading._Judge):
    """Gives every notebook what stands in it, and starts no process."""

    def __init__(self):
        """Nothing to start."""

    isolation, tasks = "none, it is a test", {"05": [{"id": "5.1", "title": "Cut", "of": 4}]}

    def grade(self, path: Path) -> dict:
        return {"lab": "05", "problem": "", "exercises": [one(points=float(path.read_text()), printed="ü\n")]}


def test_a_grading_that_was_killed_goes_on_and_does_nothing_twice(tmp_path, monkeypatch):
    judges = contextlib.contextmanager(lambda order, count: (yield [QuietJudge()]))
    monkeypatch.setattr(grading, "_judges", judges)
    folder, whole, broken = tmp_path / "class", tmp_path / "whole", tmp_path / "broken"
    folder.mkdir()
    for number in range(5):
        (folder / f"s{number}.ipynb").write_text(str(number / 4))
    asked = [grading.Order(folder, out, tmp_path, ("05",)) for out in (whole, broken)]
    grading.grade(asked[0])

    def stop(done: int, of: int, student: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grading.grade(asked[1], stop)
    assert not (broken / "grades.csv").exists()
    with open(broken / grading.JOURNAL, "ab") as journal:
        journal.write(b'{"file": "torn')
    assert grading.grade(asked[1]).again == 3
    for name in ("grades.csv", "totals.csv", "feedback/s2.html"):
        assert (broken / name).read_bytes() == (whole / name).read_bytes()

    (folder / "s4.ipynb").write_text("0.25")  # handed in again
    renewed = grading.grade(asked[1])
    assert renewed.again == 4 and results.total(renewed.results[4])[0] == 0.25
    with pytest.raises(ParameterError, match="another --out"):
        grading.grade(dataclasses.replace(asked[1], seconds=3))
