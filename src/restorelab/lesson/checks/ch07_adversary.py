"""Exercises of chapter 7, Sixteen times larger: the discriminator and what is heard of it."""

import torch
from torch import Tensor

from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close
from restorelab.losses.adversarial import feature_matching, hinge_discriminator
from restorelab.losses.mixing import consistency as decoder_consistency
from restorelab.losses.mixing import hinge_per_pixel

DICE = 7


def draw(*shape: int, number: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(DICE + number))


def two_maps(number: int) -> tuple[Tensor, Tensor]:
    """What a U-Net discriminator answers: a coarse map, and one with a logit for every pixel."""
    return draw(2, 1, 1, 2, number=number), draw(2, 1, 6, 8, number=number + 1)


def check_hinge(loss) -> None:
    real, fake = two_maps(0), two_maps(2)

    def paid(by_real, by_fake) -> Tensor:
        return sum(by_real(one).mean() for one in real) + sum(by_fake(one).mean() for one in fake)

    def over_all(sign: int, several) -> Tensor:
        return (1 + sign * torch.cat([one.flatten() for one in several])).relu().mean()

    right = hinge_discriminator(real, fake)
    expect_close(
        loss(real, fake),
        right,
        "the discriminator's loss",
        mistakes=[
            (
                "The signs are exchanged: a real picture should get *more than 1*, a fake one less than -1.",
                paid(lambda one: (1 + one).relu(), lambda one: (1 - one).relu()),
            ),
            ("The hinge is missing: max(0, ...) stops the pull once a logit is far enough.",
             paid(lambda one: 1 - one, lambda one: 1 + one)),
            ("Each head has a mean of its own. Thrown together, the few coarse logits drown in the many fine ones.",
             over_all(-1, real) + over_all(1, fake)),
            ("That is the decoder's half. The encoder's map judges the whole picture, and counts as much.",
             (1 - real[1]).relu().mean() + (1 + fake[1]).relu().mean()),
            ("That is the encoder's half. The decoder's map, one logit per pixel, counts as much.",
             (1 - real[0]).relu().mean() + (1 + fake[0]).relu().mean()),
            ("The two heads are added up, not averaged.", right / 2),
            ("That is the real pictures' half. What does it pay for the fake ones?", sum((1 - one).relu().mean() for one in real)),
        ],
    )  # fmt: skip


def check_cutmix(paste) -> None:
    real, fake = draw(2, 3, 6, 8), draw(2, 3, 6, 8, number=1)
    box = dict(top=1, left=3, rows=4, columns=2)
    want = fake.clone()
    want[..., 1:5, 3:5] = real[..., 1:5, 3:5]
    exchanged, turned, last = real.clone(), fake.clone(), fake.clone()
    exchanged[..., 1:5, 3:5] = fake[..., 1:5, 3:5]
    turned[..., 3:5, 1:5] = real[..., 3:5, 1:5]
    last[..., 1:4, 3:2] = real[..., 1:4, 3:2]
    expect_close(
        paste(real, fake, **box),
        want,
        "the mix",
        mistakes=[
            ("The two are exchanged: a real rectangle goes into the fake picture.", exchanged),
            ("Rows and columns of the rectangle are exchanged.", turned),
            ("`rows` and `columns` are sizes, not the place where the rectangle ends.", last),
            ("Nothing was pasted: that is the fake picture.", fake),
            ("That is a blend of the two (MixUp). CutMix pastes.", (real + fake) / 2),
        ],
    )


def check_consistency(distance) -> None:
    real, fake, mixed = (draw(2, 1, 6, 8, number=n) for n in range(3))
    mask = torch.zeros(1, 1, 6, 8)
    mask[..., 1:5, 2:4] = 1
    target, inverted = mask * real + (1 - mask) * fake, mask * fake + (1 - mask) * real
    expect_close(
        distance(real, fake, mixed, mask),
        decoder_consistency(real, fake, mixed, mask),
        "the distance",
        mistakes=[
            ("The mask is inside out: it is 1 where the real rectangle was pasted.", (mixed - inverted).square().mean()),
            ("Squares, not absolute values.", (mixed - target).abs().mean()),
            ("Take the mean over all pixels, not the sum.", (mixed - target).square().sum()),
            ("Outside of the rectangle the answer should be that to the fake picture; it is missing.",
             (mixed - mask * real).square().mean()),
            ("The two answers are averaged everywhere. Which of them counts at a pixel is what the mask says.",
             (mixed - (real + fake) / 2).square().mean()),
            ("Only inside the rectangle: the rest of the answer has to agree, too.", ((mixed - target) * mask).square().mean()),
        ],
    )  # fmt: skip


def check_labels(decoder_loss) -> None:
    logits, mask = draw(2, 1, 6, 8), torch.zeros(1, 1, 6, 8)
    mask[..., 1:4, 2:7] = 1
    of_real, of_fake = (1 - logits).relu(), (1 + logits).relu()
    inside = mask.expand_as(logits) > 0
    right = hinge_per_pixel(logits, mask)
    expect_close(
        decoder_loss(logits, mask),
        right,
        "the decoder's loss",
        mistakes=[
            ("That is the mistake itself: the pasted pixels are real, and are taught as fake.", of_fake.mean()),
            ("Now all of the mix is taught as real. Outside of the rectangle it is fake.", of_real.mean()),
            ("The mask is inside out: it is 1 where the pixels are real.", torch.where(inside, of_fake, of_real).mean()),
            ("The label is -1 or 1. With 0 and 1, fake pixels pay 1 whatever the answer is.", (1 - mask * logits).relu().mean()),
            ("One mean over all pixels. Two means added up give a small rectangle as much weight as all the rest.",
             of_real[inside].mean() + of_fake[~inside].mean()),
            ("The real pixels are left out, where they should be taught as real.", (of_fake * ~inside).mean()),
        ],
    )  # fmt: skip


