"""A degradation as one value: the steps a clean picture goes through, in order, as JSON-able numbers.

The playground, the data loader, the tests and the demo read the same Recipe, so a picture made by one can be made again by
the others. The order of the steps is part of the value: noise before blur is another camera than blur before noise.
"""

import dataclasses
import json
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.degrade.blur import GaussianBlur
from restorelab.degrade.compress import Jpeg
from restorelab.degrade.downsample import Downsample
from restorelab.degrade.motion import CameraShake
from restorelab.degrade.noise import CameraNoise, GaussianNoise
from restorelab.degrade.rain import Rain
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur
from restorelab.degrade.varying import VaryingBlur
from restorelab.errors import RecipeError, did_you_mean

Step = GaussianBlur | IsotropicBlur | SRMDBlur | VaryingBlur | CameraShake | Rain | Downsample | GaussianNoise | CameraNoise | Jpeg
STEPS = {step.kind: step for step in Step.__args__}


@dataclass(frozen=True)
class Recipe:
    """Steps in the order light meets them, and the depth the result is stored at."""

    steps: tuple[Step, ...]
    bits: int | None = 8  # the file a camera would write; None keeps every float

    def __post_init__(self):
        if not isinstance(self.steps, tuple) or not all(isinstance(step, Step) for step in self.steps):
            raise RecipeError(f"a recipe's steps are a tuple of steps such as (CameraShake(), GaussianNoise()), not {self.steps!r}.")
        if self.bits not in (8, 16, None):
            raise RecipeError(f"a recipe's bits are 8, 16 or None, not {self.bits!r}.")

    @property
    def scale(self) -> int:
        """How many clean pixels, along one side, make one degraded pixel."""
        return int(np.prod([step.scale for step in self.steps if isinstance(step, Downsample)] or [1]))

    @property
    def margin(self) -> int:
        """Clean pixels around a crop that the whole recipe looks at: crop with this much to spare, degrade, cut it off."""
        margin, scale = 0, 1
        for step in self.steps:
            margin += step.margin * scale
            scale *= step.scale if isinstance(step, Downsample) else 1
        return -(-margin // scale) * scale  # a multiple of the scale, so that the cut falls between degraded pixels

    def to_json(self) -> str:
        """One line of JSON; `Recipe.from_json` reads it back to an equal value."""
        steps = [{"kind": step.kind, **dataclasses.asdict(step)} for step in self.steps]
        return json.dumps({"steps": steps, "bits": self.bits})

    @staticmethod
    def from_json(text: str) -> "Recipe":
        """Raises RecipeError, naming what is wrong, for anything that is not a recipe."""
        try:
            value = json.loads(text)
        except ValueError as error:
            raise RecipeError(f"the recipe is not valid JSON: {error}.") from error
        if not isinstance(value, dict) or not isinstance(value.get("steps"), list) or set(value) - {"steps", "bits"}:
            raise RecipeError('a recipe is an object such as {"steps": [{"kind": "gaussian_noise", "sigma": 0.02}], "bits": 8}.')
        return Recipe(tuple(_read_step(step) for step in value["steps"]), value.get("bits", 8))


def _read_step(value: object) -> Step:
    if not isinstance(value, dict) or not isinstance(value.get("kind"), str):
        raise RecipeError(f'every step needs a "kind", one of {", ".join(STEPS)}; got {value!r}.')
    kind = value["kind"]
    if kind not in STEPS:
        raise RecipeError(f"there is no step {kind!r}; the steps are {', '.join(STEPS)}.{did_you_mean(kind, STEPS)}")
    names = [field.name for field in dataclasses.fields(STEPS[kind])]
    for name in value.keys() - {"kind"}:
        if name not in names:
            raise RecipeError(f"{kind} has no {name!r}; it has {', '.join(names)}.{did_you_mean(name, names)}")
    return STEPS[kind](**{name: tuple(v) if isinstance(v, list) else v for name, v in value.items() if name != "kind"})


@dataclass(frozen=True)
class Degraded:
    """What `degrade` returns."""

    image: Float[Tensor, "c h w"]  # in [0, 1]
    truth: dict  # what was done: kernel, path, sigma, scale, quality; a second one of a kind is kernel_2, and so on


def degrade(clean: Float[Tensor, "c h w"], recipe: Recipe, rng: np.random.Generator) -> Degraded:
    """Take a clean picture through the recipe. The same `rng` state gives the same picture.

    Every random number comes from numpy's generator, whose stream is the same on every machine; the arithmetic after it may
    differ in the last bits of a float, which rounding to `recipe.bits` takes away but for a rare tie.
    """
    image, truth = clean, {}
    for step in recipe.steps:
        image, facts = step.apply(image, rng)
        for name, fact in facts.items():
            truth[_free_name(name, truth)] = fact
    image = image.clamp(0, 1)
    if recipe.bits:
        top = 2**recipe.bits - 1
        image = torch.round(image * top) / top
    return Degraded(image, truth)


def _free_name(name: str, taken: dict) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
