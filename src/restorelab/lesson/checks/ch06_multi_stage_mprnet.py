"""Exercises of chapter 6, Stages that teach each other: attention, sizes, stopping early."""

import torch
from torch import Tensor

from restorelab.lesson.checks import ch06_losses
from restorelab.lesson.exercise import Exercise, expect, expect_close
from restorelab.models.mprnet_blocks import SAM, ChannelAttention

DICE = 6  # of everything that a check draws


def draw(*shape: int, number: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(DICE + number))


def check_channel_attention(attend) -> None:
    x, squeeze, excite = draw(2, 4, 5, 3), draw(2, 4, number=1), draw(4, 2, number=2)
    block = ChannelAttention(4, 2, None)
    with torch.no_grad():
        block.squeeze.weight.copy_(squeeze[:, :, None, None])
        block.excite.weight.copy_(excite[:, :, None, None])
        gate = block(x)

    def gated(pooled: Tensor, hidden=torch.relu, last=torch.sigmoid) -> Tensor:
        return x * last(hidden(pooled @ squeeze.T) @ excite.T)[:, :, None, None]

    mean = x.mean((2, 3))
    expect_close(
        attend(x, squeeze, excite),
        x * gate,
        "what channel attention lets through",
        mistakes=[
            ("Those are the gates alone. Channel attention *multiplies* the features by them.", gate),
            ("Those are the gates alone, without their two axes for the places.", gate[:, :, 0, 0]),
            ("The ReLU between the two matrices is missing.", gated(mean, hidden=lambda y: y)),
            ("Every gate is to be in (0, 1) by itself: a sigmoid. A softmax lets the channels compete.", gated(mean, last=_softmax)),
            ("There is no sigmoid at the end: these gates are any number, below 0 too.", gated(mean, last=lambda y: y)),
            ("Pooling takes the *mean* of every channel here, not its largest value.", gated(x.amax((2, 3)))),
            ("The mean goes over the places (height and width), for every picture of the batch by itself.", gated(_batch_mean(x))),
        ],
    )


def _softmax(y: Tensor) -> Tensor:
    return y.softmax(1)


def _batch_mean(x: Tensor) -> Tensor:
    return x.mean((0, 2, 3))[None].expand(len(x), -1)


def check_sam(sam) -> None:
    x, degraded = draw(2, 4, 3, 5), draw(2, 3, 3, 5, number=1).sigmoid()
    features, to_image, gate = draw(4, 4, number=2), draw(3, 4, number=3), draw(4, 3, number=4)
    theirs = SAM(4, 3)
    with torch.no_grad():
        theirs.features.weight.copy_(features[:, :, None, None])
        theirs.gate.weight.copy_(gate[:, :, None, None])
        residual = _by_pixel(to_image, x)
        image = residual + degraded
        out, mask = theirs(x, image, None)
    answer = sam(x, degraded, features, to_image, gate)
    expect(isinstance(answer, (tuple, list)) and len(answer) == 2, "Return two things: (features, image).")
    stressed = _by_pixel(features, x)
    expect_close(
        answer[1],
        image,
        "the image of the stage",
        mistakes=[
            ("The two are exchanged: features first, then the image.", out),
            ("That is the residual. The image is the residual *plus* the degraded picture.", residual),
        ],
    )
    expect_close(
        answer[0],
        out,
        "the features that go on",
        mistakes=[
            ("The straight wire is missing: what is stressed is *added* to the features as they came.", stressed * mask),
            ("The mask is made from the residual. SAM looks at the restored *picture*.", x + stressed * _gate(gate, residual)),
            (
                "The mask is made from the degraded picture; the one just restored is to say where to look.",
                x + stressed * _gate(gate, degraded),
            ),
            ("The mask has no sigmoid, so it is not between 0 and 1.", x + stressed * _by_pixel(gate, image)),
            ("The features go through a 1x1 convolution (`features`) before they are weighted.", x + x * mask),
        ],
    )


def _by_pixel(matrix: Tensor, x: Tensor) -> Tensor:
    """A 1x1 convolution."""
    return torch.einsum("oc,bchw->bohw", matrix, x)


