"""What each level of a DMPHN is handed and finds, what is left when levels are silenced, and whether one sees where the cuts were."""

import itertools
import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.errors import ParameterError
from restorelab.metrics import psnr
from restorelab.metrics.psnr import gap
from restorelab.models.dmphn import DMPHN, grid_of
from restorelab.restore import RestoredImage, restore
from restorelab.widgets.switching import Remembered, Silent, with_parts

Levels = tuple[int, ...]  # numbers of levels, 1 sees the whole


def silenced(model: nn.Module, degraded: Float[Tensor, "c h w"], levels: Collection[int]) -> RestoredImage:
    """What the model restores, with its maps, when these levels (1 sees the whole) find nothing.

    Their residual is zero; the features by which they tell the next level what they saw still arrive. The model is left as it is;
    nothing is trained anew, and the other levels have never seen a picture without that residual. Raises `ParameterError` for
    another model, for a stack of several hierarchies, and for a level that there is not.
    """
    check_model(model)
    if stray := set(levels) - set(range(1, len(model.cfg.patches) + 1)):
        raise ParameterError(f"the levels are 1 to {len(model.cfg.patches)}; there is no level {', '.join(map(str, sorted(stray)))}.")
    made = [
        with_parts(level, decoder=Silent(level.decoder)) if number in levels else level
        for number, level in enumerate(model.stacks[0].levels, start=1)
    ]
    return restore(_with_levels(model, made), degraded, explain=True)


def _with_levels(model: DMPHN, levels: Sequence[nn.Module]) -> DMPHN:
    return with_parts(model, stacks=nn.ModuleList([with_parts(model.stacks[0], levels=nn.ModuleList(levels))]))


def combinations(count: int) -> list[Levels]:
    """The levels that are on, for all ways of switching `count` of them: none to all."""
    return [on for size in range(count + 1) for on in itertools.combinations(range(1, count + 1), size)]


@dataclass(frozen=True)
class Study:
    """One picture, restored in every way of switching the levels; keys are the levels that are on, such as (1, 3)."""

    degraded: Float[Tensor, "c h w"]
    patches: tuple[int, ...]  # of each level, level 1 first
    results: dict[Levels, RestoredImage]  # see `silenced`
    scores: dict[Levels, float]  # PSNR in dB; empty without a clean picture

    @property
    def everyone(self) -> Levels:
        return tuple(range(1, len(self.patches) + 1))

    @cached_property
    def found(self) -> dict[tuple[int, Levels], Float[Tensor, "c h w"]]:
        """The residual of level n while these finer ones are on, by (n, finer levels): the coarser ones cannot change it."""
        return {
            (level, tuple(other for other in on if other > level)): result.maps["residual"][level - 1]
            for on, result in self.results.items()
            for level in on
        }

    @cached_property
    def seams(self) -> dict[tuple[int, Levels], float]:
        """The seam ratio of each of `found`, where `cuts_near` says."""
        return {known: seam_ratio(residual, cuts_near(self.patches, known[0])) for known, residual in self.found.items()}

    def handed(self, level: int) -> Float[Tensor, "c h w"]:
        """What this level was given, with all on: the picture, and what the finer level before it found. Not clamped."""
        finer = level + 1
        return self.degraded if finer > len(self.patches) else self.degraded + self.found[finer, self.everyone[finer:]]

    def seam(self, level: int) -> float:
        """The seam ratio of what this level finds, with all on."""
        return self.seams[level, self.everyone[level:]]

    def change(self, on: Levels) -> float:
        """dB of PSNR against all on. Needs the clean picture."""
        return gap(self.scores[on], self.scores[self.everyone])

    def moved(self, on: Levels, other: Levels) -> float:
        """How far two results are apart: root mean square, in grey levels of 255."""
        return 255 * float((self.results[on].image - self.results[other].image).square().mean().sqrt())


def study(model: nn.Module, degraded: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"] | None) -> Study:
    """Raises as `silenced` does."""
    check_model(model)
    everyone = set(range(1, len(model.cfg.patches) + 1))
    parts = [with_parts(one, encoder=Remembered(one.encoder), decoder=Remembered(one.decoder)) for one in model.stacks[0].levels]
    once = _with_levels(model, parts)  # of the eight ways of three levels, most ask a level what it has answered already
    results = {on: silenced(once, degraded, everyone - set(on)) for on in combinations(len(everyone))}
    scores = {} if clean is None else {on: psnr(result.image, clean) for on, result in results.items()}
    return Study(degraded, model.cfg.patches, results, scores)


def cuts(size: Sequence[int], grid: tuple[int, int]) -> tuple[list[int], list[int]]:
    """First rows below, and first columns right of, the lines along which a picture of this height and width is cut."""
    return tuple([side // count * number for number in range(1, count)] for side, count in zip(size, grid, strict=True))


def cuts_near(patches: Sequence[int], level: int) -> tuple[int, int]:
    """The grid at which to look for the seams of a level: its own; for level 1, which cuts nothing, that of the level before it."""
    return grid_of(patches[min(max(level, 2), len(patches)) - 1])


def seam_ratio(residual: Float[Tensor, "c h w"], grid: tuple[int, int]) -> float:
    """Mean absolute jump between neighbouring pixels across the cuts, over that between all other neighbouring pixels.

    About 1: there is no hard edge along the cuts; a soft band of several pixels hardly raises it. A picture has edges of its own, so
    look at several, and at the ratio of the picture itself. NaN without cuts, or where nothing jumps at all.
    """
    down, right = residual.diff(dim=-2).abs().mean(0), residual.diff(dim=-1).abs().mean(0)
    rows, columns = cuts(residual.shape[-2:], grid)
    across_rows, across_columns = torch.zeros(len(down), dtype=bool), torch.zeros(right.shape[1], dtype=bool)
    across_rows[[row - 1 for row in rows]] = True
    across_columns[[column - 1 for column in columns]] = True
    seam = torch.cat([down[across_rows].flatten(), right[:, across_columns].flatten()]).double().mean()
    other = torch.cat([down[~across_rows].flatten(), right[:, ~across_columns].flatten()]).double().mean()
    return float(seam / other) if len(rows) + len(columns) else math.nan


def check_model(model: nn.Module) -> None:
    """Raises `ParameterError` for what is no DMPHN of one hierarchy."""
    if not isinstance(model, DMPHN):
        raise ParameterError(f"this looks at the patches of a DMPHN; a {type(model).__name__} has none.")
    if model.cfg.stacks > 1:
        raise ParameterError(f"this looks at one hierarchy; this DMPHN stacks {model.cfg.stacks}: give one with stacks=1.")
