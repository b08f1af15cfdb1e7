"""The kernel microscope: point at a pixel, and see the filter that a network wrote for it, and what the filter made of its neighbours."""

from typing import NamedTuple

import numpy as np
import torch
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image, to_uint8
from restorelab.restore import RestoredImage
from restorelab.widgets.kernel_still import Specimen, kernel_still
from restorelab.widgets.kernel_truth import TrueKernels, Truth, true_kernels
from restorelab.widgets.kernel_views import (
    Atlas,
    Terms,
    check_block,
    colour_of,
    filtered_pictures,
    kernel_atlas,
    kernel_numbers,
    padded_input,
    terms_at,
)
from restorelab.widgets.static import Pictured, page, source

SIDE = 96  # output pixels; the default crop is at most this high and wide
MOST_PIXELS = SIDE**2  # of a crop: three blocks of 25 taps are then 1.4 MB
PLANE = 11  # samples along a side of the atlas' plane of colours
APART = 8  # output pixels, at least, between the three places of the still picture
PLACES = 3


class Window(NamedTuple):
    """Of the output picture, in output pixels."""

    top: int
    left: int
    height: int
    width: int

    @property
    def rows(self) -> slice:
        return slice(self.top, self.top + self.height)

    @property
    def columns(self) -> slice:
        return slice(self.left, self.left + self.width)