def _gate(matrix: Tensor, image: Tensor) -> Tensor:
    return _by_pixel(matrix, image).sigmoid()


def check_missing(missing) -> None:
    for height, width, unets in ((720, 1281, 2), (481, 321, 2), (64, 72, 2), (50, 50, 1), (33, 100, 3), (8, 8, 2)):
        rows, columns = 4 * 2 ** ((unets + 1) // 2), 4 * 2 ** (unets // 2)
        patches = rows // 4, columns // 4
        expect_close(
            _two_numbers(missing(height, width, unets)),
            _two(-height % rows, -width % columns),
            f"what {height}x{width} lacks for {unets} U-Nets and an ORSNet",
            mistakes=[
                (
                    "A size that fits already lacks nothing: `m - n % m` gives m there, where `-n % m` gives 0.",
                    _two(rows - height % rows, columns - width % columns),
                ),
                (
                    "Those fit the patches. Inside every patch a U-Net halves the size twice more.",
                    _two(-height % patches[0], -width % patches[1]),
                ),
                (
                    "Those fit the U-Net. The first stage also cuts the picture into patches, and each of them must fit.",
                    _two(-height % 4, -width % 4),
                ),
                ("Rows and columns are exchanged: the rows are halved first.", _two(-height % columns, -width % rows)),
                ("That is the padded size; return how much is missing.", _two(height + -height % rows, width + -width % columns)),
                ("Those are for two U-Nets, whatever `unets` is.", _two(-height % 8, -width % 8)),
            ],
        )


def _two(bottom: int, right: int) -> Tensor:
    return torch.tensor([float(bottom), float(right)])


def _two_numbers(answer) -> Tensor:
    expect(isinstance(answer, (tuple, list)) and len(answer) == 2, "Return two whole numbers: (rows at the bottom, columns on the right).")
    expect(all(isinstance(number, int) for number in answer), "Both should be whole numbers (int).")
    return _two(*answer)


def check_choose_stage(choose_stage) -> None:
    clocks, scores = [40.0, 90.0, 210.0], [28.0, 30.0, 31.0]
    cases = (
        ([40.0, 50.0, 60.0], scores, 250.0, 3, "everything fits"),
        (clocks, scores, 250.0, 3, "everything fits, if only just"),
        (clocks, scores, 130.0, 2, "two stages fit"),
        (clocks, scores, 90.0, 2, "the budget is just met"),
        (clocks, scores, 30.0, 0, "nothing fits"),
        (clocks, [28.0, 30.0, 29.5], 250.0, 2, "the last stage made it worse"),
    )
    for milliseconds, psnrs, budget, want, when in cases:
        fits = [number for number, clock in enumerate(milliseconds, 1) if clock <= budget]
        summed = [number for number in (1, 2, 3) if sum(milliseconds[:number]) <= budget]
        strictly = [number for number in fits if milliseconds[number - 1] < budget]
        expect_close(
            choose_stage(milliseconds, psnrs, budget),
            float(want),
            f"the stage when {when} (budget {budget:.0f} ms)",
            mistakes=[
                ("Every time counts from the start, so they must not be added up.", float(max(summed, default=0))),
                ("The last that fits is not always the best: look at the scores, too.", float(max(fits, default=0))),
                ("The best of all stages does not help when it comes too late: keep to the budget.", float(1 + psnrs.index(max(psnrs)))),
                ("Stages are counted from 1, and 0 is the degraded picture itself.", float(want - 1)),
                ("A stage that takes exactly the budget is in time.", float(max(strictly, key=lambda n: psnrs[n - 1], default=0))),
            ],
        )


def check_control(control) -> None:
    gate, order = draw(3, 4, 5).sigmoid(), torch.randperm(20, generator=torch.Generator().manual_seed(DICE))
    want = gate.flatten(1)[:, order].view_as(gate)
    apart = [channel.flatten()[order.roll(number)].view(4, 5) for number, channel in enumerate(gate)]
    expect_close(
        control(gate, order),
        want,
        "the control",
        mistakes=[
            ("Nothing moved: that is the gate as it was.", gate),
            ("Every channel was shuffled in its own way. A pixel's channels belong together: move them together.", torch.stack(apart)),
            ("The values are gone: a mean everywhere is a control for *place and contrast*. Here the values stay.", _flat(gate)),
            (
                "It is shuffled backwards: place number i gets the gate from place `order[i]`.",
                gate.flatten(1)[:, order.argsort()].view_as(gate),
            ),
            ("Rows and columns of the picture are exchanged: count the places along the rows.", _by_columns(gate, order)),
        ],
    )


def _flat(gate: Tensor) -> Tensor:
    return gate.mean((1, 2), keepdim=True).expand_as(gate)


def _by_columns(gate: Tensor, order: Tensor) -> Tensor:
    turned = gate.transpose(1, 2)
    return turned.flatten(1)[:, order].view_as(turned).transpose(1, 2)


def check_pairs(pairs) -> None:
    for iterations, epochs, batch in ((4e5, 3000, 16), (1e5, 500, 8), (396_000, 3000, 16)):
        expect_close(
            pairs(iterations, epochs, batch),
            iterations * batch / epochs,
            f"the pairs behind {iterations:.0f} iterations, {epochs} epochs, batch {batch}",
            mistakes=[
                ("Those are the iterations of one epoch. Each of them takes a whole batch of pairs.", iterations / epochs),
                ("That counts every pair once per epoch: all the pairs ever seen. An epoch sees each pair once.", iterations * batch),
                ("Batches are made *of* pairs: multiply by the batch.", iterations / epochs / batch),
                ("Upside down: more epochs with the same iterations mean fewer pairs.", epochs * batch / iterations),
            ],
        )


EXERCISES = (
    Exercise(
        id="6.1",
        title="Channel attention",
        stars=2,
        minutes=8,
        check=check_channel_attention,
        hints=(
            "Mean over height and width: `b c`. Then two matrices, a ReLU between them, a sigmoid after.",
            "`gate = ((x.mean((2, 3)) @ squeeze.T).relu() @ excite.T).sigmoid()`; give it two axes of length 1 and multiply.",
        ),
    ),
    Exercise(
        id="6.2",
        title="Supervised attention",
        stars=3,
        minutes=12,
        check=check_sam,
        hints=(
            'A 1x1 convolution is `torch.einsum("oc,bchw->bohw", matrix, x)`. Make the image first: nothing else can be made without it.',
            "image = 1x1(to_image, x) + degraded; mask = sigmoid of 1x1(gate, image); features = x + 1x1(features, x) * mask.",
        ),
    ),
    Exercise(
        id="6.3",
        title="What a size lacks",
        stars=2,
        minutes=6,
        check=check_missing,
        hints=(
            "Every U-Net but the one before the ORSNet sees smaller patches: cuts are 2x1, then 2x2, 4x2, 4x4 for 1, 2, 3, 4 U-Nets.",
            "Rows: a multiple of `4 * 2 ** ((unets + 1) // 2)`; columns: of `4 * 2 ** (unets // 2)`. In Python, `-n % m` is what n lacks.",
        ),
    ),
    *ch06_losses.EXERCISES,
    Exercise(
        id="6.8",
        title="Stop in time",
        stars=2,
        minutes=8,
        check=check_choose_stage,
        hints=(
            "First list the stages that are in time. Then take the one with the best score among them.",
            "`max(fits, key=lambda n: psnrs[n - 1], default=0)`, with `fits` counted from 1.",
        ),
    ),
    Exercise(
        id="6.9",
        title="A control for attention",
        stars=2,
        minutes=8,
        check=check_control,
        hints=(
            "Flatten height and width into one axis of places: `gate.flatten(1)` is `c h*w`.",
            "Index that axis by `order`, the same for all channels, and give it its shape back: `.view_as(gate)`.",
        ),
    ),
    Exercise(
        id="6.10",
        title="How many pairs?",
        stars=1,
        minutes=4,
        check=check_pairs,
        hints=(
            "One epoch shows every pair once. How many iterations is one epoch?",
            "iterations / epochs is the iterations of one epoch; each takes `batch` pairs.",
        ),
    ),
)
