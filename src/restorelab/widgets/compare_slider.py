"""Before and after: two pictures of one place behind an edge that can be moved."""

from collections.abc import Sequence

import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.viz import picture_row
from restorelab.widgets.shown import at_size, check_weight, decibels, exact, picture_file
from restorelab.widgets.static import Pictured, page, source

MOST_PICTURE, MOST_BYTES = 300_000, 700_000  # bytes of each picture until it goes as JPEG, and of both


class CompareSlider(Pictured):
    """Drag the edge between two pictures, or move it by arrow keys. All in the browser: it works without a kernel, and as a page.

    before, after: `c h w` in [0, 1]. A `before` that is a whole number of times smaller is enlarged bicubically. labels: their names.
    clean: if given, the PSNR of both against it stands beside the names, and in `scores` (dB, by label).

    Pictures are shown without loss if they are small (300 kB as PNG), as JPEG if not; the numbers are of the pictures as given.

    Raises `ImageError` for what is not a picture; `ParameterError` for sizes that do not fit, labels that are not two different names,
    and pictures too large to live in a notebook.
    """

    _esm = source(".js", "shared", "split", "compare_slider")
    _css = source(".css", "shared", "split", "compare_slider")

    _size = traitlets.List().tag(sync=True)  # height, width
    _sides = traitlets.List().tag(sync=True)  # {name, note, picture: PNG or JPEG}, left and right
    _lossless = traitlets.Bool().tag(sync=True)
    _protocol = traitlets.Unicode().tag(sync=True)  # of the PSNR; "" without one

    def __init__(self, before: Tensor, after: Tensor, *, labels: Sequence[str] = ("degraded", "restored"), clean: Tensor | None = None):
        if len(labels) != 2 or len(set(labels)) < 2:
            raise ParameterError(f"labels are the names of the two pictures, two different ones; got {labels!r}.")
        check_image(after, f"the picture {labels[1]!r}")
        self._pictures = dict(zip(labels, (at_size(before, after, f"the picture {labels[0]!r}"), after), strict=True))
        self.scores = {} if clean is None else {name: psnr(picture, clean) for name, picture in self._pictures.items()}
        files = [picture_file(picture, MOST_PICTURE) for picture in self._pictures.values()]
        check_weight(files, MOST_BYTES)
        sides = [{"name": name, "note": self._note(name), "picture": file} for name, file in zip(labels, files, strict=True)]
        protocol = str(COURSE_RGB) if self.scores else ""
        super().__init__(_size=list(after.shape[-2:]), _sides=sides, _lossless=exact(files), _protocol=protocol)

    def _note(self, name: str) -> str:
        return decibels(self.scores[name]) if self.scores else ""

    def __repr__(self) -> str:
        said = " and ".join(filter(None, (" ".join(filter(None, (side["name"], side["note"]))) for side in self._sides)))
        return f"Before and after: {said}{f' (PSNR, {COURSE_RGB.name})' if self.scores else ''}"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Before and after")

    def figure(self) -> Figure:
        """The two side by side."""
        titles = {"\n".join(filter(None, (name, self._note(name)))): picture for name, picture in self._pictures.items()}
        return picture_row(titles, height=2.6)
