"""Rain: drops that fall while the shutter is open.

A drop is in front of a pixel for a part of the exposure only. For that part the pixel sees the drop, which gathers light from nearly
the whole surroundings, and for the rest what lies behind, so that in light

    rainy = (1 - alpha) * clean + alpha * drop,        alpha = the part of the exposure.     (Garg & Nayar, Vision and Rain, IJCV 2007)

This is "over", as painters of layers call it: a streak hardly shows against a white sky. The commonest short cut in data sets is to add
the streaks, clean + streaks, which is right for glowing drops only, and is clipped where it matters.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import erf
from torch import Tensor

from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.ops.light import to_display, to_linear

THINNEST = 0.5  # pixels, std across a streak: a thinner one falls between the pixels, so it is drawn this wide and as much fainter
REACH = 3  # std beyond which a streak is not drawn
BATCH = 2**18  # pixels of streaks drawn at a time
SWAY = 1.5  # degrees, std: gusts, so that streaks are not parallel as if ruled


class Streaks(NamedTuple):
    """n streaks; every field is an array `n`. Pixels, and degrees from straight down (positive: falling to the right)."""

    row: np.ndarray  # of the middle; the first row of pixels is 0
    column: np.ndarray
    length: np.ndarray  # the way of the drop while the shutter is open
    std: np.ndarray  # across a streak is a Gaussian
    angle: np.ndarray
    opacity: np.ndarray  # alpha in the middle of a long streak


def draw_streaks(streaks: Streaks, height: int, width: int) -> Float[Tensor, "1 h w"]:
    """How much of the exposure each pixel sees rain: the alpha of all streaks together, 1 - product of (1 - alpha).

    A streak is the motion blur of a drop: a Gaussian drop averaged along a straight line. That has a closed form (two error functions
    along, a Gaussian across), so that it needs no sub-pixels to be antialiased. Angles within 60 degrees, or rows grow long.
    """
    std = np.maximum(streaks.std, THINNEST)
    streaks = streaks._replace(std=std, opacity=np.minimum(streaks.opacity * streaks.std / std, 0.999))
    area = (streaks.length + 2 * REACH * std) * 2 * REACH * std
    clear = np.zeros(height * width)  # logarithm of what is left to see
    for part in np.split(np.arange(len(area)), np.flatnonzero(np.diff(np.cumsum(area) // BATCH)) + 1):
        pixel, alpha = _pixels(Streaks(*(field[part] for field in streaks)), height, width)
        np.add.at(clear, pixel, np.log1p(-alpha))
    return torch.from_numpy(1 - np.exp(clear)).float().reshape(1, height, width)


def _pixels(streaks: Streaks, height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """All pixels of all streaks in one list: which pixel of the picture, and its alpha."""
    _, _, length, std, angle, opacity = streaks
    down, right = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    reach = REACH * std
    streak, row = _ranges(streaks.row, length / 2 * down + reach, height)
    middle = streaks.column[streak] + (row - streaks.row[streak]) * (right / down)[streak]
    line, column = _ranges(middle, (reach / down)[streak], width)
    streak, row = streak[line], row[line]

    y, x, unit = row - streaks.row[streak], column - streaks.column[streak], math.sqrt(2) * std[streak]
    along = (x * right[streak] + y * down[streak]) / unit
    across = (x * down[streak] - y * right[streak]) / unit
    end = length[streak] / 2 / unit
    share = (erf(end - along) + erf(end + along)) / 2
    return row * width + column, opacity[streak] * share * np.exp(-(across**2))


def _ranges(middle: np.ndarray, reach: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The whole numbers within `reach` of each of n middles, from 0 to size - 1, in one list: which of the n, and the number."""
    first = np.clip(np.ceil(middle - reach), 0, size).astype(np.int64)
    count = np.maximum(np.clip(np.floor(middle + reach), -1, size - 1).astype(np.int64) - first + 1, 0)
    which = np.repeat(np.arange(len(count)), count)
    before = np.cumsum(count) - count
    return which, (first - before)[which] + np.arange(len(which))


@dataclass(frozen=True)
class Rain:
    """Streaks at all distances. Truth: `rain_alpha` (1 h w), `angle`.

    The nearest streaks are `length` long and `width` wide; at t times their distance both are t times smaller, the streaks fainter,
    and there are t^2 times as many, as there is more air. Streaks begin outside the picture, so that a crop needs no margin.
    """

    kind: ClassVar[str] = "rain"
    density: Amount = 3.0  # streaks per 1000 pixels
    length: Amount = 60.0  # pixels, of the nearest: longer exposures, longer streaks
    width: Amount = 4.0  # pixels, of the nearest, at half its height
    depth: Amount = 4.0  # distance of the farthest streak over that of the nearest
    angle: Amount = 8.0  # degrees from straight down; positive falls to the right
    opacity: Amount = 0.5  # alpha of the nearest
    brightness: Amount = 0.8  # light of a drop; 1 is white
    margin: ClassVar[int] = 0

    def __post_init__(self):
        check_amount("rain density (streaks per 1000 pixels)", self.density, 0, 100)
        check_amount("rain length (pixels)", self.length, 1, 1000)
        check_amount("rain width (pixels)", self.width, 0.1, 50)
        check_amount("rain depth", self.depth, 1, 20)
        check_amount("rain angle", self.angle, -60, 60)
        check_amount("rain opacity", self.opacity, 0, 1)
        check_amount("rain brightness", self.brightness, 0, 1)

    def apply(self, image: Float[Tensor, "c h w"], rng: np.random.Generator) -> tuple[Tensor, dict]:
        height, width = image.shape[1:]
        angle = draw(self.angle, rng)
        alpha = draw_streaks(self._fall(height, width, angle, rng), height, width).to(image)
        light, drop = to_linear(image), draw(self.brightness, rng)
        return to_display(light + alpha * (drop - light)), {"rain_alpha": alpha, "angle": angle}

    def _fall(self, height: int, width: int, angle: float, rng: np.random.Generator) -> Streaks:
        density, length, thickness = (draw(amount, rng) for amount in (self.density, self.length, self.width))
        depth, opacity = draw(self.depth, rng), draw(self.opacity, rng)
        outside = length / 2 + REACH * thickness  # where the middle of a streak may lie that reaches into the picture
        count = round(density / 1000 * (height + 2 * outside) * (width + 2 * outside))
        row, column, volume = rng.random((3, count))
        distance = (1 + volume * (depth**3 - 1)) ** (1 / 3)  # even in the volume of a cone
        return Streaks(
            row=row * (height + 2 * outside) - outside,
            column=column * (width + 2 * outside) - outside,
            length=length / distance,
            std=thickness / math.sqrt(8 * math.log(2)) / distance,  # of a Gaussian that wide at half its height
            angle=angle + SWAY * rng.standard_normal(count),
            opacity=opacity / distance,
        )
