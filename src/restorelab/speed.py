"""How fast this machine trains, and what that makes in minutes: measured in at most a minute, and kept nowhere.

A few steps of every training's own network say what a sample costs, and the worker that makes samples is timed apart from them. Steps,
batch, looks at the validation photograph and the judging at the end are known, so the rest is arithmetic. It is right to a factor of
about two on a machine that does nothing else: a sample of a large batch is taken to cost what one alone does, which holds on a processor
(on a GPU the preset's own batch is measured), and a busy or hot machine slows down later.
"""

import dataclasses
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from restorelab import presets
from restorelab.data import photos
from restorelab.data.pairs import training_photos
from restorelab.presets import Preset
from restorelab.train import session
from restorelab.train.forecast import forecast

LEVELS = ("smoke", "lab")
BATCH = 2  # samples of a measured step on a processor
MADE = 8  # samples made to see how long that takes
LOOKED_AT = 256  # side of what validation restores, see train/session.py
FACTOR = 2.0  # predictions are right to about this
LIMIT = 60.0  # seconds that measuring may take

Report = Callable[[int, int, str], None]  # (done, all, what comes next)


@dataclass(frozen=True)
class Pace:
    """One preset of one training on this machine. Seconds; None where the time was up before it could be measured."""

    training: str
    preset: str
    parameters: int  # of the network
    forward: float | None = None  # for a restored pixel, without gradients, float32
    float32: float | None = None  # an update, for each sample of its batch
    bfloat16: float | None = None
    made: float | None = None  # to make a sample, by one process
    total: float | None = None  # the whole training with validation and judging, at the preset's precision
    memory: int = 0  # bytes: of the GPU at the preset's batch, or of this process so far on a CPU

    @property
    def bfloat16_gain(self) -> float | None:
        return self.float32 / self.bfloat16 if self.float32 and self.bfloat16 else None


class Kept(Dataset):
    """A few samples that are there already, so that what is timed is the step alone."""

    def __init__(self, samples: Dataset, count: int):
        self.samples = [samples[number] for number in range(count)]

    def __getitem__(self, number: int) -> object:
        return self.samples[number % len(self.samples)]


def measure(device: str = "cpu", limit: float = LIMIT, report: Report = lambda *_: None) -> list[Pace]:
    """Every training's smoke and lab preset. Begins nothing new once `limit` seconds are over; `report` is called before each part.

    float32 comes first for all, bfloat16 after it for lab: where a processor emulates it, it is slow, and may be left unmeasured.
    """
    began, pictures = time.perf_counter(), training_photos()
    jobs = [(name, level) for level in LEVELS for name in presets.TRAININGS]
    paces, count = {}, len(jobs) + len(presets.TRAININGS)
    for number, (name, level) in enumerate(jobs):
        report(number, count, f"{name}, {level}")
        preset = presets.TRAININGS[name][1][level]
        paces[name, level] = _pace(name, level, preset, pictures, device, began + limit)
    for number, name in enumerate(presets.TRAININGS, start=len(jobs)):
        report(number, count, f"{name}, bfloat16")
        if time.perf_counter() < began + limit and paces[name, "lab"].float32:
            paces[name, "lab"] = _with_bfloat16(paces[name, "lab"], presets.TRAININGS[name][1]["lab"], pictures, device)
    report(count, count, "measured")
    return list(paces.values())


def step_seconds(name: str, preset: Preset, samples: Dataset, device: str = "cpu", precision: str = "float32") -> tuple[float, int]:
    """Of an update, for each sample of its batch, and the memory in bytes. The samples are made beforehand."""
    batch = preset.fit.batch if torch.device(device).type == "cuda" else BATCH
    cfg = dataclasses.replace(preset.fit, steps=1, batch=batch, workers=0, precision=precision)
    model, kept = session.new_network(name, preset, seed=0), Kept(samples, min(batch, MADE))
    prepare, adversary = presets.preparation(preset), presets.adversary(preset, 0)
    found = forecast(model, presets.objective(preset), kept, cfg, device, prepare, adversary)
    return found.seconds / batch, found.memory


def making_seconds(samples: Dataset, count: int = MADE) -> float:
    """To make a sample, by this process; the first one, which fills caches, apart."""
    samples[0]
    start = time.perf_counter()
    for number in range(1, 1 + count):
        samples[number]
    return (time.perf_counter() - start) / count


