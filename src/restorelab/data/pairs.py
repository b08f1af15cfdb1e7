"""Pairs of a degraded and a clean picture: endless ones to train on, fixed ones to judge by.

Sample number n of a run is a function of (seed, n) alone. No worker, restart or second machine can change it, which is what
makes a resumed run equal to an uninterrupted one.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.data import photos
from restorelab.data.augment import draw_turn
from restorelab.data.crops import turned
from restorelab.data.scenes import dead_leaves
from restorelab.degrade import Recipe, degrade
from restorelab.errors import ParameterError
from restorelab.image import from_uint8, to_uint8
from restorelab.ops.pad import mirror


@dataclass(frozen=True)
class Pair:
    name: str
    degraded: Float[Tensor, "3 h w"]
    clean: Float[Tensor, "3 h2 w2"]  # larger than `degraded` when the recipe shrinks
    truth: dict


def photo_pairs(split: str, recipe: Recipe, draws: int = 1, crop: int | None = None) -> list[Pair]:
    """The bundled photographs of a split, each degraded `draws` times; a draw depends on its number and the name alone.

    `crop` takes the central square of that side, for quick looks.
    """
    pairs = []
    for name in photos.names(split):
        clean = photos.load(name)
        if crop:
            top, left = (max(side - crop, 0) // 2 for side in clean.shape[-2:])
            clean = clean[:, top : top + crop, left : left + crop]
        for number in range(draws):
            result = degrade(clean, recipe, np.random.default_rng([number, zlib.crc32(name.encode())]))
            height, width = (side * recipe.scale for side in result.image.shape[-2:])
            pairs.append(Pair(f"{name} {number + 1}" if draws > 1 else name, result.image, clean[:, :height, :width], result.truth))
    return pairs


def training_photos() -> list[np.ndarray]:
    """The bundled training photographs as `h w c` bytes."""
    return [to_uint8(photos.load(name)) for name in photos.names("train")]


class TrainingPairs(torch.utils.data.Dataset):
    """Sample number n -> (degraded `3 c/s c/s`, clean `3 c c`), for any n: crops of photographs and dead leaves.

    A crop is cut with the recipe's margin to spare, turned and flipped, degraded, and trimmed, so that no border of the crop
    shows in the blur.
    """

    def __init__(self, pictures: Sequence[np.ndarray], recipe: Recipe, crop: int, seed: int, leaves: float = 0.25):
        """`leaves` is the share of samples that are synthetic scenes; with no pictures it must be 1."""
        if crop % recipe.scale:
            raise ParameterError(f"crop {crop} must be a multiple of the recipe's scale {recipe.scale}.")
        if not 0 <= leaves <= 1 or (not pictures and leaves < 1):
            raise ParameterError(f"leaves is the share of synthetic samples, from 0 to 1 (1 without photographs); got {leaves}.")
        self.pictures, self.recipe, self.crop, self.seed, self.leaves = pictures, recipe, crop, seed, leaves

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, number])
        margin, scale = self.recipe.margin, self.recipe.scale
        side = self.crop + 2 * margin
        scene = rng.random() < self.leaves
        clean = dead_leaves(side, side, rng) if scene else self._photo_crop(side, margin, rng)
        degraded = degrade(clean, self.recipe, rng).image
        return _trim(degraded, margin // scale), _trim(clean, margin)

    def _photo_crop(self, side: int, margin: int, rng: np.random.Generator) -> Tensor:
        picture = self.pictures[rng.integers(len(self.pictures))]
        rows, columns = (_window(size, self.crop, side, margin, rng) for size in picture.shape[:2])
        return from_uint8(turned(picture[rows[:, None], columns], draw_turn(rng)))


def _window(size: int, crop: int, side: int, margin: int, rng: np.random.Generator) -> np.ndarray:
    """`side` positions along a line of `size` pixels, around a random crop; mirrored where the picture ends."""
    start = rng.integers(max(size - crop, 0) + 1) - margin
    return mirror(torch.arange(start, start + side), size).numpy()


def _trim(image: Tensor, margin: int) -> Tensor:
    return image[:, margin:-margin, margin:-margin].contiguous() if margin else image
