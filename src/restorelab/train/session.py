"""One training from a preset to weights: what the chapters do step by step, in one call for the command line and the course's scripts."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from restorelab import presets
from restorelab.evaluate import Evaluation, evaluate
from restorelab.metrics import COURSE_RGB
from restorelab.systems import system
from restorelab.train.forecast import Forecast, forecast
from restorelab.train.loop import Validate, Watch, fit
from restorelab.train.objectives import OBJECTIVES
from restorelab.train.run import Run

DRAWS = 4  # of the degradation for every photograph that a training is judged on: a few photographs alone are too few


def new_network(name: str, preset: presets.Preset, seed: int) -> nn.Module:
    """The network of a training (of `presets.TRAININGS`), its weights drawn by `seed`."""
    torch.manual_seed(seed)
    return system(presets.TRAININGS[name][0]).model(preset.model)


def predict(model: nn.Module, preset: presets.Preset, pictures: Sequence[np.ndarray], seed: int, device: str) -> Forecast:
    """What the training will take on this machine."""
    samples, _ = presets.training_samples(preset, pictures, seed)
    return forecast(model, OBJECTIVES[preset.objective], samples, preset.fit, device, presets.preparation(preset))


def train(
    model: nn.Module, preset: presets.Preset, pictures: Sequence[np.ndarray], run: Run, device: str, watch: Watch | None = None
) -> nn.Module:
    """Train, or go on where the run stopped; returns the averaged network on the CPU, in eval mode."""
    samples, _ = presets.training_samples(preset, pictures, run.seed)
    return fit(
        model,
        OBJECTIVES[preset.objective],
        samples,
        preset.fit,
        run,
        device=device,
        validate=validation(preset),
        watch=watch,
        prepare=presets.preparation(preset),
    )


def validation(preset: presets.Preset) -> Validate:
    """What `fit` asks now and then: PSNR on the validation photograph, of the input and of the result."""
    watched = presets.watched_pairs(preset, "validation", DRAWS, crop=256)

    def validate(model: nn.Module) -> dict[str, float]:
        found = evaluate(model, watched, condition=presets.condition_of(preset))
        return {"psnr": found.mean("restored_psnr"), "input_psnr": found.mean("degraded_psnr")}

    return validate


def judge(model: nn.Module, preset: presets.Preset, named: tuple[str, str], sigma: float | None = None) -> Evaluation:
    """On the bundled test photographs, under the course's protocol."""
    pairs = presets.watched_pairs(preset, "test", DRAWS, sigma=sigma)
    return evaluate(model, pairs, COURSE_RGB, condition=presets.condition_of(preset), named=named)
