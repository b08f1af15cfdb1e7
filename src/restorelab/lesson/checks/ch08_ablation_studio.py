"""Exercises of chapter 08, The ablation studio: from a question to a word that may be printed."""

import itertools
import math

import torch

from restorelab.lesson.checks import ch08_inference
from restorelab.lesson.checks.ch08_inference import draw
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close


def check_cost(cost) -> None:
    for axes, seeds, minutes in (({"sam": 2, "csff": 2}, 3, 20), ({"width": 3, "stages": 4, "loss": 2}, 5, 1.5)):
        runs = math.prod(axes.values()) * seeds
        expect_close(
            float(cost(axes, seeds, minutes)),
            float(runs * minutes),
            f"the minutes of a sweep over {axes} with {seeds} seeds",
            mistakes=[
                ("That is how many trainings. Each takes `minutes`.", float(runs)),
                ("The seeds are missing: every point of the grid is trained with each of them.", float(runs * minutes / seeds)),
                ("A grid *multiplies* its axes: every value of one meets every value of the others.",
                 float(sum(axes.values()) * seeds * minutes)),
                ("That is one axis after the other, the rest left alone. A grid has every combination.",
                 float((sum(axes.values()) - len(axes) + 1) * seeds * minutes)),
            ],
        )  # fmt: skip


CASES = (
    ((-0.5, -0.1, (-0.3, -0.2, -0.4), -0.4), "agrees", ""),
    ((0.1, 0.5, (0.3, 0.2, 0.4), -0.4), "disagrees", "The interval lies above 0, the published change below: that disagrees."),
    ((-0.5, 0.1, (-0.3, -0.2, -0.4), -0.4), "too close to call", "The interval holds 0, so nothing is settled."),
    ((-0.5, -0.1, (-0.6, 0.1, -0.4), -0.4), "too close to call", "One training says the contrary: pictures alone do not settle it."),
    ((0.1, 0.5, (0.3, 0.2, 0.4), 0.02), "agrees", "Only the direction counts: a small training is no measurement of a paper's decibels."),
    (
        (-0.5, -0.1, (-0.3, -0.2, -0.4), 0.4),
        "disagrees",
        "A published rise and a measured fall: that disagrees. Is a sign fixed in your code?",
    ),
)


def check_verdict(verdict) -> None:
    for given, want, sentence in CASES:
        answer = verdict(*given)
        expect(answer is not None and answer is not ..., "Return one of the three words.")
        words = ("agrees", "too close to call", "disagrees")
        expect(answer in words, f"Return one of {', '.join(map(repr, words))}; yours is {answer!r}.")
        expect(answer == want, sentence or "A clear fall that was published as a fall: that agrees.")


def check_together(together) -> None:
    whole, no_a, no_b, neither = (30 + draw(4, seed=seed) for seed in range(4))
    want = neither - no_a - no_b + whole
    expect_close(
        together(whole, no_a, no_b, neither),
        want,
        "what the two do together",
        mistakes=[
            ("The sign is turned over: what both lose, less what each loses alone.", -want),
            ("That is what both lose. Take off what each loses alone.", neither - whole),
            ("Those are the losses of each alone, added. Subtract them from what both lose.", no_a + no_b - 2 * whole),
            ("`whole` is subtracted twice too often: every loss is against it, and there are three.", neither - no_a - no_b - whole),
            ("Losses are differences: subtract `whole` from each first.", neither - no_a - no_b),
        ],
    )


def check_flatters(flatters) -> None:
    gains = torch.tensor([0.1, 1.4, -0.3, 0.8, 2.2, 0.6], dtype=torch.float64)
    choices = torch.tensor(list(itertools.combinations(range(6), 2)))
    means = gains[choices].mean(1)
    for chosen in (torch.tensor([1, 3]), torch.tensor([0, 4])):
        shown = gains[chosen].mean()
        below = means < shown - 1e-9
        expect_close(
            torch.as_tensor(flatters(gains, chosen, choices), dtype=torch.float64),
            below.double().mean(),
            "the share of the choices that look worse",
            mistakes=[
                ("That is the share of those that look *better*.", (means > shown + 1e-9).double().mean()),
                ("The choice itself does not look worse than itself: `<`, not `<=`.", (means <= shown + 1e-9).double().mean()),
                ("That is how many. Which share of them?", below.double().sum()),
                ("That compares with single pictures. Compare with choices of as many.", (gains < shown).double().mean()),
                ("That is by how much the choice is above the mean. How unusual is that among all choices?", shown - gains.mean()),
            ],
        )


