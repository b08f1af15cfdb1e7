"""Hidden tests of chapter 3. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch
from torch.nn import functional as F

from restorelab.lesson.exercise import expect_close


def _random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def one_pixel_comes_down(top_down) -> None:
    """Where one bright pixel of the coarser map lands, when the tap saw nothing."""
    tap, weight, coarser = torch.zeros(1, 2, 10, 4), torch.ones(3, 2), torch.zeros(1, 3, 5, 2)
    coarser[0, 1, 3, 1] = 5.0
    want = torch.zeros(1, 3, 10, 4)
    want[0, 1, 6:8, 2:4] = 5.0
    expect_close(top_down(tap, weight, coarser), want, "the finer map")


def as_many_channels(top_down) -> None:
    """A tap that has as many channels as the pyramid, in a batch of three."""
    tap, weight, coarser = _random(3, 4, 4, 10, seed=1), _random(4, 4, seed=2), _random(3, 4, 2, 5, seed=3)
    want = F.conv2d(tap, weight[:, :, None, None]) + coarser.repeat_interleave(2, -1).repeat_interleave(2, -2)
    expect_close(top_down(tap, weight, coarser), want, "the finer map")


def macs_counted(macs) -> None:
    """The pixels and the weights of real layers, with kernels of 5 and 7."""
    for height, width, channels_in, channels_out, kernel, stride in ((24, 40, 3, 6, 5, 2), (16, 64, 7, 1, 7, 8), (9, 15, 2, 5, 5, 3)):
        weight = torch.zeros(channels_out, channels_in, kernel, kernel)
        seen = torch.zeros(1, channels_in, height // stride, width // stride)
        pixels = F.conv2d(seen, weight, padding=kernel // 2)[0, 0].numel()  # each takes every weight once
        want = float(pixels * weight.numel())
        expect_close(float(macs(height, width, channels_in, channels_out, kernel, stride)), want, "the count", tolerance=1e-9)


def count_of_the_package(count) -> None:
    """The decoder of the package, in two other widths."""
    for width, want in ((48, 162_075.0), (20, 31_623.0)):  # of DeblurGANv2 with mobilenet_v2, counted without the backbone
        expect_close(float(count((16, 24, 32, 64, 160), width)), want, "the count", tolerance=1e-9)


def count_of_one_channel_more(count) -> None:
    """By how much it grows when one of the taps has a channel more."""
    taps, width = [10, 20, 30, 40, 50], 64
    for number, more in enumerate((32, 64, 64, 64, 64)):
        wider = [channels + (place == number) for place, channels in enumerate(taps)]
        expect_close(float(count(wider, width) - count(taps, width)), float(more), "the growth", tolerance=1e-9)


def more_real_than_fake(loss) -> None:
    """Batches of which one has more pictures than the other."""
    real, fake = 2 * _random(5, 1, 3, 6, seed=4), _random(2, 1, 3, 6, seed=5)
    want = (real - fake.mean() - 1).square().mean() / 2 + (fake - real.mean() + 1).square().mean() / 2
    expect_close(loss(real, fake, 1.0), want, "the loss")


def only_the_difference_counts(loss) -> None:
    """With the same number added to all logits, the loss stays."""
    real, fake = 3 * _random(2, 1, 4, 4, seed=6), _random(2, 1, 4, 4, seed=7)
    expect_close(loss(real + 7, fake + 7, 0.5), float(loss(real, fake, 0.5)), "the loss")


def nothing_to_pay(loss) -> None:
    """A judge that keeps exactly the margin pays nothing."""
    expect_close(loss(torch.full((2, 1, 3, 3), 0.75), torch.full((2, 1, 3, 3), -0.25), 1.0), 0.0, "the loss")


def field_measured(field) -> None:
    """The pixels that one value really depends on, for other kernels and strides."""
    for layers in ([(5, 3), (2, 2), (3, 1)], [(1, 1), (6, 4)], [(2, 2)] * 4):
        pixels = x = torch.zeros(1, 1, 400, dtype=torch.float64, requires_grad=True)
        for kernel, stride in layers:
            x = F.conv1d(x, torch.ones(1, 1, kernel, dtype=torch.float64), stride=stride)
        x[0, 0, 2].backward()
        expect_close(float(field(layers)), float((pixels.grad != 0).sum()), "the side")


def field_of_nothing(field) -> None:
    """A judge without any layer, which is handed the picture itself."""
    expect_close(float(field([])), 1.0, "the side")


def norm_of_torch(normalise) -> None:
    """A batch of one, with other channels, in float32."""
    x = 4 * _random(1, 6, 2, 9, seed=8).float() - 1
    expect_close(normalise(x), F.instance_norm(x), "the normalised map", tolerance=1e-4)


def norm_of_one_picture_of_many(normalise) -> None:
    """A picture gives the same, whatever lies beside it in the batch."""
    x = _random(4, 2, 5, 3, seed=9)
    x[1:] *= 100
    expect_close(normalise(x)[:1], normalise(x[:1]), "the first picture")


HIDDEN = {
    "3.1": (one_pixel_comes_down, as_many_channels),
    "3.3": (macs_counted,),
    "3.4": (count_of_the_package, count_of_one_channel_more),
    "3.5": (more_real_than_fake, only_the_difference_counts, nothing_to_pay),
    "3.6": (field_measured, field_of_nothing),
    "3.8": (norm_of_torch, norm_of_one_picture_of_many),
}
