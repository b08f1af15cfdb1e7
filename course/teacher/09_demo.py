"""Hidden tests of chapter 9. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import numpy as np
import torch
from torch.nn import functional as F

from restorelab.demo.waiting import serve_in_turn
from restorelab.lesson.exercise import expect, expect_close

FIELDS = ("data", "terms", "degradation", "limits", "licence")


def picture_of_a_dark_file(to_picture) -> None:
    """A night picture of 16 bits, in which no number is large."""
    samples = np.array([[[7, 0, 200], [255, 31, 8]]], dtype=np.uint16)
    expect_close(to_picture(samples, 0.5), torch.from_numpy(samples / 65535).permute(2, 0, 1), "the picture", tolerance=1e-7)


def picture_that_is_transparent(to_picture) -> None:
    """A picture of 16 bits, all of it transparent but for one opaque pixel."""
    samples = np.full((2, 5, 4), 40_000, dtype=np.uint16)
    samples[..., 3] = 0
    samples[1, 2] = (65535, 0, 65535, 65535)
    want = torch.full((3, 2, 5), 0.25)
    want[:, 1, 2] = torch.tensor([1.0, 0.0, 1.0])
    expect_close(to_picture(samples, 0.25), want, "the picture")


def picture_of_half_covered_grey(to_picture) -> None:
    """Grey of 8 bits with transparency, higher than wide, over black and over white."""
    samples = np.tile(np.array([204, 51], dtype=np.uint8), (6, 2, 1))
    for background, want in ((0.0, 0.16), (1.0, 0.96)):
        expect_close(to_picture(samples, background), torch.full((3, 6, 2), want), "the picture")


def refusal_of_long_ones(refusal) -> None:
    """Long and narrow pictures, some of which keep every limit."""
    for width, height, fits in ((8000, 500, True), (16, 250_000, True), (250_001, 16, False), (15, 16, False)):
        expect((refusal(width, height, 1) == "") == fits, "the answer")


def refusal_at_other_scales(refusal) -> None:
    """The size that goes out, at scales 3 and 8."""
    for width, height, scale, fits in ((1333, 1333, 3, True), (1334, 1334, 3, False), (500, 500, 8, True), (501, 500, 8, False)):
        expect((refusal(width, height, scale) == "") == fits, "the answer")


def tiles_of_many_sizes(starts) -> None:
    """Many lengths: every pixel is in a tile, none looks over the edge, all but the last stand equally far apart."""
    for tile, overlap in ((8, 3), (16, 0), (5, 4)):
        for length in (1, tile - 1, tile, tile + 1, 3 * tile - 2, 61):
            begins = list(starts(length, tile, overlap))
            steps = [after - before for before, after in zip(begins, begins[1:], strict=False)]
            expect(begins[0] == 0 and begins[-1] == max(length - tile, 0), "the ends")
            expect(all(step == tile - overlap for step in steps[:-1]) and all(0 < step <= tile - overlap for step in steps), "the steps")


def radius_measured(radius) -> None:
    """The pixels that really change one pixel of the output, where strides and dilations meet."""
    for layers in ([(3, 2, 1), (3, 1, 4)], [(5, 3, 1), (3, 2, 2), (3, 1, 1)], [(3, 1, 2), (7, 2, 3)]):
        pixels = x = torch.zeros(1, 1, 201, dtype=torch.float64, requires_grad=True)
        for kernel, stride, dilation in layers:
            ones = torch.ones(1, 1, kernel, dtype=torch.float64)
            x = F.conv1d(x, ones, stride=stride, dilation=dilation, padding=dilation * (kernel // 2))
        x[0, 0, x.shape[-1] // 2].backward()
        seen = (pixels.grad != 0).nonzero()[:, 2]
        expect_close(float(radius(layers)), float(seen.max() - seen.min()) / 2, "the radius")


def radius_of_nothing(radius) -> None:
    """A network without layers, and one that looks at single pixels alone."""
    expect_close(float(radius([])), 0.0, "the radius")
    expect_close(float(radius([(1, 2, 1), (1, 1, 1)])), 0.0, "the radius")


def share_of_a_single_tile(share) -> None:
    """A picture that is one tile: the first and the last at once."""
    expect_close(share(9, 4, True, True), torch.ones(9), "the shares")


def shares_of_odd_overlaps(share) -> None:
    """Overlaps of an odd number of pixels, of one, and of half a tile."""
    for tile, overlap in ((11, 5), (7, 1), (10, 5)):
        falls, rises = share(tile, overlap, True, False)[-overlap:], share(tile, overlap, False, True)[:overlap]
        expect_close(falls + rises, torch.ones(overlap), "the sum")
        expect(bool((rises.diff() > 0).all()) and 0 < float(rises[0]) < 1, "the rise")


def forecast_of_what_was_measured(forecast) -> None:
    """The two pictures that were measured, and one between them."""
    small, large = (10_000, 0.7), (50_000, 2.3)
    for pixels, want in ((10_000, 0.7), (50_000, 2.3), (30_000, 1.5)):
        expect_close(float(forecast(small, large, pixels)), want, "the seconds")


def forecast_of_a_smaller_one(forecast) -> None:
    """A picture smaller than both."""
    expect_close(float(forecast((10_000, 0.7), (50_000, 2.3), 2500)), 0.4, "the seconds")


def waits_of_a_crowd(waits) -> None:
    """Thirty visitors, with pauses between them."""
    rng = np.random.default_rng(1)
    for mean in (2.0, 6.0):
        arrivals = rng.exponential(mean, 30).cumsum().tolist()
        expect_close(
            torch.tensor(waits(arrivals, 3.5), dtype=torch.float64), torch.from_numpy(serve_in_turn(arrivals, 3.5).waits), "the waits"
        )


def waits_of_nobody(waits) -> None:
    """A day on which nobody comes, and work that takes no time."""
    expect(list(waits([], 4.0)) == [], "the list")
    expect_close(torch.tensor(waits([1.0, 1.0, 2.0], 0.0)), torch.zeros(3), "the waits")


def admitted_at_the_very_moment(admitted) -> None:
    """Somebody comes at the very moment at which the one who waited begins."""
    expect([bool(one) for one in admitted([0.0, 1.0, 5.0, 6.0], 5.0, 1)] == [True, True, True, False], "the answers")


def admitted_of_a_crowd(admitted) -> None:
    """Forty visitors, and queues of different lengths."""
    rng = np.random.default_rng(2)
    for most in (0, 2, 5):
        arrivals = rng.exponential(1.5, 40).cumsum().tolist()
        want = [not np.isnan(wait) for wait in serve_in_turn(arrivals, 4.0, most).waits]
        expect([bool(one) for one in admitted(arrivals, 4.0, most)] == want, "the answers")


def steps_and_back(to_steps) -> None:
    """Every step that a file can hold, to [0, 1] and back."""
    for white in (255, 65535):
        steps = torch.arange(white + 1, dtype=torch.float64)
        expect_close(to_steps(steps / white, white), steps, "the steps", tolerance=1e-9)


def steps_far_outside(to_steps) -> None:
    """Values far outside of [0, 1], in a picture of three channels."""
    image = torch.tensor([-40.0, 0.5012, 900.0]).reshape(3, 1, 1).expand(3, 2, 4)
    want = torch.tensor([0.0, 128.0, 255.0]).reshape(3, 1, 1).expand(3, 2, 4)
    expect_close(to_steps(image, 255), want, "the steps")


def a_whole_card() -> dict:
    return {name: f"some {name}" for name in FIELDS} | {"figures": [{"psnr": 31.2, "protocol": "RGB, 8-bit", "on": "12 pictures"}]}


def figures_that_say_nothing(lacking) -> None:
    """A figure whose protocol is there, and empty."""
    for key in ("protocol", "on"):
        card = a_whole_card()
        card["figures"].append({"psnr": 30.0, "protocol": "Y", "on": "5 pictures"} | {key: ""})
        expect(lacking(card) == {"figures"}, "the set")


def several_at_once(lacking) -> None:
    """Several faults in one card: no figures, no licence, and a text of line breaks."""
    card = a_whole_card() | {"data": "\n\t\n", "author": ""}
    del card["figures"], card["licence"]
    expect(lacking(card) == {"data", "licence", "figures"}, "the set")


HIDDEN = {
    "9.1": (picture_of_a_dark_file, picture_that_is_transparent, picture_of_half_covered_grey),
    "9.2": (refusal_of_long_ones, refusal_at_other_scales),
    "9.3": (tiles_of_many_sizes,),
    "9.4": (radius_measured, radius_of_nothing),
    "9.5": (share_of_a_single_tile, shares_of_odd_overlaps),
    "9.6": (forecast_of_what_was_measured, forecast_of_a_smaller_one),
    "9.7": (waits_of_a_crowd, waits_of_nobody),
    "9.8": (admitted_at_the_very_moment, admitted_of_a_crowd),
    "9.9": (steps_and_back, steps_far_outside),
    "9.10": (figures_that_say_nothing, several_at_once),
}
