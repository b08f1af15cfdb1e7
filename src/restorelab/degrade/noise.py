"""Noise of the sensor: in its simplest model, independent, Gaussian and of one strength everywhere; and from what a camera counts.

A sensor counts electrons, one for each photon that it catches, and counts of independent events are Poisson: their variance is
their mean. Reading the count out adds Gaussian noise that does not depend on the light. In units of white (`full_well` electrons)

    variance = light / full_well + (read / full_well)^2,

a straight line over the light: the photon transfer curve, by which cameras are measured. (Janesick, Photon Transfer, SPIE 2007)
"""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.errors import ParameterError, RecipeError
from restorelab.ops.light import to_display, to_linear


@dataclass(frozen=True)
class GaussianNoise:
    """Adds noise of standard deviation `sigma`, in units of the [0, 1] range (25/255 is what papers write as 25). Truth: `sigma`."""

    kind: ClassVar[str] = "gaussian_noise"
    sigma: Amount = 5 / 255
    margin: ClassVar[int] = 0

    def __post_init__(self):
        check_amount("gaussian_noise sigma (in units of the [0, 1] range)", self.sigma, 0, 1)

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        sigma = draw(self.sigma, rng)
        # numpy's generator, not torch's: torch's normal numbers differ between processors with and without AVX2
        noise = torch.from_numpy(rng.standard_normal(tuple(image.shape), dtype=np.float32))
        return image + sigma * noise.to(image.device), {"sigma": sigma}


@dataclass(frozen=True)
class CameraNoise:
    """Poisson noise of the light and Gaussian noise of the read-out. Truth: `full_well`, `read`, `sigma_map` (c h w, in units of light).

    There is no ISO: doubling it is halving the electrons at white, `full_well`.
    """

    kind: ClassVar[str] = "camera_noise"
    full_well: Amount = 5000.0  # electrons at white
    read: Amount = 3.0  # electrons (standard deviation)
    linear_light: bool = True  # count light, as a sensor does; False takes the display values for light
    margin: ClassVar[int] = 0

    def __post_init__(self):
        check_amount("camera_noise full_well (electrons at white)", self.full_well, 10, 1e6)
        check_amount("camera_noise read (electrons)", self.read, 0, 1e4)
        if not isinstance(self.linear_light, bool):
            raise RecipeError(f"camera_noise linear_light must be true or false, not {self.linear_light!r}.")

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        full_well, read = draw(self.full_well, rng), draw(self.read, rng)
        expected = (to_linear(image) if self.linear_light else image).clamp(min=0).double().cpu().numpy() * full_well
        # How many random numbers a Poisson count takes depends on its mean, down to the last bit: it has a generator of its own, so
        # that a machine which rounds otherwise upstream still draws the same numbers in the steps after this one.
        counts = np.random.default_rng(rng.integers(2**63)).poisson(expected) + read * rng.standard_normal(expected.shape)
        light = torch.from_numpy(counts / full_well).to(image)
        sigma_map = torch.from_numpy(np.sqrt(expected + read**2) / full_well).to(image)
        truth = {"full_well": full_well, "read": read, "sigma_map": sigma_map}
        return to_display(light) if self.linear_light else light, truth


class PhotonTransfer(NamedTuple):
    """What a photon transfer curve says of a camera."""

    full_well: float  # electrons at white
    read: float  # electrons


def photon_transfer(first: Float[Tensor, "n h w"], second: Float[Tensor, "n h w"]) -> PhotonTransfer:
    """Measure a camera from two shots each of n flat patches, from black to bright, in units of light and not clipped.

    The variance of a patch is half that of the difference of its two shots: whatever is the same in both, dust or an uneven lamp,
    cancels. A straight line through the variances over the means has the slope 1 / full_well and starts at (read / full_well)^2.
    Raises ParameterError if the patches are all equally bright or the variance does not grow with the light.
    """
    mean = ((first + second) / 2).double().mean((1, 2)).numpy()
    variance = (first.double() - second.double()).var((1, 2)).numpy() / 2
    if len(mean) < 2 or np.ptp(mean) == 0 or variance.min() <= 0:
        raise ParameterError("a photon transfer curve needs two or more noisy flat patches of different brightness.")
    slope, start = np.polyfit(mean, variance, 1, w=1 / variance)  # a variance is measured with an error in proportion to itself
    if slope <= 0:
        raise ParameterError("the variance does not grow with the light: these are not unclipped shots in units of light.")
    return PhotonTransfer(float(1 / slope), float(np.sqrt(max(start, 0)) / slope))
