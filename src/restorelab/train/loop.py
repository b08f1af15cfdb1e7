"""The training loop, in plain PyTorch, to be read.

It runs as it stands on a CPU, a GPU, or several under `torchrun`; resumed after a kill it ends with the same weights to the bit.
Reading order: `FitConfig`, then `fit`, then what `fit` calls.
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset

from restorelab.errors import TrainingError
from restorelab.train import batch as batches_of
from restorelab.train.adversary import Adversary, Running
from restorelab.train.batch import Prepare
from restorelab.train.batch_norms import measure_batches, whole_batch_norms
from restorelab.train.distributed import Copies, average_statistics, begin_alike, mean_over_processes, rank, world_size
from restorelab.train.objectives import Objective
from restorelab.train.resume import Changing, keep, take_up
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
    accumulate: int = 1  # parts that a process computes its share of a batch in, one after the other, where memory is short
    freeze_steps: int = 0  # first steps in which the network's backbone stands still: for one that has been trained before
    freeze_norms: int = 0  # from this step on batch norms use the statistics they have stored, as they will when it restores; 0: never
    shard: bool = False  # every process keeps a part of the weights, instead of all of them (FSDP2): for networks that do not fit otherwise
    compile: bool = False  # torch.compile; it takes minutes to begin with

    def __post_init__(self):
        for name in ("steps", "batch", "save_every", "validate_every", "accumulate"):
            if getattr(self, name) < 1:
                raise TrainingError(f"{name} must be at least 1, not {getattr(self, name)}.")
        if not (self.learning_rate > 0 and self.clip > 0 and 0 <= self.ema < 1):
            raise TrainingError(f"learning_rate and clip must be above 0 and ema in [0, 1): {self}")
        if min(self.warmup, self.workers, self.freeze_steps, self.freeze_norms) < 0:
            raise TrainingError(f"warmup, workers, freeze_steps and freeze_norms must not be negative: {self}")
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
    weights: nn.Module  # the averaged weights, for a preview (not of a sharded network, which only all processes together can run)
    notice: str = ""  # what there is reason to say about this step, such as that the discriminator has won


Validate = Callable[[nn.Module], dict[str, float]]
Watch = Callable[[Progress], None]


def fit(model: nn.Module, objective: Objective, samples: Dataset, cfg: FitConfig, run: Run, *, device: str = "cpu",
        validate: Validate | None = None, watch: Watch | None = None, prepare: Prepare = batches_of.pairs,
        adversary: Adversary | None = None) -> nn.Module:  # fmt: skip
    """Train `model` on `samples` and return its averaged copy, on the CPU, in eval mode.

    samples: sample number n -> (degraded, clean), for any n; or whatever `prepare` makes a `Batch` of. validate: averaged model ->
    named numbers, recorded. watch: called after every step. adversary: a discriminator that takes its own step before each of the
    model's, and adds to its objective. A run that was begun before is taken up where it stopped. Raises TrainingError when a gradient
    is no longer finite: the state before the bad step is saved then (with an adversary, the last regular one stays).
    """
    check_feasible(model, cfg, adversarial=adversary is not None)
    torch.manual_seed(run.seed)
    model = model.to(device, memory_format=torch.channels_last).train()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(cfg.ema))
    begin_alike(model, average)
    held = _held(model, average, cfg.shard)
    optimizer = torch.optim.Adam(model.parameters(), lr=cfg.learning_rate, fused=True)
    changing: dict[str, Changing] = held.changing(optimizer)
    if adversary:
        adversary.begin(device)
        changing["adversary"] = adversary
    if isinstance(objective, nn.Module):
        objective = objective.to(device)
    done, seconds = take_up(run, changing)
    net = torch.compile(model) if cfg.compile else model
    running = how_networks_run(cfg, device)
    clock = time.perf_counter() - seconds

    for step, made in enumerate(batches(samples, cfg, done), start=done + 1):
        batch = prepare(made, device)
        pace = learning_rate_at(step, cfg) / cfg.learning_rate
        _set_learning_rate(optimizer, learning_rate_at(step, cfg))
        if cfg.freeze_steps:
            model.backbone.requires_grad_(step > cfg.freeze_steps)
        if cfg.freeze_norms:
            measure_batches(model, step < cfg.freeze_norms)
        total = 0.0
        for part in batch.parts(cfg.accumulate):
            with running():
                restored = batches_of.restored(net, part)
            if adversary:
                adversary.learn(restored.image.detach(), part.clean, pace, running)
            loss = objective(restored, part.clean) / cfg.accumulate
            if adversary:
                loss = loss + adversary.terms(restored.image, part.clean, running)
            loss.backward()
            total = total + loss.detach()
        norm = held.gradient(cfg.clip)
        if not torch.isfinite(norm):
            if not adversary:  # it has taken the step already that the model has not
                keep(run, changing, step - 1, time.perf_counter() - clock)
            raise TrainingError(_not_finite(step, total, run, kept=not adversary))
        optimizer.step()
        optimizer.zero_grad()
        average_statistics(model)
        average.update_parameters(model)

        seconds = time.perf_counter() - clock
        measured = validate(average.module) if validate and (step % cfg.validate_every == 0 or step == cfg.steps) else None
        progress = _report(run, cfg, step, mean_over_processes(total), norm, seconds, measured, average.module, adversary)
        if step % cfg.save_every == 0 or step == cfg.steps:
            keep(run, changing, step, seconds)
        if watch and rank() == 0:
            watch(progress)

    return held.result().cpu().eval()


def batches(samples: Dataset, cfg: FitConfig, done: int) -> Iterator[object]:
    """The batches of steps done + 1, ..., cfg.steps: of every global batch, the part that belongs to this process."""
    if cfg.batch % world_size():
        raise TrainingError(f"the batch of {cfg.batch} cannot be shared equally by {world_size()} processes.")
    share = cfg.batch // world_size()
    numbers = [step * cfg.batch + rank() * share + i for step in range(done, cfg.steps) for i in range(share)]
    # A generator of its own: a loader draws from torch's when it is made, and a resumed training would be one draw ahead.
    return iter(DataLoader(samples, batch_size=share, sampler=numbers, num_workers=cfg.workers, generator=torch.Generator()))


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


def how_networks_run(cfg: FitConfig, device: str) -> Running:
    """What every forward pass of a training runs in: its precision, and norms that know of the other processes."""

    @contextmanager
    def running() -> Iterator[None]:
        with whole_batch_norms(), torch.autocast(torch.device(device).type, torch.bfloat16, enabled=use_bfloat16(cfg.precision, device)):
            yield

    return running


def _held(model: nn.Module, average: AveragedModel, sharded: bool) -> Copies:
    """How several processes hold the network: each all of it, or a part."""
    if not sharded:
        return Copies(model, average)
    from restorelab.train.sharding import Parts  # takes seconds to import

    return Parts(model, average)


def _set_learning_rate(optimizer: torch.optim.Optimizer, value: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = value


def check_feasible(model: nn.Module, cfg: FitConfig, *, adversarial: bool) -> None:
    """Raises TrainingError for settings that this network, or the processes at hand, cannot carry out. A command asks before it makes
    a run folder, `fit` in any case."""
    if adversarial and cfg.accumulate > 1:
        raise TrainingError("a discriminator judges whole batches: with an adversary, accumulate is 1. Take a smaller batch, or more GPUs.")
    if (cfg.batch // world_size()) % cfg.accumulate:
        raise TrainingError(f"{cfg.batch // world_size()} samples cannot be computed in {cfg.accumulate} equal parts.")
    if cfg.shard and (world_size() == 1 or cfg.compile or cfg.freeze_steps):
        raise TrainingError(
            "shard spreads a network over several processes: start them with torchrun, and leave out compile and freeze_steps."
        )
    if cfg.freeze_steps and not hasattr(model, "backbone"):
        raise TrainingError(f"{type(model).__name__} has no backbone to hold still: leave out freeze_steps.")


def _report(run: Run, cfg: FitConfig, step: int, loss: Tensor, norm: Tensor, seconds: float, measured: dict[str, float] | None,
            weights: nn.Module, adversary: Adversary | None) -> Progress:  # fmt: skip
    pace = seconds / step  # over the whole run, kills included: `seconds` is carried along
    notice = adversary.notice if adversary else ""
    progress = Progress(step, cfg.steps, float(loss), cfg.batch / pace, (cfg.steps - step) * pace, measured, weights, notice)
    row = {"step": step, "steps": cfg.steps, "loss": progress.loss, "gradient_norm": float(norm)}
    row |= {"learning_rate": learning_rate_at(step, cfg), "seconds": round(seconds, 3)}
    row |= (adversary.figures if adversary else {}) | (measured or {}) | ({"notice": notice} if notice else {})
    run.log(row)
    return progress


def _not_finite(step: int, loss: Tensor, run: Run, kept: bool) -> str:
    state = f"The state after step {step - 1} is saved" if kept else "The last states before it are saved"
    return (
        f"The gradient is no longer finite at step {step} (loss {float(loss):.3g}), so training stopped before the weights were harmed. "
        f"{state} in {run.folder.name}. Lower learning_rate (a third is a good next try), check the data for NaN, or train in float32."
    )
