"""nbgrader makes the same lab from the same source, and gives the same points. It needs the extra `teacher`, or $RESTORELAB_NBGRADER."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from restorelab.labs.grade import Order, grade
from restorelab.labs.hidden import teacher_folder
from restorelab.labs.release import nbgrader_source, release
from restorelab.labs.results import total
from restorelab.labs.sheet import check_of, exercise_of, read_lab

LAB = "05_multi_patch_dmphn"
BESIDE = Path(sys.executable).with_name("nbgrader")
NBGRADER = os.environ.get("RESTORELAB_NBGRADER") or shutil.which("nbgrader") or (str(BESIDE) if BESIDE.exists() else "")
pytestmark = pytest.mark.skipif(
    not NBGRADER, reason="nbgrader is not installed: pip install restorelab[teacher], or set RESTORELAB_NBGRADER"
)
SCRAMBLED = "def split(x, rows, columns):\n    return x.reshape(-1, x.shape[1], x.shape[2] // rows, x.shape[3] // columns)"


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Path:
    """An nbgrader course whose kernel is this Python, with the assignment generated."""
    folder = tmp_path_factory.mktemp("course")
    nbgrader_source("05", folder, teacher_folder())
    kernel = folder / "jupyter" / "kernels" / "python3"
    kernel.mkdir(parents=True)
    argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": argv, "display_name": "Python 3", "language": "python"}))
    nbgrader(folder, "generate_assignment", LAB)
    return folder


def nbgrader(folder: Path, *words: str) -> None:
    path = os.pathsep.join([str(Path(NBGRADER).parent), os.environ["PATH"]])  # nbgrader calls alembic by its bare name
    own = {"PATH": path, "JUPYTER_PATH": str(folder / "jupyter"), "OMP_NUM_THREADS": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    environment = os.environ | own
    done = subprocess.run([NBGRADER, *words], cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def answered(released: Path, answers: dict[str, str]) -> dict:
    """The student's notebook: a few imports and the cells of the exercises. The rest is deleted: that saves minutes of training."""
    notebook = json.loads(released.read_text())
    kept = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if exercise_of(cell) in answers:
            cell["source"] = answers[exercise_of(cell)]
        if source.startswith("import zlib"):
            cell["source"] = "import torch\nfrom restorelab.lesson import check, predict, reveal"
        if "nbgrader" in cell["metadata"] or source.startswith("import zlib"):
            kept.append(cell)
    return notebook | {"cells": kept}


def test_nbgrader_generates_what_we_release(course, tmp_path):
    ours = nbformat.read(release("05", tmp_path, teacher_folder()) / f"{LAB}.ipynb", as_version=4)
    theirs = nbformat.read(course / "release" / LAB / f"{LAB}.ipynb", as_version=4)
    for one, other in zip(ours.cells, theirs.cells, strict=True):
        assert one.source.strip() == other.source.strip()
        mine, yours = one.metadata.get("nbgrader", {}), other.metadata.get("nbgrader", {})
        assert mine == {key: value for key, value in yours.items() if key not in ("checksum", "cell_type")}


def test_both_give_the_same_points(course, tmp_path):
    released = release("05", tmp_path / "labs", teacher_folder()) / f"{LAB}.ipynb"
    solutions = {task.id: task.solution for task in read_lab("05").tasks}
    classes = {"right": solutions, "partly": {"5.1": SCRAMBLED, "5.5": solutions["5.5"]}, "empty": {}}
    for name, answers in classes.items():
        path = course / "submitted" / name / LAB / f"{LAB}.ipynb"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(answered(released, answers)))
    nbgrader(course, "autograde", LAB)
    nbgrader(course, "export", "--to", "grades.csv")
    with open(course / "grades.csv", newline="") as file:
        theirs = {row["student_id"]: (float(row["score"]), float(row["max_score"])) for row in csv.DictReader(file)}
    grading = grade(Order(course / "submitted", tmp_path / "graded", teacher_folder(), (LAB,)))
    assert {result["student"]: total(result) for result in grading.results} == theirs
    assert theirs["right"] == (24, 24) and theirs["empty"] == (0, 24) and 0 < theirs["partly"][0] < 24


def test_the_check_of_a_lab_is_found_where_it_stands_last():
    assert check_of('# hint("5.1")\n2 * check("5.1", split).passed') is None  # a lab's cell is no chapter's cell
