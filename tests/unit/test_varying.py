import dataclasses
import json

import numpy as np
import pytest
import torch
from scipy.interpolate import RegularGridInterpolator

from restorelab.data import photos
from restorelab.degrade import GaussianBlur, convolve
from restorelab.degrade.varying import (
    VaryingBlur,
    gather,
    gather_basis,
    gather_gaussian,
    gaussian_kernels,
    scatter,
    scatter_gaussian,
    spread,
)
from restorelab.errors import RecipeError

BORDERS = ["mirror", "replicate", "zeros"]
SHAPES = [(3, 17, 22), (1, 5, 40), (2, 3, 2), (1, 1, 1)]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def random(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(rng(seed).random(shape))


def outside(position: int, size: int, border: str) -> int | None:
    """Where a position beyond the border reads from, one step at a time."""
    while not 0 <= position < size:
        if border == "zeros":
            return None
        if border == "replicate" or size == 1:
            return min(max(position, 0), size - 1)
        position = -position if position < 0 else 2 * (size - 1) - position
    return position


def gather_pixel_by_pixel(image, kernels, border):
    (height, width), taps = image.shape[1:], kernels.shape[0]
    out = torch.zeros_like(image)
    for y, x, i, j in np.ndindex(height, width, taps, taps):
        row, column = outside(y + i - taps // 2, height, border), outside(x + j - taps // 2, width, border)
        if row is not None and column is not None:
            out[:, y, x] += kernels[i, j, y, x] * image[:, row, column]
    return out


@pytest.mark.parametrize("border", BORDERS)
def test_gathering_is_what_it_says_pixel_by_pixel(border):
    image, kernels = random(2, 6, 5), random(5, 5, 6, 5, seed=1)
    torch.testing.assert_close(gather(image, kernels, border), gather_pixel_by_pixel(image, kernels, border), atol=1e-12, rtol=0)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_the_gaussian_without_kernels_is_the_one_with_them(shape, border):
    image, std = random(*shape), 0.1 + 2 * random(*shape[1:], seed=1)
    kernels = gaussian_kernels(std, 6)
    torch.testing.assert_close(gather_gaussian(image, std, 6, border), gather(image, kernels, border), atol=1e-12, rtol=0)
    torch.testing.assert_close(scatter_gaussian(image, std, 6, border), scatter(image, kernels, border), atol=1e-12, rtol=0)
    single = gather_gaussian(image.float(), std.float(), 6, border)
    torch.testing.assert_close(single.double(), gather(image, kernels, border), atol=1e-6, rtol=0)


def test_a_picture_of_many_bands_is_that_of_one(monkeypatch):
    image, std = random(3, 40, 30), 0.2 + 2 * random(40, 30, seed=1)
    whole = gather_gaussian(image, std), scatter_gaussian(image, std)
    monkeypatch.setattr("restorelab.degrade.varying.BAND", 7 * 3 * 30)  # seven rows, so that a band of five remains
    torch.testing.assert_close((gather_gaussian(image, std), scatter_gaussian(image, std)), whole, atol=1e-12, rtol=0)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_gather_and_scatter_are_adjoint(shape, border):
    x, y, kernels = random(*shape), random(*shape, seed=1), random(9, 9, *shape[1:], seed=2)
    std = 0.1 + 2 * random(*shape[1:], seed=3)
    for forward, adjoint, what in ((gather, scatter, kernels), (gather_gaussian, scatter_gaussian, std)):
        left, right = (forward(x, what, border=border) * y).sum(), (x * adjoint(y, what, border=border)).sum()
        assert float(left) == pytest.approx(float(right), rel=1e-12, abs=1e-10)


def test_one_kernel_for_all_is_a_plain_convolution_for_the_lens_and_a_correlation_for_the_network():
    image, kernel = random(2, 20, 20), random(5, 5, seed=1)
    kernels = kernel[:, :, None, None].expand(5, 5, 20, 20)
    torch.testing.assert_close(gather(image, kernels), convolve(image, kernel.flip(0, 1)))
    inside = (slice(None), slice(4, -4), slice(4, -4))
    torch.testing.assert_close(scatter(image, kernels)[inside], convolve(image, kernel)[inside])


def test_gathering_keeps_brightness_and_scattering_keeps_light():
    std = spread(torch.tensor([[0.3, 3.0]]), 30, 40)[0].double()
    even, image = torch.ones(1, 30, 40, dtype=torch.float64), random(1, 30, 40)
    torch.testing.assert_close(gather_gaussian(even, std), even)
    assert float(scatter_gaussian(image, std).sum()) == pytest.approx(float(image.sum()))
    assert (scatter_gaussian(even, std) - even).abs().max() > 0.02  # uneven where the width changes
    assert abs(float(gather_gaussian(image, std).sum() - image.sum())) > 0.1


def test_a_point_of_light_through_a_lens_is_the_kernel_of_that_point():
    kernels = gaussian_kernels(0.5 + 2 * random(21, 21), 4)
    point = torch.zeros(1, 21, 21, dtype=torch.float64)
    point[0, 8, 11] = 1
    torch.testing.assert_close(scatter(point, kernels)[0, 4:13, 7:16], kernels[:, :, 8, 11])
    assert not torch.allclose(gather(point, kernels)[0, 4:13, 7:16], kernels[:, :, 8, 11])


def eigen_kernels(kernels: torch.Tensor, count: int) -> torch.Tensor:
    """`k k w` -> the `count` kernels that most of these are mixtures of."""
    taps = kernels.shape[0]
    return torch.linalg.svd(kernels.flatten(0, 1).T, full_matrices=False).Vh[:count].unflatten(1, (taps, taps))


def code(kernels: torch.Tensor, basis: torch.Tensor) -> torch.Tensor:
    return torch.einsum("nij,ijhw->nhw", basis, kernels)


def test_a_mixture_of_few_blurs_comes_closer_with_each():
    """Worst error in 255ths, on a photograph whose blur goes from std 0.2 to 4, from left to right."""
    image = photos.load("coffee")[:, 100:196, 200:296].double()
    std = torch.linspace(0.2, 4.0, 96, dtype=torch.float64).expand(96, 96)
    kernels = gaussian_kernels(std, 7)
    want, errors = gather(image, kernels), []
    for count in (3, 5, 8, 15):
        basis = eigen_kernels(kernels[:, :, 0], count)
        errors.append(255 * float((gather_basis(image, basis, code(kernels, basis)) - want).abs().max()))
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 5 and errors[2] < 1 and errors[3] < 0.01


def test_a_cut_off_mixture_keeps_brightness_only_if_asked_to():
    std = 0.3 + 3 * random(24, 24)
    kernels = gaussian_kernels(std, 7)
    basis = eigen_kernels(kernels.flatten(2, 3), 2)
    even = torch.ones(1, 24, 24, dtype=torch.float64)
    torch.testing.assert_close(gather_basis(even, basis, code(kernels, basis)), even)
    torch.testing.assert_close(gather_basis(even.float(), basis, code(kernels, basis).float()), even.float())  # in the picture's type
    assert (gather_basis(even, basis, code(kernels, basis), keep_brightness=False) - even).abs().max() > 0.02


def test_spread_is_bilinear_from_corner_to_corner():
    grid = random(3, 4).float()
    rows, columns = np.meshgrid(np.linspace(0, 2, 13), np.linspace(0, 3, 17), indexing="ij")
    want = RegularGridInterpolator((np.arange(3), np.arange(4)), grid.numpy())((rows, columns))
    torch.testing.assert_close(spread(grid, 13, 17)[0], torch.from_numpy(want).float())


@pytest.mark.parametrize("std", [0.05, 0.7, 1.6, 7 / 3, 3.0])
def test_the_same_width_everywhere_is_the_gaussian_blur(std):
    image = random(3, 30, 24).float()
    varying, same = VaryingBlur(((std,),)), GaussianBlur(std)
    assert varying.margin == same.margin
    torch.testing.assert_close(varying.apply(image, rng())[0], same.apply(image, rng())[0], atol=2e-6, rtol=0)


def test_the_step_blurs_where_the_map_says_and_says_where():
    image = random(3, 60, 80).float()
    blurred, truth = VaryingBlur(((0.3, 0.3), (0.3, 3.0))).apply(image, rng())
    assert blurred.dtype == torch.float32 and blurred.shape == image.shape
    assert truth["std_map"].shape == (1, 60, 80) and float(truth["std_map"][0, -1, -1]) == pytest.approx(3.0)
    change = (blurred - image).abs().mean(0)
    assert change[:30, :40].mean() < change[30:, 40:].mean()
    assert float(blurred[:, -15:, -15:].std()) < 0.2 * float(blurred[:, :15, :15].std())
    torch.testing.assert_close(blurred[:1], VaryingBlur(((0.3, 0.3), (0.3, 3.0))).apply(image[:1], rng())[0])


def test_drawn_widths_are_drawn_anew_and_the_generator_decides():
    step, image = VaryingBlur((((0.3, 3.0), 1.0),)), random(1, 12, 12).float()
    torch.manual_seed(0)
    before = torch.get_rng_state()
    first, again, other = (step.apply(image, rng(seed)) for seed in (1, 1, 2))
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(first[0], again[0]) and not torch.equal(first[0], other[0])
    left = float(first[1]["std_map"][0, 0, 0])
    assert 0.3 <= left <= 3.0 and left != float(other[1]["std_map"][0, 0, 0])
    assert step.margin == 9


@pytest.mark.parametrize("stds", [((0.3, 2.5),), ((1,), (2,)), (((0.3, 1.0), 2.5), (1.0, (0.5, 2.0)))])
def test_json_gives_an_equal_step_back(stds):
    step = VaryingBlur(stds)
    values = json.loads(json.dumps(dataclasses.asdict(step)))
    assert VaryingBlur(**values) == step and VaryingBlur(tuple(values["stds"])) == step  # all lists, and as a recipe reads them
    assert hash(VaryingBlur(**values)) == hash(step)


@pytest.mark.parametrize(
    "stds, words",
    [
        ((0.3, 2.5), "rows of equally many columns"),
        (((0.3, 2.5), (1.0,)), "rows of equally many columns"),
        ((), "rows of equally many columns"),
        ((()), "rows of equally many columns"),
        (1.5, "rows of equally many columns"),
        ("wide", "rows of equally many columns"),
        (((0.3, "wide"),), "must be a number"),
        (((0.3, None),), "must be a number"),
        (((0.3, ()),), "must be a number"),
        (((0.3, True),), "must be a number"),
        (((0.3, (1.0, 2.0, 3.0)),), "must be a number"),
        (((0.3, (2.0, 1.0)),), "swap them"),
        (((0.01, 1.0),), "between 0.05 and 10"),
        (((0.3, 11),), "between 0.05 and 10"),
        (((1.0,) * 65,), "at most 64"),
    ],
)
def test_a_bad_grid_says_what_is_wrong(stds, words):
    with pytest.raises(RecipeError, match=words):
        VaryingBlur(stds)
