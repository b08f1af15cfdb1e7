"""Every exercise of every chapter: the solution passes, the stub is "not attempted", planted mistakes fail with different words."""

import sys
from pathlib import Path

import jupytext
import pytest
import torch

from restorelab.lesson import check
from restorelab.lesson.checks import EXERCISES

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "course"))
import editions  # noqa: E402


def exercise_cells() -> dict[str, str]:
    cells = {}
    for lesson in sorted((ROOT / "course").glob("*/lesson.py")):
        notebook = jupytext.read(lesson, fmt="py:percent")
        cells |= {editions.exercise_id(cell): cell.source for cell in notebook.cells if editions.is_exercise(cell)}
    return cells


CELLS = exercise_cells()


def defined_by(code: str) -> object:
    """The one function that a piece of code defines, as a notebook would have it."""
    names: dict = {"torch": torch}
    before = set(names)
    exec(compile(code, "<exercise>", "exec"), names)
    (name,) = [name for name in names if name not in before and not name.startswith("__")]
    return names[name]


# For every exercise, wrong answers that learners really give.
PLANTED = {
    "0.1": (lambda image: image.mean(), lambda image: image.mean(dim=0), lambda image: image.mean(dim=(1, 2)) * 255),
    "0.2": (
        lambda shape, seed: torch.randn(shape),
        lambda shape, seed: torch.randn(shape, generator=torch.Generator().manual_seed(0)),
        lambda shape, seed: (torch.manual_seed(seed), torch.randn(shape))[1],
    ),
    "5.1": (
        lambda x, rows, columns: x.reshape(-1, x.shape[1], x.shape[2] // rows, x.shape[3] // columns),
        lambda x, rows, columns: torch.cat([column_first(one[None], rows, columns) for one in x]),
        lambda x, rows, columns: x,
    ),
    "5.2": (
        lambda p, rows, columns: p.reshape(-1, p.shape[1], rows * p.shape[2], columns * p.shape[3]),
        lambda p, rows, columns: swapped(p, rows, columns),
        lambda p, rows, columns: p,
    ),
    "5.3": (
        lambda image, levels: in_place(image, levels),
        lambda image, levels: levels[2](levels[1](levels[0](image))),
        lambda image, levels: levels[-1](image),
    ),
    "5.4": (
        lambda tl, tr, bl, br: (torch.cat([tl, tr], 2), torch.cat([bl, br], 2)),
        lambda tl, tr, bl, br: (torch.cat([tl, bl], 2), torch.cat([tr, br], 2)),
        lambda tl, tr, bl, br: (torch.cat([tr, tl], 3), torch.cat([br, bl], 3)),
    ),
    "5.5": (
        lambda patches: (4 * patches[-1], 4 * patches[-1]),
        lambda patches: (8, 16) if len(patches) == 4 else (8, 8),
        lambda patches: (8.0, 8.0),
    ),
    "5.6": (lambda h, w, patches, pp: h * w * pp * sum(patches), lambda h, w, patches, pp: h * w * pp, lambda h, w, patches, pp: 7),
}


def column_first(x, rows, columns):
    b, c, h, w = x.shape
    return x.reshape(b, c, rows, h // rows, columns, w // columns).permute(0, 4, 2, 1, 3, 5).reshape(-1, c, h // rows, w // columns)


def swapped(p, rows, columns):
    n, c, ph, pw = p.shape
    x = p.reshape(-1, columns, rows, c, ph, pw).permute(0, 3, 2, 4, 1, 5)
    return x.reshape(-1, c, rows * ph, columns * pw)


def in_place(image, levels):
    for level in levels:
        residual = level(image)
        image += residual
    return residual


def test_every_exercise_is_in_a_lesson_has_a_check_and_planted_mistakes():
    assert set(CELLS) == set(EXERCISES) == set(PLANTED)


@pytest.mark.parametrize("id", CELLS)
def test_the_solution_passes(id):
    assert check(id, defined_by(editions.halves(CELLS[id])[1])).kind == "passed"


@pytest.mark.parametrize("id", CELLS)
def test_the_stub_is_not_attempted_rather_than_wrong(id):
    assert check(id, defined_by(editions.halves(CELLS[id])[0])).kind == "not attempted"


@pytest.mark.parametrize("id", CELLS)
def test_planted_mistakes_fail_with_different_words(id):
    outcomes = [check(id, wrong) for wrong in PLANTED[id]]
    assert [outcome.kind for outcome in outcomes] == ["wrong"] * len(outcomes)
    assert len({outcome.body for outcome in outcomes}) == len(outcomes)
