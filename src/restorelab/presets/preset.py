"""smoke, lab and paper: what a chapter trains, as values.

smoke  at most a minute on two processor cores, offline: proves the plumbing, and says so on its figures
lab    at most 20 minutes on one ordinary GPU: an improvement one can see
paper  the published recipe, and what it takes
"""

import dataclasses
from dataclasses import dataclass

from restorelab.degrade import CameraShake, GaussianNoise, Recipe
from restorelab.errors import ParameterError, did_you_mean
from restorelab.models.dmphn import DMPHNConfig
from restorelab.train.loop import FitConfig

SHAKE = Recipe((CameraShake(length=(5.0, 8.0), smoothness=(0.3, 1.0)), GaussianNoise(sigma=(0.0, 1 / 255))))


@dataclass(frozen=True)
class Preset:
    """Everything that decides what a training gives, but for the seed and the photographs."""

    model: DMPHNConfig
    fit: FitConfig
    crop: int  # side of the training crops, in pixels
    recipe: Recipe = SHAKE
    leaves: float = 0.25  # share of synthetic dead-leaves scenes
    objective: str = "charbonnier"  # see train/objectives.py; the paper's is "mse"
    note: str = ""  # what a reader should know before starting it


COURSE_DMPHN = DMPHNConfig(width=16, global_skip=True)  # 1.36 M parameters: the network of the course checkpoint

DMPHN = {
    "smoke": Preset(
        model=DMPHNConfig(width=8, global_skip=True),
        fit=FitConfig(steps=40, batch=4, learning_rate=1e-3, warmup=5, ema=0.9, save_every=10, validate_every=20),
        crop=64,
        note="40 steps prove that everything works; they restore next to nothing.",
    ),
    "lab": Preset(
        model=COURSE_DMPHN,
        fit=FitConfig(steps=5000, batch=16, learning_rate=1e-3, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=250),
        crop=96,
        leaves=0.1,
        note="The network of the course checkpoint. Its time on a GPU has not been measured yet; the forecast below is for your machine.",
    ),
    "paper": Preset(
        model=DMPHNConfig(patches=(1, 2, 4, 8)),
        fit=FitConfig(steps=1_050_000, batch=6, learning_rate=1e-4, warmup=0, ema=0.0, workers=8, save_every=2000, validate_every=10_000),
        crop=256,
        leaves=0.0,
        objective="mse",
        note=(
            "The published network, crops, batch, learning rate and length (3000 epochs of the 2103 GoPro pairs), with a cosine in place "
            "of the step decay. GoPro itself is not read yet: the shake recipe over your photographs stands in, so the published 30.25 dB "
            "(GoPro, RGB; a user measured 29.99 dB with the released weights) is not the figure to expect. On one GPU keep the batch."
        ),
    ),
}


def choose(presets: dict[str, Preset], name: str, **overrides) -> Preset:
    """A preset with some values replaced; 0, "" and None keep the preset's. Values go to the part that has their name.

    Raises ParameterError for a preset or a value that does not exist.
    """
    if name not in presets:
        raise ParameterError(f"there is no preset {name!r}; the presets are {', '.join(presets)}.{did_you_mean(name, presets)}")
    preset = presets[name]
    for key, value in overrides.items():
        if value in (0, "", None):
            continue
        part = next((part for part in ("fit", "model", "") if key in _fields(getattr(preset, part) if part else preset)), None)
        if part is None:
            raise ParameterError(f"a preset has no {key!r}.")
        new = dataclasses.replace(getattr(preset, part), **{key: value}) if part else value
        preset = dataclasses.replace(preset, **{part or key: new})
    return preset


def _fields(value: object) -> set[str]:
    return {field.name for field in dataclasses.fields(value)}


def describe(preset: Preset) -> dict:
    """A preset as JSON-able values, for a manifest."""
    facts = {"model": dataclasses.asdict(preset.model), "fit": dataclasses.asdict(preset.fit), "recipe": preset.recipe.to_json()}
    return facts | {"crop": preset.crop, "leaves": preset.leaves, "objective": preset.objective}
