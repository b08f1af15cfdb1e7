"""One training from a preset to weights: what the chapters do step by step, in one call for the command line and the course's scripts."""

import copy
from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from restorelab import presets
from restorelab.degrade import Downsample
from restorelab.evaluate import Evaluation, Metric, evaluate
from restorelab.metrics import COURSE_RGB
from restorelab.metrics.course_trunk import perceptual_distance
from restorelab.systems import system
from restorelab.train.forecast import Forecast, forecast
from restorelab.train.loop import Validate, Watch, fit
from restorelab.train.run import Run

DRAWS = 4  # of the degradation for every photograph that a training is judged on: a few photographs alone are too few


def new_network(name: str, preset: presets.Preset, seed: int) -> nn.Module:
    """The network of a training (of `presets.TRAININGS`), its weights drawn by `seed`."""
    torch.manual_seed(seed)
    return system(presets.TRAININGS[name][0]).model(preset.model)


def predict(model: nn.Module, preset: presets.Preset, pictures: Sequence[np.ndarray], seed: int, device: str) -> Forecast:
    """What the training will take on this machine."""
    samples, _ = presets.training_samples(preset, pictures, seed)
    adversary = presets.adversary(preset, seed)
    return forecast(model, presets.objective(preset), samples, preset.fit, device, presets.preparation(preset), adversary)


def train(
    model: nn.Module, preset: presets.Preset, pictures: Sequence[np.ndarray], run: Run, device: str, watch: Watch | None = None
) -> nn.Module:
    """Train, or go on where the run stopped; returns the averaged network on the CPU, in eval mode.

    `model` has the weights to begin with, also where the run is gone on with.
    """
    samples, _ = presets.training_samples(preset, pictures, run.seed)
    begun = copy.deepcopy(model) if preset.interpolation < 1 else None
    trained = fit(
        model,
        presets.objective(preset),
        samples,
        preset.fit,
        run,
        device=device,
        validate=validation(preset),
        watch=watch,
        prepare=presets.preparation(preset),
        adversary=presets.adversary(preset, run.seed),
    )
    return between(begun, trained, preset.interpolation) if begun else trained


def between(begun: nn.Module, trained: nn.Module, far: float) -> nn.Module:
    """Network interpolation (Wang et al. 2018, ESRGAN, arXiv:1809.00219, section 3.4): weights that lie `far` of the way from one network
    to another of its kind that was trained on from it. What the second gained in detail against its pixels' error is had in part.
    """
    first, weights = begun.cpu().state_dict(), trained.state_dict()
    trained.load_state_dict({name: first[name].lerp(value, far) if value.is_floating_point() else value for name, value in weights.items()})
    return trained


def validation(preset: presets.Preset) -> Validate:
    """What `fit` asks now and then, on the validation photograph: PSNR of the input and of the result, and what `further` gives."""
    watched = presets.watched_pairs(preset, "validation", draws(preset), crop=256)

    def validate(model: nn.Module) -> dict[str, float]:
        found = evaluate(model, watched, metrics=further(preset), condition=presets.condition_of(preset))
        more = {name: found.mean(name) for name in found.rows[0].more}
        return {"psnr": found.mean("restored_psnr"), "input_psnr": found.mean("degraded_psnr")} | more

    return validate


def judge(model: nn.Module, preset: presets.Preset, named: tuple[str, str], sigma: float | None = None) -> Evaluation:
    """On the bundled test photographs, under the course's protocol."""
    pairs = presets.watched_pairs(preset, "test", draws(preset), sigma=sigma)
    return evaluate(model, pairs, COURSE_RGB, metrics=further(preset), condition=presets.condition_of(preset), named=named)


def draws(preset: presets.Preset) -> int:
    """Of the degradation for every photograph judged: one where they are all alike."""
    certain = not preset.told and all(isinstance(step, Downsample) for step in preset.recipe.steps)
    return 1 if certain else DRAWS


def judged_on(preset: presets.Preset) -> str:
    count = draws(preset)
    return f"bundled test photographs, {count} draw{'s' * (count > 1)} of the degradation for each"


def further(preset: presets.Preset) -> dict[str, Metric]:
    """The perceptual distance of a preset that asks for it, under the name that says which it is."""
    if not preset.perceptual:
        return {}
    distance = perceptual_distance()
    return {distance.label: lambda restored, clean: float(distance(restored[None], clean[None]))}
