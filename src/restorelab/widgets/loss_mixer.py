"""Trainings that differ in the weights of their losses alone, recorded; sliders choose one of them."""

import io
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import traitlets
from matplotlib.figure import Figure
from PIL import Image

from restorelab.errors import ParameterError
from restorelab.viz import COLOURS
from restorelab.widgets.shown import check_weight
from restorelab.widgets.static import Pictured, page, source

MOST_BYTES = 400_000  # of all pictures together
INCHES = 1.15  # side of a picture in the still one
STILL_SIDE = 115  # pixels of it


@dataclass(frozen=True)
class Judge:
    """One number that a result is judged by."""

    name: str
    higher: bool  # is better
    unit: str = ""
    digits: int = 3

    def words(self, value: float) -> str:
        return f"{value:.{self.digits}f} {self.unit}".rstrip()


@dataclass(frozen=True)
class Mixture:
    """What one training came to."""

    picture: bytes  # JPEG or PNG, all of one size
    figures: Sequence[float]  # in the order of the judges


class LossMixer(Pictured):
    """A slider for the weight of every loss; beside it the picture that the training with these weights gave, and its figures.

    Nothing is trained while it is looked at: `mixtures` are records, one for every combination of levels. axes: name of a loss ->
    its weights, from low to high. mixtures: weights, in the order of the axes -> what came of it. judges: of the figures; the first two
    span the plane in which all mixtures are drawn. others: name -> picture to put beside, such as the clean one.

    `chosen` holds the number of the level on every axis; `beside` the name of the other picture. It works without a kernel, and as a page.

    Raises ParameterError where a combination or a figure is missing, or for pictures that are too much for a notebook.
    """

    _esm = source(".js", "shared", "radios", "loss_mixer")
    _css = source(".css", "shared", "radios", "loss_mixer")

    _axes = traitlets.List().tag(sync=True)  # {name, levels: texts}
    _judges = traitlets.List().tag(sync=True)  # {name, higher}
    _mixtures = traitlets.Dict().tag(sync=True)  # "0,2,1": {picture, figures, words}
    _others = traitlets.Dict().tag(sync=True)  # name -> picture
    _notes = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.List(traitlets.Int()).tag(sync=True)
    beside = traitlets.Unicode().tag(sync=True)

    def __init__(
        self, axes: Mapping[str, Sequence[float]], mixtures: Mapping[tuple[float, ...], Mixture], judges: Sequence[Judge],
        others: Mapping[str, bytes], notes: str = "",
    ):  # fmt: skip
        self._records, self._said, self._levels = dict(mixtures), list(judges), {name: list(levels) for name, levels in axes.items()}
        _check(self._levels, self._records, self._said, others)
        check_weight([*others.values(), *(one.picture for one in self._records.values())], MOST_BYTES)
        super().__init__(
            _axes=[{"name": name, "levels": [f"{level:g}" for level in levels]} for name, levels in axes.items()],
            _judges=[{"name": judge.name, "higher": judge.higher} for judge in judges],
            _mixtures={",".join(map(str, at)): self._file(self.record(at)) for at in self.places()},
            _others=dict(others),
            _notes=notes,
            chosen=[0] * len(axes),
            beside=next(iter(others)),
        )

    def places(self) -> list[tuple[int, ...]]:
        """Every combination, as the numbers of its levels."""
        return list(itertools.product(*(range(len(levels)) for levels in self._levels.values())))

    def record(self, at: Sequence[int]) -> Mixture:
        """What the training with these levels came to."""
        return self._records[tuple(levels[number] for levels, number in zip(self._levels.values(), at, strict=True))]

    def _file(self, one: Mixture) -> dict:
        words = [judge.words(value) for judge, value in zip(self._said, one.figures, strict=True)]
        return {"picture": one.picture, "figures": list(map(float, one.figures)), "words": words}

    @traitlets.validate("chosen")
    def _known(self, proposal: dict) -> list[int]:
        if tuple(proposal["value"]) not in self.places():
            raise ParameterError(f"chosen is the number of a level on each of {len(self._levels)} axes; got {proposal['value']}.")
        return list(proposal["value"])

    def weights(self, at: Sequence[int] | None = None) -> str:
        """In words: those chosen, or those of `at`."""
        given = zip(self._axes, self.chosen if at is None else at, strict=True)
        return ", ".join(f"{axis['name']} {axis['levels'][number]}" for axis, number in given)

    def __repr__(self) -> str:
        first, one = self.record([0] * len(self._axes)), self.record(self.chosen)
        figures = ", ".join(f"{judge.name} {judge.words(value)}" for judge, value in zip(self._said, one.figures, strict=True))
        without = ", ".join(f"{judge.name} {judge.words(value)}" for judge, value in zip(self._said, first.figures, strict=True))
        return f"Loss mixer, {len(self._mixtures)} recorded trainings. {self.weights()}: {figures}. With all at 0: {without}."

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Mixing losses")

    def figure(self) -> Figure:
        """The corners of the grid, and all of it in the plane of the first two judges."""
        ends = [sorted({0, len(levels) - 1}) for levels in self._levels.values()]
        corners = list(itertools.product(*ends))
        columns = -(-len(corners) // 2)
        figure = Figure(figsize=(INCHES * columns + 2.9, 2 * (INCHES + 0.45)), layout="constrained")
        grid = figure.add_gridspec(2, columns + 2)
        for number, at in enumerate(corners):
            axis = figure.add_subplot(grid[number // columns, number % columns])
            axis.imshow(_small(self.record(at).picture))
            axis.set_title(self.weights(at).replace(", ", "\n"), fontsize=6)
            axis.set_axis_off()
        plane = figure.add_subplot(grid[:, columns:])
        for at in self.places():
            x, y = self.record(at).figures[:2]
            plane.plot(x, y, "os^"[at[-1] % 3], color=COLOURS[at[0] % len(COLOURS)], markersize=5 + 3 * at[len(at) // 2], alpha=0.8)
        across, up = self._said[:2]
        plane.set_xlabel(f"{across.name} ({_good(across)})", fontsize=8)
        plane.set_ylabel(f"{up.name} ({_good(up)})", fontsize=8)
        plane.tick_params(labelsize=7)
        plane.grid(alpha=0.25)
        plane.set_title(_key([axis["name"] for axis in self._axes]), fontsize=7)
        return figure


def _good(judge: Judge) -> str:
    return "higher is better" if judge.higher else "lower is better"


def _key(names: Sequence[str]) -> str:
    return f"colour: {names[0]}, size: {names[len(names) // 2]}, shape: {names[-1]}"


def _small(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as picture:
        picture.thumbnail((STILL_SIDE, STILL_SIDE))
        return np.asarray(picture.convert("RGB"))


def _check(levels: Mapping, mixtures: Mapping, judges: Sequence[Judge], others: Mapping[str, bytes]) -> None:
    if len(judges) < 2 or not others or not levels:
        raise ParameterError("give at least one axis, two judges, and one other picture to put beside.")
    for at in itertools.product(*levels.values()):
        if at not in mixtures:
            raise ParameterError(f"no training was recorded for the weights {at}: every combination of the axes' levels is needed.")
        if len(mixtures[at].figures) != len(judges):
            raise ParameterError(f"the training with the weights {at} has {len(mixtures[at].figures)} figures for {len(judges)} judges.")
