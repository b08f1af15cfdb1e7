"""The dynamic filter against its definition, and against stored answers.

`udvd_dynconv.npz` holds outputs and gradients computed in float64 by an independent implementation from inputs that a formula makes;
`udvd_bicubic_up.npz` holds MATLAB's bicubic enlargements (its rule, in float64) of another such input, and their kernels.
"""

import numpy as np
import pytest
import torch
from bench.measure import PeakMemory
from bench.reference_filter import filter_by_unfolding
from torch.nn import functional as F

from restorelab.ops import dynamic_filter as module
from restorelab.ops.bicubic_kernels import bicubic_kernels
from restorelab.ops.dynamic_filter import dynamic_filter

BORDERS = ("replicate", "zeros")
CASES = [(1, 3), (1, 5), (2, 5), (3, 5), (4, 5)]


def by_definition(image, kernels, border):
    b, s, _, k, _, h, w = kernels.shape
    out = torch.zeros(b, image.shape[1], h * s, w * s, dtype=image.dtype)
    for y in range(h):
        for x in range(w):
            for i in range(k):
                for j in range(k):
                    row, column = y + i - k // 2, x + j - k // 2
                    if border == "replicate":
                        row, column = min(max(row, 0), h - 1), min(max(column, 0), w - 1)
                    elif not (0 <= row < h and 0 <= column < w):
                        continue
                    pixel = kernels[:, :, :, i, j, y, x][:, None] * image[:, :, row, column][:, :, None, None]
                    out[:, :, y * s : (y + 1) * s, x * s : (x + 1) * s] += pixel
    return out


def random(shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("scale, k, size", [(1, 3, (4, 6)), (2, 5, (5, 3)), (3, 1, (2, 2)), (2, 7, (1, 1))])
def test_equals_the_definition(scale, k, size, border):
    image, kernels = random((2, 3, *size)), random((2, scale, scale, k, k, *size), 1)
    torch.testing.assert_close(dynamic_filter(image, kernels, border), by_definition(image, kernels, border), atol=1e-12, rtol=0)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("dtype, atol", [(torch.float64, 1e-10), (torch.float32, 5e-5)])
@pytest.mark.parametrize("scale, k", CASES)
def test_output_and_gradients_equal_the_stored_ones(scale, k, dtype, atol, border, fixtures):
    want, case = np.load(fixtures / "udvd_dynconv.npz"), f"{border}_s{scale}k{k}"
    rng = np.random.default_rng([2020, scale, k])
    shapes = (2, 3, 6, 7), (2, scale, scale, k, k, 6, 7), (2, 3, 6 * scale, 7 * scale)
    arrays = [rng.standard_normal(shape) for shape in shapes]
    np.testing.assert_allclose([array.sum() for array in arrays], want[f"insum_s{scale}k{k}"], rtol=1e-10)
    image, kernels, grad = (torch.from_numpy(array).to(dtype) for array in arrays)
    image.requires_grad_(), kernels.requires_grad_()
    out = dynamic_filter(image, kernels, border)
    out.backward(grad)
    np.testing.assert_allclose(out.detach(), want[f"out_{case}"], atol=atol, rtol=0)
    np.testing.assert_allclose(image.grad, want[f"gimg_{case}"], atol=atol, rtol=0)
    np.testing.assert_allclose(kernels.grad.sum((-2, -1)), want[f"gKsum_{case}"], atol=atol, rtol=0)
    np.testing.assert_allclose(kernels.grad[:, 0, 0, :, :, 2, 3], want[f"gK_first_{case}"], atol=atol, rtol=0)


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("scale", [1, 2])
def test_derivatives_of_first_and_second_order(scale, border):
    image = random((1, 2, 3, 2)).requires_grad_()
    kernels = random((1, scale, scale, 3, 3, 3, 2), 1).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: dynamic_filter(x, k, border), (image, kernels))
    assert torch.autograd.gradgradcheck(lambda x, k: dynamic_filter(x, k, border), (image, kernels))


def test_no_gradient_is_computed_for_what_needs_none(monkeypatch):
    """The picture a network is given needs none: a third of the work."""
    monkeypatch.setattr(module, "_scatter", None)
    kernels = random((1, 1, 1, 3, 3, 4, 4)).requires_grad_()
    dynamic_filter(random((1, 3, 4, 4)), kernels).sum().backward()
    assert kernels.grad.shape == kernels.shape


@pytest.mark.parametrize("budget", [1, 40, 150, 10_000])
def test_bands_of_any_size_give_the_same(budget, monkeypatch):
    """From single rows over parts of a picture to groups of several pictures."""
    image, kernels = random((5, 3, 7, 4)).requires_grad_(), random((5, 2, 2, 3, 3, 7, 4), 1).requires_grad_()
    monkeypatch.setattr(module, "BAND_CPU", budget)
    got = dynamic_filter(image, kernels)
    grads = torch.autograd.grad(got.square().sum(), (image, kernels))
    want = by_definition(image, kernels, "replicate")
    for one, other in zip(grads, torch.autograd.grad(want.square().sum(), (image, kernels)), strict=True):
        torch.testing.assert_close(one, other, atol=1e-11, rtol=0)
    torch.testing.assert_close(got, want, atol=1e-12, rtol=0)


