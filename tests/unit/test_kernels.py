import math

import numpy as np
import pytest
import torch
from scipy.stats import multivariate_normal

from restorelab.degrade.kernels import (
    covariance_kernels,
    effective_std,
    gaussian_kernel,
    isotropic_kernels,
    mass_outside,
    pad_or_crop,
    path_kernel,
)
from restorelab.errors import ParameterError


def one(*numbers: float) -> list[np.ndarray]:
    return [np.array([float(number)]) for number in numbers]


def pixel_by_pixel(variance_long: float, variance_short: float, theta: float, size: int) -> np.ndarray:
    """As KAIR does it: a scipy density at each pixel; x right, y down, theta in radians from x to y."""
    axes = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    covariance = axes @ np.diag([variance_long, variance_short]) @ axes.T
    at = range(-(size // 2), size // 2 + 1)
    kernel = np.array([[multivariate_normal.pdf([x, y], mean=[0, 0], cov=covariance) for x in at] for y in at])
    return kernel / kernel.sum()


def by_the_first_formula(std: float, ratio: float, angle: float) -> torch.Tensor:
    """What `gaussian_kernel` computed when the course checkpoint was trained with its blurs."""
    size = 2 * math.ceil(3 * std) + 1
    offset = torch.arange(size, dtype=torch.float64) - size // 2
    up, right = -offset[:, None], offset[None, :]
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = right * cos + up * sin, up * cos - right * sin
    weight = torch.exp(-0.5 * ((along / std) ** 2 + (across / (std * ratio)) ** 2))
    return (weight / weight.sum()).float()


@pytest.mark.parametrize("long, short, theta, size", [(8.0, 3.6, 2.1, 15), (4.0, 0.15, -0.6, 11), (1.0, 1.0, 0.0, 7)])
def test_the_density_at_every_pixel(long, short, theta, size):
    """Their angle goes from right to down, ours from right to up: the sign changes, and radians become degrees."""
    got = covariance_kernels(*one(long, short, -np.degrees(theta)), size, torch.float64)[0]
    np.testing.assert_allclose(got, pixel_by_pixel(long, short, theta, size), atol=1e-15, rtol=0)
    ours_in_32 = covariance_kernels(*one(long, short, -np.degrees(theta)), size)[0]
    assert ours_in_32.dtype == torch.float32
    np.testing.assert_allclose(ours_in_32, got, atol=1e-7, rtol=0)


def test_forty_five_degrees_points_up_and_to_the_right():
    kernel = covariance_kernels(*one(9, 0.5, 45), 15)[0]
    assert kernel[2, 12] > 100 * kernel[2, 2]
    assert torch.equal(kernel, gaussian_kernel(3.0, math.sqrt(0.5) / 3, 45.0, size=15))


def test_gaussian_kernel_is_what_it_was():
    rng = np.random.default_rng(0)
    for _ in range(100):
        std, ratio, angle = float(rng.uniform(0.05, 8)), float(rng.uniform(0.02, 1)), float(rng.uniform(-360, 360))
        torch.testing.assert_close(gaussian_kernel(std, ratio, angle), by_the_first_formula(std, ratio, angle), atol=1e-7, rtol=0)


@pytest.mark.parametrize("size", [1, 5, 15, 41])
def test_a_batch_is_its_kernels_one_by_one(size):
    rng = np.random.default_rng(1)
    lists = rng.uniform(0.1, 10, 150), rng.uniform(0.1, 4, 150), rng.uniform(-180, 180, 150)
    kernels = covariance_kernels(*lists, size, torch.float64)
    assert kernels.shape == (150, size, size)
    for number in (0, 71, 72, 73, 149):  # 72 kernels of 15x15 are one block
        alone = covariance_kernels(*(values[number : number + 1] for values in lists), size, torch.float64)[0]
        torch.testing.assert_close(kernels[number], alone, atol=1e-16, rtol=0)
    assert (kernels >= 0).all() and (kernels.sum((1, 2)) - 1).abs().max() < 1e-14
    assert torch.equal(covariance_kernels(*map(torch.from_numpy, lists), size, torch.float64), kernels)
    assert covariance_kernels(*np.empty((3, 0)), size).shape == (0, size, size)


def test_round_kernels_take_widths():
    kernel = isotropic_kernels(np.array([1.0, 2.0]), 31)
    torch.testing.assert_close(kernel[1], gaussian_kernel(2.0, size=31))
    torch.testing.assert_close(effective_std(kernel), torch.tensor([[1.0, 1.0], [2.0, 2.0]], dtype=torch.float64), atol=1e-5, rtol=0)


def test_effective_std_finds_both_axes_at_any_angle_and_place():
    kernel = covariance_kernels(*one(6.25, 1.44, 33), 31)
    torch.testing.assert_close(effective_std(kernel)[0], torch.tensor([2.5, 1.2], dtype=torch.float64), atol=1e-4, rtol=0)
    line = path_kernel(torch.tensor([[0.0, -2.0], [0.0, 0.0], [0.0, 2.0]]))
    torch.testing.assert_close(effective_std(line), torch.tensor([math.sqrt(8 / 3), 0.0], dtype=torch.float64), atol=1e-6, rtol=0)
    moved = torch.roll(kernel, (1, -3), (1, 2))
    torch.testing.assert_close(effective_std(moved), effective_std(kernel), atol=1e-4, rtol=0)


def test_what_a_window_cuts_off():
    widths = np.array([0.2, 1.0, 2.0, 3.0, 4.0])
    got = mass_outside(widths**2, widths**2, np.zeros(5), 15)
    far = np.arange(-60, 61)
    for width, share in zip(widths, got, strict=True):
        line = np.exp(-0.5 * (far / width) ** 2)
        assert float(share) == pytest.approx(1 - (line[np.abs(far) <= 7].sum() / line.sum()) ** 2, abs=1e-12)
    assert 1 - got[3:].numpy() == pytest.approx([0.976, 0.883], abs=5e-4)
    std = effective_std(isotropic_kernels(widths, 15))[:, 0]
    assert float(std[4]) == pytest.approx(3.41, abs=5e-3)  # asked for: 4
    assert float(std[0]) == pytest.approx(0.003, abs=5e-4)  # narrower than a pixel is no blur
    assert mass_outside(*np.empty((3, 0)), 15).shape == (0,)


def test_a_diagonal_streak_loses_less_than_one_along_the_rows():
    along, diagonal = mass_outside(*np.array([[16.0, 16.0], [0.25, 0.25], [0.0, 45.0]]), 15)
    assert diagonal < 0.5 * along
    assert float(mass_outside(*one(16, 0.25, 0), 31)[0]) < 0.01 * along


def test_another_window():
    kernels = isotropic_kernels(np.array([1.0, 3.0]), 15)
    padded = pad_or_crop(kernels, 21)
    assert padded.shape == (2, 21, 21) and torch.equal(padded[:, 3:18, 3:18], kernels)
    torch.testing.assert_close(pad_or_crop(padded, 15), kernels, atol=0, rtol=1e-6)
    torch.testing.assert_close(pad_or_crop(kernels, 9), isotropic_kernels(np.array([1.0, 3.0]), 9))
    assert torch.equal(pad_or_crop(kernels, 15), kernels)
    edge = torch.zeros(5, 5)
    edge[0, 0] = 1
    with pytest.raises(ParameterError, match="take a larger size"):
        pad_or_crop(edge, 3)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: covariance_kernels(*one(1, 1, 0), 14), "odd whole number"),
        (lambda: gaussian_kernel(1.0, size=4), "odd whole number"),
        (lambda: pad_or_crop(torch.ones(3, 3), 2), "odd whole number"),
        (lambda: mass_outside(*one(1, 1, 0), 2), "odd whole number"),
        (lambda: covariance_kernels(*one(1, 0, 0), 15), "positive"),
        (lambda: mass_outside(*one(-1, 1, 0), 15), "positive"),
        (lambda: isotropic_kernels(np.array([1.0, np.nan]), 15), "positive"),
        (lambda: covariance_kernels(*one(np.inf, 1, 0), 15), "positive"),
        (lambda: gaussian_kernel(0.0), "positive"),
    ],
)
def test_what_is_no_kernel_is_refused(call, words):
    with pytest.raises(ParameterError, match=words):
        call()
