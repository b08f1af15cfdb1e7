"""Camera shake: the camera moves while the shutter is open, and the picture is the average of everything it saw.

The average is one of *light*. Averaging the display values of a file instead is the commonest short cut in data sets (GoPro
ships both); it dims every bright streak, and `linear_light=False` is here to show that.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade.blur import convolve
from restorelab.degrade.draw import Amount, check_amount, draw, largest
from restorelab.degrade.kernels import path_kernel
from restorelab.errors import RecipeError
from restorelab.ops.light import to_display, to_linear

STEP = 0.25  # pixels between neighbouring sub-frames when `frames` is left open: closer changes nothing visible


def shake_path(length: float, smoothness: float, frames: int, rng: np.random.Generator) -> Float[Tensor, "n 2"]:
    """A smooth random walk of `length` pixels, as (row, column) offsets whose mean is zero.

    The velocity is white noise smoothed over `smoothness` of the exposure: 0.05 trembles, 1 is nearly a straight line. Centring
    the mean keeps the blurred picture registered with the sharp one, so that a score measures sharpness and not a shift.
    """
    knots = 64  # the walk is drawn at a fixed resolution, so that `frames` does not change its shape
    time = np.arange(knots) / (knots - 1)
    window = np.exp(-0.5 * ((time[:, None] - time[None, :]) / (0.5 * smoothness)) ** 2)
    velocity = window @ rng.standard_normal((knots, 2))
    walk = np.concatenate([np.zeros((1, 2)), np.cumsum(velocity, axis=0)])
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(walk, axis=0).T))])
    walk *= length / travelled[-1]
    stops = (np.arange(frames) + 0.5) / frames * knots  # middle of each sub-exposure
    path = np.stack([np.interp(stops, np.arange(knots + 1), walk[:, axis]) for axis in (0, 1)], axis=1)
    return torch.from_numpy(path - path.mean(axis=0)).float()


@dataclass(frozen=True)
class CameraShake:
    """Blur along a smooth random path, the same everywhere in the picture. Truth: `kernel`, `path`."""

    kind: ClassVar[str] = "camera_shake"
    length: Amount = 12.0  # pixels travelled while the shutter is open
    smoothness: Amount = 0.5  # share of the exposure over which the hand keeps its direction
    frames: int | None = None  # sub-frames averaged; None takes one every quarter pixel, a few show ghosts
    linear_light: bool = True  # average light, as a sensor does; False averages display values

    def __post_init__(self):
        check_amount("camera_shake length", self.length, 0, 400)
        check_amount("camera_shake smoothness", self.smoothness, 0.02, 10)
        if self.frames is not None and not (isinstance(self.frames, int) and 1 <= self.frames <= 4096):
            raise RecipeError(f"camera_shake frames must be a whole number from 1 to 4096 or null, not {self.frames!r}.")
        if not isinstance(self.linear_light, bool):
            raise RecipeError(f"camera_shake linear_light must be true or false, not {self.linear_light!r}.")

    @property
    def margin(self) -> int:
        """Pixels around a crop that this step looks at: a centred walk stays within its own length."""
        return math.ceil(largest(self.length))

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        length, smoothness = draw(self.length, rng), draw(self.smoothness, rng)
        path = shake_path(length, smoothness, self.frames or math.ceil(length / STEP) + 1, rng)
        kernel = path_kernel(path)
        blurred = to_display(convolve(to_linear(image), kernel)) if self.linear_light else convolve(image, kernel)
        return blurred, {"kernel": kernel, "path": path}
