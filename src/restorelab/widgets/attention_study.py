"""What is attention good for? Take it away, restore again, and measure: gates of MPRNet's SAMs replaced, and what that did."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from restorelab.data.pairs import Pair
from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.metrics import psnr
from restorelab.metrics.psnr import gap
from restorelab.models.mprnet import MPRNet
from restorelab.restore import Gate, RestoredImage, restore

CELL = 8  # pixels a side of what the brush paints at once
LONGEST = 256  # pixels a side: a place's number must fit into two bytes
Cells = Sequence[Sequence[float | None]]  # a painting: 0, 1 or None (as it was) for each cell, row by row
Where = tuple[int, ...]  # numbers of the SAMs that are meddled with


def place_order(count: int) -> Int[np.ndarray, " n"]:
    """Which place each of `count` places gets its gate from, when they are shuffled: always the same."""
    return np.random.default_rng(0).permutation(count)


def channel_order(count: int) -> Int[np.ndarray, " n"]:
    """Which channel each of `count` gets its gate from: always the same, and never its own if there are two."""
    ring = np.random.default_rng(0).permutation(count)
    order = np.empty_like(ring)
    order[ring] = np.roll(ring, 1)
    return order


def mean_over_places(gate: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """Every channel's mean: as strong as before, and the same at every pixel."""
    return gate.mean((-2, -1), keepdim=True).expand_as(gate)


def shuffled_places(gate: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """The same values in the same channels at other pixels; all channels of a pixel move together."""
    return gate.flatten(1)[:, place_order(gate[0].numel())].view_as(gate)


def shuffled_channels(gate: Float[Tensor, "c h w"]) -> Float[Tensor, "c h w"]:
    """The same maps, each for another channel."""
    return gate[channel_order(len(gate))]


INTERVENTIONS: dict[str, Gate] = {  # to be given as `restore(..., sam_override=...)`
    "1 everywhere": 1.0,
    "0.5 everywhere": 0.5,
    "its mean everywhere": mean_over_places,
    "shuffled over places": shuffled_places,
    "shuffled over channels": shuffled_channels,
}


def painted(gate: Float[Tensor, "c h w"], cells: Cells) -> Float[Tensor, "c h w"]:
    """The gate with every channel of the painted cells, `CELL` pixels a side, at the value painted."""
    values = torch.tensor([[math.nan if value is None else float(value) for value in row] for row in cells])
    wide = values.repeat_interleave(CELL, 0).repeat_interleave(CELL, 1)
    return torch.where(wide.isnan(), gate, wide)


@dataclass(frozen=True)
class Outcome:
    """Of one intervention."""

    image: Float[Tensor, "c h w"]
    psnr: float  # dB
    change: float  # dB, against the untouched gate


@dataclass(frozen=True)
class Study:
    """One pair, restored with the gates untouched and with each intervention, at each SAM alone and at all of them."""

    pair: Pair
    untouched: RestoredImage  # explained: its `maps["sam"]` are the gates
    psnr: float  # dB
    outcomes: dict[tuple[str, Where], Outcome]

    @property
    def gates(self) -> tuple[Float[Tensor, "c h w"], ...]:
        return self.untouched.maps["sam"]

    def seen(self, sam: int) -> Float[Tensor, "c h w"]:
        """What SAM number `sam` makes its gate from: its stage's picture, not clamped."""
        return self.pair.degraded + self.untouched.maps["residual"][sam - 1]

    @property
    def gain(self) -> float:
        """dB of restoring, with the gates untouched."""
        return self.psnr - psnr(self.pair.degraded, self.pair.clean)


def places(sams: int) -> list[Where]:
    """Each SAM alone, and all together if that is something else."""
    alone = [(number,) for number in range(1, sams + 1)]
    return alone + [tuple(range(1, sams + 1))] * (sams > 1)


def study(model: MPRNet, pair: Pair) -> Study:
    """Raises `ParameterError` for a degraded picture that equals the clean one."""
    untouched = restore(model, pair.degraded, explain=True)
    score, before = psnr(untouched.image, pair.clean), psnr(pair.degraded, pair.clean)
    if not (math.isfinite(score) and math.isfinite(before)):
        raise ParameterError(f"{pair.name!r} is equal to its clean picture, so that there is no PSNR to change: degrade it.")
    outcomes = {}
    for where in places(len(model.sam_widths)):
        for name, gate in INTERVENTIONS.items():
            outcomes[name, where] = outcome(model, pair, dict.fromkeys(where, gate), score)
    return Study(pair, untouched, score, outcomes)


def outcome(model: MPRNet, pair: Pair, override: dict[int, Gate], untouched: float) -> Outcome:
    image = restore(model, pair.degraded, sam_override=override).image
    score = psnr(image, pair.clean)
    return Outcome(image, score, gap(score, untouched))


def regions(model: MPRNet, sam: int, height: int, width: int) -> list[list[int]]:
    """What SAM number `sam` sees in one piece each: [top, bottom, left, right], in pixels."""
    rows, columns = model.cfg.grid(sam)
    tall, wide = height // rows, width // columns
    return [[tall * row, tall * (row + 1), wide * column, wide * (column + 1)] for row in range(rows) for column in range(columns)]


def cut(model: nn.Module, pairs: Sequence[Pair], side: int) -> list[Pair]:
    """The middle of each, all of one size, in which nothing has to be mirrored at the border. Raises `ImageError`, `ParameterError`."""
    for pair in pairs:
        check_image(pair.degraded, f"the degraded picture of {pair.name!r}")
        check_image(pair.clean, f"the clean picture of {pair.name!r}")
        if pair.degraded.shape != pair.clean.shape:
            raise ParameterError(f"{pair.name!r}: the degraded and the clean picture must be of one size.")
    steps = [math.lcm(CELL, multiple) for multiple in model.size_multiple]
    sizes = [min(side, *(pair.clean.shape[dim] for pair in pairs)) // step * step for dim, step in zip((-2, -1), steps, strict=True)]
    if not all(sizes) or side > LONGEST:
        raise ParameterError(f"pictures and `side` must be at least {steps[0]}x{steps[1]} pixels, and `side` at most {LONGEST}.")
    return [_middle(pair, *sizes) for pair in pairs]


def _middle(pair: Pair, height: int, width: int) -> Pair:
    top, left = ((length - side) // 2 for length, side in zip(pair.clean.shape[-2:], (height, width), strict=True))
    window = (..., slice(top, top + height), slice(left, left + width))
    return Pair(pair.name, pair.degraded[window], pair.clean[window], pair.truth)


def random_and_worst(model: nn.Module, pairs: Sequence[Pair], rng: np.random.Generator, count: int = 2) -> dict[str, Pair]:
    """`count` pairs drawn without a look, and the one that restoring gains least on (dB), by labels that say so."""
    gains = [gap(psnr(restore(model, pair.degraded).image, pair.clean), psnr(pair.degraded, pair.clean)) for pair in pairs]
    worst = int(np.argmin(gains))
    drawn = sorted(rng.choice(len(pairs), min(count, len(pairs)), replace=False).tolist())
    labels = {number: "random" for number in drawn}
    labels[worst] = f"{labels[worst]}, and worst" if worst in labels else "worst"
    of = f" of {len(pairs)}" if len(pairs) > 1 else ""
    return {f"{label}{of}: {pairs[number].name}": pairs[number] for number, label in labels.items()}
