"""What a preset is: everything that decides what a training gives, but for the seed and the photographs."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from restorelab.data.folders import PairedCrops
from restorelab.data.online import BlurDownNoise, OnlineCrops
from restorelab.data.pairs import Pair, TrainingPairs, photo_pairs
from restorelab.data.prepared import find_prepared
from restorelab.degrade import CameraShake, Downsample, GaussianNoise, KernelCode, Recipe
from restorelab.errors import ParameterError, did_you_mean
from restorelab.presets import against as adversarial
from restorelab.presets.against import Against
from restorelab.train import batch
from restorelab.train.adversary import Adversary
from restorelab.train.loop import FitConfig
from restorelab.train.objectives import OBJECTIVES, Objective

SHAKE = Recipe((CameraShake(length=(5.0, 12.0), smoothness=(0.3, 1.0)), GaussianNoise(sigma=(0.0, 1 / 255))))

# Told only where they are used: runs begun before there were any can be taken up.
LATER = ("accumulate", "freeze_steps", "freeze_norms", "shard", "compile")


@dataclass(frozen=True)
class Preset:
    """A network, how it is trained, and on what."""

    model: object  # the configuration of a system's network
    fit: FitConfig
    crop: int  # side of the clean training crops, in pixels
    recipe: Recipe = SHAKE
    told: BlurDownNoise | None = None  # for a network that is told the degradation: the law it is drawn by, in place of a recipe
    leaves: float = 0.25  # share of synthetic dead-leaves scenes
    objective: str = "charbonnier"  # see train/objectives.py
    against: Against | None = None  # for an adversarial training
    interpolation: float = 1.0  # the weights kept lie this far from those it began with to the trained ones, see session.between
    perceptual: bool = False  # judged by a perceptual distance, too
    data_set: str = ""  # trained on in place of the recipe where it lies prepared (data_scripts/)
    note: str = ""  # what a reader should know before starting it

    def __post_init__(self):
        if not 0 < self.interpolation <= 1:
            raise ParameterError(f"interpolation is above 0, and at most 1 (the trained weights alone); not {self.interpolation}.")
        if self.objective not in OBJECTIVES:
            names = ", ".join(OBJECTIVES)
            raise ParameterError(f"there is no objective {self.objective!r}; there are {names}.{did_you_mean(self.objective, OBJECTIVES)}")


def training_samples(preset: Preset, pictures: Sequence[np.ndarray], seed: int) -> tuple[Dataset, str]:
    """What a preset trains on, and that in words: its data set where it lies prepared, else its degradation over `pictures`.

    Raises DataError for a prepared set that is damaged.
    """
    prepared = find_prepared(preset.data_set) if preset.data_set else None
    if prepared:
        files = prepared.pairs("train")
        return PairedCrops(files, preset.crop, seed), f"{prepared.name}, {len(files)} pairs"
    if preset.told:
        return OnlineCrops(pictures, preset.told, preset.crop, seed), f"{len(pictures)} photographs, degraded while training, which is told"
    what = f"{len(pictures)} photographs, {preset.leaves:.0%} dead leaves, degraded by the recipe"
    return TrainingPairs(pictures, preset.recipe, preset.crop, seed, preset.leaves), what


def objective(preset: Preset) -> Objective:
    """What `fit` minimises, the adversary's terms left out."""
    return adversarial.content(preset.against, preset.objective) if preset.against else OBJECTIVES[preset.objective]


def adversary(preset: Preset, seed: int) -> Adversary | None:
    """The discriminator to train beside the network, or None: `fit(..., adversary=adversary(preset, seed))`."""
    return adversarial.adversary(preset.against, preset.fit.clip, seed) if preset.against else None


def preparation(preset: Preset) -> batch.Prepare:
    """How the samples become batches: `fit(..., prepare=preparation(preset))`."""
    return batch.degraded_online(preset.told, kernel_code()) if preset.told else batch.pairs


@lru_cache(maxsize=1)
def kernel_code() -> KernelCode:
    """The code by which the course's networks are told a blur: 15 numbers, fitted to SRMD's law for widths from 0.2 to 4 pixels."""
    return KernelCode.fit_srmd(variance=(0.04, 16.0))


def watched_pairs(preset: Preset, split: str, draws: int = 1, crop: int | None = None, sigma: float | None = None) -> list[Pair]:
    """Bundled photographs degraded as the preset degrades, to judge by; `told(pair)` is what a network is told of each.

    sigma: of the noise, for presets that tell the network; left open it is drawn from their law.
    """
    if not preset.told:
        return photo_pairs(split, preset.recipe, draws, crop)
    law = preset.told
    noise = GaussianNoise(law.sigma if sigma is None else sigma)
    return photo_pairs(
        split, Recipe((law.blur, Downsample(law.scale), noise) if law.scale > 1 else (law.blur, noise), bits=None), draws, crop
    )


def told(pair: Pair) -> Tensor:
    """The kernel's code and sigma, of a pair of `watched_pairs`: what `restore` and `evaluate` take as condition."""
    code = kernel_code().encode(pair.truth["kernel"]).float()
    return torch.cat([code, torch.tensor([pair.truth["sigma"]])])


def condition_of(preset: Preset) -> Callable[[Pair], Tensor] | None:
    """`told` for a preset whose network asks, else None: `evaluate(..., condition=condition_of(preset))`."""
    return told if preset.told else None


def choose(presets: dict[str, Preset], name: str, **overrides) -> Preset:
    """A preset with some values replaced; 0, "" and None keep the preset's. Values go to the part that has their name.

    Raises ParameterError for a preset or a value that does not exist.
    """
    if name not in presets:
        raise ParameterError(f"there is no preset {name!r}; the presets are {', '.join(presets)}.{did_you_mean(name, presets)}")
    return changed(presets[name], {key: value for key, value in overrides.items() if value not in (0, "", None)})


def changed(preset: Preset, values: Mapping[str, object]) -> Preset:
    """A preset with some values replaced, whatever they are. Raises ParameterError for a value that no part of it has, or can have."""
    for key, value in values.items():
        parts = ("fit", "model", "", *(["against"] if preset.against else []))
        part = next((part for part in parts if key in _fields(getattr(preset, part) if part else preset)), None)
        if part is None:
            raise ParameterError(f"a preset has no {key!r}.")
        try:
            new = dataclasses.replace(getattr(preset, part), **{key: value}) if part else value
        except ValueError as error:
            raise ParameterError(f"{key}={value!r} does not go with this preset: {error}.") from error
        preset = dataclasses.replace(preset, **{part or key: new})
    return preset


def _fields(value: object) -> set[str]:
    return {field.name for field in dataclasses.fields(value)}


def describe(preset: Preset) -> dict:
    """A preset as JSON-able values, for a manifest."""
    fit = {name: value for name, value in dataclasses.asdict(preset.fit).items() if name not in LATER or value != getattr(FitConfig, name)}
    facts = {"model": dataclasses.asdict(preset.model), "fit": fit, "recipe": preset.recipe.to_json()}
    if preset.told:
        law = dataclasses.asdict(preset.told) | {"blur": {"kind": preset.told.blur.kind, **dataclasses.asdict(preset.told.blur)}}
        facts |= {"recipe": "", "told": law, "kernel_code": kernel_code().fingerprint}
    if preset.against:
        facts["against"] = dataclasses.asdict(preset.against) | adversarial.describe(preset.against)
    if preset.interpolation < 1:
        facts["interpolation"] = preset.interpolation
    return facts | {"crop": preset.crop, "leaves": preset.leaves, "objective": preset.objective, "data_set": preset.data_set}
