"""Not a test: the adversarial trainings that test_distributed.py starts in one process and in two.

Both games, against a generator with a batch norm. The instance and batch norms of the discriminators are as they are in chapters 03 and 07.
"""

from pathlib import Path

import torch
from torch import nn

from restorelab.models.restored import Restored
from restorelab.train.adversary import Adversary
from restorelab.train.distributed import process_group, rank
from restorelab.train.games import Relativistic, UNetHinge
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.norm, self.last = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4), nn.Conv2d(4, 3, 1)

    def forward(self, degraded):
        return Restored(degraded + self.last(self.norm(self.first(degraded)).relu()))


class Halved(torch.utils.data.Dataset):
    def __getitem__(self, number: int):
        clean = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(number))
        return clean / 2, clean


def train(folder: Path) -> None:
    """Writes what came of it."""
    with process_group():
        for name in ("relativistic", "pools", "unet"):
            torch.manual_seed(rank())  # the first process's weights must reach the other
            game = UNetHinge(width=2, mix=1.0) if name == "unet" else Relativistic(width=2, pools=name == "pools")
            against = Adversary(game, {"adversarial": 0.1, "features": 1.0}, learning_rate=1e-4)
            run = Run(folder / name, seed=0)
            cfg = FitConfig(steps=3, batch=4, learning_rate=1e-4, warmup=1, ema=0.5)
            trained = fit(Generator(), every_stage_mse, Halved(), cfg, run, adversary=against)
            rows = [{k: v for k, v in row.items() if k != "seconds"} for row in run.rows()]
            torch.save({"generator": trained.state_dict(), "game": game.state_dict(), "rows": rows}, folder / f"{name}-{rank()}.pt")
            run.close()
