"""Between display values and light: the sRGB transfer curve. (IEC 61966-2-1)

A file stores display values, roughly the square root of light. Light adds up; display values do not. Whoever averages
frames, blurs, or mixes must decide in which of the two, and a camera decides for light.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def to_linear(image: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """Display values in [0, 1] -> light in [0, 1]."""
    return torch.where(image <= 0.04045, image / 12.92, ((image + 0.055) / 1.055).clamp(min=0) ** 2.4)


def to_display(light: Float[Tensor, "*b c h w"]) -> Float[Tensor, "*b c h w"]:
    """Light in [0, 1] -> display values in [0, 1]. The inverse of `to_linear`."""
    return torch.where(light <= 0.0031308, light * 12.92, 1.055 * light.clamp(min=0) ** (1 / 2.4) - 0.055)
