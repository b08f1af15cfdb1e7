"""Pictures to try the page with: bundled test photographs, spoiled by recipes whose numbers are known."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from gradio.utils import get_upload_folder
from torch import Tensor

from restorelab import image
from restorelab.data import photos
from restorelab.degrade import CameraShake, Downsample, GaussianNoise, IsotropicBlur, Rain, Recipe, degrade


@dataclass(frozen=True)
class Example:
    photo: str  # of the test split, on which no course checkpoint was trained
    recipe: Recipe
    task: str
    blur: float = 0.0  # what UDVD is told
    noise: float = 0.0  # in [0, 1] units


EXAMPLES = {
    "shake": Example("coffee", Recipe((CameraShake(10.0, smoothness=0.6), GaussianNoise(0.5 / 255))), "deblur"),
    "noise": Example("tulips", Recipe((GaussianNoise(25 / 255),)), "denoise"),
    "rain": Example("coffee", Recipe((Rain(angle=12.0),)), "derain"),
    "small": Example("chelsea", Recipe((IsotropicBlur(1.2), Downsample(2), GaussianNoise(10 / 255))), "x2", 1.2, 10 / 255),
    "tiny": Example("tulips", Recipe((Downsample(16),)), "x16"),
}
OTHERS = "small"  # for networks that enlarge, and have no example of their own


def fitting(task: str) -> str:
    """The key of the example for a task of the page."""
    return next((key for key, example in EXAMPLES.items() if example.task == task), OTHERS)


def example_file(key: str) -> str:
    """The example as a PNG in the temporary folder, made anew if it was cleared away."""
    file = Path(get_upload_folder()) / "examples" / f"{key}.png"
    if not file.is_file():
        file.parent.mkdir(parents=True, exist_ok=True)
        image.save(_made(key), file)
    return str(file)


@lru_cache
def _made(key: str) -> Tensor:
    example = EXAMPLES[key]
    return degrade(photos.load(example.photo), example.recipe, np.random.default_rng(1)).image
