"""The linear steps as operators: A that degrades, and its adjoint A^T with <A x, y> = <x, A^T y> for all x and y.

What a restorer that knows the degradation is built from: A^T (A x - y) is the gradient of half the squared misfit |A x - y|^2. The
adjoint is not the inverse: of a blur it is another blur, of a shrinking a spreading out.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade.blur import GaussianBlur, convolve, convolve_adjoint
from restorelab.degrade.borders import pad, pad_adjoint
from restorelab.degrade.downsample import Downsample
from restorelab.degrade.motion import CameraShake
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur, blur
from restorelab.degrade.varying import VaryingBlur, gather_gaussian, scatter_gaussian
from restorelab.errors import ParameterError
from restorelab.ops.resize import downsample_bicubic

Picture = Float[Tensor, "c h w"]


@dataclass(frozen=True)
class LinearOperator:
    """A and A^T, from pictures to pictures. `(A @ B).forward(x)` is `A.forward(B.forward(x))`: B comes first, as in mathematics."""

    forward: Callable[[Picture], Picture]
    adjoint: Callable[[Picture], Picture]

    def __matmul__(self, first: "LinearOperator") -> "LinearOperator":
        return LinearOperator(lambda x: self.forward(first.forward(x)), lambda y: first.adjoint(self.adjoint(y)))


def linear_operator(step: object, truth: dict, shape: tuple[int, ...]) -> LinearOperator:
    """One step of a recipe as it was drawn: `truth` is what the step's `apply` returned, `shape` that (c, h, w) of its input.

    Raises ParameterError for a step that is not linear: camera shake in linear light (its curve is not), noise, compression.
    """
    match step:
        case GaussianBlur() | CameraShake(linear_light=False):
            kernel = truth["kernel"]
            return LinearOperator(lambda x: convolve(x, kernel), lambda y: convolve_adjoint(y, kernel))
        case SRMDBlur() | IsotropicBlur():
            kernel = truth["kernel"]
            return LinearOperator(lambda x: blur(x, kernel), lambda y: _blur_adjoint(y, kernel))
        case VaryingBlur():
            std = truth["std_map"][0]
            return LinearOperator(lambda x: gather_gaussian(x, std), lambda y: scatter_gaussian(y, std))
        case Downsample(scale=scale):
            height, width = (side - side % scale for side in shape[1:])
            return by_autograd(lambda x: downsample_bicubic(x[None, :, :height, :width], scale)[0], shape)
    hint = " With linear_light=False it is." if isinstance(step, CameraShake) else ""
    raise ParameterError(f"{getattr(step, 'kind', step)} is not linear, so it has no adjoint.{hint}")


def by_autograd(forward: Callable[[Tensor], Tensor], shape: tuple[int, ...]) -> LinearOperator:
    """A linear function of a tensor of `shape` as an operator. What autograd calls a gradient is A^T y: the adjoint of torch's own."""

    def adjoint(y: Tensor) -> Tensor:
        with torch.enable_grad():
            x = torch.zeros(shape, dtype=y.dtype, device=y.device, requires_grad=True)
            return torch.autograd.grad(forward(x), x, y)[0]

    return LinearOperator(forward, adjoint)


def _blur_adjoint(y: Tensor, kernel: Tensor) -> Tensor:
    """Of `blur`, which pads, convolves and crops: the adjoints of the three in the other order. That of cropping is padding with 0."""
    radius = kernel.shape[0] // 2
    return pad_adjoint(convolve_adjoint(pad(y, radius, "zeros"), kernel), radius, "replicate")
