"""`udvd_bicubic_down.npz` holds answers of MATLAB's rule (float64, and bytes by three rules) for pictures that a formula fills in, its
matrices for lines of 48 pixels, and two answers of MATLAB R2019b itself (`arange8_*`). `udvd_bicubic_up.npz` has the enlarged ones.
"""

import numpy as np
import pytest
import torch
from plain_bicubic import shrink_by_interpolating
from torch.nn import functional as F

from restorelab.ops.resize import BLOCK, BORDERS, RULES, downsample_bicubic, imresize_uint8, resize_bicubic, resize_matrix

IMAGE = torch.from_numpy(np.random.default_rng(77).random((3, 48, 36)))[None]
BYTES = np.ascontiguousarray(np.random.default_rng(78).integers(0, 256, (3, 48, 36), dtype=np.uint8).transpose(1, 2, 0))
TOLERANCES = {torch.float64: 1e-12, torch.float32: 1e-6}


@pytest.fixture(scope="module")
def stored(request):
    found = {}
    for name in ("udvd_bicubic_down.npz", "udvd_bicubic_up.npz"):
        with np.load(request.path.parents[1] / "fixtures" / name) as file:
            found |= {key: torch.from_numpy(value) for key, value in file.items()}
    return found


def far_apart(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a.double() - b).abs().max())


