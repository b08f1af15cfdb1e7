"""What is noted of a learner: by whom, where, by several at once, in spite of damage; and what is shown of it."""

import inspect
import json
import math
import os
import re

import IPython
import nbformat
import pytest
from nbclient import NotebookClient

from restorelab.cli import app
from restorelab.errors import RestorelabError
from restorelab.kernel import ThisPython
from restorelab.lesson import check, predict, predictions, progress, reveal, show_progress
from restorelab.lesson.calibration import calibrate
from restorelab.lesson.outline import outline, questions
from restorelab.lesson.progress import Guess, Progress, ProgressError
from restorelab.lesson.report import Report, report
from restorelab.repository import root


def mean_colour(image):
    return image.mean(dim=(1, 2))


def wrong_colour(image):
    return image.mean()


class Shell:
    """What IPython is inside a kernel, as far as it is asked."""

    def __init__(self, allow_stdin):
        self.request = {"content": {"allow_stdin": allow_stdin}}

    def get_parent(self):
        return self.request


@pytest.fixture
def file(tmp_path, monkeypatch):
    """Where notes go; somebody sits before the page."""
    monkeypatch.setattr(progress, "somebody_is_here", lambda: True)
    monkeypatch.setattr(progress, "_said", set())
    monkeypatch.setattr(predictions, "_predictions", {})
    monkeypatch.setenv(progress.SWITCH, str(tmp_path / "notes" / "mine.json"))
    return tmp_path / "notes" / "mine.json"


def test_checks_are_noted_once_passed_and_counted_before(file):
    for answer in (wrong_colour, None, mean_colour, wrong_colour):  # nothing, a stub say, is no attempt
        check("0.1", answer)
    check("9.99", mean_colour)
    known = progress.read()
    assert list(known.passed) == ["0.1"] and known.failed == {"0.1": 1} and known.guesses == {}
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}", known.passed["0.1"])
    assert list(file.parent.glob("[!.]*")) == [file]


def test_the_guess_that_was_revealed_stands(file):
    predict("cost", "How much?", None)
    assert not file.exists()
    predict("cost", "How much?", 3, unit="dB")
    predict("cost", "How much?", 10, unit="dB")
    assert progress.read().guesses == {"How much?": Guess("cost", 10.0, "dB")}
    reveal("cost", 5)
    predict("cost", "How much?", 5, unit="dB")  # now it is known
    reveal("cost", 5)
    predict("cost", "Another chapter's?", 1)
    known = progress.read().guesses
    assert known["How much?"].guess == 10.0 and known["How much?"].verdict.startswith("Too high by a factor of 2.")
    assert known["Another chapter's?"].truth is None


def test_only_what_somebody_does_is_noted():
    """One kernel, asked as nbclient asks (and papermill and nbconvert through it), and as JupyterLab does."""
    code = f"import sys\n{inspect.getsource(progress.somebody_is_here)}\nsomebody_is_here()"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for _ in range(2)])
    client = NotebookClient(notebook, kernel_manager_class=ThisPython)
    with client.setup_kernel():
        client.execute_cell(notebook.cells[0], 0)
        client.kc.allow_stdin = True
        client.execute_cell(notebook.cells[1], 1)
    assert [cell.outputs[0].data["text/plain"] for cell in notebook.cells] == ["False", "True"]


@pytest.mark.parametrize(("shell", "here"), [(None, False), (object(), False), (Shell(False), False), (Shell(True), True)])
def test_a_terminal_and_a_script_are_no_notebook(monkeypatch, shell, here):
    monkeypatch.setattr(IPython, "get_ipython", lambda: shell)
    assert progress.somebody_is_here() is here


def test_nothing_is_noted_for_a_program_nor_of_the_solutions(file, tmp_path, monkeypatch):
    with monkeypatch.context() as nobody:
        nobody.setattr(progress, "somebody_is_here", lambda: False)
        assert check("0.1", mean_colour).passed and not file.exists()
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path / "solutions")
    check("0.1", mean_colour)
    assert not file.exists()


def test_switched_off_nothing_is_written(file, tmp_path, monkeypatch):
    monkeypatch.setenv(progress.SWITCH, "")
    assert check("0.1", mean_colour).passed
    assert not file.parent.exists() and not (tmp_path / "runs").exists()
    assert progress.read() == Progress() and progress.files() == [] and "switched" not in report().text
    assert progress.SWITCH in report().notes[0]
    monkeypatch.delenv(progress.SWITCH)
    assert progress.progress_file() == tmp_path / "runs" / "progress.json"


def test_two_kernels_write_at_once_and_lose_nothing(file):
    kernels = []
    for kernel in range(2):
        kernels.append(os.fork())
        if kernels[-1] == 0:
            try:
                for number in range(20):
                    progress.note_attempt(f"{kernel}.{number}", True)
            finally:
                os._exit(0)
    for kernel in kernels:
        os.waitpid(kernel, 0)
    assert len(progress.read().passed) == 40


@pytest.mark.parametrize("bytes", [b"", b"{", b"[]", b"\xff\xfe", b'{"format": 3}', b'{"format": "restorelab-progress-1", "passed": 4}'])
def test_a_damaged_file_is_set_aside_and_said_once(file, capsys, bytes):
    file.parent.mkdir()
    file.write_bytes(bytes)
    with pytest.raises(ProgressError):
        progress.read()
    for _ in range(2):
        assert check("0.1", mean_colour).passed
    assert capsys.readouterr().out.count("a new one is begun") == 1
    (aside,) = file.parent.glob("mine.damaged-*.json")
    assert aside.read_bytes() == bytes and list(progress.read().passed) == ["0.1"]
    assert progress.files() == [file, aside]
    progress.forget()
    assert progress.files() == os.listdir(file.parent) == []


