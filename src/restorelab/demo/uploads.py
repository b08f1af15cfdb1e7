"""From a visitor's file to a picture: every file is read by `image.load`, and every bad one becomes a sentence.

gradio's own image component opens a file before our code runs: it cuts 16 bits down to 8, and fails without words. So the component
hands over the path alone.
"""

import io
import shutil
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import gradio as gr
from gradio.data_classes import ImageData
from jaxtyping import Float
from torch import Tensor

from restorelab import image
from restorelab.demo.jobs import Limits, Refused
from restorelab.demo.words import say
from restorelab.errors import ImageError
from restorelab.image import ImageWarning


@dataclass(frozen=True)
class Picture:
    pixels: Float[Tensor, "3 h w"]
    name: str  # of the file, without folder and ending
    bits: int
    notes: tuple[str, ...]  # what was left out while reading

    @property
    def height(self) -> int:
        return self.pixels.shape[-2]

    @property
    def width(self) -> int:
        return self.pixels.shape[-1]


def take_any_file(component: gr.Image) -> gr.Image:
    """Let an image component hand over the path of whatever was uploaded, and refuse addresses of the web.

    Done on the object, because a subclass of a gradio component writes a .pyi file beside its source; hence `Labels` leaves uploads alone.
    """
    fetch = component.async_move_resource_to_block_cache

    async def no_links(place: str | Path | None) -> str | None:
        if place is not None and str(place).lower().startswith(("http:", "https:")):
            raise gr.Error(say("no_link"), print_exception=False)
        return await fetch(place)

    component.async_move_resource_to_block_cache = no_links
    component.preprocess = _path
    return component


def _path(payload: ImageData | None) -> str | None:
    return None if payload is None else payload.path


class _Named(io.BytesIO):
    """Bytes with the visitor's name for the file, for messages: the place on this machine is nobody's business."""

    def __init__(self, file: Path):
        super().__init__(file.read_bytes())
        self.name = file.name


def read_upload(path: str | None, limits: Limits, scale: int = 1) -> Picture:
    """The picture, small enough to be enlarged `scale` times. Raises Refused."""
    if not path:
        raise Refused("no_picture")
    try:
        file = _Named(Path(path))
        info = image.probe(file)
        check_size(info.height, info.width, limits, scale)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ImageWarning)
            pixels = image.load(file, max_pixels=limits.input_pixels, min_side=limits.least_side)
    except (ImageError, OSError) as error:
        raise Refused("unreadable", reason=getattr(error, "strerror", None) or str(error)) from error
    check_size(*pixels.shape[-2:], limits, scale)
    return Picture(pixels, Path(path).stem[:80] or "picture", min(info.bit_depth, 16), tuple(str(one.message) for one in caught))


def check_size(height: int, width: int, limits: Limits, scale: int) -> None:
    most = min(limits.input_pixels, limits.output_pixels // scale**2)
    if height * width > most:
        raise Refused("too_large", height=height, width=width, most=f"{most:,}")
    if min(height, width) < limits.least_side:
        raise Refused("too_small", height=height, width=width, least=limits.least_side)


def trim(folder: Path, most: int) -> int:
    """Delete the oldest files of `folder`, and folders this empties, until those left hold at most `most` bytes; returns these bytes."""
    found = []
    for file in folder.rglob("*"):
        with suppress(OSError):  # another one may have deleted it
            if file.is_file():
                found.append((file.stat().st_ctime, file.stat().st_size, file))
    total = sum(size for _, size, _ in found)
    for _, size, file in sorted(found):
        if total <= most:
            break
        with suppress(OSError):
            file.unlink()
            total -= size
            if file.parent != folder:
                file.parent.rmdir()  # fails, as it should, where there is more in it
    return total


def empty(folder: Path) -> None:
    """Delete what is in the folder, not the folder."""
    for one in folder.iterdir():
        if one.is_dir() and not one.is_symlink():
            shutil.rmtree(one, ignore_errors=True)
        else:
            one.unlink(missing_ok=True)
