"""Not a test: what test_sharding.py starts in one process and in two."""

import json
from pathlib import Path

import torch
from torch import nn

from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig
from restorelab.train.distributed import process_group, rank
from restorelab.train.loop import FitConfig, fit
from restorelab.train.objectives import every_stage_mse
from restorelab.train.run import Run

SMALL = RRDBCascadeConfig(width=8, depth=2, growth=4, small_start=True)
CFG = {"steps": 5, "batch": 4, "learning_rate": 1e-3, "warmup": 1, "ema": 0.5, "save_every": 2, "validate_every": 3}


class Enlarged(torch.utils.data.Dataset):
    def __getitem__(self, number: int):
        rng = torch.Generator().manual_seed(number)
        return torch.rand(3, 5, 6, generator=rng), torch.rand(3, 80, 96, generator=rng)


def train(folder: Path, shard: bool, stop: bool = False) -> None:
    """Writes the weights that every process ends with, and how many of them it held. `stop`: in the third step, which is not kept."""
    held = []

    def validate(model: nn.Module) -> dict[str, float]:
        if stop:
            raise KeyboardInterrupt
        held.append(sum((p.to_local() if shard else p).numel() for p in model.parameters()))
        return {"brightness": float(model(torch.full((1, 3, 5, 6), 0.5)).image.mean())}

    with process_group():
        torch.manual_seed(rank())  # the first process's weights must reach the other
        with Run(folder / "run", seed=0) as run:
            try:
                trained = fit(RRDBCascade(SMALL), every_stage_mse, Enlarged(), FitConfig(**CFG, shard=shard), run, validate=validate)
            except KeyboardInterrupt:
                return
        torch.save(trained.state_dict(), folder / f"weights-{rank()}.pt")
        (folder / f"held-{rank()}.json").write_text(json.dumps(held))
