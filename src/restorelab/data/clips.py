"""Clips: the frames of a y4m file, of a folder of pictures, or of a video, one at a time.

y4m (YUV4MPEG2) is raw video, and read here rather than by OpenCV, which neither says how it turned YUV to RGB nor that a frame is
cut off. Other video files go through OpenCV's FFmpeg, on its terms.
"""

import math
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor

from restorelab import image
from restorelab.data.folders import SUFFIXES
from restorelab.errors import DataError, ParameterError, did_you_mean

MAX_PIXELS = 64_000_000  # of one frame
MAX_FRAMES = 100_000
MAGIC = "YUV4MPEG2"
LONGEST_LINE = 1024  # bytes of a y4m header; a file without a line end is not read to its end in search of one

# How far right of and below its first luma sample a chroma sample lies, in luma pixels. "420" alone is read as 420jpeg.
SITING = {"420": (0.5, 0.5), "420jpeg": (0.5, 0.5), "420mpeg2": (0.0, 0.5), "444": None}
# Weights of red and blue in luma: ITU-R BT.601 (standard definition) and BT.709 (high definition).
MATRICES = {"bt601": (0.299, 0.114), "bt709": (0.2126, 0.0722)}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Clip:
    """Frames to iterate over, as often as one likes: every pass opens the source anew and holds one frame at a time."""

    path: Path
    height: int
    width: int
    count: int  # frames; what the container says for a video file, counted otherwise
    rate: Fraction | None  # frames a second; None where nothing says
    _read: Callable[[], Iterator[Float[Tensor, "3 h w"]]] = field(repr=False)

    def __iter__(self) -> Iterator[Float[Tensor, "3 h w"]]:
        return self.frames()

    def __len__(self) -> int:
        return self.count

    def frames(self, progress: Progress | None = None) -> Iterator[Float[Tensor, "3 h w"]]:
        """RGB display values in [0, 1]. `progress(done, all)` is called after each. Raises DataError where the source breaks off,
        ImageError for a damaged picture of a folder."""
        for done, frame in enumerate(self._read(), start=1):
            yield frame
            if progress:
                progress(done, self.count)


def open_clip(source: str | os.PathLike, *, matrix: str = "bt601", max_pixels: int = MAX_PIXELS, max_frames: int = MAX_FRAMES) -> Clip:
    """A clip from a folder of pictures, a .y4m file, or any video file that OpenCV reads.

    A folder: its pictures (not those of folders below) by name, numbers counting as numbers: 2.png before 10.png. No rate.
    y4m: 8 bits, progressive, 4:2:0 (jpeg or mpeg2 siting) or 4:4:4. Chroma is upsampled bilinearly from where the header says it
    lies, for which "420" alone means jpeg. Nothing in the file names the matrix: "bt601" (FFmpeg's choice where nothing is said)
    or "bt709". Range: limited (16 to 235), unless the header has XCOLORRANGE=FULL.
    Other files: upsampling, matrix and range are those of OpenCV's FFmpeg; `matrix` plays no part.

    The whole source is checked without decoding pixels first: headers, sizes, completeness (but for video files, of which only
    the container's word is known). `max_pixels` of a frame and `max_frames` keep a bad header from filling the memory.

    Raises DataError: no such source, no frames, truncated, another chroma, differing sizes, above the limits. ImageError: a picture
    of a folder that cannot be read. ParameterError: no such matrix.
    """
    path = Path(source).expanduser()
    if matrix not in MATRICES:
        raise ParameterError(f"there is no matrix {matrix!r}; choose one of {', '.join(MATRICES)}.{did_you_mean(matrix, MATRICES)}")
    if path.is_dir():
        clip = _folder(path)
    elif not path.is_file():
        raise DataError(f"there is no clip {path}: give a .y4m or video file, or a folder of pictures.")
    elif path.suffix.lower() == ".y4m":
        clip = _y4m(path, matrix, max_frames)
    else:
        clip = _video(path)
    if clip.width * clip.height > max_pixels:
        raise DataError(
            f"{path}: frames of {clip.width}x{clip.height}, more than max_pixels={max_pixels:,} allow; shrink it, or raise that."
        )
    if clip.count > max_frames:
        raise DataError(f"{path}: {clip.count:,} frames, more than max_frames={max_frames:,} allow; cut it, or raise that.")
    return clip