def check_matching(match) -> None:
    fake = [draw(2, 3, 4, 4, number=n).div(50).requires_grad_() for n in range(2)] + [draw(2, 1, 12, 12, number=9).requires_grad_()]
    real = [draw(*one.shape, number=20 + n).div(50).requires_grad_() for n, one in enumerate(fake)]
    gaps = [(a - b).detach().abs() for a, b in zip(fake, real, strict=True)]
    delta = 0.01
    huber = [torch.where(gap <= delta, gap.square() / 2, delta * (gap - delta / 2)) for gap in gaps]
    means = [one.mean() for one in huber]
    answer = match(fake, real, delta)
    expect_close(
        answer,
        feature_matching(fake, real, delta),
        "the distance of the features",
        mistakes=[
            ("That is what libraries call smooth L1: Huber divided by delta, 100 times larger here.", sum(means) / 3 / delta),
            ("Far from zero Huber is a straight line; half the square is its middle.", sum(gap.square().mean() / 2 for gap in gaps) / 3),
            ("That is the absolute error. Huber rounds its tip and scales it by delta.", sum(gap.mean() for gap in gaps) / 3),
            ("Take the mean over the maps, not their sum.", sum(means)),
            ("Every map has a mean of its own. Thrown together, the largest map drowns the others.",
             torch.cat([one.flatten() for one in huber]).mean()),
        ],
    )  # fmt: skip
    expect(isinstance(answer, Tensor) and answer.requires_grad, "The number is right, and nothing can learn from it: keep its gradient.")
    answer.backward()
    expect(all(one.grad is not None for one in fake), "No gradient reaches the generator's features.")
    expect(
        all(one.grad is None for one in real),
        "The number is right, but a gradient also flows to the *real* features: they are what to match, so `detach` them.",
    )


def check_warm_up(probability) -> None:
    for step in (0, 20_000, 75_000, 75_001, 100_000, 124_999, 130_000, 150_000):
        begun = 75_000
        right = min(0.5, max(step - begun, 0) / 100_000)
        expect_close(
            _number(probability(step, begun)),
            right,
            f"the probability at step {step:,}, when the adversarial phase begins at {begun:,}",
            mistakes=[
                ("That is the authors' line: counted from the first step of all, the rise is over before anyone mixes.",
                 min(0.5, step / 100_000)),
                ("Before the phase begins nothing is mixed: 0, not a negative number.", min(0.5, (step - begun) / 100_000)),
                ("It stops rising at a half.", max(step - begun, 0) / 100_000),
                ("`begun` is where it starts to rise, not how long it takes.", min(0.5, step / begun)),
            ],
        )  # fmt: skip


def _number(answer: object) -> float:
    if isinstance(answer, bool) or not isinstance(answer, (int, float)):
        raise Wrong("Return one number, a probability.")
    return float(answer)


EXERCISES = (
    Exercise(
        id="7.4",
        title="Two heads, two hinges",
        stars=2,
        minutes=8,
        check=check_hinge,
        hints=(
            "For every head: the mean of max(0, 1 - logit) over real pictures, of max(0, 1 + logit) over fake ones.",
            "`sum((1 - head).relu().mean() for head in real)`, and the same with a plus for `fake`.",
        ),
    ),
    Exercise(
        id="7.5",
        title="CutMix",
        stars=1,
        minutes=5,
        check=check_cutmix,
        hints=(
            "Make a copy of `fake` first. Then one assignment to a slice of it.",
            "`mixed[..., top : top + rows, left : left + columns] = real[..., top : top + rows, left : left + columns]`",
        ),
    ),
    Exercise(
        id="7.6",
        title="The answer to a mix",
        stars=2,
        minutes=6,
        check=check_consistency,
        hints=(
            "What should the answer to the mix be? Inside, that to the real picture; outside, that to the fake one.",
            "`target = mask * real + (1 - mask) * fake`; then the mean of the squared difference to `mixed`.",
        ),
    ),
    Exercise(
        id="7.7",
        title="Bug hunt: real pixels, called fake",
        stars=2,
        minutes=8,
        check=check_labels,
        hints=(
            "A hinge with a label: max(0, 1 - label * logit), label 1 for real and -1 for fake.",
            "`label = 2 * mask - 1` is 1 inside the rectangle and -1 outside.",
        ),
    ),
    Exercise(
        id="7.8",
        title="Feature matching",
        stars=3,
        minutes=10,
        check=check_matching,
        hints=(
            "`torch.nn.functional.huber_loss(a, b, delta=delta)` takes the mean of one map. Who must not get a gradient?",
            "Mean over `zip(fake, real)` of `huber_loss(a, b.detach(), delta=delta)`.",
        ),
    ),
    Exercise(
        id="7.9",
        title="Bug hunt: a warm-up that never happens",
        stars=1,
        minutes=4,
        check=check_warm_up,
        hints=(
            "The authors count `step` from the start of the *pixel* phase. What is 75,000 / 100,000?",
            "Count from `begun`, nothing below 0, nothing above a half: `min(0.5, max(0, step - begun) / 100_000)`.",
        ),
    ),
)
