"""Compression: what a JPEG file throws away."""

import io
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float
from PIL import Image
from torch import Tensor

from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.image import from_uint8, to_uint8


@dataclass(frozen=True)
class Jpeg:
    """Through a JPEG file and back (4:2:0 colour, as phones write it). Truth: `quality`."""

    kind: ClassVar[str] = "jpeg"
    quality: Amount = 75  # 1 to 100; a drawn one is rounded to a whole number
    margin: ClassVar[int] = 0

    def __post_init__(self):
        check_amount("jpeg quality", self.quality, 1, 100)

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        quality = round(draw(self.quality, rng))
        file = io.BytesIO()
        Image.fromarray(to_uint8(image).squeeze()).save(file, "JPEG", quality=quality, subsampling="4:2:0")
        with Image.open(file) as stored:
            return from_uint8(np.asarray(stored)).to(image.device), {"quality": quality}
