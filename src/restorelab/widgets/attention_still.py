"""The still picture of the attention viewer: gates over the photograph, and beside them what they are worth."""

import textwrap

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.metrics import COURSE_RGB
from restorelab.viz import COLOURS, to_uint8
from restorelab.widgets.attention_study import INTERVENTIONS, Study, places
from restorelab.widgets.shown import ABSOLUTE

OPACITY = 0.65  # of a gate over the picture
BAR = 0.8  # of the room between two interventions


def attention_still(study: Study, label: str, weights: str, channel: int = 0) -> Figure:
    """`channel`, from 1, is shown beside the means; 0 takes the one of the last SAM that differs most from place to place."""
    gates = study.gates
    last = gates[-1]
    chosen = channel - 1 if 0 < channel <= len(last) else int(last.std((-2, -1)).argmax())
    maps = {f"SAM {number}, mean of {len(gate)} channels": gate.mean(0) for number, gate in enumerate(gates, start=1)}
    maps[f"SAM {len(gates)}, channel {chosen + 1}"] = last[chosen]
    figure = Figure(figsize=(2.3 * (len(maps) + 1), 5.6), layout="constrained")
    top, bottom = figure.subfigures(2, 1, height_ratios=[1, 1.15])
    axes = top.subplots(1, len(maps) + 1)
    axes[0].imshow(_colour(study.pair.degraded))
    axes[0].set_title("degraded", fontsize=9)
    axes[0].set_axis_off()
    for axis, (name, gate) in zip(axes[1:], maps.items(), strict=True):
        _overlay(axis, study.pair.degraded, gate, name)
    _bars(bottom.subplots(), study)
    title = f"Attention shown is not yet attention that matters. {label}; weights: {weights}"
    figure.suptitle(textwrap.fill(title, 110), fontsize=10)
    return figure


def _colour(image: Float[Tensor, "c h w"]) -> np.ndarray:
    return to_uint8(image.expand(3, -1, -1))


def _overlay(axis, picture: Float[Tensor, "c h w"], gate: Float[Tensor, "h w"], name: str) -> None:
    """Over the picture without its colours; the bar has the gate's own range, which its ends tell."""
    axis.imshow(picture.mean(0).clamp(0, 1).numpy(), cmap="gray", vmin=0, vmax=1)
    shown = axis.imshow(gate.numpy(), cmap=ABSOLUTE, alpha=OPACITY)
    axis.set_title(name, fontsize=9)
    axis.set_axis_off()
    low, high = float(gate.min()), float(gate.max())
    bar = axis.figure.colorbar(shown, ax=axis, orientation="horizontal", shrink=0.9, pad=0.03, aspect=22)
    bar.set_ticks([low, high] if high > low else [low], labels=[f"{low:.2f}", f"{high:.2f}"] if high > low else [f"{low:.2f}"])
    bar.ax.tick_params(labelsize=8)


def _bars(axis, study: Study) -> None:
    wheres = places(len(study.gates))
    room = BAR / len(wheres)
    for number, where in enumerate(wheres):
        changes = [study.outcomes[name, where].change for name in INTERVENTIONS]
        heights = np.arange(len(changes)) + (number - (len(wheres) - 1) / 2) * room
        words = f"SAM {where[0]}" if len(where) == 1 else f"{'both' if len(where) == 2 else 'all'} SAMs"
        bars = axis.barh(heights, changes, room * 0.9, color=COLOURS[number % len(COLOURS)], label=words)
        axis.bar_label(bars, [f"{round(change, 2) + 0.0:+.2f}" for change in changes], padding=3, fontsize=8)
    axis.set_yticks(range(len(INTERVENTIONS)), list(INTERVENTIONS), fontsize=9)
    axis.invert_yaxis()
    axis.axvline(0, color="0.3", linewidth=0.8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.margins(x=0.15)
    axis.legend(fontsize=8, title="gate replaced at", title_fontsize=8, loc="best")
    axis.set_xlabel(f"change in PSNR (dB) against {study.psnr:.2f} dB with the gates untouched; {COURSE_RGB.name}", fontsize=8)
