"""Which results shall the figure show? Every choice is true, and most of them mislead."""

import math
from collections.abc import Mapping

import numpy as np
import traitlets
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.evaluate import Evaluation
from restorelab.experiment.inference import flattery, means_of_choices
from restorelab.image import check_image, to_uint8
from restorelab.viz import COLOURS
from restorelab.widgets.shown import check_weight
from restorelab.widgets.static import Pictured, jpeg, page, source

MOST_PICTURE, MOST_BYTES = 12_000, 300_000  # bytes: of one picture, of all
MOST_PICTURES = 16  # the browser looks at every choice of some of them: 12,870 at most
SHOWN = 3  # pictures chosen to begin with, as in many a paper


class CherryPicker(Pictured):
    """Results as small pictures to choose from; beside them, where the mean gain of the choice lies among all choices of as many.

    `result`: the evaluation; `restored`: the pictures of its rows, by name, `c h w` in [0, 1]; `seed` draws the fair choice. `chosen` holds
    the numbers of the rows shown, to begin with the three that gained most. It works without a kernel, and as a page.

    Raises ImageError for what is no picture, ParameterError for fewer than four or more than 16 rows, or a picture that is missing.
    """

    _esm = source(".js", "shared", "cherry_picker")
    _css = source(".css", "shared", "cherry_picker")

    _rows = traitlets.List().tag(sync=True)  # {name, gain, picture}
    _ways = traitlets.List().tag(sync=True)  # {name, chosen}: ready-made choices
    _caption = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.List(traitlets.Int()).tag(sync=True)

    def __init__(self, result: Evaluation, restored: Mapping[str, Tensor], seed: int = 0):
        if not SHOWN < len(result.rows) <= MOST_PICTURES:
            raise ParameterError(f"choose among {SHOWN + 1} to {MOST_PICTURES} results; there are {len(result.rows)}.")
        if missing := [row.name for row in result.rows if row.name not in restored]:
            raise ParameterError(f"the restored picture of {missing[0]!r} is missing.")
        self.gains = np.array([row.gain for row in result.rows])
        self._pictures = [restored[row.name] for row in result.rows]
        for row, picture in zip(result.rows, self._pictures, strict=True):
            check_image(picture, f"the picture {row.name!r}")
        files = [jpeg(picture, MOST_PICTURE) for picture in self._pictures]
        check_weight(files, MOST_BYTES)
        ways = self._ready(seed)
        super().__init__(
            _rows=[
                {"name": row.name, "gain": float(row.gain), "picture": file} for row, file in zip(result.rows, files, strict=True)
            ],
            _ways=[{"name": name, "chosen": one} for name, one in ways.items()],
            _caption=result.caption(),
            chosen=ways["the best three"],
        )  # fmt: skip

    def _ready(self, seed: int) -> dict[str, list[int]]:
        order, count = np.argsort(self.gains), len(self.gains)
        fair = np.random.default_rng(seed).choice(count, SHOWN, replace=False)
        middle = [order[0], order[(count - 1) // 2], order[-1]]
        found = {
            "the best three": order[-SHOWN:],
            f"drawn by seed {seed}": fair,
            "worst, median, best": middle,
            "the worst three": order[:SHOWN],
        }
        return {name: sorted(map(int, one)) for name, one in found.items()}

    @traitlets.validate("chosen")
    def _known(self, proposal: dict) -> list[int]:
        numbers = proposal["value"]
        if len(set(numbers)) < len(numbers) or not set(numbers) <= set(range(len(self.gains))):
            raise ParameterError(f"chosen are some of the rows 0 to {len(self.gains) - 1}, each once; got {numbers}.")
        return sorted(numbers)

    @property
    def flattery(self) -> float | None:
        """Share of all choices of as many pictures that look worse, ties half; None where all or none are chosen."""
        return flattery(self.gains, self.chosen) if 0 < len(self.chosen) < len(self.gains) else None

    def __repr__(self) -> str:
        said = f"Cherry picker: {len(self.gains)} results, mean gain {self.gains.mean():+.2f} dB"
        for way in self._ways:
            share = flattery(self.gains, way["chosen"])
            said += f"; {way['name']}: {self.gains[way['chosen']].mean():+.2f} dB, {100 * share:.1f} % of all choices look worse"
        return f"{said}. {self._caption}"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Choosing pictures")

    def figure(self) -> Figure:
        """All results by gain, those chosen framed; and the means of all choices with that of every ready-made one."""
        figure = Figure(figsize=(10.5, 3.3), layout="constrained")
        columns = math.ceil(len(self.gains) / 2)
        grid = figure.add_gridspec(2, columns + 4)
        for place, number in enumerate(np.argsort(-self.gains)):
            self._draw(figure, grid[place // columns, place % columns], int(number))
        axis = figure.add_subplot(grid[:, columns:])
        axis.hist(means_of_choices(self.gains, SHOWN), bins=24, color="0.8")
        axis.set_ylim(0, axis.get_ylim()[1] * 1.45)
        self._mark(axis, self.gains.mean(), "all of them", "0.2", 1.0)
        for place, (way, colour) in enumerate(zip(self._ways, COLOURS, strict=False)):
            self._mark(axis, self.gains[way["chosen"]].mean(), way["name"], colour, 0.93 - 0.07 * place)
        axis.set(xlabel="mean gain of three (dB)", yticks=[], ylabel="choices of three")
        figure.suptitle("Every figure of three is true. Framed: the best three", fontsize=9)
        return figure

    def _draw(self, figure: Figure, place: SubplotSpec, number: int) -> None:
        axis = figure.add_subplot(place)
        axis.imshow(to_uint8(self._pictures[number]))
        axis.set_title(f"{self.gains[number]:+.2f} dB", fontsize=8)
        axis.set(xticks=[], yticks=[])
        for edge in axis.spines.values():
            edge.set(color=COLOURS[0], linewidth=4, visible=number in self._ways[0]["chosen"])

    @staticmethod
    def _mark(axis: Axes, mean: float, name: str, colour: str, height: float) -> None:
        axis.axvline(mean, ymax=height - 0.02, color=colour, linewidth=2)
        left, right = axis.get_xlim()
        beyond = mean > left + 0.6 * (right - left)
        axis.annotate(name, (mean, height), xycoords=("data", "axes fraction"), xytext=(-3 if beyond else 3, 0), textcoords="offset points",
                      fontsize=8, color=colour, ha="right" if beyond else "left", va="top")  # fmt: skip
