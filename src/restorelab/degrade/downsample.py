"""Fewer pixels: bicubic downsampling, the degradation of most super-resolution papers."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from torch import Tensor

from restorelab.errors import RecipeError
from restorelab.ops.resize import SUPPORT, downsample_bicubic


@dataclass(frozen=True)
class Downsample:
    """Shrinks by a whole number, MATLAB-compatible bicubic; the picture is cropped to a multiple first. Truth: `scale`."""

    kind: ClassVar[str] = "downsample"
    scale: int = 2

    def __post_init__(self):
        if not isinstance(self.scale, int) or isinstance(self.scale, bool) or not 2 <= self.scale <= 16:
            raise RecipeError(f"downsample scale must be a whole number from 2 to 16, not {self.scale!r}.")

    @property
    def margin(self) -> int:
        return SUPPORT * self.scale

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        height, width = (side - side % self.scale for side in image.shape[-2:])
        if not height or not width:
            raise RecipeError(f"a {image.shape[-1]}x{image.shape[-2]} picture is too small to be shrunk {self.scale} times.")
        return downsample_bicubic(image[None, :, :height, :width], self.scale)[0], {"scale": self.scale}
