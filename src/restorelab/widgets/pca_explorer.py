"""The PCA explorer: how many numbers does a blur kernel need?"""

from collections.abc import Sequence

import numpy as np
import traitlets
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from restorelab.errors import ParameterError
from restorelab.widgets.static import Pictured, page, source

MOST = 40  # eigen-kernels sent to the page
SHOWN = (1, 5, 15, MOST)  # numbers kept in the still picture
GAIN = 10  # of the differences
CURRENT = 15  # where the slider starts: what SRMD and UDVD keep


class PCAExplorer(Pictured):
    """A slider over how many of a kernel's numbers are kept, all of it in the browser: it works without a kernel, and as a page.

    basis: eigen-kernels `d k k`, or `d k*k` flattened row by row, of length 1 and at right angles, strongest first.
    kernels: `n k k`, the ones to choose from. mean: `k k`, taken off before; None for a code without. energy: `d`, the share of a
    whole family's energy in the first 1, 2, ... numbers; None if not known. names: of the kernels, for the buttons.

    Raises `ParameterError` for arrays that do not fit together.
    """

    _esm = source(".js", "shared", "sliders", "pca_explorer")
    _css = source(".css", "shared", "pca_explorer")

    _side = traitlets.Int().tag(sync=True)
    _names = traitlets.List().tag(sync=True)
    _basis = traitlets.Bytes().tag(sync=True)  # float32, row by row
    _mean = traitlets.Bytes().tag(sync=True)
    _kernels = traitlets.Bytes().tag(sync=True)
    _energy = traitlets.List().tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)  # which kernel
    kept = traitlets.Int(CURRENT).tag(sync=True)  # how many numbers

    def __init__(
        self,
        basis: ArrayLike,
        kernels: ArrayLike,
        mean: ArrayLike | None = None,
        energy: ArrayLike | None = None,
        names: Sequence[str] | None = None,
    ):
        self._pictures = np.asarray(kernels, dtype=np.float64)
        if self._pictures.ndim != 3 or self._pictures.shape[1] != self._pictures.shape[2] or not len(self._pictures):
            raise ParameterError(f"kernels are square pictures `n k k`, not of shape {self._pictures.shape}.")
        self._flat = self._pictures.reshape(len(self._pictures), -1)
        taps = self._flat.shape[1]
        self._directions = _rows(basis, taps, "the basis")[:MOST]
        self._middle = np.zeros(taps) if mean is None else _rows(mean, taps, "the mean")[0]
        names = [f"kernel {number + 1}" for number in range(len(self._flat))] if names is None else list(names)
        if len(names) != len(self._flat):
            raise ParameterError(f"there are {len(self._flat)} kernels and {len(names)} names: give one for each.")
        super().__init__(
            _side=self._pictures.shape[1],
            _names=names,
            _basis=_bytes(self._directions),
            _mean=_bytes(self._middle),
            _kernels=_bytes(self._flat),
            _energy=[] if energy is None else [float(share) for share in np.asarray(energy)[:MOST]],
            kept=min(CURRENT, len(self._directions)),
        )

    def reconstruction(self, chosen: int, kept: int) -> np.ndarray:
        """`k k`: a kernel from its first `kept` numbers."""
        directions = self._directions[:kept]
        flat = self._middle + (self._flat[chosen] - self._middle) @ directions.T @ directions
        return flat.reshape(self._pictures.shape[1:])

    def error(self, chosen: int, kept: int) -> float:
        """|kernel - reconstruction| / |kernel|, root of the sum of squares."""
        kernel = self._pictures[chosen]
        return float(np.linalg.norm(kernel - self.reconstruction(chosen, kept)) / np.linalg.norm(kernel))

    def __repr__(self) -> str:
        taps, most = self._flat.shape[1], len(self._directions)
        errors = ", ".join(f"{kept}: {self.error(self.chosen, kept):.1%}" for kept in SHOWN if kept <= most)
        return f"PCA explorer: {self._names[self.chosen]} of {taps} numbers, and its error when fewer are kept ({errors})"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "How many numbers does a blur kernel need?")

    def figure(self) -> Figure:
        """The kernel, what remains of it at a few counts of numbers, the differences, and the first eigen-kernels."""
        counts = [kept for kept in SHOWN if kept <= len(self._directions)]
        figure = Figure(figsize=(8.4, 4.6), layout="constrained")
        axes = figure.subplots(3, 5)
        for axis in axes.flat:
            axis.set_axis_off()
        kernel = self._pictures[self.chosen]
        most = kernel.max()
        _grey(axes[0, 0], kernel, f"{self._names[self.chosen]}\n{kernel.size} numbers", most)
        axes[1, 0].text(0.5, 0.5, f"difference x{GAIN}\norange: too much\nviolet: too little", ha="center", va="center", fontsize=8)
        for column, kept in enumerate(counts, start=1):
            made = self.reconstruction(self.chosen, kept)
            _grey(axes[0, column], made, f"from {kept}\nerror {self.error(self.chosen, kept):.1%}", most)
            _signed(axes[1, column], made - kernel, "", most / GAIN)
        for number, axis in enumerate(axes[2][: len(self._directions)]):
            _signed(axis, self._directions[number].reshape(kernel.shape), f"eigen-kernel {number + 1}", None)
        return figure


def _rows(array: ArrayLike, taps: int, what: str) -> np.ndarray:
    values = np.asarray(array, dtype=np.float64)
    if values.size == 0 or values.size % taps or values.shape[-1] ** 2 != taps and values.shape[-1] != taps:
        raise ParameterError(f"{what} has the shape {values.shape}, which does not fit kernels of {taps} numbers.")
    return values.reshape(-1, taps)


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def _grey(axis, picture: np.ndarray, title: str, most: float) -> None:
    axis.imshow(picture, cmap="gray", vmin=0, vmax=most)
    axis.set_title(title, fontsize=8)


def _signed(axis, picture: np.ndarray, title: str, most: float | None) -> None:
    most = most or np.abs(picture).max()
    axis.imshow(picture, cmap="PuOr_r", vmin=-most, vmax=most)
    axis.set_title(title, fontsize=8)
