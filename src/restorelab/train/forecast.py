"""How long a training will take and what memory it needs, measured on a few of its own steps before it begins."""

import copy
import sys
import time
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.data import Dataset, default_collate

from restorelab.train import batch
from restorelab.train.adversary import Adversary
from restorelab.train.batch import Prepare
from restorelab.train.loop import FitConfig, how_networks_run
from restorelab.train.objectives import Objective

MEASURED = 2  # steps timed, after one that warms up


@dataclass(frozen=True)
class Forecast:
    seconds: float  # for all steps of the configuration, from the beginning
    memory: int  # bytes: of the GPU for this training, or of this whole process on a CPU (0 where that cannot be told)
    steps: int

    @property
    def minutes(self) -> float:
        return self.seconds / 60

    def __str__(self) -> str:
        length = (
            f"{self.seconds:.0f} s"
            if self.seconds < 120
            else f"{self.minutes:.0f} min"
            if self.minutes < 120
            else f"{self.minutes / 60:.0f} h"
        )
        memory = f", {self.memory / 2**30:.1f} GB of memory" if self.memory else ""
        return f"about {length} for {self.steps} steps{memory} (measured here, on {MEASURED} steps)"


def forecast(
    model: nn.Module, objective: Objective, samples: Dataset, cfg: FitConfig, device: str = "cpu", prepare: Prepare = batch.pairs,
    adversary: Adversary | None = None,
) -> Forecast:  # fmt: skip
    """Time a few steps on copies of `model` and `adversary`; they, their gradients and the random state are left alone."""
    trial, running = copy.deepcopy(model).to(device, memory_format=torch.channels_last).train(), how_networks_run(cfg, device)
    adversary = copy.deepcopy(adversary)
    if adversary:
        adversary.begin(device)
    if isinstance(objective, nn.Module):
        objective = objective.to(device)
    optimizer = torch.optim.Adam(trial.parameters(), fused=True)
    cuda = torch.device(device).type == "cuda"
    if cuda:
        torch.cuda.reset_peak_memory_stats(device)
    making = computing = 0.0
    for number in range(1 + MEASURED):
        start = time.perf_counter()
        collated = default_collate([samples[number * cfg.batch + i] for i in range(cfg.batch)])
        made = time.perf_counter()
        given = prepare(collated, device)
        with running():
            restored = batch.restored(trial, given)
        if adversary:
            adversary.learn(restored.image.detach(), given.clean, 0.1, running)
        loss = objective(restored, given.clean)
        if adversary:
            loss = loss + adversary.terms(restored.image, given.clean, running)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if cuda:
            torch.cuda.synchronize(device)
        if number:
            making, computing = making + made - start, computing + time.perf_counter() - made
    step = max(making / cfg.workers, computing) if cfg.workers else making + computing
    memory = torch.cuda.max_memory_allocated(device) if cuda else _process_peak()
    return Forecast(step / MEASURED * cfg.steps, memory, cfg.steps)


def _process_peak() -> int:
    try:
        import resource  # not on Windows
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # bytes on a Mac, kilobytes elsewhere
