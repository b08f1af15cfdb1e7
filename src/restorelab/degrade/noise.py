"""Noise of the sensor, in its simplest model: independent, Gaussian, of one strength everywhere."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade.draw import Amount, check_amount, draw


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