def test_a_newer_file_is_left_alone(file, capsys):
    file.parent.mkdir()
    file.write_text(json.dumps({"format": "restorelab-progress-2"}))
    for _ in range(2):
        assert check("0.1", mean_colour).passed
    assert capsys.readouterr().out.count("newer restorelab") == 1
    assert report().progress == Progress() and file.name in report().notes[0]
    assert json.loads(file.read_text()) == {"format": "restorelab-progress-2"} and progress.files() == [file]


def test_what_cannot_be_written_stops_no_lesson(file, capsys, monkeypatch):
    file.parent.write_text("a file where the folder should be")
    for _ in range(2):
        assert check("0.1", mean_colour).passed
    assert capsys.readouterr().out.count("cannot be noted") == 1
    monkeypatch.setenv(progress.SWITCH, str(file.parent))
    assert report().progress == Progress()
    file.parent.unlink()
    file.parent.mkdir()
    monkeypatch.setenv(progress.SWITCH, str(file))
    monkeypatch.setattr(progress, "LOCK_WAIT", 0.05)
    with progress._lock(file):
        assert check("0.1", mean_colour).passed
    assert "Another process holds" in capsys.readouterr().out and not file.exists()


def command(*words):
    from typer.testing import CliRunner

    return CliRunner().invoke(app.app, words)


def test_the_commands_show_and_forget(file, monkeypatch):
    assert "Nothing yet" in command("progress").output
    check("0.1", mean_colour)
    said = command("progress").output
    assert "00 #." in said and str(file) in said and "07 ...." in said and said.isascii()
    assert "00 #." in (doctor := command("doctor").output) and "07 ...." not in doctor and str(file) in doctor
    forgotten = command("progress", "--forget")
    assert str(file) in forgotten.output and not file.exists() and "Nothing is noted" in command("progress", "--forget").output
    check("0.1", mean_colour)
    monkeypatch.setattr(progress, "forget", lambda: (_ for _ in ()).throw(PermissionError(13, "Permission denied", str(file))))
    assert isinstance(command("progress", "--forget").exception, RestorelabError)


# what is shown


def test_a_program_sees_the_empty_map_whatever_is_noted(file, capsys, monkeypatch):
    check("0.1", mean_colour)
    capsys.readouterr()
    monkeypatch.setattr(progress, "somebody_is_here", lambda: False)
    show_progress()
    said = capsys.readouterr().out
    assert "00 .." in said and "Nothing yet" in said and str(file) not in said


def test_the_map_counts_what_is_done():
    chapters = outline()
    two = chapters[2]
    done = Progress({two.exercises[0].id: "", "99.1": ""}, {}, {two.questions[0]: Guess("x", 1.0)})
    assert two.passed(done) == [True] + [False] * (len(two.exercises) - 1) and two.predicted(done) == 1
    assert two.minutes_left(done) == sum(exercise.minutes for exercise in two.exercises[1:])
    shown = Report(chapters, done)
    assert [line[:2] for line in shown.lines(lambda chapter: chapter.begun(done))] == ["02", "al"]
    assert shown._repr_html_().count("✓") == 1


def test_every_prediction_of_the_course_has_a_question_of_its_own():
    asked = [question for chapter in outline() for question in chapter.questions]
    lessons = (path.read_text(encoding="utf-8") for path in (root() / "course").glob("[0-9]*/lesson.py"))
    assert len(asked) == len(set(asked)) == sum(len(re.findall(r"^predict\(", lesson, re.MULTILINE)) for lesson in lessons)
    assert questions("q = 'a'\npredict('x', q)\npredict('y', 'b', 3)\nsession.predict('z', 'c')") == ["a", "b"]


GUESSES = (Guess("a", 10.0, "", 10.0, "Spot on."), Guess("b", 1.0, "", 100.0, "Too low by a factor of 100."))
GUESSES += (Guess("c", 5e9, "", 1.0, "Too high."), Guess("d", -1.0, "", 4.0, "It came out otherwise."), Guess("e", 3.0))
GUESSES += (Guess("f", "left", "", "left", "As you said."), Guess("g", "left", "", "right", "It came out otherwise."))


def test_calibration_is_in_factors():
    found = calibrate({guess.name: guess for guess in GUESSES})
    assert [found.guesses[place].name for place in found.ratios] == ["a", "b", "c"]
    assert str(found).startswith("4 numbers guessed: 1 close, 1 too low, 1 too high, 1 zero or of another sign. ")
    assert "factor of 100." in str(found) and str(found).endswith("2 choices: 1 right.")
    centres = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', found.svg())]
    left, middle, right = centres[1], centres[0], centres[2]
    assert middle - left == pytest.approx((right - middle) * math.log(100) / math.log(1000), abs=0.2)  # the billion stands at the end
    assert 'role="img"' in found.svg() and str(found) in found.svg()
    assert str(calibrate({})) == "" == calibrate({}).svg()


def test_what_a_file_says_is_no_html():
    bad = "<script>alert(1)</script>"
    shown = Report(outline(), Progress(guesses={bad: Guess("x", bad, bad, bad, bad)}), (bad,))
    assert "<script>" not in shown._repr_html_()