def by_matrices(image: torch.Tensor, size: tuple[int, int], **rule) -> torch.Tensor:
    rows, columns = (resize_matrix(old, new, **rule) for old, new in zip(image.shape[-2:], size, strict=True))
    return rows @ image @ columns.T


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_matrix_is_the_stored_one(stored, scale):
    assert far_apart(resize_matrix(48, 48 // scale), stored[f"W48_{scale}"]) < 1e-15


@pytest.mark.parametrize("dtype", TOLERANCES)
def test_every_size_follows_matlab(stored, dtype):
    image, close = IMAGE.to(dtype), TOLERANCES[dtype]
    for scale in (2, 3, 4):
        assert far_apart(resize_bicubic(image, scale=1 / scale)[0], stored[f"down{scale}"]) < close
        assert far_apart(resize_bicubic(image, scale=1 / scale, antialias=False)[0], stored[f"down{scale}_noaa"]) < close
        assert far_apart(resize_bicubic(image[..., :12, :10], scale=scale)[0], stored[f"up{scale}"]) < close
    assert far_apart(resize_bicubic(image, size=(31, 29))[0], stored["size_31x29"]) < close


@pytest.mark.parametrize("name, size", [("to4", (4, 4)), ("to_5x7", (5, 7))])
def test_matlab_r2019b_gave_these_answers_itself(stored, name, size):
    counting = torch.arange(64, dtype=torch.float64).view(1, 1, 8, 8)
    assert far_apart(resize_bicubic(counting, size=size)[0, 0], stored[f"arange8_{name}"]) < 6e-14  # of up to 63: 8 last bits


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("name, rule", [("legacy", "rcan"), ("sym", "swinir"), ("double", "basicsr"), ("double", "matlab")])
def test_bytes_are_right_to_the_byte_by_every_rule(stored, name, rule, scale):
    small = imresize_uint8(BYTES, 1 / scale, *RULES[rule])
    np.testing.assert_array_equal(small.transpose(2, 0, 1), stored[f"u8_{name}_down{scale}"])


@pytest.mark.parametrize("rule", RULES)
def test_exact_halves_go_up(rule):
    """A chessboard of 6 and 7, shrunk twice, is 6.5 inside."""
    board = np.tile(np.array([[[6], [7]], [[7], [6]]], np.uint8), (8, 8, 1))
    assert (imresize_uint8(board, 1 / 2, *RULES[rule])[2:-2, 2:-2] == 7).all()


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("size", [(150, 90), (700, 3), (1, 200), (149, 300)])
def test_blocks_leave_nothing_out(border, size):
    image = torch.rand(2, 1, 149, 300, dtype=torch.float64)
    assert max(size) > BLOCK
    assert far_apart(resize_bicubic(image, size=size, border=border), by_matrices(image, size, border=border)) < 1e-13


@pytest.mark.parametrize("border", BORDERS)
@pytest.mark.parametrize("sizes", [(1, 1), (1, 7), (7, 1), (2, 9), (300, 2), (13, 13), (5, 12)])
def test_a_grey_wall_stays_grey_at_any_size(border, sizes):
    old, new = sizes
    matrix = resize_matrix(old, new, border=border)
    assert far_apart(matrix.sum(dim=1), torch.ones(new, dtype=torch.float64)) < 1e-14
    if old == new:
        assert far_apart(matrix, torch.eye(old, dtype=torch.float64)) < 1e-15


def test_a_straight_line_stays_straight_but_for_the_border():
    """Keys' cubic reproduces straight lines: at any scale the pixel lies where MATLAB says it does, (i + 1/2) / scale - 1/2."""
    line = torch.arange(60, dtype=torch.float64)
    where = (torch.arange(41, dtype=torch.float64) + 0.5) * 60 / 41 - 0.5
    got = resize_matrix(60, 41, antialias=False) @ line
    assert far_apart(got[3:-3], where[3:-3]) < 1e-13


def test_a_scale_that_makes_no_whole_number_of_pixels_is_rounded_up_and_kept():
    assert resize_bicubic(torch.rand(1, 1, 10, 11), scale=0.3).shape[-2:] == (3, 4)
    assert resize_bicubic(torch.rand(1, 1, 50, 50), scale=1.1).shape[-2:] == (55, 55)
    line = torch.rand(1, 1, 1, 11, dtype=torch.float64)
    assert far_apart(resize_bicubic(line, scale=0.3)[0, 0, 0], resize_matrix(11, 4, scale=0.3) @ line[0, 0, 0]) < 1e-14
    assert far_apart(resize_matrix(11, 4, scale=0.3), resize_matrix(11, 4)) > 0.01


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_agrees_with_torch_where_torch_has_the_rule(scale):
    image = torch.rand(2, 3, 24 * scale, 20 * scale)
    small = resize_bicubic(image, scale=1 / scale)
    torch.testing.assert_close(small, shrink_by_interpolating(image, scale), atol=1e-6, rtol=0)
    assert torch.equal(small, downsample_bicubic(image, scale))
    large = F.interpolate(small, scale_factor=scale, mode="bicubic", antialias=True)
    inside = slice(3 * scale, -3 * scale)
    torch.testing.assert_close(resize_bicubic(small, scale=scale)[..., inside, inside], large[..., inside, inside], atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(4, 5), (19, 11), (9, 100)])
def test_the_gradient_is_the_adjoint(size):
    image = torch.rand(2, 3, 12, 11, dtype=torch.float64, requires_grad=True)
    other = torch.rand(2, 3, *size, dtype=torch.float64)
    resized = resize_bicubic(image, size=size, border="replicate")
    (back,) = torch.autograd.grad(resized, image, other)
    assert (resized * other).sum().item() == pytest.approx((image * back).sum().item(), rel=1e-13)


def test_the_gradient_has_a_gradient():
    image = torch.rand(1, 1, 4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda image: resize_bicubic(image, size=(3, 5)) ** 2, image)


def test_what_inference_left_behind_serves_training():
    with torch.inference_mode():
        resize_bicubic(torch.rand(1, 1, 21, 22), size=(10, 9))
    image = torch.rand(1, 1, 21, 22, requires_grad=True)
    resize_bicubic(image, size=(10, 9)).sum().backward()
    assert image.grad.sum() == pytest.approx(90, rel=1e-5)


def test_autocast_does_not_coarsen_the_picture():
    image = torch.rand(1, 3, 32, 32)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(resize_bicubic(image, scale=1 / 2), resize_bicubic(image, scale=0.5))
        coarse = resize_bicubic(image, scale=1 / 2)
    assert torch.equal(coarse, resize_bicubic(image, scale=1 / 2))


def test_wrong_calls_say_so():
    image = torch.rand(1, 3, 8, 8)
    with pytest.raises(ValueError, match="symmetric, replicate"):
        resize_bicubic(image, scale=2, border="mirror")
    for both in ({}, {"size": (4, 4), "scale": 0.5}):
        with pytest.raises(ValueError, match="either size"):
            resize_bicubic(image, **both)
    with pytest.raises(ValueError, match="at least one pixel"):
        resize_bicubic(image, size=(4, 0))
