"""Pictures: every figure of the chapters, as a function from tensors to a matplotlib figure, and `show` to display one.

Figures are built without pyplot, so that nothing is left open and nothing depends on a backend. Photographs are shown as JPEG of
high quality: a notebook full of PNG photographs weighs megabytes.
"""

import html
import io
import itertools
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from IPython.display import display
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor
from torch.nn import functional as F

from restorelab.evaluate import Evaluation
from restorelab.experiment.cards import Card, evidence, verdict
from restorelab.files import write_atomically
from restorelab.image import to_uint8
from restorelab.models.dmphn import grid_of

DPI = 100
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")  # Paul Tol's bright: told apart by the colour-blind
LEAST_DB = 0.5  # height of a PSNR axis: a smaller one makes a rise of what is none


def show(figure: Figure, alt: str, lossless: bool = False, keep: Path | None = None) -> None:
    """Display a figure with a text for those who cannot see it. `lossless` for line drawings; `keep` writes it to a file too."""
    bundle, metadata = mime(figure, alt, lossless)
    if keep:
        write_atomically(keep, bundle["image/png" if lossless else "image/jpeg"])
    display(bundle, metadata=metadata, raw=True)


def mime(figure: Figure, alt: str, lossless: bool = False) -> tuple[dict, dict]:
    """The figure as a Jupyter mime bundle and its metadata."""
    buffer = io.BytesIO()
    options = {} if lossless else {"pil_kwargs": {"quality": 85, "subsampling": "4:4:4"}}
    figure.savefig(buffer, format="png" if lossless else "jpeg", dpi=DPI, bbox_inches="tight", facecolor="white", **options)
    kind = "image/png" if lossless else "image/jpeg"
    return {kind: buffer.getvalue(), "text/plain": alt}, {kind: {"alt": alt}}


def crop(image: Float[Tensor, "c h w"], top: int, left: int, side: int) -> Float[Tensor, "c h2 w2"]:
    """A square window, to look at pixels instead of at a thumbnail."""
    return image[:, top : top + side, left : left + side]


def picture_row(pictures: Mapping[str, Tensor], title: str = "", height: float = 3.0) -> Figure:
    """Pictures `c h w` in [0, 1] side by side, each under its name."""
    widths = [image.shape[-1] / image.shape[-2] for image in pictures.values()]
    figure = Figure(figsize=(height * sum(widths), height), layout="constrained")
    axes = figure.subplots(1, len(pictures), width_ratios=widths, squeeze=False)[0]
    for axis, (name, image) in zip(axes, pictures.items(), strict=True):
        _picture(axis, image)
        axis.set_title(name, fontsize=10)
    figure.suptitle(title, fontsize=11)
    return figure


