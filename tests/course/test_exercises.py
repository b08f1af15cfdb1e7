"""Every exercise of every chapter: the solution passes, the stub is "not attempted", planted mistakes fail with different words."""

import math
import sys
from pathlib import Path

import jupytext
import pytest
import torch
from planted_ch03 import PLANTED as PLANTED_03
from planted_ch04 import PLANTED as PLANTED_04
from planted_ch06 import PLANTED as PLANTED_06
from planted_ch07 import PLANTED as PLANTED_07
from planted_ch08 import PLANTED as PLANTED_08
from planted_ch09 import PLANTED as PLANTED_09
from torch.nn import functional as F

from restorelab.degrade import gaussian_kernel
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
    names: dict = {"math": math, "torch": torch}
    before = set(names)
    exec(compile(code, "<exercise>", "exec"), names)
    (name,) = [name for name in names if name not in before and not name.startswith("__")]
    return names[name]


# For every exercise, wrong answers that learners really give.
PLANTED = (
    PLANTED_03
    | PLANTED_04
    | PLANTED_06
    | PLANTED_07
    | PLANTED_08
    | PLANTED_09
    | {
        "0.1": (lambda image: image.mean(), lambda image: image.mean(dim=0), lambda image: image.mean(dim=(1, 2)) * 255),
        "0.2": (
            lambda shape, seed: torch.randn(shape),
            lambda shape, seed: torch.randn(shape, generator=torch.Generator().manual_seed(0)),
            lambda shape, seed: (torch.manual_seed(seed), torch.randn(shape))[1],
        ),
        "1.1": (
            lambda size, std: line(size, std, size // 2),
            lambda size, std: line(size, std, (size - 1) / 2, 1.0),
            lambda size, std: line(size, std**0.5, (size - 1) / 2),
            lambda size, std: torch.ones(size, size) / size**2,
        ),
        "1.2": (
            lambda size, long, short, angle: gaussian_kernel(long, short / long, -angle, size),
            lambda size, long, short, angle: gaussian_kernel(long, short / long, angle + 90, size),
            lambda size, long, short, angle: gaussian_kernel(long, short / long, math.degrees(angle), size),
            lambda size, long, short, angle: gaussian_kernel(long, 1.0, angle, size),
        ),
        "1.3": (
            lambda image, kernel: filtered(image, kernel),
            lambda image, kernel: filtered(image, kernel.T),
            lambda image, kernel: filtered(image, kernel.flip(0, 1))[2:-2, 2:-2],
        ),
        "1.4": (
            lambda small, kernel: filtered(apart(small), kernel),
            lambda small, kernel: filtered(small.repeat_interleave(2, 0).repeat_interleave(2, 1), kernel.flip(0, 1)),
            lambda small, kernel: apart(small),
            lambda small, kernel: filtered(small, kernel.flip(0, 1)),
        ),
        "1.5": (
            lambda frames, light, display: frames.mean(0),
            lambda frames, light, display: light(frames).mean(0),
            lambda frames, light, display: light(display(frames).mean(0)),
        ),
        "1.6": (
            lambda kernels, dims: torch.linalg.svd((f := kernels.flatten(1)) - f.mean(0), full_matrices=False)[2][:dims],
            lambda kernels, dims: torch.linalg.svd(kernels.flatten(1), full_matrices=False)[2][-dims:],
            lambda kernels, dims: torch.linalg.svd(kernels.flatten(1), full_matrices=False)[2][:dims].T,
            lambda kernels, dims: kernels.flatten(1)[:dims],
        ),
        "1.7": (
            lambda x, blur, shrink, noise, bits: bits(shrink(noise(blur(x)))),
            lambda x, blur, shrink, noise, bits: bits(noise(blur(shrink(x)))),
            lambda x, blur, shrink, noise, bits: noise(bits(shrink(blur(x)))),
            lambda x, blur, shrink, noise, bits: bits(noise(blur(x))),
        ),
        "1.8": (
            lambda light, alpha, brightness: light + alpha * brightness,
            lambda light, alpha, brightness: alpha * light + (1 - alpha) * brightness,
            lambda light, alpha, brightness: (1 - alpha) * light + alpha,
        ),
        "1.9": (lambda: (3.0, 0.35, -60.0), lambda: (3.0, 0.35, 150.0), lambda: (1.05, 0.35, 60.0), lambda: (3.0, 1.0, 60.0), lambda: 3.0),
        "2.1": (
            lambda a, b: -10 * (a - b).square().mean().log(),
            lambda a, b: -20 * (a - b).square().mean().log10(),
            lambda a, b: -10 * (a - b).square().mean((1, 2)).log10().mean(),
            lambda a, b: 48.1308036 - 10 * (a - b).square().mean().log10(),
            lambda a, b: (a - b).abs().mean(),
        ),
        "2.2": (
            lambda image: luma(image) - 16,
            lambda image: luma(image.flip(0)),
            lambda image: luma(image, (0.299 * 255, 0.587 * 255, 0.114 * 255), 0.0),
            lambda image: luma(image)[None],
        ),
        "2.3": (
            lambda x, y, window: ssim(x, y, window, padding=5),
            lambda x, y, window: ssim(x / 255, y / 255, window),
            lambda x, y, window: ssim(x, y, torch.full_like(window, 1 / 121)),
            lambda x, y, window: ((x - y) ** 2).mean(),
        ),
        "2.4": (lambda db: 10 ** (-db / 10), lambda db: 255 * 10 ** (-db / 20), lambda db: 10 ** (db / 20), lambda db: db),
        "2.5": (
            lambda old, new: 1 - 10 ** ((old - new) / 10),
            lambda old, new: 10 ** ((old - new) / 20),
            lambda old, new: (new - old) / new,
            lambda old, new: 0.5,
        ),
        "2.6": (lambda mses: -10 * mses.mean().log10(), lambda mses: -10 * mses.log10(), lambda mses: mses.mean()),
        "2.7": (
            lambda a, b: (signs(a, b) > 0).float().sum() / 2 / 15,
            lambda a, b: signs(a, b).sum() / 2 / 36,
            lambda a, b: signs(a, b).sum() / 15,
            lambda a, b: torch.corrcoef(torch.stack([a, b]))[0, 1],
        ),
        "2.8": (lambda: {1, 5, 6, 8}, lambda: {1, 5, 6, 8, 10, 9}, lambda: {2}, lambda: "all"),
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
)


def line(size, std, centre, total=None):
    one = torch.exp(-0.5 * ((torch.arange(size, dtype=torch.float64) - centre) / std) ** 2)
    kernel = one[:, None] * one
    return kernel / (total or kernel.sum())


def filtered(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None], padding=kernel.shape[-1] // 2)[0, 0]


def apart(small):
    large = torch.zeros(2 * small.shape[0], 2 * small.shape[1], dtype=small.dtype)
    large[::2, ::2] = small
    return large


def luma(image, weights=(65.481, 128.553, 24.966), offset=16.0):
    return torch.einsum("c,chw->hw", torch.tensor(weights, dtype=torch.float64), image) + offset


def ssim(x, y, window, padding=0):
    mx, my, xx, yy, xy = (F.conv2d(z[None, None], window[None, None], padding=padding) for z in (x, y, x * x, y * y, x * y))
    c1, c2 = 2.55**2, 7.65**2
    both = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return (both / ((mx**2 + my**2 + c1) * (xx - mx**2 + yy - my**2 + c2))).mean()


def signs(a, b):
    return torch.sign(a[:, None] - a) * torch.sign(b[:, None] - b)


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
