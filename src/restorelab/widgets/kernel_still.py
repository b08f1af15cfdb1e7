"""The kernel microscope as a still picture: three places of a result, and what happened there."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse, Rectangle
from torch import Tensor

from restorelab.image import to_uint8
from restorelab.widgets.kernel_views import Atlas, Terms, kernel_numbers

MARKS = ("#ee6677", "#ccbb44", "#66ccee")  # of Paul Tol's bright: told apart by the colour-blind
NUMBERED = 5  # taps: above, numbers would run into one another
INK = {"fontsize": 5.5, "ha": "center", "va": "center"}


class Specimen(NamedTuple):
    """One place under the microscope."""

    row: int  # of the whole result
    column: int
    terms: Terms
    true: Float[Tensor, "k k"] | None


def kernel_still(
    picture: Float[Tensor, "c h w"], atlas: Atlas, specimens: list[Specimen], corner: tuple[int, int], scale: int, name: str
) -> Figure:
    """`picture` with the places marked, the atlas below it; of every place a row: kernel, neighbourhood, the sum, the true blur.

    corner: row and column of the result at which `picture` begins. scale: output pixels per input pixel of the block called `name`.
    """
    figure = Figure(figsize=(8.4, 5.7), layout="constrained")
    left, right = figure.subfigures(1, 2, width_ratios=[3, 8])
    above, below = left.subplots(2, 1)
    for axis, shown in ((above, picture), (below, atlas.colours)):
        axis.imshow(to_uint8(shown.expand(3, -1, -1)), interpolation="nearest")
        axis.set_axis_off()
        for specimen, colour in zip(specimens, MARKS, strict=True):
            _mark(axis, specimen.row - corner[0], specimen.column - corner[1], colour)
    above.set_title(f"made by {name}", fontsize=8)
    below.set_title(f"kernel atlas: two numbers of each\nas colour, {atlas.share:.0%} of what differs", fontsize=8)
    columns = 2 + any(specimen.true is not None for specimen in specimens)
    most = max(float(specimen.terms.kernel.abs().max()) for specimen in specimens)
    for axes, specimen, colour in zip(right.subplots(len(specimens), columns, squeeze=False), specimens, MARKS, strict=True):
        _draw_kernel(axes[0], specimen, colour, most)
        _draw_neighbourhood(axes[1], specimen.terms)
        if specimen.true is not None:
            _draw_truth(axes[2], specimen.true)
    unit = "output pixel" if scale == 1 else f"input pixel, {scale}x{scale} output pixels"
    right.suptitle(f"{name}: every output pixel has a kernel of its own\n(a tap is one {unit})", fontsize=9)
    return figure


def _mark(axis, row: int, column: int, colour: str) -> None:
    for edge, width in (("black", 3.4), (colour, 1.8)):
        axis.add_patch(Rectangle((column - 3.5, row - 3.5), 7, 7, fill=False, edgecolor=edge, linewidth=width))


def _draw_kernel(axis, specimen: Specimen, colour: str, most: float) -> None:
    kernel, numbers = specimen.terms.kernel.numpy(), kernel_numbers(specimen.terms.kernel)
    signed = np.sign(kernel) * np.sqrt(np.abs(kernel) / most)  # as on the page: small taps are to be seen too
    axis.imshow(signed, cmap="PuOr_r", vmin=-1, vmax=1, interpolation="nearest")
    _write(axis, kernel, np.abs(signed) > 0.7)
    axis.set_xlabel(f"sum {numbers.total:.3f}\nwidth {numbers.width[0]:.2f} by {numbers.width[1]:.2f} taps", fontsize=7)
    axis.set_title(f"kernel at row {specimen.row}, column {specimen.column}", fontsize=8)
    axis.set(xticks=[], yticks=[])
    for spine in axis.spines.values():
        spine.set(edgecolor=colour, linewidth=3)


def _draw_neighbourhood(axis, terms: Terms) -> None:
    around = terms.neighbourhood
    axis.imshow(to_uint8(around.expand(3, -1, -1)), interpolation="nearest")
    grey = around.mean(0).numpy()
    _write(axis, around[0].numpy(), grey < 0.5)
    first = "red" if len(around) == 3 else "grey"
    total, residual, value = (float(part[0]) for part in (terms.product.sum((1, 2)), terms.residual, terms.value))
    axis.set_title("its neighbourhood", fontsize=8)
    sign = "+" if residual >= 0 else "-"
    axis.set_xlabel(f"{first}: sum of kernel x neighbourhood\n{total:.3f} {sign} residual {abs(residual):.3f} = {value:.3f}", fontsize=7)
    axis.set(xticks=[], yticks=[])


def _draw_truth(axis, kernel: Float[Tensor, "k k"]) -> None:
    numbers = kernel_numbers(kernel)
    axis.imshow(kernel.numpy(), cmap="Oranges", vmin=0, interpolation="nearest")
    _outline(axis, kernel, "#228833")
    axis.set_title("the true blur there", fontsize=8)
    axis.set_xlabel(
        f"{kernel.shape[0]}x{kernel.shape[1]} output pixels\nwidth {numbers.width[0]:.2f} by {numbers.width[1]:.2f}", fontsize=7
    )
    axis.set(xticks=[], yticks=[])


def _outline(axis, kernel: Float[Tensor, "k k"], colour: str) -> None:
    """Centre of mass, and the ellipse of one standard deviation."""
    numbers, middle = kernel_numbers(kernel), kernel.shape[0] // 2
    row, column = numbers.centre
    long, short = numbers.width
    place = (middle + column, middle + row)
    axis.add_patch(Ellipse(place, 2 * long, 2 * short, angle=-numbers.angle, fill=False, edgecolor=colour, linewidth=1.2))
    axis.plot(*place, "o", color=colour, markersize=3)


def _write(axis, values: np.ndarray, dark: np.ndarray) -> None:
    if len(values) > NUMBERED:
        return
    for (row, column), value in np.ndenumerate(values):
        text = f"{round(float(value), 2) + 0:.2f}"  # adding 0 takes the sign off a zero
        axis.text(column, row, text, color="white" if dark[row, column] else "black", **INK)