def error_map(restored: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"], gain: float = 4.0) -> Float[Tensor, "1 h w"]:
    """Mean absolute error over the channels, times `gain`, as a grey picture: black is perfect."""
    return ((restored - clean).abs().mean(0, keepdim=True) * gain).clamp(0, 1)


def signed(residual: Float[Tensor, "c h w"], gain: float = 1.0) -> Float[Tensor, "c h w"]:
    """A residual as a picture: mid-grey is zero."""
    return (0.5 + gain * residual).clamp(0, 1)


def patch_layout(image: Float[Tensor, "c h w"], levels: Sequence[int], title: str = "") -> Figure:
    """How each level of a DMPHN cuts the picture; the numbers are the order in which patches go through the network."""
    height, width = image.shape[-2:]
    figure = Figure(figsize=(1.7 * len(levels) * width / height, 2.1), layout="constrained")
    for axis, patches, number in zip(figure.subplots(1, len(levels), squeeze=False)[0], levels, range(1, 99), strict=False):
        _picture(axis, image)
        rows, columns = grid_of(patches)
        axis.set_title(f"level {number}: {patches} patch{'es' if patches > 1 else ''}, {rows}x{columns}", fontsize=8)
        for index in range(patches):
            top, left = index // columns * height / rows, index % columns * width / columns
            axis.add_patch(Rectangle((left, top), width / columns, height / rows, fill=False, edgecolor="white", linewidth=2.5))
            axis.add_patch(Rectangle((left, top), width / columns, height / rows, fill=False, edgecolor=COLOURS[1], linewidth=1.2))
            place = (left + width / columns / 2, top + height / rows / 2)
            axis.text(
                *place,
                str(index),
                color="white",
                ha="center",
                va="center",
                fontsize=10,
                bbox={"facecolor": "#000000a0", "edgecolor": "none"},
            )
    figure.suptitle(title, fontsize=11)
    return figure


def kernel_picture(kernels: Mapping[str, Tensor], title: str = "") -> Figure:
    """Blur kernels, each scaled to its own largest value."""
    figure = Figure(figsize=(1.9 * len(kernels), 2.3), layout="constrained")
    for axis, (name, kernel) in zip(figure.subplots(1, len(kernels), squeeze=False)[0], kernels.items(), strict=True):
        axis.imshow(kernel.numpy(), cmap="gray", vmin=0)
        axis.set_title(name, fontsize=9)
        axis.set_axis_off()
    figure.suptitle(title, fontsize=10)
    return figure


def training_curve(rows: Sequence[Mapping], title: str = "") -> Figure:
    """Loss of every step, smoothed over it, and the validation PSNR where it was measured; `rows` as a run logs them."""
    figure = Figure(figsize=(7.2, 2.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    steps, losses = [row["step"] for row in rows], np.array([row["loss"] for row in rows])
    window = max(1, len(losses) // 40)
    left.plot(steps, losses, color=COLOURS[0], alpha=0.25, linewidth=0.8)
    left.plot(steps[window - 1 :], np.convolve(losses, np.ones(window) / window, "valid"), color=COLOURS[0], linewidth=1.6)
    left.set(yscale="log", xlabel="step", ylabel="training loss")
    judged = [row for row in rows if "psnr" in row]
    if judged:
        right.plot([row["step"] for row in judged], [row["psnr"] for row in judged], "o-", color=COLOURS[2], label="restored")
        right.axhline(judged[0]["input_psnr"], color="0.4", linestyle="--", label="input, untouched")
        right.legend(fontsize=8)
        middle, span = np.mean(right.get_ylim()), max(np.ptp(right.get_ylim()), LEAST_DB)
        right.set_ylim(middle - span / 2, middle + span / 2)
    right.set(xlabel="step", ylabel="validation PSNR (dB)")
    for axis in (left, right):
        axis.grid(alpha=0.25)
    figure.suptitle(title, fontsize=10)
    return figure


def contact_sheet(result: Evaluation, pictures: Mapping[str, tuple[Tensor, Tensor, Tensor]], side: int = 200) -> Figure:
    """Best, median and worst picture of an evaluation by gain: input, restored, clean, and the error before and after.

    pictures: name -> (input, restored, clean), of one size, for those three. Shown is the square of `side` pixels in which restoring
    changed the error most, for better or worse: that is where one has to look.
    """
    chosen = {"best": result.best, "median": result.typical, "worst": result.worst}
    figure = Figure(figsize=(11, 2.6 * len(chosen) + 0.5), layout="constrained")
    for axes, (word, row) in zip(figure.subplots(len(chosen), 5, squeeze=False), chosen.items(), strict=True):
        given, restored, clean = pictures[row.name]
        before, after = error_map(given, clean), error_map(restored, clean)
        top, left = _where_most(before - after, side)
        names = [f"{word}: {row.name}\ninput {row.degraded_psnr:.2f} dB", f"restored {row.restored_psnr:.2f} dB\n({row.gain:+.2f})"]
        names += ["clean", "error x4 before", "error x4 after"]
        for axis, name, image in zip(axes, names, (given, restored, clean, before, after), strict=True):
            _picture(axis, crop(image, top, left, side))
            axis.set_title(name, fontsize=8)
    figure.suptitle(textwrap.fill(result.caption(), 150), fontsize=8)
    return figure


def _where_most(change: Float[Tensor, "1 h w"], side: int) -> tuple[int, int]:
    """Top left corner of the square with the largest mean absolute change."""
    height, width = (min(side, length) for length in change.shape[-2:])
    means = F.avg_pool2d(change.abs()[None], (height, width), stride=max(1, side // 8))[0, 0]
    row, column = divmod(int(means.argmax()), means.shape[1])
    return row * max(1, side // 8), column * max(1, side // 8)


def perception_distortion(points: Mapping[str, tuple[float, float]], across: str, up: str, title: str = "") -> Figure:
    """Methods in the plane of a distortion (x, such as RMSE) and a perceptual distance (y, such as LPIPS): lower left is better on both.

    Those that no other method beats on both axes are filled, and joined by steps. (Blau and Michaeli, "The Perception-Distortion
    Tradeoff", CVPR 2018: beyond some frontier, less of the one is more of the other.)
    """
    figure = Figure(figsize=(5.2, 4.0), layout="constrained")
    axis = figure.subplots()
    unbeaten = sorted(point for point in points.values() if not any(_beats(other, point) for other in points.values()))
    axis.step(*zip(*unbeaten, strict=True), where="post", color="0.6", linewidth=1, zorder=0)
    for (name, point), colour in zip(points.items(), itertools.cycle(COLOURS), strict=False):
        axis.plot(*point, "o", color=colour, markersize=8, markerfacecolor=colour if point in unbeaten else "white")
        axis.annotate(name, point, xytext=(7, 5), textcoords="offset points", fontsize=9)
    axis.set(xlabel=f"{across}  (lower is closer to the clean picture)", ylabel=f"{up}  (lower looks more natural)")
    axis.margins(0.18)
    axis.grid(alpha=0.25)
    figure.suptitle(textwrap.fill(title, 70), fontsize=9)
    return figure


def _beats(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return a != b and a[0] <= b[0] and a[1] <= b[1]


def forest(rows: Mapping[str, tuple[float, float, float]], published: Mapping[str, float], title: str = "") -> Figure:
    """Changes in dB with their intervals, `name -> (mean, low, high)`, one under the other, beside what was published where it was.

    An interval that leaves 0 out is filled.
    """
    figure = Figure(figsize=(7.6, 0.9 + 0.27 * len(rows)), layout="constrained")
    axis, heights = figure.subplots(), range(len(rows))[::-1]
    axis.axvline(0, color="0.5", linewidth=1)
    for height, (name, (mean, low, high)) in zip(heights, rows.items(), strict=True):
        clear = low > 0 or high < 0
        axis.plot([low, high], [height, height], color=COLOURS[0], linewidth=2)
        axis.plot(mean, height, "o", color=COLOURS[0], markerfacecolor=COLOURS[0] if clear else "white", markersize=6)
        if name in published:
            axis.plot(published[name], height, "D", color=COLOURS[1], markersize=6, markerfacecolor="none", markeredgewidth=1.6)
    axis.plot([], [], "o-", color=COLOURS[0], label="ours, 95 % over pictures")
    axis.plot([], [], "D", color=COLOURS[1], markerfacecolor="none", markeredgewidth=1.6, label="published (other data, other length)")
    axis.set_yticks(list(heights), rows, fontsize=8)
    axis.set(xlabel="change in PSNR (dB) without the part", ylim=(-0.7, len(rows) - 0.3))
    axis.legend(fontsize=8, loc="upper center", bbox_to_anchor=(0.4, -0.55 / max(len(rows) * 0.27, 1)), ncols=2, frameon=False)
    axis.grid(alpha=0.25, axis="x")
    figure.suptitle(textwrap.fill(title, 100), fontsize=9)
    return figure


def heat_map(values: Float[np.ndarray, "rows columns"], rows: Sequence[str], columns: Sequence[str], title: str = "") -> Figure:
    """Gains in dB, a number in every cell: blue where it helps, red where it harms, white at 0."""
    figure = Figure(figsize=(2.4 + 1.05 * len(columns), 1.2 + 0.42 * len(rows)), layout="constrained")
    axis, span = figure.subplots(), max(1.0, float(np.abs(values).max()))
    axis.imshow(values, cmap="RdBu", vmin=-span, vmax=span, aspect="auto")
    for row, column in np.ndindex(values.shape):
        strong = abs(values[row, column]) > 0.6 * span
        axis.text(column, row, f"{values[row, column]:+.1f}", ha="center", va="center", fontsize=9, color="white" if strong else "black")
    axis.set_xticks(range(len(columns)), [textwrap.fill(name, 14) for name in columns], fontsize=8)
    axis.set_yticks(range(len(rows)), rows, fontsize=8)
    figure.suptitle(textwrap.fill(title, 90), fontsize=9)
    return figure


def show_table(headers: Sequence[str], rows: Sequence[Sequence[object]], caption: str) -> None:
    """A table that reads well in a notebook, on GitHub and in a terminal."""
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [max(len(line[i]) for line in [headers, *cells]) for i in range(len(headers))]
    plain = "\n".join("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in [headers, *cells])
    head = "".join(f"<th style='text-align:left'>{html.escape(name)}</th>" for name in headers)
    body = "".join("<tr>" + "".join(f"<td style='text-align:left'>{html.escape(text)}</td>" for text in row) + "</tr>" for row in cells)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    display({"text/html": f"<p>{html.escape(caption)}</p>{table}", "text/plain": f"{caption}\n{plain}"}, raw=True)


def show_cards(cards: Mapping[str, Card], records: Mapping[str, dict], caption: str) -> dict[str, str]:
    """Claims, what was published, and what came of leaving the part out in `records` (by the name of their ablation); name -> verdict."""
    rows, verdicts = [], {}
    for name, card in cards.items():
        found = evidence(card, records[card.ablation])
        verdicts[name] = verdict(card, found)
        seeds = "  ".join(f"{one:+.2f}" for one in found.per_seed)
        rows.append([name, card.claim, card.without, card.said, str(found), seeds, verdicts[name]])
    headers = ["card", "claim", "trained without it", "published (dB)", "change, ours [95 %]", "each seed", "direction"]
    show_table(headers, rows, caption)
    return verdicts


def show_evaluation(result: Evaluation, label: str) -> None:
    """One row per picture and their mean. `label` says model, weights, data and preset; the protocol is added here."""
    figures = ("degraded_psnr", "restored_psnr", "gain", "degraded_ssim", "restored_ssim")
    rows = [[row.name, *(getattr(row, name) for name in figures)] for row in result.rows]
    rows.append(["mean", *(result.mean(name) for name in figures)])
    headers = ["picture", "input PSNR (dB)", "restored PSNR (dB)", "gain (dB)", "input SSIM", "restored SSIM"]
    show_table(headers, [_rounded(row) for row in rows], f"{label}. Protocol: {result.protocol}")


def _rounded(row: Sequence) -> list[str]:
    name, *numbers = row
    return [name, *(f"{number:.2f}" for number in numbers[:3]), *(f"{number:.4f}" for number in numbers[3:])]


def _cell(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _picture(axis, image: Float[Tensor, "c h w"]) -> None:
    axis.imshow(to_uint8(image.expand(3, -1, -1) if image.shape[0] == 1 else torch.as_tensor(image)))
    axis.set_axis_off()