@torch.inference_mode()
def forward_seconds(model: nn.Module, preset: Preset, samples: Dataset, device: str = "cpu") -> float:
    """For a restored pixel."""
    model = model.to(device).eval()
    given = presets.preparation(preset)(torch.utils.data.default_collate([samples[0]]), device)
    times = []
    for _ in range(2):
        start = time.perf_counter()
        restored = model(given.degraded) if given.condition is None else model(given.degraded, condition=given.condition)
        pixels = float(restored.image[0, 0].double().isfinite().sum())  # waits for a GPU, too
        times.append(time.perf_counter() - start)
    return min(times) / pixels


def total_seconds(preset: Preset, step: float, made: float, forward: float) -> float:
    """The whole training: steps, looks at the validation photograph, judging on the test photographs. All but `forward` for a sample."""
    fit, draws = preset.fit, session.draws(preset)
    update = fit.batch * (max(made / fit.workers, step) if fit.workers else made + step)
    looks = len(photos.names("validation")) * draws * LOOKED_AT**2 * -(-fit.steps // fit.validate_every)
    judged = draws * sum(photos.load(name)[0].numel() for name in photos.names("test"))
    return fit.steps * update + (looks + judged) * forward


def _pace(name: str, level: str, preset: Preset, pictures: Sequence[np.ndarray], device: str, deadline: float) -> Pace:
    with torch.random.fork_rng(devices=[]):
        model = session.new_network(name, preset, seed=0)
        pace = Pace(name, level, sum(weight.numel() for weight in model.parameters()))
        if time.perf_counter() > deadline:
            return pace
        samples, _ = presets.training_samples(preset, pictures, seed=0)
        made = making_seconds(samples)
        step, memory = step_seconds(name, preset, samples, device)
        forward = forward_seconds(model, preset, samples, device)
    total = total_seconds(preset, step, made, forward)
    return dataclasses.replace(pace, forward=forward, float32=step, made=made, total=total, memory=memory)


def _with_bfloat16(pace: Pace, preset: Preset, pictures: Sequence[np.ndarray], device: str) -> Pace:
    with torch.random.fork_rng(devices=[]):
        samples, _ = presets.training_samples(preset, pictures, seed=0)
        step, _ = step_seconds(pace.training, preset, samples, device, "bfloat16")
    usual = preset.fit.precision == "bfloat16" or (preset.fit.precision == "auto" and torch.device(device).type == "cuda")
    total = total_seconds(preset, step, pace.made, pace.forward) if usual else pace.total
    return dataclasses.replace(pace, bfloat16=step, total=total)


# Chapters

YARDSTICK = ("dmphn", "smoke")  # whose float32 step, for one sample, is the unit in which the rest of a chapter is told
CHAPTERS = {  # -> all its cells but the training, in that unit (processor time, starting Python included), and its training
    "00_welcome": (250, None),
    "01_degradation": (580, None),
    "02_metrics": (520, None),
    "03_fpn_deblurring": (1300, "deblurgan_v2"),
    "04_dynamic_filter_sr": (830, "udvd"),
    "05_multi_patch_dmphn": (900, "dmphn"),
    "06_multi_stage_mprnet": (1700, "mprnet"),
    "07_perceptual_x16": (1100, "x16_perceptual"),
    "08_ablation_studio": (1400, None),
    "09_demo": (900, None),
}


@dataclass(frozen=True)
class ChapterTime:
    chapter: str
    training: str | None  # that it does
    seconds: dict[str, float | None]  # preset -> how long it takes to run all its cells


def chapter_times(paces: Sequence[Pace]) -> list[ChapterTime]:
    """The chapters of CHAPTERS: what they compute beside a training, by the pace of this machine, and their training."""
    by_name = {(pace.training, pace.preset): pace for pace in paces}
    yardstick = by_name[YARDSTICK].float32
    found = []
    for chapter, (rest, training) in CHAPTERS.items():
        totals = {level: by_name[training, level].total if training else 0.0 for level in LEVELS}
        times = {level: None if yardstick is None or total is None else rest * yardstick + total for level, total in totals.items()}
        found.append(ChapterTime(chapter, training, times))
    return found
