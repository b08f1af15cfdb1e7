"""Exercises of chapter 7, Sixteen times larger: what is lost, what is invented, who judges it."""

import torch
from torch import Tensor

from restorelab.lesson.checks import ch07_adversary
from restorelab.lesson.checks.ch07_adversary import draw
from restorelab.lesson.exercise import Exercise, expect_close
from restorelab.metrics.feature_distance import FeatureDistance, unit_length
from restorelab.ops.resize import downsample_bicubic, resize_bicubic


def check_free(free) -> None:
    for height, width, scale in ((256, 256, 16), (96, 144, 4), (30, 20, 2)):
        numbers = 3 * height * width
        expect_close(
            float(free(height, width, scale)),
            float(numbers - numbers // scale**2),
            f"the numbers that {height}x{width} pixels, shrunk {scale} times, leave open",
            mistakes=[
                ("Every pixel has three numbers: red, green, blue.", float(numbers - numbers // scale**2) / 3),
                ("Those are the numbers that are *known*. The question is how many are not.", float(numbers // scale**2)),
                ("Those are all the numbers of the large picture. The small one settles some of them.", float(numbers)),
                ("Both sides shrink: one number settles scale * scale of them, not scale.", float(numbers - numbers // scale)),
                ("That is a share. How many numbers is it?", 1 - 1 / scale**2),
            ],
        )


def shrink(image: Tensor) -> Tensor:
    return downsample_bicubic(image[None], 4)[0]


def enlarge(image: Tensor) -> Tensor:
    return resize_bicubic(image[None], scale=4)[0]


def check_held(hold) -> None:
    image, small = draw(3, 32, 24).sigmoid(), draw(3, 8, 6, number=1).sigmoid()
    wrong = small - shrink(image)
    expect_close(
        hold(image, small, shrink, enlarge),
        image + enlarge(wrong),
        "the picture, held to what is known",
        mistakes=[
            ("It is pushed the wrong way: what is missing is `small` minus what the picture shrinks to.", image - enlarge(wrong)),
            ("That is the correction alone. Add it to the picture.", enlarge(wrong)),
            ("That is the small picture, enlarged: all detail is gone.", enlarge(small)),
            ("Nothing was changed: that is the picture as it was.", image),
            ("`small` was added whole. Only what is missing is to be added.", image + enlarge(small)),
        ],
        tolerance=1e-4,
    )


def check_distance(distance) -> None:
    shapes = ((4, 6, 8), (7, 3, 4))
    a, b = ([draw(*shape, number=n + shift).relu() + 0.05 for n, shape in enumerate(shapes)] for shift in (0, 5))
    heads = [draw(shape[0], number=30 + n).abs() for n, shape in enumerate(shapes)]
    judge = FeatureDistance(torch.nn.Identity(), [head.reshape(1, -1, 1, 1) for head in heads], "exercise", 1)
    unit = [[unit_length(one[None])[0] for one in several] for several in (a, b)]
    want = judge.distance(*(tuple(one[None] for one in several) for several in unit))[0]

    def with_rule(x, y, rule=lambda gap, head: (gap.square() * head[:, None, None]).sum(0).mean()) -> Tensor:
        return sum(rule(one - other, head) for one, other, head in zip(x, y, heads, strict=True))

    whole = [[one / one.norm() for one in several] for several in (a, b)]
    places = [[one / one.norm(dim=(1, 2), keepdim=True) for one in several] for several in (a, b)]
    expect_close(
        distance(a, b, heads),
        want,
        "the distance",
        mistakes=[
            ("The features are not scaled: at every place, all channels together get length 1 first.", with_rule(a, b)),
            ("Scaled as a whole. It is every *place* by itself that gets length 1, over its channels.", with_rule(*whole)),
            ("Scaled over the places of each channel. It goes over the channels of each place.", with_rule(*places)),
            ("The heads are missing: each channel's square has a weight.", with_rule(*unit, lambda gap, head: gap.square().sum(0).mean())),
            ("The channels are added up, not averaged; what is averaged is the places.",
             with_rule(*unit, lambda gap, head: (gap.square() * head[:, None, None]).mean())),
            ("The layers are added up, not averaged.", want / len(heads)),
            ("Sum over places: a larger picture would be further off. Take their mean.",
             with_rule(*unit, lambda gap, head: (gap.square() * head[:, None, None]).sum())),
            ("The weights stand outside of the square here; yours are squared, too.",
             with_rule(*unit, lambda gap, head: ((gap * head[:, None, None]) ** 2).sum(0).mean())),
            ("Squared differences, not absolute ones.",
             with_rule(*unit, lambda gap, head: (gap.abs() * head[:, None, None]).sum(0).mean())),
            ("That is its root. LPIPS takes none.", want.sqrt()),
        ],
        tolerance=1e-4,
    )  # fmt: skip


def check_quarrel(quarrel) -> None:
    psnrs = torch.tensor([24.0, 22.0, 30.0, 26.0, 21.0]), torch.tensor([23.5, 22.5, 28.0, 25.0, 20.0])
    distances = torch.tensor([0.9, 0.8, 0.5, 0.4, 0.7]), torch.tensor([0.6, 0.6, 0.7, 0.3, 0.6])
    closer = psnrs[0] > psnrs[1]
    nearer = distances[0] < distances[1]
    means = [float(one.mean()) for one in (*psnrs, *distances)]
    expect_close(
        quarrel(*psnrs, *distances),
        (closer != nearer).float().mean(),
        "the share of the pictures on which the two judges disagree",
        mistakes=[
            (
                "A *low* distance is good, a high PSNR is good: yours takes high for good in both, and so counts their agreement.",
                (closer == nearer).float().mean(),
            ),
            ("That is how many pictures. Which share of them?", (closer != nearer).float().sum()),
            ("That is the share that PSNR gives to the first.", closer.float().mean()),
            ("That is the share that the distance gives to the first.", nearer.float().mean()),
            ("That asks the means, once. Ask every picture.", float((means[0] > means[1]) != (means[2] < means[3]))),
        ],
    )  # fmt: skip


EXERCISES = (
    Exercise(
        id="7.1",
        title="What is left to invent",
        stars=1,
        minutes=4,
        check=check_free,
        hints=(
            "How many numbers has the large picture, and how many equations does the small one give?",
            "3 * height * width numbers; the small picture has 1 / scale**2 of them.",
        ),
    ),
    Exercise(
        id="7.2",
        title="Held to what is known",
        stars=2,
        minutes=6,
        check=check_held,
        hints=(
            "Shrink the picture. By how much does it miss the small one?",
            "`image + enlarge(small - shrink(image))`",
        ),
    ),
    Exercise(
        id="7.3",
        title="LPIPS from features",
        stars=3,
        minutes=12,
        check=check_distance,
        hints=(
            "Layer by layer: divide by the length over the channels (`.norm(dim=0, keepdim=True)`), subtract, square, weigh the channels.",
            "`(head[:, None, None] * (x - y) ** 2).sum(0).mean()` of scaled x and y, added up over the layers.",
        ),
    ),
    *ch07_adversary.EXERCISES,
    Exercise(
        id="7.10",
        title="Two judges",
        stars=2,
        minutes=6,
        check=check_quarrel,
        hints=(
            "Two answers for every picture: does PSNR prefer the first? Does the distance?",
            "`((psnr_a > psnr_b) != (distance_a < distance_b)).float().mean()`",
        ),
    ),
)
