"""Hidden tests of chapter 6. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch

from restorelab.lesson.exercise import expect, expect_close
from restorelab.models.mprnet_blocks import ChannelAttention


def _normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def attention_of_one(attend) -> None:
    """A batch of one, as the package's own layer does it."""
    x, squeeze, excite = _normal(1, 6, 3, 7, seed=1), _normal(1, 6, seed=2), _normal(6, 1, seed=3)
    layer = ChannelAttention(6, 6, None)
    with torch.no_grad():
        layer.squeeze.weight.copy_(squeeze[:, :, None, None])
        layer.excite.weight.copy_(excite[:, :, None, None])
        gate = layer(x)
    expect_close(attend(x, squeeze, excite), x * gate, "what is let through")


def attention_without_weights(attend) -> None:
    """Matrices of zeros let the same share of every channel through."""
    x = _normal(3, 2, 5, 4, seed=4)
    expect_close(attend(x, torch.zeros(4, 2), torch.zeros(2, 4)), x / 2, "what is let through")


def supervision_of_other_sizes(sam) -> None:
    """Six channels, one picture, higher than wide."""
    x, degraded = _normal(1, 6, 7, 2, seed=5), _normal(1, 3, 7, 2, seed=6)
    features, to_image, gate = _normal(6, 6, seed=7), _normal(3, 6, seed=8), _normal(6, 3, seed=9)
    on, image = sam(x, degraded, features, to_image, gate)
    columns, picture = x.flatten(2)[0], degraded.flatten(2)[0]
    restored = picture + to_image @ columns
    expect_close(image.flatten(2)[0], restored, "the image", tolerance=1e-4)
    expect_close(on.flatten(2)[0], columns + (gate @ restored).sigmoid() * (features @ columns), "the features", tolerance=1e-4)


def supervision_that_adds_nothing(sam) -> None:
    """When the 1x1 convolutions are all zero, both come out as they came in."""
    x, degraded = _normal(2, 4, 3, 3, seed=10), _normal(2, 3, 3, 3, seed=11)
    on, image = sam(x, degraded, torch.zeros(4, 4), torch.zeros(3, 4), _normal(4, 3, seed=12))
    expect_close(on, x, "the features")
    expect_close(image, degraded, "the image")


def deeper_networks(missing) -> None:
    """Networks of more than three U-Nets."""
    for unets, rows, columns in ((4, 16, 16), (5, 32, 16), (6, 32, 32)):
        for height, width in ((100, 50), (1, 1), (96, 96), (333, 501)):
            bottom, right = missing(height, width, unets)
            expect_close(float((height + bottom) % rows), 0.0, "what is left over of the rows")
            expect_close(float((width + right) % columns), 0.0, "what is left over of the columns")
            expect(0 <= bottom < rows and 0 <= right < columns, "no more than is needed")


def distance_of_equals(charbonnier) -> None:
    """The distance of a picture from itself."""
    image = _normal(3, 8, 5, seed=13)
    expect_close(charbonnier(image, image, 0.03), 0.03, "the distance")


def distance_far_away(charbonnier) -> None:
    """Pictures so different that epsilon is nothing beside it."""
    clean = _normal(3, 4, 6, seed=14)
    signs = _normal(3, 4, 6, seed=15).sign()
    expect_close(charbonnier(clean + 50 * signs, clean, 1e-3), 50.0, "the distance")


def slope_measured(slope) -> None:
    """The slope between two values of the loss that lie close together, for a whole map."""
    d = _normal(2, 3, 4, seed=16).double()
    for epsilon in (0.02, 0.7):
        above, below = (((d + step).square() + epsilon**2).sqrt() for step in (1e-6, -1e-6))
        expect_close(slope(d, epsilon), (above - below) / 2e-6, "the slope", tolerance=1e-5)


def slope_turned_over(slope) -> None:
    """An error in the other direction is pulled back as hard."""
    d = _normal(9, seed=17).abs()
    expect_close(slope(-d, 0.1), -slope(d, 0.1), "the slope")


def detail_by_another_blur(detail) -> None:
    """The blur is the one that is handed over, whatever it does."""
    line = _normal(10, seed=18)
    want = line.clone()
    want[::2] = -17 * line[::2]  # this blur triples, what is kept is doubled, and it triples again
    expect_close(detail(line, lambda values: 3 * values), want, "the detail")


def detail_of_three_taps(detail) -> None:
    """A long line, and a blur of three taps."""
    line = _normal(26, seed=19).double()
    spread = torch.zeros(26, dtype=torch.float64)
    spread[::2] = 2 * _three_taps(line)[::2]
    expect_close(detail(line, _three_taps), line - _three_taps(spread), "the detail")


def _three_taps(line: torch.Tensor) -> torch.Tensor:
    return (line.roll(1) + 2 * line + line.roll(-1)) / 4


def stages_of_a_longer_network(choose_stage) -> None:
    """Networks of five stages and of one."""
    clocks, scores = [10.0, 20.0, 30.0, 40.0, 50.0], [27.0, 29.0, 28.0, 31.0, 32.0]
    for budget, want in ((45.0, 4.0), (50.0, 5.0), (30.0, 2.0), (9.0, 0.0)):
        expect_close(choose_stage(clocks, scores, budget), want, "the stage")
    expect_close(choose_stage([10.0], [27.0], 10.0), 1.0, "the stage")


def control_of_other_sizes(control) -> None:
    """Five channels of 2 x 7 places, all of them read backwards."""
    gate = _normal(5, 2, 7, seed=20)
    expect_close(control(gate, torch.arange(13, -1, -1)), gate.flip(1, 2), "the control")


def control_keeps_channels_together(control) -> None:
    """What stands in the channels of one place stays together, and nothing is lost."""
    gate, order = torch.arange(12.0).reshape(1, 4, 3).repeat(2, 1, 1), torch.randperm(12, generator=torch.Generator().manual_seed(21))
    gate[1] += 100
    moved = control(gate, order)
    expect_close(moved[1] - moved[0], torch.full((4, 3), 100.0), "the difference of the channels")
    expect_close(moved[0].flatten(), order.double(), "the places")


def pairs_back_again(pairs) -> None:
    """From a known number of pairs to iterations, and back."""
    for count, epochs, batch in ((2103, 3000, 16), (7, 1, 1), (13_712, 250, 4)):
        expect_close(pairs(count * epochs / batch, epochs, batch), float(count), "the pairs")


HIDDEN = {
    "6.1": (attention_of_one, attention_without_weights),
    "6.2": (supervision_of_other_sizes, supervision_that_adds_nothing),
    "6.3": (deeper_networks,),
    "6.4": (distance_of_equals, distance_far_away),
    "6.5": (slope_measured, slope_turned_over),
    "6.6": (detail_by_another_blur, detail_of_three_taps),
    "6.8": (stages_of_a_longer_network,),
    "6.9": (control_of_other_sizes, control_keeps_channels_together),
    "6.10": (pairs_back_again,),
}
