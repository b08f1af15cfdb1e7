"""Hidden tests of chapter 1. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import math

import torch
from torch.nn import functional as F

from restorelab.degrade import gaussian_kernel
from restorelab.lesson.checks.ch01_degradation import kernel_distance
from restorelab.lesson.exercise import expect, expect_close
from restorelab.ops.light import to_display, to_linear


def _random(*shape: int, seed: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _correlated(image, kernel):
    return F.conv2d(image[None, None], kernel[None, None], padding=kernel.shape[-1] // 2)[0, 0]


def gaussian_sums_to_one(gaussian) -> None:
    """A wide kernel, cut off by a small window, still sums to 1."""
    expect_close(gaussian(5, 6.0).sum(), 1.0, "the sum")


def gaussian_ratio(gaussian) -> None:
    """The ratio of two neighbours is that of the Gaussian's formula."""
    kernel = gaussian(21, 2.7)
    expect_close(kernel[10, 13] / kernel[10, 10], math.exp(-0.5 * (3 / 2.7) ** 2), "the ratio", tolerance=1e-4)


def gaussian_even(gaussian) -> None:
    """A kernel of even size looks the same from all four sides."""
    kernel = gaussian(6, 0.9)
    expect(kernel.shape == (6, 6), "the size")
    for other in (kernel.flip(0), kernel.flip(1), kernel.T):
        expect_close(kernel, other, "the kernel")


def ellipse_direction(ellipse) -> None:
    """A narrow ellipse at 45 degrees lies along the diagonal that rises to the right."""
    kernel = ellipse(17, 4.0, 0.6, 45.0)
    expect(kernel[4, 12] > 10 * kernel[4, 4], "the direction")


def ellipse_round(ellipse) -> None:
    """With both widths equal, the angle changes nothing."""
    expect_close(ellipse(13, 1.7, 1.7, 77.0), gaussian_kernel(1.7, 1.0, 0.0, 13), "the kernel", tolerance=1e-4)


def ellipse_steep(ellipse) -> None:
    """Angles beyond 90 degrees, and negative ones."""
    for angle in (135.0, -20.0, 200.0):
        expect_close(ellipse(19, 3.3, 1.2, angle), gaussian_kernel(3.3, 1.2 / 3.3, angle, 19), "the kernel", tolerance=1e-4)


def convolution_of_a_point(convolve) -> None:
    """One point of light becomes a picture of the kernel, not of the kernel turned around."""
    image, kernel = torch.zeros(11, 9), _random(3, 3, seed=11)
    image[5, 4] = 2.0
    expect_close(convolve(image, kernel)[4:7, 3:6], 2 * kernel, "the picture")


def convolution_larger(convolve) -> None:
    """A larger kernel, and a picture that is higher than wide."""
    image, kernel = _random(20, 8, seed=12), _random(7, 7, seed=13)
    expect_close(convolve(image, kernel), _correlated(image, kernel.flip(0, 1)), "the picture")


def adjoint_by_its_definition(adjoint) -> None:
    """<Ax, z> and <x, A'z> are equal, for a kernel of 5 x 5 and a wide picture."""
    kernel, x, z = (_random(*size, seed=seed, dtype=torch.float64) for size, seed in (((5, 5), 21), ((6, 14), 22), ((3, 7), 23)))
    left = (_correlated(x, kernel)[::2, ::2] * z).sum()
    expect_close((x * adjoint(z, kernel)).sum(), left, "the product", tolerance=1e-8)


def adjoint_of_one_pixel(adjoint) -> None:
    """One small pixel lays down the kernel as it is, around the place where it was taken from."""
    small, kernel = torch.zeros(4, 4), _random(3, 3, seed=24)
    small[1, 2] = 1.0
    expect_close(adjoint(small, kernel)[1:4, 3:6], kernel, "the patch")


def exposure_of_equal_frames(expose) -> None:
    """Frames that are all the same give that frame again."""
    frame = _random(3, 5, 4, seed=31)
    expect_close(expose(frame.expand(7, 3, 5, 4), to_linear, to_display), frame, "the exposure", tolerance=1e-4)


def exposure_with_another_curve(expose) -> None:
    """The curves are those that are handed over, whatever they are."""
    frames = _random(4, 1, 3, 3, seed=32)
    expect_close(expose(frames, torch.square, torch.sqrt), frames.square().mean(0).sqrt(), "the exposure")


def basis_is_orthonormal(basis) -> None:
    """The rows are orthonormal, for kernels of another size."""
    rows = basis(_random(40, 5, 5, seed=41, dtype=torch.float64), 6)
    expect_close(rows @ rows.T, torch.eye(6, dtype=torch.float64), "the products of the rows", tolerance=1e-4)


def basis_keeps_the_mean(basis) -> None:
    """Kernels that are all the same need one direction only: the kernel itself."""
    kernel = _random(5, 5, seed=42, dtype=torch.float64)
    (row,) = basis(kernel.expand(9, 5, 5).contiguous(), 1)
    expect_close((row @ kernel.flatten()).abs(), kernel.norm(), "the length along the row", tolerance=1e-4)


def order_by_its_result(photograph) -> None:
    """Four other steps, in the order in which a camera does them."""
    steps = (lambda x: x + 1, lambda x: x * 3, lambda x: x - 5, lambda x: x * 2)
    expect_close(photograph(torch.full((2, 2), 4.0), *steps), torch.full((2, 2), 20.0), "the picture")


def rain_covers(add_rain) -> None:
    """Where a drop stands for the whole exposure, nothing of the scene is left."""
    expect_close(add_rain(_random(3, 4, 5, seed=51), torch.ones(1, 4, 5), 0.65), torch.full((3, 4, 5), 0.65), "the light")


def rain_of_the_same_light(add_rain) -> None:
    """A drop as bright as the scene changes nothing."""
    expect_close(add_rain(torch.full((3, 4, 5), 0.3), _random(1, 4, 5, seed=52), 0.3), torch.full((3, 4, 5), 0.3), "the light")


def match_closely(my_blur) -> None:
    """The kernels differ by less than 3 %."""
    expect(kernel_distance(tuple(map(float, my_blur()))) < 0.03, "the distance")


HIDDEN = {
    "1.1": (gaussian_sums_to_one, gaussian_ratio, gaussian_even),
    "1.2": (ellipse_direction, ellipse_round, ellipse_steep),
    "1.3": (convolution_of_a_point, convolution_larger),
    "1.4": (adjoint_by_its_definition, adjoint_of_one_pixel),
    "1.5": (exposure_of_equal_frames, exposure_with_another_curve),
    "1.6": (basis_is_orthonormal, basis_keeps_the_mean),
    "1.7": (order_by_its_result,),
    "1.8": (rain_covers, rain_of_the_same_light),
    "1.9": (match_closely,),
}