# The table of exercise 8.10: its lines, and for the bad ones what is wrong with them.
TABLE = (
    ("Table 3. Ours against others on GoPro. Higher is better.", ""),
    ("method   PSNR (dB)      how it was obtained", ""),
    ("A        32.66          copied from A's paper: RGB, whole pictures", ""),
    ("B        33.41          run by us on Y, RGB was not available", "another protocol in the same column: Y alone is worth dB"),
    ("Ours     33.02          best of five seeds; the mean is 32.71", "the best of several seeds against single runs of others"),
    ("Ours+    33.06          the checkpoint that was best on the test pictures", "chosen on the pictures that it is judged by"),
    ("Ours++   33.05874       seed 0", "five decimals of a figure that scatters in the first"),
    ("The gain of Ours over A is significant: three pictures, all better.", "three of three is one chance in four: two-sided p 0.25"),
    ("Figure 4 shows the pictures drawn by seed 7, and the worst.", ""),
)
BAD_LINES = {number for number, (_, fault) in enumerate(TABLE, 1) if fault}


def misleading() -> str:
    """The table with its line numbers."""
    return "\n".join(f"{number:2}  {line}" for number, (line, _) in enumerate(TABLE, 1))


def check_misleading(bad_lines) -> None:
    answer = bad_lines()
    words = "Return a set of line numbers, such as {3, 7}."
    expect(isinstance(answer, set | frozenset | list | tuple) and all(isinstance(number, int) for number in answer), words)
    wrong, missing = sorted(set(answer) - BAD_LINES), BAD_LINES - set(answer)
    if wrong:
        raise Wrong(f"Line {wrong[0]} is all right. ({len(set(answer) & BAD_LINES)} of the {len(BAD_LINES)} are in your set.)")
    if missing:
        raise Wrong(f"{len(missing)} of {len(BAD_LINES)} are still missing. Ask of every line: could another choice have been printed?")


EXERCISES = (
    *ch08_inference.EXERCISES,
    Exercise(
        id="8.6",
        title="What a sweep costs",
        stars=1,
        minutes=3,
        check=check_cost,
        hints=("A grid has every combination of its values, each with every seed.", "`math.prod(axes.values()) * seeds * minutes`"),
    ),
    Exercise(
        id="8.7",
        title="The word",
        stars=2,
        minutes=8,
        check=check_verdict,
        hints=(
            "When is nothing settled? If the interval holds 0, or the trainings do not all say the same.",
            "A sign from the interval, 0 if the signs of `per_seed` differ; then sign times `published`: above, at, or below 0.",
        ),
    ),
    Exercise(
        id="8.8",
        title="Together",
        stars=2,
        minutes=6,
        check=check_together,
        hints=(
            "Three losses, each against `whole`: of a alone, of b alone, of both.",
            "`(neither - whole) - (no_a - whole) - (no_b - whole)`",
        ),
    ),
    Exercise(
        id="8.9",
        title="Flattery",
        stars=2,
        minutes=6,
        check=check_flatters,
        hints=("What mean gain has each of the `choices`?", "`(gains[choices].mean(1) < gains[chosen].mean() - 1e-9).double().mean()`"),
    ),
    Exercise(
        id="8.10",
        title="Bug hunt: a table that misleads",
        stars=2,
        minutes=8,
        check=check_misleading,
        hints=(
            "Five lines mislead. The title and the figure are not among them.",
            "What was chosen after seeing the result? What is not comparable? What is more exact than it can be?",
        ),
    ),
)
