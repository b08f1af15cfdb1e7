"""Strobe or smooth: how many frames must be averaged until ghosts become blur?"""

from collections.abc import Mapping

import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.viz import picture_row
from restorelab.widgets.static import Pictured, jpeg, page, source

STILL = 4  # pictures in the still one
MOST_BYTES = 240_000  # of all pictures; more would make notebooks that nobody can send


class Strobe(Pictured):
    """A slider over pictures of one exposure made of more and more frames, all in the browser: it works without a kernel, and as a page.

    pictures: number of averaged frames -> `c h w` in [0, 1], all of one size. notes: number of frames -> a few words under its
    picture, such as a measured ghosting.

    Raises `ImageError` for what is not a picture, `ParameterError` for sizes that differ, for notes without a picture, and for
    pictures too many or too large to live in a notebook.
    """

    _esm = source(".js", "shared", "strobe")
    _css = source(".css", "shared", "strobe")

    _frames = traitlets.List().tag(sync=True)  # {count, note, picture: JPEG}, fewest frames first
    _size = traitlets.List().tag(sync=True)  # height, width
    chosen = traitlets.Int(0).tag(sync=True)  # which of them is shown

    def __init__(self, pictures: Mapping[int, Tensor], notes: Mapping[int, str] | None = None):
        self._pictures = dict(sorted(pictures.items()))
        notes = dict(notes or {})
        _check(self._pictures, notes)
        frames = [{"count": n, "note": notes.get(n, ""), "picture": jpeg(picture)} for n, picture in self._pictures.items()]
        if sum(len(frame["picture"]) for frame in frames) > MOST_BYTES:
            raise ParameterError(f"{len(frames)} pictures of this size are more than {MOST_BYTES / 1000:.0f} kB: crop them, or give fewer.")
        size = list(next(iter(self._pictures.values())).shape[-2:])
        super().__init__(_frames=frames, _size=size, chosen=min(1, len(frames) - 1))  # the first with ghosts: a lone frame has none

    def __repr__(self) -> str:
        notes = "; ".join(f"{frame['count']}: {frame['note']}" for frame in self._frames if frame["note"])
        counts = ", ".join(str(count) for count in self._pictures)
        return f"Strobe or smooth: one exposure averaged from {counts} frames{f' ({notes})' if notes else ''}"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Strobe or smooth?")

    def figure(self) -> Figure:
        """A few of the pictures side by side, from the fewest frames to the most."""
        counts = list(self._pictures)
        step = max(1, len(counts) - 1) / (STILL - 1)
        chosen = sorted({counts[min(round(number * step), len(counts) - 1)] for number in range(STILL)})
        notes = {frame["count"]: frame["note"] for frame in self._frames}
        titles = {count: "\n".join(filter(None, [_frames(count), notes[count]])) for count in chosen}
        return picture_row({titles[count]: self._pictures[count] for count in chosen}, height=1.9)


def _frames(count: int) -> str:
    return "1 frame: frozen" if count == 1 else f"{count} frames averaged"


def _check(pictures: dict[int, Tensor], notes: dict[int, str]) -> None:
    if not pictures:
        raise ParameterError("there are no pictures: give {number of frames: picture}.")
    for count, picture in pictures.items():
        check_image(picture, f"the picture of {count} frames")
    if len({picture.shape for picture in pictures.values()}) > 1:
        raise ParameterError("the pictures are of different sizes; they must show the same place.")
    if stray := set(notes) - set(pictures):
        raise ParameterError(f"there are notes for {sorted(stray)} frames, but no picture.")
