"""course/build.py on a tiny lesson: split, executed, stable, and everything refused that must not be published."""

import base64
import json
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PIXEL = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==")
HEADER = "# ---\n# jupyter:\n#   kernelspec:\n#     display_name: Python 3\n#     language: python\n#     name: python3\n# ---\n"
LESSON = f"""{HEADER}
# %% [markdown]
# # A tiny chapter
# ![one pixel](pixel.png)

# %% tags=["parameters"]
preset: str = "smoke"  # smoke, lab or paper
seed: int = 0  # of everything

# %%
import os
from pathlib import Path

print(Path.cwd().name, preset, "runs" in os.environ["RESTORELAB_RUNS"])

# %% tags=["exercise", "exercise-0.1"]
def mean_colour(image):
    ...
# solution
def mean_colour(image):
    return image.mean(dim=(1, 2))

# %%
from restorelab.lesson import check

check("0.1", mean_colour)

# %%
1 + 1

# %%
1 + 1
"""
REPLACED = "# %%\n1 + 1\n\n# %%\n1 + 1\n"
CHECKED = 'from restorelab.lesson import check\n\ncheck("0.1", mean_colour)'


@pytest.fixture(scope="module")
def build():
    sys.path.insert(0, str(ROOT / "course"))
    import build

    return build


@pytest.fixture
def course(build, tmp_path):
    """A course of one chapter, not built yet; `write(lesson)` changes the lesson."""
    folder = tmp_path / "course" / "00_tiny"
    folder.mkdir(parents=True)
    (folder / "pixel.png").write_bytes(PIXEL)
    course = build.Course(tmp_path / "course", tmp_path / "notebooks", {"0.1", "0.2"})
    write(course, LESSON)
    return course


def write(course, lesson):
    (course.lessons / "00_tiny" / "lesson.py").write_text(lesson, encoding="utf-8")


def without_torch(code):
    """The lesson with this code as its cell 6, and with nothing that takes seconds to import."""
    assert LESSON.count(CHECKED) == LESSON.count(REPLACED) == 1
    return LESSON.replace(CHECKED, "0").replace(REPLACED, f"# %%\n{code}\n")


def read(course, edition):
    folder = course.notebooks / ("solutions" if edition == "solution" else "")
    return nbformat.read(folder / "00_tiny.ipynb", as_version=4)


def ids(notebook):
    return [cell.id for cell in notebook.cells]


def outputs(notebook, index):
    return "".join(output.get("text", "") + output.get("data", {}).get("text/plain", "") for output in notebook.cells[index].outputs)


def test_a_lesson_becomes_two_executed_notebooks(build, course, capfd):
    assert build.main([], course) == 0
    student, solution = read(course, "student"), read(course, "solution")
    assert student.cells[3].source.endswith("...") and "mean(dim" not in nbformat.writes(student)
    assert solution.cells[3].source.startswith("def mean_colour") and "..." not in solution.cells[3].source
    for notebook in (student, solution):
        assert "# solution" not in nbformat.writes(notebook)
        assert notebook.cells[3].metadata.tags == ["exercise", "exercise-0.1"]
        assert [cell.execution_count for cell in notebook.cells if cell.cell_type == "code"] == [1, 2, 3, 4, 5, 6]
        assert notebook.metadata.kernelspec.name == "python3" and notebook.metadata.kernelspec.language == "python"
        assert "version" not in notebook.metadata.language_info and "widgets" not in notebook.metadata
        assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)
        assert base64.b64decode(notebook.cells[0].attachments["pixel.png"]["image/png"]) == PIXEL
        assert "![one pixel](attachment:pixel.png)" in notebook.cells[0].source
    # each edition runs in its own folder, and the checks see their own edition's code
    assert outputs(student, 2) == "notebooks smoke True\n" and outputs(solution, 2) == "solutions smoke True\n"
    assert "Not attempted yet" in outputs(student, 4) and "Passed" in outputs(solution, 4)
    assert len(student.cells[4].outputs) == 1  # the card, and not the outcome after it once more
    # equal cells have equal ids, the exercise has not, and no id comes twice
    assert [a == b for a, b in zip(ids(student), ids(solution), strict=True)] == [True, True, True, False, True, True, True]
    assert len(set(ids(student))) == 7
    said = capfd.readouterr()
    assert "00_tiny: 7 cells" in said.out and "solutions/00_tiny: 7 cells" in said.out
    assert "WARNING" not in said.err and "frozen" not in said.err

    # a second build finds nothing to do; a forced one writes the same bytes
    first = (course.notebooks / "00_tiny.ipynb").read_bytes()
    assert build.main(["00"], course) == 0 and capfd.readouterr().out.count("up to date") == 2
    assert build.main(["--check"], course) == 0
    assert build.build(course, everything=True) == [] and "up to date" not in capfd.readouterr().out
    assert (course.notebooks / "00_tiny.ipynb").read_bytes() == first

    # --check names the first difference, and a stray notebook
    write(course, LESSON.replace("of everything", "of all random numbers"))
    problems = build.compare(course)
    assert len(problems) == 2 and "the source of cell 2" in problems[0] and problems[1].startswith("solutions/00_tiny")
    (course.notebooks / "07_gone.ipynb").write_bytes(first)
    assert "07_gone: there is no lesson for it" in build.compare(course)
    assert build.main(["--check"], course) == 1