def test_a_kernel_that_is_the_same_everywhere_is_a_convolution():
    kernel, image = random((3, 3)), random((1, 2, 6, 5))
    everywhere = kernel[:, :, None, None].expand(1, 1, 1, 3, 3, 6, 5)
    want = F.conv2d(image.transpose(0, 1), kernel[None, None], padding=1).transpose(0, 1)
    torch.testing.assert_close(dynamic_filter(image, everywhere, "zeros"), want)


def test_tap_row_and_column_are_the_right_way_round():
    image, kernels = torch.arange(12.0).reshape(1, 1, 3, 4), torch.zeros(1, 1, 1, 3, 3, 3, 4)
    kernels[:, :, :, 0, 2] = 1  # one up, one to the right
    assert torch.equal(dynamic_filter(image, kernels)[0, 0, 1:, :-1], image[0, 0, :-1, 1:])


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_added_up_in_single(dtype):
    """Error: one rounding of the result, not one for each tap."""
    image, kernels = random((1, 3, 8, 8), dtype=dtype).requires_grad_(), random((1, 2, 2, 5, 5, 8, 8), 1, dtype).requires_grad_()
    out = dynamic_filter(image, kernels)
    grad = random(out.shape, 2, dtype)
    out.backward(grad)
    image64, kernels64 = image.detach().double().requires_grad_(), kernels.detach().double().requires_grad_()
    out64 = dynamic_filter(image64, kernels64)
    out64.backward(grad.double())
    eps = torch.finfo(dtype).eps
    for got, want in ((out, out64), (kernels.grad, kernels64.grad)):
        assert got.dtype == dtype
        torch.testing.assert_close(got.double(), want, atol=1e-5, rtol=0.51 * eps)
    torch.testing.assert_close(image.grad.double(), image64.grad, atol=1e-2 * float(image64.grad.abs().max()), rtol=4 * eps)


def test_of_two_types_the_wider_is_the_result():
    out = dynamic_filter(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 1, 3, 3, 4, 4).bfloat16())
    assert out.dtype == torch.float32


def test_kernels_in_another_layout_give_the_same():
    image, kernels = random((2, 3, 6, 5)), random((2, 2, 2, 3, 3, 6, 5), 1)
    last = kernels.permute(0, 5, 6, 1, 2, 3, 4).contiguous().permute(0, 3, 4, 5, 6, 1, 2)
    assert torch.equal(dynamic_filter(image, last), dynamic_filter(image, kernels))


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="odd number of taps"):
        dynamic_filter(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 1, 4, 4, 4, 4))
    with pytest.raises(ValueError, match="replicate, zeros"):
        dynamic_filter(torch.rand(1, 3, 4, 4), torch.rand(1, 1, 1, 3, 3, 4, 4), "reflect")


@pytest.mark.parametrize("scale", [1, 2])
def test_memory_stays_within_a_quarter_of_unfolding(scale):
    """5x5 at 3x256x256, float32. Backward: beyond the gradients themselves, which every way has to return."""
    image = torch.rand(1, 3, 256, 256, device="meta", requires_grad=True)
    kernels = torch.rand(1, scale, scale, 5, 5, 256, 256, device="meta", requires_grad=True)
    results = 4 * (image.numel() + kernels.numel())
    forward, both = [], []
    for way in (dynamic_filter, filter_by_unfolding):
        with PeakMemory() as memory, torch.no_grad():
            way(image, kernels, "zeros")
        forward.append(memory.peak)
        with PeakMemory() as memory:
            torch.autograd.grad(way(image, kernels, "zeros").sum(), (image, kernels))
        both.append(memory.peak - results)
    assert 4 * forward[0] <= forward[1]
    assert 4 * both[0] <= both[1]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_kernels_equal_the_stored_ones(scale, fixtures):
    want = np.load(fixtures / "udvd_bicubic_up.npz")[f"bicubic_up_kernels_s{scale}"]
    np.testing.assert_allclose(bicubic_kernels(scale), want, atol=1e-15, rtol=0)
    wider = bicubic_kernels(scale, 7)
    assert torch.equal(wider[..., 1:-1, 1:-1], bicubic_kernels(scale)) and torch.allclose(wider.sum((-2, -1)), wider.new_ones(()))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_bicubic_kernels_enlarge_as_matlab_does(scale, fixtures):
    """Everywhere but in the outermost input pixel: MATLAB mirrors there, the filter repeats the edge (older MATLAB's rule for bytes)."""
    image = torch.from_numpy(np.random.default_rng(77).random((3, 48, 36)))[None, :, :12, :10]
    kernels = bicubic_kernels(scale)[None, :, :, :, :, None, None].expand(1, scale, scale, 5, 5, 12, 10)
    want = torch.from_numpy(np.load(fixtures / "udvd_bicubic_up.npz")[f"up{scale}"])[None]
    error = (dynamic_filter(image, kernels) - want).abs()
    assert error[..., scale:-scale, scale:-scale].max() < 1e-12
    assert 0.001 < error.max() < 0.1


def test_bicubic_kernels_at_scale_one_and_in_too_small_a_window():
    assert torch.equal(bicubic_kernels(1, 3)[0, 0], torch.tensor([[0, 0, 0], [0, 1, 0], [0, 0, 0]]).double())
    with pytest.raises(ValueError, match="at least 5"):
        bicubic_kernels(2, 3)
