"""Not a test: the small training of test_train_faults.py, and what its processes do that are killed in the middle of it.

It stands apart so that such a process imports this little.
"""

import os
import signal
from pathlib import Path

import torch
from torch import nn

from restorelab import files
from restorelab.models.restored import Restored
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run

CFG = FitConfig(steps=40, batch=2, learning_rate=0.05, warmup=3, ema=0.5, save_every=4, validate_every=40)


class Gain(nn.Module):
    """restored = weight * degraded + bias, per channel."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1, groups=3)

    def forward(self, degraded):
        return Restored(self.layer(degraded))


class Halved(torch.utils.data.Dataset):
    def __getitem__(self, number: int):
        clean = torch.rand(3, 8, 8, generator=torch.Generator().manual_seed(number))
        return clean / 2, clean


def train(folder: Path, watch=None) -> list[float]:
    """The weights that it ends with."""
    torch.manual_seed(0)
    with Run(folder, seed=0) as run:
        trained = fit(Gain(), every_stage_mse, Halved(), CFG, run, watch=watch)
    return [float(number) for weights in trained.parameters() for number in weights.detach().flatten()]


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_after(folder: Path, step: int) -> None:
    train(folder, lambda progress: die() if progress.step == step else None)


def killed_in_a_save(folder: Path, call: str, number: int) -> None:
    """At the given call of a function of `os` after step 16, of those by which a state is written and an old one goes."""
    calls, real = [], getattr(files.os, call)

    def counted(*words, **more):
        calls.append(words)
        return die() if len(calls) == number else real(*words, **more)

    def watch(progress):
        if progress.step == 16:  # the next state is that of step 20
            setattr(files.os, call, counted)

    train(folder, watch)