def test_check_wants_every_cell_executed_in_order(build, course):
    for edition, notebook in build.make_editions(course.lessons / "00_tiny", {"0.1"}).items():
        path = build.notebook_path(course.notebooks, "00_tiny", edition)
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
    problems = build.compare(course)
    assert len(problems) == 2 and "was not executed" in problems[0]
    data = json.loads((course.notebooks / "00_tiny.ipynb").read_text())
    for count, cell in enumerate([cell for cell in data["cells"] if cell["cell_type"] == "code"], 1):
        cell["execution_count"] = count
    (course.notebooks / "00_tiny.ipynb").write_text(json.dumps(data))
    assert len(build.compare(course)) == 1
    data["cells"][-1]["outputs"] = [{"output_type": "error", "ename": "E", "evalue": "", "traceback": ["boom"]}]
    (course.notebooks / "00_tiny.ipynb").write_text(json.dumps(data))
    assert "shows an error" in build.compare(course)[0]


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("from pathlib import Path\nprint(Path.home() / 'photos')", "a path of this machine"),
        ("import os\nfrom IPython.display import HTML\nHTML(f'<b>{os.getcwd()}</b>')", "a path of this machine"),
        ("import warnings\nwarnings.warn('old')", "writes to stderr"),
        ("object()", "an address in memory"),
        ("import random\nfor _ in range(1000):\n    print(random.randbytes(600).hex())", "The largest: cell 6"),
    ],
    ids=["error", "home", "folder", "warning", "address", "size"],
)
def test_what_must_not_be_published_is_refused(build, course, code, complaint, capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(build, "ROOT", tmp_path)  # the repository, as far as this build goes
    write(course, without_torch(code))
    # one edition says it all
    monkeypatch.setattr(sys.modules["editions"], "EDITIONS", ("student",))
    assert build.main([], course) == 1
    said = capsys.readouterr().err
    assert complaint in said and "cell 6" in said and code.splitlines()[0][:30] in said
    assert list(course.notebooks.glob("*")) == []  # nothing half done is left


def test_views_of_widgets_are_dropped_and_pictures_kept(build, course, monkeypatch):
    picture = "display(Image('../course/00_tiny/pixel.png'))"
    widgets = f"import ipywidgets\nfrom IPython.display import Image, display\n\n{picture}\nipywidgets.IntSlider()"
    write(course, without_torch(widgets))
    monkeypatch.setattr(sys.modules["editions"], "EDITIONS", ("student",))
    assert build.build(course) == []
    notebook = read(course, "student")
    assert [set(output.data) for output in notebook.cells[5].outputs] == [{"image/png", "text/plain"}]
    assert "widget" not in nbformat.writes(notebook).replace("ipywidgets", "")


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("# solution\n", "", "exactly one line `# solution`"),
        ("# solution\n", "# solution\n# solution\n", "exactly one line `# solution`"),
        ('"exercise-0.1"', '"hard"', "needs one tag like exercise-5.1"),
        ("exercise-0.1", "exercise-0.9", "exercise 0.9 has no check"),
        ('["exercise", ', "[", "is no code cell tagged exercise"),
        ('tags=["exercise", "exercise-0.1"]', "", "students would read the answer"),
        (REPLACED, '# %% tags=["exercise", "exercise-0.1"]\n1\n# solution\n2\n', "stands in cell 4 already"),
        ('tags=["parameters"]', "", "0 cells are tagged parameters"),
        ("# of everything", "# 0 = everything", "papermill does not see the parameter seed"),
        (REPLACED, "# %%\n" + "x = 1\n" * 26, "cell 6: 26 lines of code"),
        ("    return image.mean(dim=(1, 2))", "    x = 1\n" * 26, "cell 4, solution: 27 lines of code"),
        (REPLACED, "# %%\n" + "def f(): pass\n" * 5, "5 functions and classes"),
        (REPLACED, "# %%\n1\n\n" * 70, "75 cells"),
        (REPLACED, "# %%\nx = = 1\n", "cell 6: not Python"),
        (REPLACED, "# %%\n\n# %%\n2\n", "cell 6: there is no code in it"),
        ("(pixel.png)", "(gone.png)", "gone.png is not in the chapter's folder"),
        ("(pixel.png)", "(../../secret.png)", "secret.png is not in the chapter's folder"),
    ],
)
def test_lint(build, course, old, new, complaint):
    assert old in LESSON
    write(course, LESSON.replace(old, new))
    problems = build.build(course)
    assert len(problems) == 1 and complaint in problems[0] and problems[0].startswith("00_tiny")
    assert not course.notebooks.exists()


def test_a_lesson_at_the_limits_passes(build, course):
    cells = "# %%\n" + "x = 1\n" * 25 + "\n# %%\n" + "def f(): pass\n" * 4 + "\n# %%\n%timeit -n1 -r1 1\n"
    write(course, LESSON.replace(REPLACED, cells))
    assert len(build.make_editions(course.lessons / "00_tiny", {"0.1"})["student"].cells) == 8


def test_ids_depend_on_chapter_and_source_alone(build, course):
    folder = course.lessons / "00_tiny"
    before = ids(build.make_editions(folder, {"0.1"})["student"])
    write(course, LESSON.replace("# %%\nimport os", "# %% [markdown]\n# New.\n\n# %%\nimport os"))
    after = ids(build.make_editions(folder, {"0.1"})["student"])
    assert [id for id in after if id in before] == before and len(after) == len(before) + 1
    other = folder.rename(folder.with_name("01_other"))
    elsewhere = ids(build.make_editions(other, {"0.1"})["student"])
    assert not {id.partition("-")[2] for id in elsewhere} & {id.partition("-")[2] for id in after}


def test_an_unknown_chapter_is_named(build, course, capsys):
    assert build.main(["42"], course) == 1
    assert "no chapter starts with '42'; there are 00_tiny" in capsys.readouterr().err
