"""What a chapter needs around its content: check, hint, solution, show_source, predict, reveal."""

import contextlib
import json
import random
import re
import subprocess
import sys
from html.parser import HTMLParser

import numpy as np
import pytest
import torch

from restorelab.lesson import check, checking, checks, hint, hints, predict, predictions, reveal, show_source, solution, source
from restorelab.lesson.exercise import Exercise, Wrong, expect_close
from restorelab.lesson.isolate import MOST_CHARACTERS, isolated


def mean_colour(image):
    return image.mean(dim=(1, 2))


def noise(shape, seed):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def exercise(check, id="3.1", title="A title", n_hints=2):
    return Exercise(id=id, title=title, stars=2, minutes=5, check=check, hints=("first", "second", "third")[:n_hints])


@pytest.fixture
def table(monkeypatch):
    """The table of exercises, to be filled by the test; nothing is remembered from other tests."""
    monkeypatch.setattr(hints, "_given", {})
    monkeypatch.setattr(predictions, "_predictions", {})
    exercises = {}
    for module in (checking, hints):
        monkeypatch.setattr(module, "EXERCISES", exercises)
    return exercises


@pytest.fixture
def try_check(table, capsys):
    """Run a check function on answers; returns the outcome and what was displayed."""

    def run(function, *answers):
        table["3.1"] = exercise(function)
        outcome = check("3.1", *answers)
        return outcome, capsys.readouterr().out

    return run


