"""The still picture of the patch explorer: the path of the picture, level by level, and what silencing costs."""

import math
import textwrap
from collections.abc import Sequence

from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.image import to_uint8
from restorelab.metrics import COURSE_RGB
from restorelab.models.dmphn import grid_of
from restorelab.viz import COLOURS, signed
from restorelab.widgets.patch_study import Study, cuts
from restorelab.widgets.shown import decibels
from restorelab.widgets.switching import switched

INCHES = 1.3  # height of a picture


def patch_still(study: Study, end: float, weights: str) -> Figure:
    """`end`: what white stands for in the residuals, 1 being all the range."""
    height, width = study.degraded.shape[-2:]
    count, aspect = len(study.patches), max(width / height, 1.0)
    figure = Figure(figsize=(INCHES * (aspect * count + max(aspect, 1.4)), 2 * INCHES + 1.1), layout="constrained")
    columns = figure.subplots(2, count + 1, width_ratios=[aspect] * count + [max(aspect, 1.4)]).T
    for (top, bottom), level in zip(columns, reversed(study.everyone), strict=False):
        rows, across = grid_of(study.patches[level - 1])
        _picture(
            top,
            study.handed(level),
            f"level {level} is handed\n{rows} × {across} patches" if rows * across > 1 else f"level {level} is handed\nthe whole",
        )
        _cuts(top, *cuts((height, width), (rows, across)))
        words = f"\ncuts: jumps × {study.seam(level):.2f}" if math.isfinite(study.seam(level)) else ""
        _picture(bottom, signed(study.results[study.everyone].maps["residual"][level - 1], 0.5 / end), f"level {level} finds{words}")
    (top, bottom), score = columns[-1], study.scores.get(study.everyone)
    _picture(top, study.results[study.everyone].image, "the result" if score is None else f"the result\n{decibels(score)}")
    _bars(bottom, study)
    said = f"From patches to the whole. What is found is shown × {0.5 / end:.1f} around mid-grey. Weights: {weights}"
    figure.suptitle(textwrap.fill(said, 88), fontsize=9)
    return figure


def _picture(axis: Axes, image: Float[Tensor, "c h w"], title: str) -> None:
    axis.imshow(to_uint8(image))
    axis.set_title(title, fontsize=8)
    axis.set_axis_off()


def _cuts(axis: Axes, rows: Sequence[int], columns: Sequence[int]) -> None:
    for colour, width in (("white", 2.5), (COLOURS[1], 1.2)):
        for row in rows:
            axis.axhline(row - 0.5, color=colour, linewidth=width)
        for column in columns:
            axis.axvline(column - 0.5, color=colour, linewidth=width)


def _bars(axis: Axes, study: Study) -> None:
    """What becomes of the result without each level: dB of PSNR, or grey levels where there is no clean picture."""
    ways = {f"level {level}": switched(study.everyone, level) for level in reversed(study.everyone)}
    values = [study.change(on) if study.scores else study.moved(on, study.everyone) for on in ways.values()]
    bars = axis.barh(list(ways), values, color=COLOURS[0])
    axis.bar_label(bars, [f"{value:+.2f}" if study.scores else f"{value:.1f}" for value in values], padding=3, fontsize=8)
    axis.invert_yaxis()
    axis.margins(x=0.35)
    axis.axvline(0, color="0.3", linewidth=0.8)
    axis.tick_params(labelsize=8)
    axis.spines[["top", "right"]].set_visible(False)
    axis.set_title("silenced", fontsize=8)
    axis.set_xlabel(f"change in PSNR (dB)\n{COURSE_RGB.name}" if study.scores else "moves the result by\n(RMS of 255 levels)", fontsize=8)
