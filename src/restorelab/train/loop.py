"""The training loop, in plain PyTorch, to be read.

It runs as it stands on a CPU, a GPU, or several under `torchrun`; resumed after a kill it ends with the same weights to the bit.
Reading order: `FitConfig`, then `fit`, then what `fit` calls.
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from restorelab.errors import TrainingError
from restorelab.train import batch as batches_of
from restorelab.train.batch import Prepare
from restorelab.train.distributed import averaging, mean_over_processes, rank, world_size
from restorelab.train.objectives import Objective
from restorelab.train.run import Run


@dataclass(frozen=True)
class FitConfig:
    steps: int = 1000  # updates of the weights
    batch: int = 8  # samples per update, over all processes
    learning_rate: float = 3e-4  # after the warm-up; Adam
    warmup: int = 20  # steps over which the learning rate rises from 0; it then falls along a cosine to a hundredth
    clip: float = 1.0  # longest gradient allowed (L2 norm over all weights); longer ones are shortened to it
    ema: float = 0.99  # the weights judged and kept are an exponential average of the trained ones with this memory
    precision: str = "auto"  # "float32", "bfloat16", or "auto": bfloat16 on a GPU that has it, else float32
    workers: int = 0  # processes that make samples; they change the speed and nothing else
    save_every: int = 100  # steps between saved states
    validate_every: int = 100  # steps between looks at the validation pictures

    def __post_init__(self):
        for name in ("steps", "batch", "save_every", "validate_every"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not (self.learning_rate > 0 and self.clip > 0 and 0 <= self.ema < 1 and self.warmup >= 0 and self.workers >= 0):
            raise TrainingError(f"learning_rate and clip must be above 0, ema in [0, 1), warmup and workers not negative: {self}")
        if self.precision not in ("auto", "float32", "bfloat16"):
            raise TrainingError(f'precision is "auto", "float32" or "bfloat16", not {self.precision!r}.')


@dataclass(frozen=True)
class Progress:
    """What a watcher of the training is told after every step."""

    step: int  # steps done
    steps: int  # steps in all
    loss: float
    samples_per_second: float
    remaining: float  # seconds
    validation: dict[str, float] | None  # at the steps where it was measured
    weights: nn.Module  # the averaged weights, for a preview


Validate = Callable[[nn.Module], dict[str, float]]
Watch = Callable[[Progress], None]


def fit(model: nn.Module, objective: Objective, samples: Dataset, cfg: FitConfig, run: Run, *, device: str = "cpu",
        validate: Validate | None = None, watch: Watch | None = None, prepare: Prepare = batches_of.pairs) -> nn.Module:  # fmt: skip
    """Train `model` on `samples` and return its averaged copy, on the CPU, in eval mode.

    samples: sample number n -> (degraded, clean), for any n; or whatever `prepare` makes a `Batch` of. validate: averaged model ->
    named numbers, recorded. watch: called after every step. A run that was begun before is taken up where it stopped. Raises
    TrainingError when the gradient is no longer finite: the state before the bad step is saved then.
    """
    torch.manual_seed(run.seed)
    model = model.to(device, memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.learning_rate, fused=True)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(cfg.ema))
    done, seconds = _resume(run, model, optimizer, average)
    net = averaging(model)
    clock = time.perf_counter() - seconds

    for step, made in enumerate(batches(samples, cfg, done), start=done + 1):
        batch = prepare(made, device)
        _set_learning_rate(optimizer, learning_rate_at(step, cfg))
        with torch.autocast(torch.device(device).type, torch.bfloat16, enabled=use_bfloat16(cfg.precision, device)):
            restored = batches_of.restored(net, batch)
        loss = objective(restored, batch.clean)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), cfg.clip)
        if not torch.isfinite(norm):
            _save(run, model, optimizer, average, step - 1, time.perf_counter() - clock)
            raise TrainingError(_not_finite(step, loss, run))
        optimizer.step()
        optimizer.zero_grad()
        average.update_parameters(model)

        seconds = time.perf_counter() - clock
        measured = validate(average.module) if validate and (step % cfg.validate_every == 0 or step == cfg.steps) else None
        progress = _report(run, cfg, step, mean_over_processes(loss.detach()), norm, seconds, done, measured, average.module)
        if step % cfg.save_every == 0 or step == cfg.steps:
            _save(run, model, optimizer, average, step, seconds)
        if watch and rank() == 0:
            watch(progress)

    return average.module.cpu().eval()


def batches(samples: Dataset, cfg: FitConfig, done: int) -> Iterator[object]:
    """The batches of steps done + 1, ..., cfg.steps: of every global batch, the part that belongs to this process."""
    if cfg.batch % world_size():
        raise TrainingError(f"the batch of {cfg.batch} cannot be shared equally by {world_size()} processes.")
    share = cfg.batch // world_size()
    numbers = [step * cfg.batch + rank() * share + i for step in range(done, cfg.steps) for i in range(share)]
    return iter(DataLoader(samples, batch_size=share, sampler=numbers, num_workers=cfg.workers))


def learning_rate_at(step: int, cfg: FitConfig) -> float:
    """Linear warm-up, then half a cosine down to a hundredth of the peak; `step` counts from 1."""
    if step <= cfg.warmup:
        return cfg.learning_rate * step / cfg.warmup
    way = (step - cfg.warmup) / max(cfg.steps - cfg.warmup, 1)
    return cfg.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * way)))


def use_bfloat16(precision: str, device: str) -> bool:
    """What "auto" means here. On a CPU it means no: only some processors gain, and the others lose several times over."""
    if precision == "auto":
        return torch.device(device).type == "cuda" and torch.cuda.is_bf16_supported()
    return precision == "bfloat16"


def _set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value


def _resume(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, average: AveragedModel) -> tuple[int, float]:
    """Load the run's newest state, if it has one -> steps done, seconds spent."""
    state = run.newest_state()
    if state is None:
        return 0, 0.0
    try:
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average.load_state_dict(state["average"])
    except (RuntimeError, ValueError) as error:
        raise TrainingError(
            f"{run.folder} was begun with another network: resume it with the same settings, or start a new run."
        ) from error
    torch.set_rng_state(state["torch_rng"])
    run.forget_after(state["step"])
    return state["step"], state["seconds"]


def _save(run: Run, model: nn.Module, optimizer: torch.optim.Optimizer, average: AveragedModel, step: int, seconds: float) -> None:
    if rank() == 0:
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "average": average.state_dict()}
        run.save_state(step, state | {"step": step, "seconds": seconds, "torch_rng": torch.get_rng_state()})


def _report(run: Run, cfg: FitConfig, step: int, loss: Tensor, norm: Tensor, seconds: float, before: int,
            measured: dict[str, float] | None, weights: nn.Module) -> Progress:  # fmt: skip
    pace = seconds / step  # over the whole run, kills included: `seconds` is carried along
    progress = Progress(step, cfg.steps, float(loss), cfg.batch / pace, (cfg.steps - step) * pace, measured, weights)
    if rank() == 0:
        row = {"step": step, "steps": cfg.steps, "loss": progress.loss, "gradient_norm": float(norm)}
        row |= {"learning_rate": learning_rate_at(step, cfg), "seconds": round(seconds, 3)}
        run.log(row | (measured or {}))
    return progress


def _not_finite(step: int, loss: Tensor, run: Run) -> str:
    return (
        f"The gradient is no longer finite at step {step} (loss {float(loss.detach()):.3g}), "
        "so training stopped before the weights were harmed. "
        f"The state after step {step - 1} is saved in {run.folder.name}. Lower learning_rate (a third is a good next try), "
        "check the data for NaN, or train in float32."
    )
