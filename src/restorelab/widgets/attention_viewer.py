"""The attention viewer: where MPRNet's supervised attention looks, and whether the picture is worse when it looks elsewhere."""

import copy
import time
from collections.abc import Mapping, Sequence

import numpy as np
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from restorelab.data.pairs import Pair
from restorelab.errors import ParameterError, RestorelabError
from restorelab.metrics import COURSE_RGB
from restorelab.restore import Gate
from restorelab.widgets.attention_still import attention_still
from restorelab.widgets.attention_study import (
    CELL,
    INTERVENTIONS,
    Cells,
    Outcome,
    Study,
    channel_order,
    cut,
    outcome,
    painted,
    place_order,
    places,
    random_and_worst,
    regions,
    study,
)
from restorelab.widgets.shown import ABSOLUTE, check_weight, ramp
from restorelab.widgets.static import Pictured, jpeg, page, png, source

MOST_PICTURE, MOST_CHANGE = 9_000, 3_500  # bytes of a restored picture and of the map of what changed in it: there are many
MOST_BYTES = 900_000  # of everything; more would make notebooks that nobody can send
GAIN = 10  # of the maps of what changed
UNTOUCHED, PAINTED = "untouched", "painted"
CHOICES = (UNTOUCHED, *INTERVENTIONS, PAINTED)


def _how(name: str) -> float | str:
    """What the page does to the gate it shows: a number, or the name of what has to be done."""
    gate = INTERVENTIONS.get(name, name)
    return gate.__name__ if callable(gate) else gate


