"""Blur kernels by the laws that SRMD and UDVD train with.

SRMD (Zhang, Zuo and Zhang, CVPR 2018; its training code is at github.com/cszn/SRMD, TrainingCodes) draws *variances*, not widths:
the long axis' uniform in [0.1, 10], the short axis' uniform from 0.1 to the long one's, the angle uniform over half a turn. Two
things follow: half of the kernels are wider than 2.26 pixels and only 1.5 % narrower than half a pixel along both axes, and no kernel
is round. Round kernels, which its tests and UDVD use, have a law of their own, of *widths*: uniform in [0.2, scale].

Both live in a 15x15 window, which cuts off up to 11.7 % of the widest (`mass_outside`), and repeat the edge pixel beyond the border,
as MATLAB's imfilter does when asked to ("replicate"). imfilter correlates where light convolves; Gaussians are symmetric about their
middle, so here the two are the same.
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from restorelab.degrade.blur import convolve
from restorelab.degrade.borders import pad
from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.degrade.kernels import covariance_kernels, isotropic_kernels
from restorelab.errors import RecipeError

VARIANCE = (0.1, 10.0)  # pixels squared
SIZE = 15


class EllipticalGaussians(NamedTuple):
    """What `covariance_kernels` takes: `covariance_kernels(*these, size)`."""

    variance_long: Float64[np.ndarray, " n"]  # pixels squared
    variance_short: Float64[np.ndarray, " n"]  # pixels squared
    angle: Float64[np.ndarray, " n"]  # degrees, 0 right and 90 up


def draw_srmd_parameters(count: int, rng: np.random.Generator, variance: Amount = VARIANCE) -> EllipticalGaussians:
    """SRMD's law: `variance` holds the bounds of the long axis' variance, the lower of which bounds the short axis' too.

    Takes 3 * count numbers from `rng`: all long variances, then all short ones, then all angles. A single number for `variance` leaves
    the short axis no room: the kernels are round then.
    """
    low, high = variance if isinstance(variance, tuple) else (variance, variance)
    long = rng.uniform(low, high, count)
    short = rng.uniform(low, long)
    theta = rng.uniform(0, 180, count)
    return EllipticalGaussians(long, short, -theta)  # SRMD's angle goes from right to down, ours from right to up


def draw_srmd_kernels(
    count: int, rng: np.random.Generator, variance: Amount = VARIANCE, size: int = SIZE, dtype: torch.dtype = torch.float32
) -> Float[Tensor, "n k k"]:
    """`count` kernels by SRMD's law, see `draw_srmd_parameters`."""
    return covariance_kernels(*draw_srmd_parameters(count, rng, variance), size, dtype)


@dataclass(frozen=True)
class SRMDBlur:
    """Elongated Gaussian blur by SRMD's law, in its window and with its border. Truth: `kernel`."""

    kind: ClassVar[str] = "srmd_blur"
    variance: Amount = VARIANCE  # pixels squared; of the long axis, and from its lower bound to there of the short one
    size: int = SIZE  # of the window

    def __post_init__(self):
        check_amount("srmd_blur variance (pixels squared)", self.variance, 0.01, 2500)
        _check_size("srmd_blur", self.size)

    @property
    def margin(self) -> int:
        """Pixels around a crop that this step looks at."""
        return self.size // 2

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        kernel = draw_srmd_kernels(1, rng, self.variance, self.size)[0]
        return blur(image, kernel), {"kernel": kernel}


@dataclass(frozen=True)
class IsotropicBlur:
    """Round Gaussian blur as SRMD's tests and UDVD have it: a `GaussianBlur` in a fixed window, edge repeated. Truth: `kernel`."""

    kind: ClassVar[str] = "isotropic_blur"
    std: Amount = (0.2, 2.0)  # pixels; (0.2, 3.0) at scale 3 and (0.2, 4.0) at scale 4
    size: int = SIZE  # of the window

    def __post_init__(self):
        check_amount("isotropic_blur std", self.std, 0.05, 50)
        _check_size("isotropic_blur", self.size)

    @property
    def margin(self) -> int:
        """Pixels around a crop that this step looks at."""
        return self.size // 2

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        kernel = isotropic_kernels(np.array([draw(self.std, rng)]), self.size)[0]
        return blur(image, kernel), {"kernel": kernel}


def blur(image: Float[Tensor, "c h w"], kernel: Float[Tensor, "k k"]) -> Float[Tensor, "c h w"]:
    """`convolve`, but with the edge pixel repeated beyond the border instead of a mirror."""
    radius, (height, width) = kernel.shape[0] // 2, image.shape[1:]
    wide = convolve(pad(image, radius, "replicate"), kernel)
    return wide[:, radius : radius + height, radius : radius + width].contiguous()


def _check_size(kind: str, size: object) -> None:
    if not isinstance(size, int) or isinstance(size, bool) or not 3 <= size <= 101 or size % 2 == 0:
        raise RecipeError(f"{kind} size must be an odd whole number from 3 to 101, not {size!r}.")
