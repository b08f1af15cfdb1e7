"""Not a test: what test_distributed.py starts, once alone and once under torchrun, as a script. Argument: where to write the weights."""

import os
import sys
from pathlib import Path

import torch

from restorelab.cli.app import app
from restorelab.data.pairs import TrainingPairs, training_photos
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.presets import SHAKE
from restorelab.train.distributed import process_group, rank
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run


def train(folder: Path) -> None:
    with process_group():
        torch.manual_seed(0)
        model = DMPHN(DMPHNConfig(width=4))
        samples = TrainingPairs(training_photos(), SHAKE, crop=32, seed=0)
        run = Run(folder / "run", seed=0)
        trained = fit(model, every_stage_mse, samples, FitConfig(steps=3, batch=4, warmup=1, ema=0.5), run)
        if rank() == 0:
            torch.save(trained.state_dict(), folder / "weights.pt")
        run.close()


def command(runs: str, *words: str) -> None:
    """`restorelab` with these words, where runs go to this folder."""
    os.environ["RESTORELAB_RUNS"] = runs  # here: the process that this one is forked from has the environment of its own start
    app(list(words), standalone_mode=False)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(Path(sys.argv[1]))
