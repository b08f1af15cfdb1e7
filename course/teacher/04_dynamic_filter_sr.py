"""Hidden tests of chapter 4. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch
from scipy.ndimage import correlate
from torch.nn import functional as F

from restorelab.lesson.exercise import expect, expect_close
from restorelab.ops.dynamic_filter import dynamic_filter


def _random(*shape: int, seed: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def code_of_one_tap(code_of) -> None:
    """A kernel that is zero but for one tap, in another size."""
    kernel, matrix = torch.zeros(7, 7, dtype=torch.float64), _random(4, 49, seed=1)
    kernel[5, 2] = 3.0
    expect_close(code_of(kernel, matrix), 3 * matrix[:, 19], "the code")


def told_of_three(told) -> None:
    """Three pictures, each with a noise level of its own, and codes of two numbers."""
    image, code, sigma = _random(3, 3, 2, 5, seed=2), _random(3, 2, seed=3), torch.tensor([0.0, 50.0, 255.0], dtype=torch.float64)
    maps = told(image, code, sigma)
    expect(maps.shape == (3, 6, 2, 5), "the shape")
    expect_close(maps[:, :3], image, "the colours")
    expect_close(maps[:, 3:5].amin((2, 3)), code, "the code")
    expect_close(maps[:, 5, 1, 4], torch.tensor([0.0, 50 / 255, 1.0]), "the noise level")


def filter_of_one_kernel(filter_with) -> None:
    """The same kernel at every pixel of a grey picture: a filter as other libraries have it."""
    image, kernel = _random(1, 1, 8, 5, seed=4), _random(5, 5, seed=5)
    want = torch.from_numpy(correlate(image[0, 0].numpy(), kernel.numpy(), mode="nearest"))
    expect_close(filter_with(image, kernel[None, :, :, None, None].expand(1, 5, 5, 8, 5))[0, 0], want, "the picture")


def filter_of_one_tap(filter_with) -> None:
    """Kernels of a single tap brighten each pixel by itself."""
    image, kernels = _random(3, 2, 4, 7, seed=6), _random(3, 1, 1, 4, 7, seed=7)
    expect_close(filter_with(image, kernels), image * kernels[:, 0], "the picture")


def filter_of_tiny_pictures(filter_with) -> None:
    """A picture that is smaller than its kernels."""
    image, kernels = _random(2, 3, 2, 1, seed=8), _random(2, 5, 5, 2, 1, seed=9)
    expect_close(filter_with(image, kernels), dynamic_filter(image, kernels[:, None, None].contiguous()), "the picture")


def windows_weighed(copied) -> None:
    """The bytes of what unfold returns."""
    for b, c, h, w, k in ((3, 2, 7, 4, 5), (1, 5, 6, 9, 1)):
        windows = F.unfold(torch.zeros(b, c, h, w), k, padding=k // 2)
        expect_close(float(copied(b, c, h, w, k)), float(windows.numel() * windows.element_size()), "the bytes")


def layout_of_grey(lay_out) -> None:
    """One channel, four times as large, as torch's own layer lays it out."""
    values = _random(3, 1, 4, 4, 2, 3, seed=10)
    expect_close(lay_out(values), F.pixel_shuffle(values.flatten(1, 3), 4), "the picture")


def layout_of_one_pixel(lay_out) -> None:
    """A picture of one pixel, five times as large."""
    values = _random(2, 3, 5, 5, 1, 1, seed=11)
    expect_close(lay_out(values), values[..., 0, 0], "the picture")


def line_with_another_curve(bicubic_line) -> None:
    """The curve is the one that is handed over, whatever it is."""
    weights = bicubic_line(4, lambda distance: distance)
    want = torch.arange(-2, 3) + torch.tensor([[0.375], [0.125], [-0.125], [-0.375]])
    expect_close(weights, want, "the weights")


def line_of_five(bicubic_line) -> None:
    """Scale 5, where one output pixel lies exactly on the input pixel."""
    weights = bicubic_line(5, lambda distance: (1 - distance.abs()).clamp(min=0))
    want = torch.tensor([[0, 2, 3, 0, 0], [0, 1, 4, 0, 0], [0, 0, 5, 0, 0], [0, 0, 4, 1, 0], [0, 0, 3, 2, 0]]) / 5
    expect_close(weights, want, "the weights")


def picture_of_a_column(picture_of) -> None:
    """Taps of 7 x 7, of which those of the first column are bright."""
    taps = torch.zeros(49, dtype=torch.float64)
    taps[:7] = torch.arange(1.0, 8.0, dtype=torch.float64)
    want = torch.zeros(7, 7)
    want[:, 0] = torch.arange(1.0, 8.0)
    expect_close(picture_of(taps), want, "the picture")


def frame_seen(frame) -> None:
    """A white wall that really goes through the filters."""
    for scale, radius, refinements in ((3, 2, 1), (2, 1, 4), (1, 3, 2)):
        wall = torch.ones(1, 1, 24, 24, dtype=torch.float64)
        wall = _box(wall, radius).repeat_interleave(scale, -1).repeat_interleave(scale, -2)
        for _ in range(refinements):
            wall = _box(wall, radius)
        middle = wall[0, 0, wall.shape[-2] // 2]
        expect_close(float(frame(scale, radius, refinements)), float((middle < 1 - 1e-9).sum()) / 2, "the depth")


def _box(image: torch.Tensor, radius: int) -> torch.Tensor:
    return F.avg_pool2d(image, 2 * radius + 1, stride=1, padding=radius)


def channels_that_shuffle(channels) -> None:
    """Other scales, up to 6, asked of the shuffle itself."""
    for scale, kernel_size, width in ((1, 3, 5), (6, 3, 7), (5, 9, 10)):
        kernels, shuffle = channels(scale, kernel_size, width)
        expect_close(float(F.pixel_shuffle(torch.zeros(1, shuffle, 1, 1), scale).shape[1]), float(width), "the width")
        expect_close(float(kernels), float((scale * kernel_size) ** 2), "the kernels")


HIDDEN = {
    "4.1": (code_of_one_tap,),
    "4.2": (told_of_three,),
    "4.3": (filter_of_one_kernel, filter_of_one_tap, filter_of_tiny_pictures),
    "4.4": (windows_weighed,),
    "4.5": (layout_of_grey, layout_of_one_pixel),
    "4.6": (line_with_another_curve, line_of_five),
    "4.7": (picture_of_a_column,),
    "4.8": (frame_seen,),
    "4.9": (channels_that_shuffle,),
}