class AttentionViewer(Pictured):
    """The gates of MPRNet's SAMs over the picture, channel by channel or their mean; replace one, and see what becomes of the PSNR.

    model: an MPRNet with SAM; a copy of it as it is now is kept. pairs: of which two drawn by `seed` and the worst (by gain in dB) are
    shown; or {label: pair}, to show just those under labels that say how they were chosen. weights: what is loaded, in words; it stands
    in the page. side: pixels; the middle square of each picture is restored, by itself.

    What the fixed interventions of `attention_study.INTERVENTIONS` do, at each SAM and at all, is computed when it is made, and is in the
    page of `to_html` and in saved notebooks. A painted gate is computed by the kernel. `picture`, `sam`, `channel` (0: the mean of all)
    and `intervention` say what is shown, and `restore(model, viewer.degraded, sam_override=viewer.override)` repeats it.

    Raises `ImageError` for what is not a picture; `ParameterError` for a network without SAM, and pairs that do not fit.
    """

    _esm = source(".js", "shared", "sliders", "radios", "split", "ramp", "attention_gate", "attention_parts", "attention_viewer")
    _css = source(".css", "shared", "radios", "split", "ramp", "attention_viewer")

    _weights = traitlets.Unicode().tag(sync=True)
    _protocol = traitlets.Unicode().tag(sync=True)
    _size = traitlets.List().tag(sync=True)  # height, width
    _sams = traitlets.List().tag(sync=True)  # see `_sam`
    _samples = traitlets.List().tag(sync=True)  # see `_sample`
    _choices = traitlets.List([{"name": name, "how": _how(name)} for name in CHOICES]).tag(sync=True)
    _facts = traitlets.Dict().tag(sync=True)  # cell, gain, seconds of one restoration
    _ramp = traitlets.Bytes().tag(sync=True)  # 256 times red, green, blue
    _edit = traitlets.Any().tag(sync=True)  # a painting from the page: from outside, hence Any
    _answer = traitlets.Dict().tag(sync=True)  # what became of it, or why it was refused
    picture = traitlets.Int(0).tag(sync=True)
    sam = traitlets.Int(1).tag(sync=True)  # from 1
    channel = traitlets.Int(0).tag(sync=True)  # from 1; 0 is the mean of all
    intervention = traitlets.Enum(CHOICES, UNTOUCHED).tag(sync=True)

    def __init__(
        self, model: nn.Module, pairs: Sequence[Pair] | Mapping[str, Pair], *, weights: str, seed: int = 0, side: int = 96
    ):  # fmt: skip
        if not getattr(model, "sam_widths", ()):
            raise ParameterError(
                f"there is no supervised attention in this {type(model).__name__}: give an MPRNet of several stages with SAM."
            )
        if not pairs:
            raise ParameterError("there are no pairs of a degraded and a clean picture to look at.")
        self._model = copy.deepcopy(model).eval()
        self.studies = self._study(pairs, seed, side)
        self._height, self._width = next(iter(self.studies.values())).pair.clean.shape[-2:]
        self._paintings: dict[tuple[int, int], Cells] = {}
        self._ends = {"picture": (0, len(self.studies) - 1), "sam": (1, len(model.sam_widths)), "channel": (0, max(model.sam_widths))}
        samples = [self._sample(label, one) for label, one in self.studies.items()]
        check_weight([file for sample in samples for file in _files(sample)], MOST_BYTES)
        super().__init__(
            _weights=weights,
            _protocol=str(COURSE_RGB),
            _size=[self._height, self._width],
            _sams=[self._sam(number) for number in range(1, len(model.sam_widths) + 1)],
            _samples=samples,
            _facts={"cell": CELL, "gain": GAIN, "seconds": self._seconds},
            _ramp=ramp(ABSOLUTE),
        )

    def _study(self, pairs: Sequence[Pair] | Mapping[str, Pair], seed: int, side: int) -> dict[str, Study]:
        if isinstance(pairs, Mapping):
            labelled = dict(zip(pairs, cut(self._model, list(pairs.values()), side), strict=True))
        else:
            labelled = random_and_worst(self._model, cut(self._model, pairs, side), np.random.default_rng(seed))
        start = time.perf_counter()
        studies = {label: study(self._model, pair) for label, pair in labelled.items()}
        restorations = len(labelled) * (1 + len(INTERVENTIONS) * len(places(len(self._model.sam_widths))))
        self._seconds = (time.perf_counter() - start) / restorations
        return studies

    def _sam(self, number: int) -> dict:
        """What the page needs to compute every channel of a gate from the picture that the SAM saw, and to shuffle it as Python does."""
        gate = self._model.sams[number - 1].gate.weight.detach().flatten(1).cpu()
        pieces = regions(self._model, number, self._height, self._width)
        top, bottom, left, right = pieces[0]
        return {
            "weights": gate.tolist(),  # channel by channel, one for each colour: gate = sigmoid(weights @ colours)
            "regions": pieces,
            "places": place_order((bottom - top) * (right - left)).astype("<u2").tobytes(),
            "channels": channel_order(len(gate)).tolist(),
        }

    def _sample(self, label: str, one: Study) -> dict:
        return {
            "label": label,
            "degraded": jpeg(one.pair.degraded, MOST_PICTURE),
            "restored": jpeg(one.untouched.image, MOST_PICTURE),
            "psnr": one.psnr,
            "gain": one.gain,
            "seen": [_levels(one.seen(number)) for number in range(1, len(one.gates) + 1)],
            "outcomes": {name: self._outcomes(one, name) for name in INTERVENTIONS},
        }

    def _outcomes(self, one: Study, name: str) -> list[dict]:
        """At each SAM alone, with the pictures; the last, if there are several, at all, without."""
        found = [one.outcomes[name, where] for where in places(len(one.gates))]
        return [self._shown(one, made) if number < len(one.gates) else {"change": made.change} for number, made in enumerate(found)]

    def _shown(self, one: Study, made: Outcome) -> dict:
        apart = (made.image - one.untouched.image).abs().mean(0, keepdim=True)
        files = {"picture": jpeg(made.image, MOST_PICTURE), "map": jpeg((GAIN * apart).clamp(0, 1), MOST_CHANGE)}
        return {"psnr": made.psnr, "change": made.change, **files}

    @traitlets.validate("picture", "sam", "channel")
    def _inside(self, proposal: dict) -> int:
        low, high = self._ends[proposal["trait"].name]
        return min(max(proposal["value"], low), high)

    @property
    def shown(self) -> Study:
        """What was found out about the picture shown."""
        return list(self.studies.values())[self.picture]

    @property
    def degraded(self) -> Float[Tensor, "c h w"]:
        """The picture shown, cut as it was restored."""
        return self.shown.pair.degraded

    @property
    def clean(self) -> Float[Tensor, "c h w"]:
        return self.shown.pair.clean

    @property
    def override(self) -> dict[int, Gate] | None:
        """What is done to the gate shown, as `restore(..., sam_override=...)` takes it; None: nothing."""
        if self.intervention in INTERVENTIONS:
            return {self.sam: INTERVENTIONS[self.intervention]}
        cells = self._paintings.get((self.picture, self.sam)) if self.intervention == PAINTED else None
        return {self.sam: painted(self.shown.gates[self.sam - 1], cells)} if cells else None

    def paint(self, cells: Cells) -> Outcome:
        """Paint the gate shown, as in the page: 0, 1 or None (as it was) for each cell of 8x8 pixels, row by row."""
        made = self._repaint(self.picture, self.sam, self._checked(cells), {})
        self.intervention = PAINTED
        return made

    @traitlets.observe("_edit")
    def _asked(self, change: dict) -> None:
        """What the page asks for is done, or answered with a sentence."""
        edit = change["new"]
        sender = {name: edit.get(name) for name in ("view", "turn")} if isinstance(edit, dict) else {}
        try:
            self._repaint(*self._read(edit), sender)
        except RestorelabError as error:
            self._answer = {**self._answer, **sender, "error": str(error)}

    def _repaint(self, picture: int, sam: int, cells: Cells, sender: dict) -> Outcome:
        one = list(self.studies.values())[picture]
        made = outcome(self._model, one.pair, {sam: painted(one.gates[sam - 1], cells)}, one.psnr)
        self._paintings[picture, sam] = cells
        shown = {"picture": picture, "sam": sam, "cells": cells, "outcome": self._shown(one, made)}
        self._answer = {"view": None, **sender, "error": "", **shown}
        return made

    def _read(self, edit: object) -> tuple[int, int, Cells]:
        """Picture, SAM and painting out of a message from the page. Raises `ParameterError` for anything else."""
        numbers = [edit.get(name) if isinstance(edit, dict) else None for name in ("picture", "sam")]
        ends = (self._ends["picture"], self._ends["sam"])
        if not all(type(number) is int and low <= number <= high for number, (low, high) in zip(numbers, ends, strict=True)):
            raise ParameterError("the page sent a message that is no painting; run the cell again.")
        return numbers[0], numbers[1], self._checked(edit.get("cells"))

    def _checked(self, cells: object) -> Cells:
        rows, columns = self._height // CELL, self._width // CELL
        fits = (
            isinstance(cells, Sequence) and len(cells) == rows and all(isinstance(row, Sequence) and len(row) == columns for row in cells)
        )
        if not fits or not all(value is None or value in (0, 1) for row in cells for value in row):
            raise ParameterError(f"a painting is {rows} rows of {columns} cells, each 0, 1 or None.")
        return [list(row) for row in cells]

    def __repr__(self) -> str:
        one = self.shown
        where = places(len(one.gates))[-1]
        said = ", ".join(f"{name} {one.outcomes[name, where].change:+.2f} dB" for name in INTERVENTIONS)
        return (
            f"Attention viewer (weights: {self._weights}), {list(self.studies)[self.picture]}: PSNR {one.psnr:.2f} dB ({COURSE_RGB.name}) "
            f"with the gates of {len(one.gates)} SAM(s) untouched. With every gate replaced: {said}"
        )

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing. Only painting needs the kernel."""
        return page(self, "Attention shown, and attention that matters")

    def figure(self) -> Figure:
        """Every gate's mean over the picture, one channel, and what the interventions did to the PSNR."""
        return attention_still(self.shown, list(self.studies)[self.picture], self._weights, self.channel)


def _levels(image: Float[Tensor, "c h w"]) -> dict:
    """A picture beyond [0, 1] in 256 levels from its lowest value to its highest, without further loss."""
    low, high = float(image.min()), float(image.max())
    return {"picture": png((image - low) / max(high - low, 1e-12)), "low": low, "high": high}


def _files(value: object) -> list[bytes]:
    """All bytes in nested lists and dictionaries."""
    if isinstance(value, bytes):
        return [value]
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [file for part in inside for file in _files(part)]
