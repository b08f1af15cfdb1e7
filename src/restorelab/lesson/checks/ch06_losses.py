"""Exercises of chapter 6, Stages that teach each other: the loss."""

import torch
from torch import Tensor

from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close
from restorelab.losses.edge import WEIGHTS, pyramid_detail

DICE = 6


def check_charbonnier(charbonnier) -> None:
    dice = torch.Generator().manual_seed(DICE)
    restored, clean = torch.rand(2, 3, 4, 5, generator=dice), torch.rand(2, 3, 4, 5, generator=dice)
    square = (restored - clean).double().square()
    for epsilon in (0.1, 1e-3):
        smooth = (square + epsilon**2).sqrt()
        expect_close(
            charbonnier(restored, clean, epsilon),
            smooth.mean(),
            f"the Charbonnier distance for epsilon {epsilon}",
            mistakes=[
                ("`epsilon` is squared, too: d² + epsilon².", (square + epsilon).sqrt().mean()),
                (
                    "That is the mean absolute error plus epsilon. The square root goes over the *sum* d² + epsilon².",
                    square.sqrt().mean() + epsilon,
                ),
                ("The root is missing: that is the mean of d² + epsilon².", (square + epsilon**2).mean()),
                (
                    "The mean goes outside: root of every pixel first. Yours is the root of the mean, an RMSE.",
                    (square.mean() + epsilon**2).sqrt(),
                ),
                ("That is a sum. Take the mean, or the loss grows with the picture.", smooth.sum()),
                ("That is the distance of every pixel; return their mean, one number.", smooth),
            ],
        )


def check_slope(slope) -> None:
    d = torch.tensor([-0.5, -0.01, 0.0, 0.001, 0.02, 0.3], dtype=torch.float64)
    for epsilon in (1e-3, 0.1, 10.0):
        root = (d.square() + epsilon**2).sqrt()
        expect_close(
            slope(d, epsilon),
            d / root,
            f"the slope for epsilon {epsilon:g}",
            mistakes=[
                ("That is the loss itself. Its *slope* says how hard it pulls.", root),
                ("That is the limit epsilon -> 0: the absolute error, which pulls as hard however small the error.", d.sign()),
                ("That is the limit of large epsilon: the squared error, scaled.", d / epsilon),
                ("Do not forget the inner derivative: (d² + epsilon²)' = 2d.", 0.5 / root),
                ("The two 2's cancel: 2d / (2 root).", 2 * d / root),
            ],
        )


def check_detail(detail) -> None:
    for size in (8, 12):
        line = torch.randn(size, generator=torch.Generator().manual_seed(size), dtype=torch.float64)
        # every row the same: then the package's two-dimensional filter acts along the line alone, but at the upper and lower border
        whole = pyramid_detail(line.float().expand(1, 1, 32, size))[0, 0, 16].double()
        kept, spread, repeated = _blur(line)[::2], torch.zeros_like(line), _blur(line)[::2].repeat_interleave(2)
        spread[::2] = kept
        expect_close(
            detail(line, _blur),
            whole,
            f"the detail of a line of {size} pixels",
            mistakes=[
                ("Half of the values are zeros, so the second blur comes out half as bright: double what was kept.", line - _blur(spread)),
                ("Nothing was thrown away: that is a line minus its blur, blurred again.", line - _blur(_blur(line))),
                ("A line minus its blur: the way down and up again is missing.", line - _blur(line)),
                ("What was kept is spread out with *zeros* between, not repeated.", line - _blur(repeated)),
                ("The second blur is missing, so every other value is still zero.", line - 2 * spread),
                ("That is what the pyramid keeps. The detail is the line minus it.", _blur(2 * spread)),
            ],
        )


def _blur(line: Tensor) -> Tensor:
    """Burt and Adelson's five weights; the pixel at the border is repeated outwards."""
    padded = torch.cat([line[:1], line[:1], line, line[-1:], line[-1:]])
    return sum(weight * padded[k : k + len(line)] for k, weight in enumerate(WEIGHTS))


def check_total(total) -> None:
    clean = torch.full((1, 3, 4, 4), 0.5)
    stages = [torch.full_like(clean, value).requires_grad_() for value in (0.1, 0.2, 0.4)]
    loss = _through(total, stages, clean)
    expect(isinstance(loss, Tensor) and loss.ndim == 0, "Return one number: a tensor without axes.")
    apart = [_distance(stage, clean).detach() for stage in stages]
    expect_close(
        loss,
        sum(apart),
        "the loss of three stages",
        mistakes=[
            ("That is the loss of the last stage alone. Every stage is to be supervised.", apart[-1]),
            ("That is the loss of the first stage alone.", apart[0]),
            ("That is the mean of the stages. MPRNet adds them up, with equal weights.", sum(apart) / 3),
        ],
    )
    expect(
        loss.requires_grad and loss.grad_fn is not None,
        "The number is right, and nothing learns: the way back to the stages is cut. `torch.tensor(...)` copies numbers without their "
        "history, and `requires_grad_()` makes a new beginning, not a way back.",
    )
    gradients = torch.autograd.grad(loss, stages, allow_unused=True)
    for number, gradient in enumerate(gradients, 1):
        expect(
            gradient is not None and gradient.abs().sum() > 0,
            f"No gradient reaches stage {number}: something cuts it off (`detach`, `.item()`?).",
        )


def _through(total, stages: list[Tensor], clean: Tensor) -> object:
    try:
        return total(stages, clean, _distance)
    except (RuntimeError, TypeError) as error:
        raise Wrong(
            f"It raised {type(error).__name__}: {error}. numpy cannot add tensors that carry a gradient, nor can `torch.sum` add a list."
        ) from error


def _distance(stage: Tensor, clean: Tensor) -> Tensor:
    return (stage - clean).abs().mean()


EXERCISES = (
    Exercise(
        id="6.4",
        title="Charbonnier",
        stars=1,
        minutes=5,
        check=check_charbonnier,
        hints=(
            "Square the difference, add epsilon squared, take the root of every pixel, and the mean of all.",
            "`((restored - clean) ** 2 + epsilon**2).sqrt().mean()`",
        ),
    ),
    Exercise(
        id="6.5",
        title="How hard it pulls",
        stars=2,
        minutes=6,
        check=check_slope,
        hints=(
            "The derivative of sqrt(u) is 1 / (2 sqrt(u)), times that of u = d² + epsilon².",
            "d / sqrt(d² + epsilon²). At d = 0 it is 0; far from it, 1 or -1.",
        ),
    ),
    Exercise(
        id="6.6",
        title="The pyramid's detail",
        stars=3,
        minutes=12,
        check=check_detail,
        hints=(
            "Blur, keep every second value, put zeros between them, blur again; what is missing from the line is the detail.",
            "`spread = torch.zeros_like(line); spread[::2] = 2 * blur(line)[::2]`. Why 2? Half of the values are 0.",
        ),
    ),
    Exercise(
        id="6.7",
        title="Bug hunt: right, and deaf",
        stars=2,
        minutes=8,
        check=check_total,
        hints=(
            "Which of the calls makes a new tensor out of numbers? Ask the result for its `grad_fn`.",
            "Python's own `sum(...)` adds tensors and keeps their history.",
        ),
    ),
)