class Balanced(HTMLParser):
    """Fails unless every tag that is opened is closed, in order; collects the text."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


# the checks of chapter 0


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda image: image.mean(), "mean over everything"),
        (lambda image: image.mean(dim=0), "mean over the channels"),
        (lambda image: image.mean(dim=1), "Only the height"),
        (lambda image: image.mean(dim=2), "Only the width"),
        (lambda image: 255 * mean_colour(image), "255 times too large"),
        (lambda image: image.sum(dim=(1, 2)), "sum over the pixels"),
        (lambda image: image.mean(dim=(1, 2), keepdim=True), "keepdim"),
        (lambda image: mean_colour(image)[:2], "should have shape (3,); yours has (2,)"),
        (lambda image: [0.1, 0.2, 0.3], "tensor of shape (3,); yours is a list"),
        (lambda image: mean_colour(image) + 0.01, "furthest off at [0]"),
        (lambda image: mean_colour(image) / 0, "NaN or infinity in 3 of 3"),
        (lambda image: image.sum(dim=(1, 2)) / 20, "other values"),  # right for the first size alone
    ],
)
def test_mean_colour_names_the_mistake(answer, says, capsys):
    outcome = check("0.1", answer)
    assert outcome.kind == "wrong" and not outcome
    assert says in capsys.readouterr().out


@pytest.mark.parametrize("answer", [mean_colour, lambda image: image.numpy().mean(axis=(1, 2)), lambda image: image.double().mean((1, 2))])
def test_mean_colour_is_passed(answer):
    assert check("0.1", answer)


def disturb_torch(shape, seed):
    torch.manual_seed(seed)
    return torch.rand(shape)


def disturb_numpy(shape, seed):
    np.random.seed(seed)
    return torch.tensor(np.random.rand(*shape))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda shape, seed: torch.randn(shape), "same seed gave two different results"),
        (lambda shape, seed: noise(shape, 0), "`seed` is not used"),
        (disturb_torch, "global random numbers"),
        (disturb_numpy, "global random numbers"),
        (lambda shape, seed: torch.full(shape, float(seed)), "Every pixel got the same value"),
        (lambda shape, seed: noise(shape[1:], seed), "should have that shape; yours has (8, 9)"),
        (lambda shape, seed: np.zeros(shape), "of type ndarray"),
    ],
)
def test_noise_names_the_mistake(answer, says, capsys):
    assert check("0.2", answer).kind == "wrong"
    assert says in capsys.readouterr().out


def test_noise_is_passed():
    assert check("0.2", noise)


# outcomes


def test_passed(try_check):
    outcome, text = try_check(lambda answer: None, 1)
    assert outcome.passed and bool(outcome) and outcome.kind == "passed"
    assert text == "✓ Passed: 3.1 A title\n"


def test_wrong_shows_the_sentence_and_offers_a_hint(try_check):
    def wrong(answer):
        raise Wrong("You forgot the `sign`.")

    outcome, text = try_check(wrong, 1)
    assert outcome.kind == "wrong"
    assert text == '✗ Not right yet: 3.1 A title\n  You forgot the `sign`.\n  Stuck? `hint("3.1")`\n'


def test_error_shows_the_learners_line(try_check):
    def helper(x):
        return torch.nn.functional.conv2d(x, x[0])  # the learner's mistake

    outcome, text = try_check(lambda answer: answer(torch.zeros(1, 3, 8, 8)), lambda x: helper(x))
    number = helper.__code__.co_firstlineno + 1
    assert outcome.kind == "error" and "RuntimeError: " in text
    assert f"line {number}:  return torch.nn.functional.conv2d(x, x[0])  # the learner's mistake" in text


def stub_none(x):
    pass


def stub_dots(x):
    return ...


def stub_raise(x):
    raise NotImplementedError("your turn")


class StubModule(torch.nn.Module):
    def forward(self, x):
        return None


@pytest.mark.parametrize("answer", [stub_none, stub_dots, stub_raise, StubModule, StubModule(), None, ...])
def test_not_attempted(try_check, answer):
    def use(answer):
        answer = answer() if answer is not None and isinstance(answer, type(stub_none)) and "Module" in answer.__name__ else answer
        answer(torch.zeros(3))

    outcome, text = try_check(use, answer)
    assert outcome.kind == "not attempted" and text.startswith("○ Not attempted yet: 3.1 A title\n  Nothing to check: ")
    assert text.endswith("\n  Difficulty ★★☆☆☆, about 5 minutes.\n")


def test_no_answer_shows_how_to_call(try_check):
    outcome, text = try_check(lambda mean, median: None)
    assert outcome.kind == "not attempted" and 'Call it as `check("3.1", mean, median)`.' in text


def test_too_many_answers(try_check):
    outcome, text = try_check(lambda mean: None, 1, 2)
    assert outcome.kind == "error" and "takes 1 answer, and got 2" in text


def test_not_implemented_by_torch_is_an_error(try_check):
    def answer(x):
        return torch.nn.functional.interpolate(x, scale_factor=2)

    outcome, text = try_check(lambda answer: answer(torch.zeros(3)), answer)
    assert outcome.kind == "error" and "interpolate(x" in text


@pytest.mark.parametrize("id", ["0.9", 0.9, "nothing", None, object(), ""])
def test_unknown_id_lists_the_exercises(id, capsys):
    assert check(id, mean_colour).kind == "unknown"
    text = capsys.readouterr().out
    assert text.startswith("? No such exercise") and "0.1" in text and "0.2" in text


def test_unknown_id_lists_the_closest_first(table, capsys):
    table.update({id: exercise(lambda: None, id) for id in ("0.1", "5.1", "5.2", "12.4")})
    check("12.5", 1)
    assert "The exercises are 12.4, " in capsys.readouterr().out
    check("0.11", 1)
    assert "The exercises are 0.1, " in capsys.readouterr().out


# never raises


class Hostile(Exception):
    def __str__(self):
        raise SystemExit("from str")


class HostileTensor:
    def __getattribute__(self, name):
        raise RecursionError(name)


def recurse(x):
    return recurse(x) + 1


def exit_now(x):
    sys.exit(3)


def print_forever(x):
    while True:
        with contextlib.suppress(Exception):  # which must not keep it going
            print("and on")


def close_output(x):
    print("before")
    sys.stdout.close()
    raise ValueError("after")


def raise_hostile(x):
    raise Hostile


def raise_group(x):
    raise BaseExceptionGroup("several", [GeneratorExit(), ValueError()])


def raise_nameless(x):
    exec(compile("1 / 0", "no\0file", "exec"))


@pytest.mark.parametrize(
    "answer", [recurse, exit_now, print_forever, close_output, raise_hostile, raise_group, raise_nameless, 7, "word", [[]]]
)
def test_never_raises(try_check, answer):
    before = sys.stdout
    outcome, text = try_check(lambda answer: answer(torch.zeros(3)), answer)
    assert outcome.kind == "error" and text.startswith("! Stopped by an error: 3.1")
    assert sys.stdout is before and len(text) < 3000


def test_never_raises_on_an_object_that_always_does(try_check):
    outcome, text = try_check(lambda answer: answer.shape, HostileTensor())
    assert outcome.kind == "error" and "RecursionError" in text
    check(HostileTensor())


def test_endless_output_is_stopped_and_said(try_check):
    _, text = try_check(lambda answer: answer(0), print_forever)
    assert f"more than {MOST_CHARACTERS:,} characters" in text and "Your code printed:" in text and text.count("\n  and on") == 12


def test_a_keyboard_interrupt_gets_through(try_check):
    def interrupt(x):
        torch.rand(3)
        raise KeyboardInterrupt

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        try_check(lambda answer: answer(0), interrupt)
    assert torch.equal(torch.get_rng_state(), state)


def test_what_the_learner_prints_is_shown(try_check):
    def answer(x):
        print("shape", tuple(x.shape))
        print("careful", file=sys.stderr)

    _, text = try_check(lambda answer: answer(torch.zeros(3)), answer)
    assert "  Your code printed:\n  shape (3,)\n  careful\n" in text


# nothing of the session changes


def test_random_numbers_and_modes_are_untouched(try_check):
    def answer(x):
        torch.manual_seed(1), np.random.seed(1), random.seed(1)
        torch.set_grad_enabled(False), torch.set_default_dtype(torch.float64)
        return torch.rand(3) + np.random.rand() + random.random()

    torch.manual_seed(5), np.random.seed(5)
    expected = torch.rand(1).item(), np.random.rand()
    torch.manual_seed(5), np.random.seed(5)
    outcome, _ = try_check(lambda answer: answer(torch.zeros(3)) * 0 + answer(torch.zeros(3)), answer)
    assert outcome.passed
    assert (torch.rand(1).item(), np.random.rand()) == expected
    assert torch.is_grad_enabled() and torch.get_default_dtype() == torch.float32


def test_python_random_numbers_are_untouched():
    state = random.getstate()  # compared here and not after check(): the type checker of the tests draws from them, too
    with isolated():
        random.seed(1)
        random.random()
    assert random.getstate() == state


def in_place(x, *rest, **options):
    for value in (x, *rest, *options.values()):
        value += 1
    return x


class InPlace(torch.nn.Module):
    def forward(self, x, *rest, **options):
        return in_place(x, *rest, **options)


@pytest.mark.parametrize("answer", [in_place, InPlace(), InPlace], ids=["function", "module", "class"])
def test_functions_and_modules_get_copies(try_check, answer):
    mine, other, array = torch.zeros(3), torch.zeros(3), np.zeros(3)

    def use(answer):
        answer = answer() if getattr(answer, "__name__", "") == "InPlace" else answer
        assert answer(mine, array, option=other).sum() == 3

    outcome, text = try_check(use, answer)
    assert outcome.passed, text
    assert mine.sum() == other.sum() == array.sum() == 0


def test_nested_tensors_are_copied_and_gradients_flow_through(try_check):
    x = torch.ones(3, requires_grad=True)

    def use(answer):
        answer([x, {"key": x}]).sum().backward()
        assert torch.equal(x.grad, torch.full((3,), 3.0))

    def answer(items):
        items[0] *= 2
        return items[0] + items[1]["key"]

    outcome, text = try_check(use, answer)
    assert outcome.passed, text
    assert x.sum() == 3


def test_a_check_cannot_change_the_answer(try_check):
    answer, network = torch.zeros(3), torch.nn.Linear(2, 2)

    def use(tensor, network):
        tensor += 1
        network.eval()
        network(torch.ones(2)).sum().backward()

    outcome, text = try_check(use, answer, network)
    assert outcome.passed, text
    assert answer.sum() == 0 and network.training and network.weight.grad is None


# what is displayed


def test_text_is_the_same_every_time(try_check):
    def answer(x):
        raise ValueError(f"not {object()} nor {torch.rand(1).item()} {random.random()} {np.random.rand()}")

    texts = []
    for _ in range(2):
        texts.append(try_check(lambda answer: answer(0), answer)[1])
        torch.rand(1), np.random.rand(), random.random()  # the session goes on
    first, second = texts
    assert first == second and " at 0x" not in first


def test_paths_of_temporary_cells_are_hidden():
    assert checking._tidy("in /tmp/ipykernel_123/45.py:3: UserWarning") == "in your cell:3: UserWarning"
    assert checking._tidy("in C:\\Temp\\ipykernel_123\\45.py:3") == "in your cell:3"


def test_html_is_escaped_balanced_and_says_what_the_text_says(try_check):
    def answer(x):
        print("<script>alert(1)</script>")
        raise ValueError("a < b & `<img src=x>`")

    outcome, _ = try_check(lambda answer: answer(0), answer)
    html = outcome.card._repr_html_()
    parsed = Balanced(html)
    assert "script" not in parsed.tags and "img" not in parsed.tags
    assert "a < b & <img src=x>" in parsed.text and "<script>alert(1)</script>" in parsed.text and "! Stopped by an error" in parsed.text
    assert "border-left" in html and "var(--jp-" in html
    # colours only where they have no say in legibility: no fixed background and no fixed colour of text
    assert set(re.findall(r"(?<![\w-])(?:background|color): ([^;\"]+)", html)) <= {"transparent", "inherit"}


def test_every_kind_has_its_own_mark_and_word():
    headings = [heading for _, heading in checking._HEADINGS.values()]
    assert len({heading.split()[0] for heading in headings}) == len({heading[2:] for heading in headings}) == 5


def test_in_a_notebook_the_card_comes_as_html_once(tmp_path):
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "from IPython.utils.capture import capture_output\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('from restorelab.lesson import check')\n"
        "with capture_output() as seen:\n"
        "    shell.run_cell('check(\"0.1\", lambda image: image.mean(dim=(1, 2)))')\n"
        "print([sorted(output.data) for output in seen.outputs], repr(seen.stdout))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=None, timeout=120)
    assert done.stdout.strip().startswith("[['text/html', 'text/plain']]"), done
    assert "Passed" not in done.stdout  # displayed, not printed


def test_a_narrow_console_gets_replacements(monkeypatch):
    class Console:
        encoding, seen = "ascii", ""

        def write(self, text):
            self.seen += text.encode("ascii").decode()

        def flush(self):
            pass

    console = Console()
    monkeypatch.setattr(sys, "stdout", console)
    check("0.1", mean_colour)
    assert "? Passed: 0.1" in console.seen


# hints and solutions


def test_hints_come_one_by_one_and_stay_readable(table, capsys):
    table["3.1"] = exercise(lambda: None, n_hints=3)
    said = []
    for _ in range(5):
        hint("3.1")
        said.append(capsys.readouterr().out)
    assert [text.split(":")[0] for text in said] == [
        "★ Hint 1 of 3",
        "★ Hint 2 of 3",
        "★ Hint 3 of 3",
        "★ No hints left",
        "★ No hints left",
    ]
    assert "second" in said[1] and "first" not in said[1]
    assert all(text in said[4] for text in ("first", "second", "third", 'solution("3.1")'))
    hint("3.2")
    solution("3.2")
    assert capsys.readouterr().out.count("? No such exercise: 3.2\n  The exercises are 3.1.") == 2


def test_solution_comes_from_the_solution_edition(table, capsys, tmp_path, monkeypatch):
    table["3.1"] = exercise(lambda: None)
    inside = tmp_path / "notebooks" / "deep"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    solution("3.1")
    assert "not part of this copy" in capsys.readouterr().out
    solutions = tmp_path / "notebooks" / "solutions"
    solutions.mkdir()
    (solutions / "00_broken.ipynb").write_text("not JSON")
    (solutions / "03_x.ipynb").write_text(
        json.dumps({"cells": [{"metadata": {"tags": ["exercise", "exercise-3.10"]}, "source": ["wrong"]}]})
    )
    solution("3.1")
    assert "None of the notebooks" in capsys.readouterr().out
    cells = [{"metadata": {}, "source": []}, {"metadata": {"tags": ["exercise", "exercise-3.1"]}, "source": ["a = 1\n", "b < 2"]}]
    (solutions / "03_y.ipynb").write_text(json.dumps({"cells": cells}))
    solution("3.1")
    assert capsys.readouterr().out == "★ One solution: 3.1 A title\n  a = 1\n  b < 2\n"


# the real source


class Shown:
    """Quoted: "a < b" & 'c'."""

    def method(self):  # a comment that stays
        return [1, 2.5, "text"]

    @property
    def value(self):
        return 1


def test_source_is_shown_whole_with_its_place(capsys):
    show_source(Shown.method)
    line = Shown.method.__code__.co_firstlineno
    text = capsys.readouterr().out
    assert text.startswith("Shown.method: ") and f"test_lesson.py, line {line}\n" in text
    assert '      def method(self):  # a comment that stays\n          return [1, 2.5, "text"]\n' in text
    show_source(check)
    assert capsys.readouterr().out.startswith("check: restorelab/lesson/checking.py, line ")
    show_source(checks)
    assert capsys.readouterr().out.startswith("restorelab.lesson.checks: restorelab/lesson/checks/__init__.py, line 1\n")
    show_source(torch.nn.Linear(2, 2))
    assert capsys.readouterr().out.startswith("Linear: torch/nn/modules/linear.py, line ")
    show_source(Shown.value)
    assert "return 1" in capsys.readouterr().out
    for nothing in (len, torch.relu, 3):
        show_source(nothing)
        assert capsys.readouterr().out.startswith("○ No source: ")


def test_highlighted_source_has_the_same_text(monkeypatch):
    code = '\n@wraps\ndef f(x):\n    """Doc & <b>."""\n    return len(x) or not None  # why\n\n'
    html = source.highlighted(code)
    assert Balanced(html.partition("</style>")[2]).text == code
    assert set(re.findall(r'<span class="(\w)">', html)) == set("fkbsc")
    monkeypatch.setitem(sys.modules, "pygments", None)
    assert source.highlighted("a < b") == "a &lt; b"


# predictions


@pytest.mark.parametrize(
    ("guess", "truth", "verdict"),
    [
        (30.0, 31.25, "Close."),
        (31.25, torch.tensor(31.25), "Spot on."),
        (50, 31.25, "In the right range: 60 % too high."),
        (1, np.float64(31.25), "Too low by a factor of 31."),
        (-1.0, 31.25, "It came out otherwise."),
        (0, 0, "Spot on."),
        (0, 4, "It came out otherwise."),
        ("left", "Left", "As you said."),
        ("left", "right", "It came out otherwise."),
        (True, True, "As you said."),
        (3, "three", "It came out otherwise."),
    ],
)
def test_reveal_compares(table, capsys, guess, truth, verdict):
    predict("name", "How much?", guess, unit="dB")
    assert "◇ Prediction noted: name\n  How much?\n  Your guess: " in capsys.readouterr().out
    reveal("name", truth, "Because.")
    text = capsys.readouterr().out
    assert verdict in text and "You guessed" in text and "Because." in text and "so far: 1 of 1." in text


def test_tolerance_is_the_chapters_choice(table, capsys):
    predict("name", "How much?", 30)
    reveal("name", 31.25, tolerance=0.01)
    assert "In the right range: 4 % too low." in capsys.readouterr().out


@pytest.mark.parametrize("guess", [None, ..., float("nan"), float("inf")])
def test_without_a_guess_it_stays_kind(table, capsys, guess):
    predict("name", "How much?", guess)
    assert "◇ Your prediction?: name" in capsys.readouterr().out
    reveal("name", 3)
    reveal("never asked", 21_675_436)
    text = capsys.readouterr().out
    assert text.count("No guess this time, which is fine.") == 2 and "Measured: 3\n" in text and "Measured: 21.7 million\n" in text


def test_choices(table, capsys):
    predict("name", "Which?", "up", choices=("left", "right"))
    text = capsys.readouterr().out
    assert 'Choose one: `"left"`, `"right"`' in text and "`up` is not one of the choices" in text
    predict("name", "Which?", "LEFT", choices=("left", "right"))
    reveal("name", "left")
    assert "As you said." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (31.2512, "31.25"),
        (0.000123456, "0.0001235"),
        (1280.0, "1,280"),
        (12345.6, "12,346"),
        (21_675_436, "21.7 million"),
        (2.5e9, "2.5 billion"),
        (0, "0"),
        (-4, "-4"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
        (3e20, "3e+20"),
    ],
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    assert predictions.number_in_words(float(value)) == text
    assert predictions.number_in_words(float(value), "dB") == f"{text} dB"


# writing checks


def test_expect_close_accepts_numbers_arrays_and_devices():
    expect_close(0.5, torch.tensor(0.5), "x")
    expect_close(np.array([1, 2]), torch.tensor([1.0, 2.0]), "x")
    expect_close(torch.tensor(True), 1, "x")
    expect_close(torch.tensor(1.0 + 1e-7), 1.0, "x")
    with pytest.raises(Wrong, match="The x should be 1; yours is 1.01."):
        expect_close(1.01, 1.0, "the x")
    with pytest.raises(Wrong, match="The x should be a number; yours is an object."):
        expect_close(object(), 1.0, "the x")
    with pytest.raises(Wrong, match="should have shape .., a single number; yours has .3,."):
        expect_close(torch.zeros(3), 1.0, "the x")
    with pytest.raises(Wrong, match="that one"):
        expect_close(2.0, 1.0, "the x", mistakes=[("not this", 3.0), ("that one", 2.0)])
    expect_close(1.0, 1.0, "the x", mistakes=[("the answer is not a mistake", 1.0)])


def test_exercises_are_complete_and_ids_unique():
    for id, one in checks.EXERCISES.items():
        assert id == one.id and one.title and one.minutes > 0 and len(one.hints) in (2, 3)
    with pytest.raises(ValueError, match="two exercises are called 0.1"):
        checks.table(checks.EXERCISES.values(), checks.EXERCISES.values())
    for wrong in ({"id": "one"}, {"id": "1"}, {"n_hints": 1}):
        with pytest.raises(ValueError):
            exercise(lambda: None, **wrong)
