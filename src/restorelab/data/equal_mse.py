"""Pictures that PSNR cannot tell apart: faults of every kind at exactly one mean squared error.

Made for looking at: a picture a little too bright, one with noise and one through a JPEG file have the same PSNR, and nobody would call
them equally good. (After Wang and Bovik 2009, IEEE Signal Processing Magazine 26(1), "Mean squared error: love it or leave it?")
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade import GaussianBlur, GaussianNoise, Jpeg, convolve, path_kernel
from restorelab.errors import ParameterError, did_you_mean

HALVINGS = 40


@dataclass(frozen=True)
class Spoiled:
    """A picture of the mean squared error asked for, `c h w` in [0, 1], and the strength of the fault that took it there."""

    image: Float[Tensor, "c h w"]
    strength: float  # in the fault's own unit, see FAULTS


Fault = Callable[[Tensor, float, np.random.Generator], Tensor]


def _brighter(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return clean + strength


def _gain(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return clean * (1 + strength)


def _flatter(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    mean = clean.mean((1, 2), keepdim=True)
    return mean + (clean - mean) * (1 - strength)


def _blurred(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return GaussianBlur(std=strength).apply(clean, rng)[0]


def _moved(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return convolve(clean, path_kernel(torch.tensor([[0.0, strength]])))


def _noisy(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return GaussianNoise(sigma=strength).apply(clean, rng)[0]


def _jpeg(clean: Tensor, strength: float, rng: np.random.Generator) -> Tensor:
    return Jpeg(quality=101 - strength).apply(clean, rng)[0]


# kind -> (fault, weakest, strongest). Units: brightness and noise in [0, 1] units, gain and contrast as shares, blur's standard
# deviation and the move to the right in pixels, JPEG's quality as steps below 101.
FAULTS: dict[str, tuple[Fault, float, float]] = {
    "brightness": (_brighter, 0.0, 1.0),
    "gain": (_gain, 0.0, 20.0),
    "contrast": (_flatter, 0.0, 1.0),
    "blur": (_blurred, 0.05, 20.0),
    "move": (_moved, 0.0, 20.0),
    "noise": (_noisy, 0.0, 1.0),
    "jpeg": (_jpeg, 1.0, 100.0),
}


def equal_mse(clean: Float[Tensor, "c h w"], mse: float, kind: str, seed: int = 0) -> Spoiled:
    """Spoil `clean` by a fault of `kind` until its mean squared error is `mse`, in units of [0, 1] squared (30 dB: 0.001).

    The strength is found by halving an interval; what it leaves over (JPEG knows only 100 qualities) is blended away with the clean
    picture, so that the error is exact to the precision of float32. Saving the picture with 8 bits moves it a little again.

    Raises ParameterError for another kind, an `mse` of 0 or less, or one that the fault cannot reach in this picture.
    """
    if kind not in FAULTS:
        raise ParameterError(f"there is no fault {kind!r}; there are {', '.join(FAULTS)}.{did_you_mean(kind, FAULTS)}")
    if not mse > 0:
        raise ParameterError(f"mse must be above 0, not {mse!r}; in units of [0, 1] squared, 30 dB is 0.001.")
    fault, weakest, strongest = FAULTS[kind]

    def spoil(strength: float) -> Tensor:  # always with the same noise
        return fault(clean, strength, np.random.default_rng(seed)).clamp(0, 1)

    reached = _error(spoil(strongest), clean)
    if reached < mse:
        raise ParameterError(f"{kind} reaches a mean squared error of {reached:.3g} in this picture and not {mse:.3g}; ask for less.")
    strength = _halve(lambda strength: _error(spoil(strength), clean) < mse, weakest, strongest)
    image = spoil(strength)
    share = (mse / _error(image, clean)) ** 0.5  # below 1; between two pictures in [0, 1] everything is in [0, 1]
    return Spoiled(clean + share * (image - clean), strength)


def _halve(too_weak: Callable[[float], bool], weak: float, strong: float) -> float:
    """The weakest strength that is not too weak, to the last digits."""
    for _ in range(HALVINGS):
        middle = (weak + strong) / 2
        weak, strong = (middle, strong) if too_weak(middle) else (weak, middle)
        if strong - weak < 1e-7 * strong:
            break
    return strong


def _error(image: Tensor, clean: Tensor) -> float:
    return float((image.double() - clean.double()).square().mean())
