import numpy as np
import pytest
import torch

from restorelab.degrade import CameraShake, Downsample, GaussianBlur, GaussianNoise, Jpeg
from restorelab.degrade.adjoint import LinearOperator, by_autograd, linear_operator
from restorelab.degrade.blur import convolve, convolve_adjoint
from restorelab.degrade.borders import BORDERS, pad, pad_adjoint
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur
from restorelab.degrade.varying import VaryingBlur, gather_basis
from restorelab.errors import ParameterError

LINEAR = {
    "gaussian blur": GaussianBlur(2.0, 0.4, 30.0),
    "elongated blur": SRMDBlur(size=9),
    "round blur": IsotropicBlur(2.0),
    "camera shake": CameraShake(9.0, 0.3, linear_light=False),
    "varying blur": VaryingBlur(((0.3, 2.5), (1.0, 0.7))),
    "downsample": Downsample(3),
}
SHAPE = (3, 25, 32)  # neither side a multiple of 3


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


def drawn(step: object, shape: tuple[int, ...] = SHAPE) -> LinearOperator:
    image = torch.zeros(shape)
    return linear_operator(step, step.apply(image, np.random.default_rng(0))[1], shape)


def assert_adjoint(operator: LinearOperator, shape: tuple[int, ...] = SHAPE) -> None:
    x = normal(*shape)
    forward = operator.forward(x)
    y = normal(*forward.shape, seed=1)
    back = operator.adjoint(y)
    assert back.shape == x.shape and back.dtype == x.dtype
    scale = float(forward.norm() * y.norm())
    assert abs(float((forward * y).sum() - (x * back).sum())) < 1e-12 * scale


@pytest.mark.parametrize("name", LINEAR)
def test_every_linear_step_has_its_adjoint(name):
    assert_adjoint(drawn(LINEAR[name]))


@pytest.mark.parametrize("name", LINEAR)
def test_the_operator_is_the_step(name):
    image = normal(*SHAPE).float()
    want, truth = LINEAR[name].apply(image, np.random.default_rng(4))
    torch.testing.assert_close(linear_operator(LINEAR[name], truth, SHAPE).forward(image), want, atol=0, rtol=0)


def test_steps_in_a_row():
    """A blur, then a shrinking: their adjoints in the other order."""
    both = drawn(LINEAR["downsample"]) @ drawn(LINEAR["gaussian blur"])
    assert both.forward(normal(*SHAPE)).shape == (3, 8, 10)
    assert_adjoint(both)


@pytest.mark.parametrize("step", [CameraShake(), GaussianNoise(), Jpeg()])
def test_a_step_that_is_not_linear_says_so(step):
    with pytest.raises(ParameterError, match=f"{step.kind} is not linear"):
        linear_operator(step, {}, SHAPE)


@pytest.mark.parametrize("shape", [(3, 20, 31), (1, 3, 2), (2, 1, 9), (1, 1, 1)])
@pytest.mark.parametrize("side", [1, 5, 9, 21])
def test_convolution_for_kernels_that_are_not_symmetric_and_pictures_smaller_than_they(shape, side):
    kernel = normal(side, side, seed=2)
    assert_adjoint(LinearOperator(lambda x: convolve(x, kernel), lambda y: convolve_adjoint(y, kernel)), shape)


def test_near_the_border_the_adjoint_is_not_just_the_turned_kernel():
    y, kernel = normal(1, 20, 20), normal(5, 5, seed=1).abs()
    adjoint, turned = convolve_adjoint(y, kernel), convolve(y, kernel.flip(0, 1))
    torch.testing.assert_close(adjoint[:, 4:-4, 4:-4], turned[:, 4:-4, 4:-4])
    assert (adjoint - turned)[:, :2].abs().max() > 0.1


@pytest.mark.parametrize("border", BORDERS)
def test_padding(border):
    assert_adjoint(LinearOperator(lambda x: pad(x, 4, border), lambda y: pad_adjoint(y, 4, border)), (2, 3, 11))


def test_an_unknown_border_says_which_there_are():
    with pytest.raises(ValueError, match="mirror, replicate, zeros"):
        pad(torch.zeros(1, 2, 2), 1, "wrap")


def test_any_linear_function_by_autograd():
    basis, maps = normal(4, 5, 5, seed=2), normal(4, 25, 32, seed=3)
    assert_adjoint(by_autograd(lambda x: gather_basis(x, basis, maps, keep_brightness=False), SHAPE))
    with torch.no_grad():  # as in a solver's loop
        assert_adjoint(by_autograd(lambda x: 3 * x, SHAPE))


def test_gradient_steps_with_the_adjoint_undo_a_blur():
    """What the adjoint is for: x - A^T (A x - y) walks down the squared misfit."""
    clean = normal(1, 24, 24).float()
    operator = drawn(GaussianBlur(0.8), clean.shape)
    blurred = operator.forward(clean)
    restored = blurred
    for _ in range(50):
        restored = restored - operator.adjoint(operator.forward(restored) - blurred)
    assert (restored - clean).norm() < 0.75 * (blurred - clean).norm()