# Folders


def _folder(path: Path) -> Clip:
    files = sorted((file for file in path.iterdir() if file.suffix.lower() in SUFFIXES), key=_by_name)
    if not files:
        raise DataError(f"{path} holds no picture ({', '.join(sorted(SUFFIXES))}); give the folder that holds the frames themselves.")
    sizes = [(info.height, info.width) for info in map(image.probe, files)]
    for file, size in zip(files, sizes, strict=True):
        if size != sizes[0]:
            raise DataError(
                f"{path}: {file.name} is {size[1]}x{size[0]}, but {files[0].name} is {sizes[0][1]}x{sizes[0][0]}: "
                "the frames of a clip have one size; move the others elsewhere."
            )
    return Clip(path, *sizes[0], len(files), None, lambda: map(image.load, files))


def _by_name(file: Path) -> list[tuple[bool, int, str]]:
    """Sorts 2.png before 10.png: runs of digits as numbers, what lies between as text."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"([0-9]+)", file.name)]


# y4m


@dataclass(frozen=True)
class _Y4m:
    """A y4m header, understood."""

    width: int
    height: int
    rate: Fraction | None
    chroma: str  # one of SITING
    full_range: bool

    @property
    def chroma_size(self) -> tuple[int, int]:
        """Rows and columns of a chroma plane."""
        return (self.height, self.width) if self.chroma == "444" else (-(-self.height // 2), -(-self.width // 2))

    @property
    def frame_bytes(self) -> int:
        return self.height * self.width + 2 * math.prod(self.chroma_size)


def _y4m(path: Path, matrix: str, max_frames: int) -> Clip:
    with open(path, "rb") as file:
        header = _read_header(file, path)
        count = sum(1 for _ in islice(_frame_starts(file, header, path), max_frames + 1))
    if not count:
        raise DataError(f"{path}: a y4m header without a frame behind it; get the file again.")
    return Clip(path, header.height, header.width, count, header.rate, lambda: _read_y4m(path, matrix))


def _read_y4m(path: Path, matrix: str) -> Iterator[Float[Tensor, "3 h w"]]:
    with open(path, "rb") as file:
        header = _read_header(file, path)
        for start in _frame_starts(file, header, path):
            file.seek(start)
            yield _to_rgb(np.frombuffer(file.read(header.frame_bytes), np.uint8), header, matrix)


def _frame_starts(file: BinaryIO, header: _Y4m, path: Path) -> Iterator[int]:
    """Where the pixels of every frame begin; a frame that is not all there is an error."""
    size = os.fstat(file.fileno()).st_size
    number = 0
    while file.tell() < size:
        number += 1
        line = file.readline(LONGEST_LINE)
        if line.split()[:1] != [b"FRAME"] or not line.endswith(b"\n"):
            raise DataError(f"{path}: frame {number} does not begin with FRAME: the file is damaged; get it again.")
        start = file.tell()
        if start + header.frame_bytes > size:
            raise DataError(f"{path}: breaks off in frame {number}; get the file again, it is truncated.")
        yield start
        file.seek(start + header.frame_bytes)


def _read_header(file: BinaryIO, path: Path) -> _Y4m:
    line = file.readline(LONGEST_LINE)
    magic, *fields = line.decode("ascii", "replace").split() or [""]
    if magic != MAGIC:
        raise DataError(f"{path}: does not begin with {MAGIC}, so it is no y4m file; give it the suffix of what it is.")
    if not line.endswith(b"\n"):
        raise DataError(f"{path}: its header breaks off; get the file again, it is truncated.")
    values = {field[0]: field[1:] for field in fields if field[0] != "X"}
    chroma = values.get("C", "420")
    if chroma not in SITING:
        raise DataError(f"{path}: chroma {chroma!r} is not read; convert it to one of {', '.join(SITING)} (8 bits).")
    if values.get("I", "p") not in ("p", "?"):
        raise DataError(f"{path}: its frames are interlaced, two times in one; deinterlace it first.")
    try:
        width, height = int(values["W"]), int(values["H"])
    except (KeyError, ValueError):
        width = height = 0
    if width < 1 or height < 1:
        raise DataError(f"{path}: its header gives no width and height (W and H above 0); get the file again.")
    return _Y4m(width, height, _rate(values.get("F", "")), chroma, "XCOLORRANGE=FULL" in fields)


def _rate(text: str) -> Fraction | None:
    """Frames a second of "30000:1001"; None for 0:0, which stands for unknown, and for what makes no sense."""
    try:
        return Fraction(text.replace(":", "/")) or None
    except (ValueError, ZeroDivisionError):
        return None


def _to_rgb(data: UInt8[np.ndarray, " n"], header: _Y4m, matrix: str) -> Float[Tensor, "3 h w"]:
    """Three planes of bytes -> RGB in [0, 1]."""
    pixels = header.height * header.width
    luma = data[:pixels].reshape(header.height, header.width).astype(np.float32)
    blue, red = (_upsampled(plane.reshape(header.chroma_size).astype(np.float32) - 128, header) for plane in np.split(data[pixels:], 2))
    luma, chroma_top = (luma / 255, 255) if header.full_range else ((luma - 16) / 219, 224)
    of_red, of_blue = MATRICES[matrix]
    r = luma + 2 * (1 - of_red) / chroma_top * red
    b = luma + 2 * (1 - of_blue) / chroma_top * blue
    g = (luma - of_red * r - of_blue * b) / (1 - of_red - of_blue)
    return torch.from_numpy(np.stack([r, g, b]).clip(0, 1))


def _upsampled(plane: Float32[np.ndarray, "h2 w2"], header: _Y4m) -> Float32[np.ndarray, "h w"]:
    """Bilinear, from where the samples lie."""
    if SITING[header.chroma] is None:
        return plane
    right, below = SITING[header.chroma]
    columns = np.tile((np.arange(header.width, dtype=np.float32) - right) / 2, (header.height, 1))
    rows = np.tile((np.arange(header.height, dtype=np.float32)[:, None] - below) / 2, (1, header.width))
    return cv2.remap(plane, columns, rows, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


# Video files


def _video(path: Path) -> Clip:
    with _captured(path) as capture:
        height, width, count = (
            int(capture.get(what)) for what in (cv2.CAP_PROP_FRAME_HEIGHT, cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_COUNT)
        )
        rate = capture.get(cv2.CAP_PROP_FPS)
    if count < 1 or height < 1 or width < 1:
        raise DataError(f"{path}: holds no frames, or does not say how many; convert it to mp4 or y4m.")
    rate = Fraction(rate).limit_denominator(1001) if math.isfinite(rate) and rate > 0 else None
    return Clip(path, height, width, count, rate, lambda: _read_video(path, (height, width), count))


def _read_video(path: Path, size: tuple[int, int], count: int) -> Iterator[Float[Tensor, "3 h w"]]:
    with _captured(path) as capture:
        done = 0
        while (found := capture.read())[0]:
            if found[1].shape[:2] != size:
                raise DataError(f"{path}: frame {done + 1} has another size than the file says ({size[1]}x{size[0]}); convert it to y4m.")
            yield image.from_uint8(np.ascontiguousarray(found[1][:, :, ::-1]))
            done += 1
    if done < count - 1:  # some containers give the length in seconds, from which the count is off by one
        raise DataError(f"{path}: breaks off after {done} of {count} frames: it is truncated or damaged; get it again, or convert it.")


@contextmanager
def _captured(path: Path) -> Iterator[cv2.VideoCapture]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)  # other readers take "1.png" for the beginning of a numbered series
    try:
        if not capture.isOpened():
            raise DataError(f"{path}: is not a video that OpenCV can open; it may be truncated. Convert it to mp4 or y4m.")
        yield capture
    finally:
        capture.release()
