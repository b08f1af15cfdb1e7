"""The first half of the exercises of chapter 08: pairs, intervals, chances."""

import itertools
import math

import torch
from torch import Tensor

from restorelab.lesson.exercise import Exercise, expect_close

Z = 1.959964 + 0.841621  # of the normal distribution: 97.5 % and 80 %


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def check_paired(paired) -> None:
    whole = 30 + 3 * draw(1, 5) + 0.1 * draw(3, 5, seed=1)
    without = whole - 0.3 + 0.2 * draw(3, 5, seed=2)
    gaps = without - whole
    expect_close(
        paired(whole, without),
        gaps.mean(0),
        "the change of every picture",
        mistakes=[
            ("The sign is turned over: a part that helps makes the change of leaving it out negative.", -gaps.mean(0)),
            ("That is one number for each *seed*. Average over the seeds, the first axis.", gaps.mean(1)),
            ("That is the mean of everything. One number for each picture is wanted: they are resampled next.", gaps.mean()),
            ("Those are all differences. Average the trainings of every picture.", gaps),
            ("Those are the scores of the network without the part. Subtract those of the whole one.", without.mean(0)),
        ],
    )


def check_interval(interval) -> None:
    gaps = -0.2 + 0.4 * draw(9)
    picks = torch.randint(9, (500, 9), generator=torch.Generator().manual_seed(3))
    means = gaps[picks].mean(1)
    ends = lambda values, low, high: torch.quantile(values, torch.tensor([low, high], dtype=values.dtype))  # noqa: E731
    spread = 1.96 * gaps.std() / 3
    answer = interval(gaps, picks)
    expect_close(
        torch.stack([torch.as_tensor(one, dtype=torch.float64) for one in answer]) if isinstance(answer, tuple | list) else answer,
        ends(means, 0.025, 0.975),
        "the ends of the interval",
        mistakes=[
            ("That is where the *pictures* lie. The question is where their mean would lie: average every row first.",
             ends(gaps, 0.025, 0.975)),
            ("That holds 90 % of the means: 2.5 % are cut off at either end, not 5.", ends(means, 0.05, 0.95)),
            ("That goes from the smallest to the largest mean: with more draws it would only grow.", ends(means, 0.0, 1.0)),
            ("That is the formula for a normal distribution. Ask the draws.", torch.stack([gaps.mean() - spread, gaps.mean() + spread])),
            ("Those are means over the draws. A row of `picks` is one draw: average along it.",
             ends(gaps[picks].mean(0), 0.025, 0.975)),
        ],
        tolerance=1e-4,
    )  # fmt: skip


def check_pictures(pictures) -> None:
    for std, effect in ((0.5, 0.18), (0.3, -0.1), (1.2, 0.4)):
        want = (Z * std / effect) ** 2
        expect_close(
            float(pictures(std, effect)),
            float(math.ceil(want)),
            f"how many pictures show {effect} dB where they scatter by {std} dB",
            mistakes=[
                ("Half a picture cannot be had: round up.", want),
                ("Rounded down, it is one picture short of the promise: round up.", float(math.floor(want))),
                ("The square is missing: half the effect needs four times the pictures.", float(math.ceil(abs(Z * std / effect)))),
                ("The ratio is upside down: a *smaller* effect needs more pictures.", float(math.ceil((Z * effect / std) ** 2))),
                ("With 1.96 alone it is found every second time. For four times in five add 0.84.",
                 float(math.ceil((1.959964 * std / effect) ** 2))),
            ],
            tolerance=1e-3,
        )  # fmt: skip


def check_p_value(p_value) -> None:
    gaps = torch.tensor([-0.4, -0.1, 0.2, -0.5, -0.3], dtype=torch.float64)
    signs = torch.tensor(list(itertools.product((1.0, -1.0), repeat=5)), dtype=torch.float64)
    means, found = (signs * gaps).mean(1), gaps.mean()
    as_far = means.abs() >= found.abs() - 1e-9
    expect_close(
        torch.as_tensor(p_value(gaps, signs), dtype=torch.float64),
        as_far.double().mean(),
        "the share of the changes of sign",
        mistakes=[
            ("That asks one side only. Nobody knew before which way it would go: compare without signs.",
             (means <= found + 1e-9).double().mean()),
            ("What was found is one of the possibilities, too: `>=`, not `>` (rounding: take 1e-9 off).",
             (means.abs() > found.abs() + 1e-9).double().mean()),
            ("That is the share of those that are *less* far from 0.", (~as_far).double().mean()),
            ("That is how many. Which share of them?", as_far.double().sum()),
        ],
    )  # fmt: skip


def check_adjusted(adjusted) -> None:
    ps = torch.tensor([0.01, 0.04, 0.03, 0.005, 0.6], dtype=torch.float64)
    order = ps.argsort()
    falling = ps[order] * torch.arange(5, 0, -1)
    back = torch.empty_like(order)
    back[order] = torch.arange(5)
    holm = falling.cummax(0).values.clamp(max=1)
    expect_close(
        adjusted(ps),
        holm[back],
        "the corrected p values",
        mistakes=[
            ("That is Bonferroni: every one times all. Holm goes easier on the later ones: the k-th smallest times (count - k + 1).",
             (5 * ps).clamp(max=1)),
            ("They are right, and in the order of their size. Bring them back to the order of the questions.", holm),
            ("One that was larger came out smaller than one before it: take the largest so far (`cummax`).", falling.clamp(max=1)[back]),
            ("The largest is to be multiplied by 1 and the smallest by the count. Yours is the other way round.",
             (ps[order] * torch.arange(1, 6)).cummax(0).values.clamp(max=1)[back]),
        ],
    )  # fmt: skip


EXERCISES = (
    Exercise(
        id="8.1",
        title="Pairs",
        stars=1,
        minutes=4,
        check=check_paired,
        hints=("Same picture, same seed: subtract first, average then.", "`(without - whole).mean(0)`"),
    ),
    Exercise(
        id="8.2",
        title="Other pictures",
        stars=2,
        minutes=8,
        check=check_interval,
        hints=(
            "`gaps[picks]` has a row for every draw. What is asked of a row?",
            "`torch.quantile(gaps[picks].mean(1), q)` with q = 0.025 and 0.975.",
        ),
    ),
    Exercise(
        id="8.3",
        title="How many pictures?",
        stars=2,
        minutes=6,
        check=check_pictures,
        hints=(
            "A mean of n pictures scatters by std / sqrt(n). The effect must be 1.96 + 0.84 times that.",
            "`math.ceil(((1.959964 + 0.841621) * std / effect) ** 2)`",
        ),
    ),
    Exercise(
        id="8.4",
        title="Heads or tails",
        stars=2,
        minutes=8,
        check=check_p_value,
        hints=(
            "Every row of `signs` makes a world in which the part does nothing. What mean has it?",
            "`((signs * gaps).mean(1).abs() >= gaps.mean().abs() - 1e-9).double().mean()`",
        ),
    ),
    Exercise(
        id="8.5",
        title="Many questions",
        stars=3,
        minutes=10,
        check=check_adjusted,
        hints=(
            "Sort. Times count, count - 1, ..., 1. Let none be smaller than one before it. At most 1. Back to the old order.",
            "`order = ps.argsort()`; into `out[order]` goes `(ps[order] * torch.arange(len(ps), 0, -1)).cummax(0).values.clamp(max=1)`.",
        ),
    ),
)
