"""What the tabs share: the networks, loaded once; what a job will cost; and the one way in which a job is done."""

import functools
import html
import inspect
import logging
import math
import os
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
import numpy as np
import torch
from gradio.utils import get_upload_folder
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from restorelab import discriminator, image
from restorelab.checkpoint import Checkpoint, load
from restorelab.degrade import isotropic_kernels
from restorelab.demo.jobs import Desk, Job, Limits, Refused, Rehearsal, Report, going_on, rehearse, watched
from restorelab.demo.offers import Offer
from restorelab.demo.uploads import trim
from restorelab.demo.words import amount, say
from restorelab.discriminator import Discriminator
from restorelab.errors import RestorelabError
from restorelab.presets.preset import kernel_code
from restorelab.restore import RestoredImage, restore
from restorelab.tiling import INEXACT_HALO

# What an operation needs beside the tensors that are seen. Resident memory on a CPU grew by 2.1 times (DMPHN) and 0.74 times (UDVD) the
# bytes counted on them.
SCRATCH = 2.0
FREE_SHARE = 0.8  # of the free memory that a job may be predicted to need
LEAST_STD = 0.2  # pixels; what UDVD is told of no blur
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Cost:
    """Predicted for one picture."""

    seconds: float
    memory: float  # bytes


class Workshop:
    """The networks of some offers on one device."""

    def __init__(self, offers: dict[str, Offer], device: str = "cpu", limits: Limits = Limits()):
        self.offers, self.limits = offers, limits
        self.desk = Desk(device, limits)
        self._loading = threading.Lock()
        self._loaded: dict[str, Checkpoint] = {}
        self._judges: dict[str, Discriminator | None] = {}
        self._rehearsed: dict[tuple[str, int | None], Rehearsal] = {}

    @property
    def device(self) -> str:
        return self.desk.device

    def offer(self, name: object) -> Offer:
        """`name`: as it came from outside. Raises Refused where it is not offered: names are looked up, never opened."""
        if name not in self.offers:
            raise Refused("no_system", name=str(name)[:40], names=", ".join(self.offers))
        return self.offers[name]

    def checkpoint(self, offer: Offer) -> Checkpoint:
        """Loaded on the first call, and kept on the device."""
        with self._loading:
            if offer.name not in self._loaded:
                found = load(offer.path)
                found.model.to(self.device)
                self._loaded[offer.name] = found
            return self._loaded[offer.name]

    def judge(self, offer: Offer) -> Discriminator | None:
        """The discriminator that the network was trained against, where it comes with one; loaded on the first call."""
        with self._loading:
            if offer.name not in self._judges:
                self._judges[offer.name] = discriminator.load(offer.path)
            return self._judges[offer.name]

    def rehearsal(self, offer: Offer, stage: int | None, job: Job) -> Rehearsal:
        """Measured on the first call, for each stage."""
        key = offer.name, stage
        if key not in self._rehearsed:
            self._rehearsed[key] = rehearse(self.checkpoint(offer).model, stage, self.device, job)
        return self._rehearsed[key]

    def cost(self, offer: Offer, size: tuple[int, int], stage: int | None, tile: int | None, job: Job) -> Cost:
        """Of restoring a picture of (height, width)."""
        rehearsal, model = self.rehearsal(offer, stage, job), self.checkpoint(offer).model
        pixels, at_once = worked_pixels(size, tile, model.receptive_radius)
        finished = 4 * 3 * size[0] * size[1] * (1 + 2 * model.scale**2)  # the pictures themselves
        return Cost(rehearsal.seconds * pixels, SCRATCH * rehearsal.memory * at_once + finished)

    def check_cost(self, cost: Cost) -> None:
        """Raises Refused for a job that is too long or too large."""
        if cost.seconds > self.limits.seconds:
            raise Refused("too_long", seconds=f"{cost.seconds:.0f} s", most=f"{self.limits.seconds:.0f} s")
        free = free_memory(self.device)
        if free is not None and cost.memory > FREE_SHARE * free:
            raise Refused("too_much", memory=amount(cost.memory), free=amount(free))

    def restore(self, offer: Offer, degraded: Float[Tensor, "3 h w"], job: Job, report: Report = lambda share: None, *,
                told: Tensor | None = None, tile: int | None = None, stage: int | None = None, **how: object) -> RestoredImage:  # fmt: skip
        """`restore` of the package, with its cost checked, its progress told, and a way to stop it."""
        self.check_cost(self.cost(offer, tuple(degraded.shape[-2:]), stage, tile, job))
        model = self.checkpoint(offer).model
        before_each, after_tile = going_on(
            job, self.rehearsal(offer, stage, job), report, tiles_of(tuple(degraded.shape[-2:]), tile, model.size_multiple)
        )
        with watched(model, before_each):
            condition = told if model.condition_channels else None
            return restore(model, degraded, condition=condition, tile=tile, stage=stage, progress=after_tile, **how)

    def tidy(self) -> None:
        """Keep the temporary folder within its limit."""
        folder = Path(get_upload_folder())
        if folder.is_dir():
            trim(folder, self.limits.folder_bytes)


