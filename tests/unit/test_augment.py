import math

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from restorelab.data.augment import TURNS, Turn, draw_turn
from restorelab.degrade import CameraShake, Downsample, Recipe, degrade
from restorelab.degrade.blur import convolve
from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import covariance_kernels, effective_std, pad_or_crop, path_kernel
from restorelab.degrade.motion import shake_path
from restorelab.degrade.srmd import blur, draw_srmd_kernels
from restorelab.errors import ParameterError
from restorelab.ops.dynamic_filter import dynamic_filter
from restorelab.ops.light import to_display, to_linear
from restorelab.ops.resize import downsample_bicubic

PLAIN, CENTRED = KernelCode.fit_srmd(), KernelCode.fit_srmd(subtract_mean=True)
EACH = pytest.mark.parametrize("turn", TURNS, ids=lambda turn: f"{turn.quarters} quarters{' flipped' if turn.flip else ''}")


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def picture(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(rng(seed).random(shape or (3, 24, 31), dtype=np.float32))


def elongated() -> torch.Tensor:
    return covariance_kernels(*np.array([[8.0], [0.6], [25.0]]), 15)[0]


def shake() -> tuple[torch.Tensor, torch.Tensor]:
    path = shake_path(14.0, 0.4, 60, rng(4))
    return path_kernel(path), path


def shake_code() -> KernelCode:
    """Of kernels without any symmetry: for those a quarter turn and its inverse are not the same."""
    paths = [shake_path(14.0, 0.4, 60, rng(seed)) for seed in range(60)]
    return KernelCode.fit(torch.stack([pad_or_crop(path_kernel(path), 15) for path in paths]), 15, subtract_mean=True)


SHAKES = shake_code()


def close(got: torch.Tensor, want: torch.Tensor, atol: float = 2e-6) -> None:
    torch.testing.assert_close(got, want, atol=atol, rtol=0)


def true_convolution(image: torch.Tensor, kernels: torch.Tensor) -> torch.Tensor:
    """Every pixel with its own kernel `k k h w`, the kernel turned by half a turn, one tap at a time; edge repeated."""
    radius, (height, width) = kernels.shape[0] // 2, image.shape[1:]
    padded = F.pad(image[None], (radius,) * 4, mode="replicate")[0]
    out = torch.zeros_like(image)
    for i in range(-radius, radius + 1):
        for j in range(-radius, radius + 1):
            out += kernels[radius + i, radius + j] * padded[:, radius - i : radius - i + height, radius - j : radius - j + width]
    return out


@EACH
def test_a_turn_is_numpys(turn):
    image = picture(2, 3, 5, 7).numpy()
    want = np.rot90(image, turn.quarters, axes=(-2, -1))
    assert np.array_equal(turn.image(torch.from_numpy(image)), want[..., ::-1] if turn.flip else want)


def test_the_eight_are_different_and_each_has_its_inverse():
    image = picture(5, 5)
    assert len({turn.image(image).contiguous().numpy().tobytes() for turn in TURNS}) == 8
    for turn in TURNS:
        assert torch.equal(turn.inverse.image(turn.image(image)), image)
        assert torch.equal(turn.image(turn.inverse.image(image)), image)
        assert turn.inverse in TURNS


@EACH
def test_one_kernel_for_the_picture(turn):
    for kernel in (elongated(), shake()[0]):
        for way in (convolve, blur):  # mirrored border, edge repeated
            close(way(turn.image(picture()), turn.kernel(kernel)), turn.image(way(picture(), kernel)))


@EACH
def test_in_light_and_with_shrinking(turn):
    """The curve of light has no direction, and bicubic shrinking none either at a size that the scale divides."""
    clean = picture(3, 24, 32)
    done = degrade(clean, Recipe((CameraShake(9.0), Downsample(2)), bits=None), rng(2))
    light = convolve(to_linear(turn.image(clean)), turn.kernel(done.truth["kernel"]))
    close(downsample_bicubic(to_display(light)[None], 2)[0].clamp(0, 1), turn.image(done.image), 1e-5)


@EACH
def test_a_path_turns_as_its_kernel(turn):
    kernel, path = shake()
    close(path_kernel(turn.path(path)), turn.kernel(kernel), 1e-6)


def varying_kernels(height: int, width: int) -> torch.Tensor:
    """`k k h w`, none like another: elongated ones, and shakes, which are not symmetric about their middle."""
    count = height * width
    gaussians = draw_srmd_kernels(count, rng(6), size=7)
    noise = torch.from_numpy(rng(7).random((count, 7, 7), dtype=np.float32)) ** 8
    mixed = gaussians + noise
    return (mixed / mixed.sum((1, 2), keepdim=True)).unflatten(0, (height, width)).permute(2, 3, 0, 1).contiguous()


@EACH
def test_a_kernel_for_every_pixel(turn):
    image, kernels = picture(3, 9, 12), varying_kernels(9, 12)
    turned = turn.kernel_map(kernels)
    close(true_convolution(turn.image(image), turned), turn.image(true_convolution(image, kernels)))
    for border in ("replicate", "zeros"):
        want = turn.image(dynamic_filter(image[None], kernels[None, None, None], border))
        close(dynamic_filter(turn.image(image)[None], turned[None, None, None], border), want)
        close(dynamic_filter(turn.image(image)[None], turn.filters(kernels[None, None, None]), border), want)


@EACH
@pytest.mark.parametrize("scale", [2, 3])
def test_dynamic_filters_that_enlarge(turn, scale):
    image = picture(2, 3, 6, 5)
    kernels = torch.from_numpy(rng(8).standard_normal((2, scale, scale, 3, 3, 6, 5), dtype=np.float32))
    close(dynamic_filter(turn.image(image), turn.filters(kernels)), turn.image(dynamic_filter(image, kernels)), 1e-5)


@EACH
def test_a_flow_moves_the_turned_picture_to_the_turned_place(turn):
    image, flow = picture(3, 9, 11), torch.from_numpy(rng(3).integers(-3, 4, (2, 9, 11)).astype(np.float32))

    def warp(image, flow):
        height, width = image.shape[1:]
        rows = (torch.arange(height)[:, None] + flow[0].long()).clamp(0, height - 1)
        columns = (torch.arange(width)[None, :] + flow[1].long()).clamp(0, width - 1)
        return image[:, rows, columns]

    assert torch.equal(warp(turn.image(image), turn.flow(flow)), turn.image(warp(image, flow)))
    assert torch.equal(turn.flow(flow[None])[0], turn.flow(flow))


@EACH
@pytest.mark.parametrize("code", [PLAIN, CENTRED, SHAKES], ids=["without mean", "with mean", "of shakes"])
def test_a_code_turns_by_decoding_turning_and_encoding(turn, code):
    kernels = draw_srmd_kernels(50, rng(5), dtype=torch.float64)
    codes = code.encode(kernels)
    turned = turn.code(codes, code)
    close(turned, code.encode(turn.kernel(code.decode(codes))), 1e-14)
    matrix, offset = turn.code_matrix(code)
    close(turned[0], matrix @ codes[0] + offset, 1e-14)
    assert code.mean is not None or not offset.any()
    assert turn.code(codes.float(), code).dtype == torch.float32


@EACH
def test_a_turned_code_is_nearly_the_code_of_the_turned_kernel(turn):
    """As SRMD's law is the same in all directions, so nearly are the eigen-kernels of a sample. The docstring's numbers."""
    kernels = draw_srmd_kernels(10_000, rng(5), dtype=torch.float64)
    for code, most in ((PLAIN, 0.003), (CENTRED, 0.018)):
        codes, best = code.encode(kernels), code.encode(turn.kernel(kernels))
        off, kept = ((other - best).norm() / best.norm() for other in (turn.code(codes, code), codes))
        assert off < most
        assert kept < 1e-12 if turn in (Turn(), Turn(2)) else kept > 0.31


@EACH
def test_a_code_for_every_pixel(turn):
    kernels = draw_srmd_kernels(30, rng(5), dtype=torch.float64).unflatten(0, (5, 6))
    maps = PLAIN.encode(kernels).permute(2, 0, 1)
    want = PLAIN.encode(turn.kernel_map(PLAIN.decode(maps.permute(1, 2, 0)).permute(2, 3, 0, 1)).permute(2, 3, 0, 1)).permute(2, 0, 1)
    close(turn.code_map(maps, PLAIN), want, 1e-14)
    close(turn.code_map(torch.stack([maps, 2 * maps]), PLAIN)[0], want, 1e-14)


def test_keeping_the_code_is_wrong_in_six_of_eight_turns():
    """KAIR's loader turns the pictures after the blur and tells the network the kernel of before."""
    kernel, clean = elongated(), picture()
    wrong = []
    for turn in TURNS:
        seen, told = turn.image(blur(clean, kernel)), blur(turn.image(clean), kernel)
        off = float((seen - told).abs().max())
        assert off < 2e-6 or off > 0.05
        if off > 0.05:
            wrong.append(turn)
            assert (PLAIN.encode(turn.kernel(kernel)) - PLAIN.encode(kernel)).norm() / PLAIN.encode(kernel).norm() > 0.3
    assert len(wrong) == 6 and Turn() not in wrong and Turn(2) not in wrong


def test_a_shake_does_not_even_survive_half_a_turn():
    kernel = shake()[0]
    assert effective_std(kernel)[0] > 2
    same = [turn for turn in TURNS if (turn.kernel(kernel) - kernel).abs().max() < 0.01]
    assert same == [Turn()]


def test_all_eight_are_drawn_alike_often():
    generator = rng()
    drawn = [draw_turn(generator) for _ in range(8000)]
    assert all(abs(drawn.count(turn) - 1000) < 5 * math.sqrt(1000) for turn in TURNS)


def test_there_are_four_quarters():
    for quarters in (4, -1, 1.5):
        with pytest.raises((ParameterError, TypeError)):
            Turn(quarters)
