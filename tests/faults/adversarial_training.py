"""Not a test: the small adversarial trainings of test_kill_and_resume.py, which kill themselves."""

import os
import signal
from pathlib import Path

import torch
from torch import nn

from restorelab.models.restored import Restored
from restorelab.train.adversary import Adversary
from restorelab.train.games import Relativistic, UNetHinge
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run


class Gain(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 3, 1)

    def forward(self, degraded):
        return Restored(self.layer(degraded))


class Halved(torch.utils.data.Dataset):
    def __getitem__(self, number: int):
        clean = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(number))
        return clean / 2, clean


def train(name: str, folder: Path, kill: int = 0) -> None:
    """The named game. `kill`: after which step; 0: never."""

    def watch(progress):
        if progress.step == kill:
            os.kill(os.getpid(), signal.SIGKILL)

    torch.manual_seed(0)
    game = UNetHinge(width=2) if name == "unet" else Relativistic(width=2, pools=True)
    against = Adversary(game, {"adversarial": 0.1, "features": 0.1})
    cfg = FitConfig(steps=10, batch=2, learning_rate=0.01, warmup=2, ema=0.5, save_every=2)
    with Run(folder, seed=0) as run:
        fit(Gain(), every_stage_mse, Halved(), cfg, run, adversary=against, watch=watch)