def worked_pixels(size: tuple[int, int], tile: int | None, radius: int | None) -> tuple[int, int]:
    """Pixels computed for a picture of this size, halos included, and those of the largest piece."""
    if not tile:
        return size[0] * size[1], size[0] * size[1]
    halo = INEXACT_HALO if radius is None else radius
    spans = [[min(start + tile + halo, side) - max(start - halo, 0) for start in range(0, side, tile)] for side in size]
    return sum(spans[0]) * sum(spans[1]), max(spans[0]) * max(spans[1])


def tiles_of(size: tuple[int, int], tile: int | None, multiple: tuple[int, int]) -> int:
    """How many pieces `restore` cuts a picture of this size into: tiles are rounded up to multiples."""
    return math.prod(-(-side // (-(-tile // step) * step)) for side, step in zip(size, multiple, strict=True)) if tile else 1


def free_memory(device: str) -> int | None:
    """Bytes; None where it cannot be told."""
    if device.startswith("cuda"):
        return torch.cuda.mem_get_info(device)[0]
    try:
        with open("/proc/meminfo") as file:
            return next(1024 * int(line.split()[1]) for line in file if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return None


def told_of(blur: float, noise: float) -> Float[Tensor, "16"]:
    """What UDVD is told of a round blur (standard deviation, pixels of the large picture) and of noise (in [0, 1] units)."""
    return told_kernel(isotropic_kernels(np.array([max(blur, LEAST_STD)]), kernel_code().size)[0], noise)


def told_kernel(kernel: Float[Tensor, "k k"], noise: float) -> Float[Tensor, "16"]:
    """What UDVD is told of a kernel of its code's size."""
    return torch.cat([kernel_code().encode(kernel).float(), torch.tensor([noise], dtype=torch.float32)])


def result_file(pixels: Float[Tensor, "c h w"], name: str) -> str:
    """A 16-bit PNG to be kept."""
    file = _own_folder() / f"{name}_restored.png"
    image.save(pixels, file, bit_depth=16)
    return os.fspath(file)


def shown_file(pixels: UInt8[np.ndarray, "h w 3"]) -> str:
    """A PNG to be looked at.

    Arrays are not left to gradio, which names their files after what is in them: of two equal results the second would be written over
    the first while that is still on its way to another visitor.
    """
    file = _own_folder() / "picture.png"
    Image.fromarray(pixels).save(file, compress_level=1)
    return os.fspath(file)


def _own_folder() -> Path:
    """In the temporary folder, new, under a name that nobody can guess."""
    folder = Path(get_upload_folder()) / "results" / secrets.token_hex(16)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def who(request: gr.Request | None) -> str:
    """The page that asked: it alone can stop its job."""
    return getattr(request, "session_hash", None) or "nobody"


def spoken(handler: Callable) -> Callable:
    """For an event's function, which has a `language`: whatever goes wrong is a sentence on the page, and in the log if it is our fault."""

    @functools.wraps(handler)
    def speaking(*args, **kwargs):
        named = inspect.signature(handler).bind(*args, **kwargs).arguments
        language = named.get("language", "en")
        try:
            return handler(*args, **kwargs)
        except Refused as refusal:
            sentence = say(refusal.key, language, **refusal.facts)
        except RestorelabError as error:
            sentence = str(error)
        except gr.Error:
            raise
        except Exception:
            log.exception("the demo's own fault, in %s", handler.__name__)
            sentence = say("broken", language)
        raise gr.Error(html.escape(sentence, quote=False), print_exception=False)  # gradio shows it as HTML

    return speaking