class KernelMicroscope(Pictured):
    """Point at a pixel of the result: its kernel, its neighbourhood, their products, whose sum is its value; beside it the true blur.

    All in the browser: it works without a kernel, and as a page. Hovering shows a pixel, a click or the arrow keys keep it in `at`.

    degraded: `c h w`, what was given to the network. restored: `restore(udvd, degraded, condition=..., explain=True)`.
    clean: `c H W`, to show the error. truth: the blur kernels as recipes give them, see `true_kernels`: `truth["kernel"]` of one blur
    for the whole picture, `truth["std_map"]` of VaryingBlur, or regions: (labels `H W`, kernels `n k k`).
    at: (row, column) of the output pixel seen first; left open, the one in the crop whose kernel is the most unlike the others.
    crop: (top, left, height, width) in output pixels, of what is sent to the page, at most 9216 pixels; widened to whole input pixels.
    Left open: the middle, at most 96x96. It goes as half floats, so that the page's numbers are right to about three digits.

    Raises `ImageError` for what is not a picture, `ParameterError` for a result without kernels and what does not fit together.
    """

    _esm = source(".js", "shared", "radios", "halves", "dynamic_block", "weight_grids", "kernel_microscope")
    _css = source(".css", "shared", "radios", "kernel_microscope")

    _size = traitlets.List().tag(sync=True)  # rows, columns of the whole result
    _window = traitlets.List().tag(sync=True)  # top, left, height, width
    _blocks = traitlets.List().tag(sync=True)  # of every block: see `_sent`
    _truth = traitlets.Dict().tag(sync=True)  # kernels: half floats `n k k`; side; labels: a byte for every pixel. Empty: not known
    _clean = traitlets.Bytes().tag(sync=True)  # a byte for every value, `c h w`; empty: not known
    _plane = traitlets.Bytes().tag(sync=True)  # the atlas' plane of colours, rows of red, green, blue
    at = traitlets.List([0, 0]).tag(sync=True)  # row, column of an output pixel
    stage = traitlets.Int(0).tag(sync=True)  # which block
    colour = traitlets.Int(0).tag(sync=True)  # which channel the terms are shown of
    shown = traitlets.Enum(("result", "error", "clean"), "result").tag(sync=True)
    atlas = traitlets.Bool(False).tag(sync=True)  # lay it over the picture

    def __init__(
        self,
        degraded: Tensor,
        restored: RestoredImage,
        *,
        clean: Tensor | None = None,
        truth: Truth | None = None,
        at: tuple[int, int] | None = None,
        crop: tuple[int, int, int, int] | None = None,
    ):
        check_image(degraded, "the degraded picture")
        self._degraded, self._restored = degraded, restored
        self._chain = filtered_pictures(degraded, restored)
        size = tuple(restored.image.shape[-2:])
        _check_clean(clean, restored)
        self.window = _window(crop, size, size[0] // degraded.shape[-2])
        self._true = None if truth is None else true_kernels(truth, size, self.window.rows, self.window.columns)
        self._atlases = [self._atlas_of(block) for block in range(len(restored.stages))]
        super().__init__(
            _size=list(size),
            _window=list(self.window),
            _blocks=[self._sent(block) for block in range(len(restored.stages))],
            _truth={} if self._true is None else _sent_truth(self._true),
            _clean=b"" if clean is None else to_uint8(self._cut(clean)).transpose(2, 0, 1).tobytes(),
            _plane=_plane(),
            at=list(self._strangest() if at is None else at),
        )

    @traitlets.validate("at")
    def _inside(self, proposal: dict) -> list[int]:
        row, column = proposal["value"]
        (top, left, height, width) = self.window
        if not (top <= row < top + height and left <= column < left + width):
            raise ParameterError(f"{row, column} lies outside of the crop {tuple(self.window)} (top, left, height, width).")
        return [int(row), int(column)]

    @traitlets.validate("stage")
    def _one_of_the_blocks(self, proposal: dict) -> int:
        check_block(self._restored, proposal["value"])
        return proposal["value"] % len(self.names)

    @property
    def names(self) -> list[str]:
        """Of the blocks."""
        up = self._chain.scales[0] > 1
        return ["upsampling"] * up + [f"refine {number + 1}" for number in range(len(self._chain.scales) - up)]

    def terms(self, block: int, row: int, column: int) -> Terms:
        """`term_by_term` of this result, in full precision."""
        return terms_at(self._chain, self._restored, block, row, column)

    def true_kernel(self, row: int, column: int) -> Float[Tensor, "k k"] | None:
        """The kernel that output pixel (row, column), one of the window, was blurred with, if it is known."""
        if self._true is None:
            return None
        return self._true.kernels[int(self._true.labels[row - self.window.top, column - self.window.left])]

    def __repr__(self) -> str:
        (row, column), block = self.at, self.stage
        terms = self.terms(block, row, column)
        numbers = kernel_numbers(terms.kernel)
        made = ", ".join(f"{value:.3f}" for value in terms.value.tolist())
        return (
            f"Kernel microscope: a result of {self._size[0]} rows and {self._size[1]} columns, {PLACES} places in it, and the kernels "
            f"of {self.names[block]} there. At row {row}, column {column} the kernel sums to {numbers.total:.3f}, is "
            f"{numbers.width[0]:.2f} by {numbers.width[1]:.2f} taps wide, and its products and the residual make {made}"
        )

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "The kernel microscope")

    def figure(self) -> Figure:
        """Three places that differ: the kernel of each, what it made of its neighbours, the true blur; and the atlas of all kernels."""
        block = self.stage
        specimens = [
            Specimen(row, column, self.terms(block, row, column), self.true_kernel(row, column)) for row, column in self._three_places()
        ]
        picture = self._cut(self._restored.stages[block])
        return kernel_still(picture, self._atlases[block], specimens, self.window[:2], self._chain.scales[block], self.names[block])

    def _cut(self, image: Tensor) -> Tensor:
        return image[..., self.window.rows, self.window.columns]

    def _atlas_of(self, block: int) -> Atlas:
        return kernel_atlas(self._cut(self._restored.maps["kernels"][block]), self._chain.scales[block])

    def _sent(self, block: int) -> dict:
        """A block of the window as bytes; pictures `c h w`, kernels taps first. `input` has its margin of k // 2 around it."""
        kernels, atlas = self._cut(self._restored.maps["kernels"][block]), self._atlases[block]
        scale, taps = self._chain.scales[block], round(kernels.shape[0] ** 0.5)
        top, left, height, width = (length // scale for length in self.window)
        around = padded_input(self._chain, block, taps // 2)[:, top : top + height + taps - 1, left : left + width + taps - 1]
        return {
            "name": self.names[block],
            "scale": scale,
            "taps": taps,
            "most": float(kernels.abs().max()),
            "channels": self._degraded.shape[0],
            "kernels": _halves(kernels),
            "residual": _halves(self._cut(self._restored.maps["residual"][block])),
            "input": _halves(around),
            "atlas": to_uint8(atlas.colours).tobytes(),  # red, green, blue of every pixel
            "axes": _halves(atlas.axes),
            "share": atlas.share,
        }

    def _strangest(self) -> tuple[int, int]:
        """The first pixel of the input pixel whose first kernels are the least like their mean."""
        scale = self._chain.scales[0]
        kernels = self._cut(self._restored.maps["kernels"][0])[:, ::scale, ::scale]
        row, column = divmod(int((kernels - kernels.mean((1, 2), keepdim=True)).square().sum(0).argmax()), kernels.shape[2])
        return self.window.top + row * scale, self.window.left + column * scale

    def _three_places(self) -> list[tuple[int, int]]:
        """`at`, and two more places whose first kernels are as unlike as can be; one in each region of the truth, if it has so many.

        All lie alike in their input pixels, since kernels of a block that enlarges differ by that before they differ by anything else.
        """
        kernels, scale = self._cut(self._restored.maps["kernels"][0]), self._chain.scales[0]
        places = [(self.at[0] - self.window.top, self.at[1] - self.window.left)]
        free = torch.zeros(self.window.height, self.window.width, dtype=torch.bool)
        free[self.at[0] % scale :: scale, self.at[1] % scale :: scale] = True
        while len(places) < PLACES:
            places.append(self._furthest(places, free, kernels))
        return [(self.window.top + row, self.window.left + column) for row, column in places]

    def _furthest(self, places: list[tuple[int, int]], free: Tensor, kernels: Tensor) -> tuple[int, int]:
        """The free place whose kernel is the least like the nearest of those at `places`."""
        unlike = torch.stack([(kernels - kernels[:, row, column, None, None]).square().sum(0) for row, column in places]).amin(0)
        grid = torch.meshgrid(torch.arange(self.window.height), torch.arange(self.window.width), indexing="ij")
        for row, column in places:
            near = ((grid[0] - row).abs() < APART) & ((grid[1] - column).abs() < APART)
            unlike = torch.where(near, unlike * 1e-6, unlike)  # still a place, if there is no other
            if self._true is not None:
                same = torch.from_numpy(self._true.labels == self._true.labels[row, column])
                unlike = torch.where(same, unlike * 1e-3, unlike)
        unlike = torch.where(free, unlike, -1)
        return divmod(int(unlike.argmax()), self.window.width)


def _check_clean(clean: Tensor | None, restored: RestoredImage) -> None:
    if clean is None:
        return
    check_image(clean, "the clean picture")
    if clean.shape != restored.image.shape:
        sizes = " and ".join("x".join(map(str, image.shape)) for image in (clean, restored.image))
        raise ParameterError(f"the clean picture and the result are {sizes}; they must show the same place.")


def _window(crop: tuple[int, int, int, int] | None, size: tuple[int, int], scale: int) -> Window:
    """In whole input pixels."""
    if crop is None:
        height, width = (min(length, SIDE // scale * scale) for length in size)
        return Window(*((length - side) // 2 // scale * scale for length, side in zip(size, (height, width), strict=True)), height, width)
    top, left, height, width = crop
    if min(top, left) < 0 or min(height, width) < 1 or top + height > size[0] or left + width > size[1]:
        raise ParameterError(f"the crop {tuple(crop)} (top, left, height, width) is not inside of the result's {size[0]}x{size[1]} pixels.")
    if height * width > MOST_PIXELS:
        raise ParameterError(
            f"a crop of {height}x{width} pixels is too much for a page: at most {MOST_PIXELS} pixels, such as {SIDE}x{SIDE}."
        )
    ends = (-(-(top + height) // scale) * scale, -(-(left + width) // scale) * scale)
    top, left = (start // scale * scale for start in (top, left))
    return Window(top, left, ends[0] - top, ends[1] - left)


def _halves(array: Tensor) -> bytes:
    return np.ascontiguousarray(array.numpy(), dtype="<f2").tobytes()


def _sent_truth(true: TrueKernels) -> dict:
    return {"kernels": _halves(true.kernels), "side": true.kernels.shape[-1], "labels": true.labels.tobytes()}


def _plane() -> bytes:
    """Colours of coordinates from -1 to 1: the first to the right, the second up."""
    steps = torch.linspace(-1, 1, PLANE)
    return to_uint8(colour_of(torch.stack([steps.expand(PLANE, -1), -steps[:, None].expand(-1, PLANE)]))).tobytes()
