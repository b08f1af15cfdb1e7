"""What the pixels of one pair give away: the same picture twice, exchanged colours, a shift, exchanged roles.

The bounds were measured on the pairs named beside them; each leaves a wide gap between what is right and what is wrong.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from restorelab import image
from restorelab.data import matlab
from restorelab.data.folders import FilePair, load_picture, scale_between
from restorelab.errors import DataError, ImageError

SAME_MSE = 255**2 / 1e6  # 60 dB
SWAPPED = 0.5  # exchanging red and blue at least halves the squared error
SHIFT = 2.0  # pixels
SHIFTED = 0.7  # moving it back takes away 30 % of the squared error
LOOK = 1024  # side of the central piece that is measured: a whole photograph of 16 Mpx says nothing more

# Detail (energy between Gaussians of std 1 and 2) of the input over that of the target, in the busiest and in the flattest quarter of
# blocks. An input that is the sharp one has more of it everywhere: 1.9 and 2.0 times for the GoPro example pair exchanged, 2.9 to 9.9
# and 2.6 to 4.1 for a picture of Levin et al. 2009 under its eight blurs. Noise and rain add detail where there was none: four pairs of
# real noise and three of rain have 1.0 to 1.9 and 3.2 to 13 times as much, in the flat blocks at least twice what in the busy ones.
SHARPER_BUSY, SHARPER_FLAT = 1.25, 1.5


@dataclass(frozen=True)
class Picture:
    """What is kept of a file."""

    file: Path
    size: tuple[int, int]  # rows, columns
    bits: int
    grey: bool  # its channels are equal
    content: bytes  # hash of the pixels: two files of the same picture have the same
    outline: UInt8[np.ndarray, "32"] | None  # 256 bits, alike for pictures that look alike; None of one without contrast


@dataclass(frozen=True)
class Look:
    """What is kept of a pair."""

    pair: FilePair
    pictures: tuple[Picture, ...]
    unreadable: tuple[tuple[Path, str], ...]  # file, why
    scale: int | None  # clean pixels a side of a degraded one; None where the sizes do not fit or a picture is missing
    marks: frozenset[str]  # "identical", "swapped", "misaligned", "inverted", "size"


def look_at(pair: FilePair) -> Look:
    """Read the pictures of a pair and look at them. A file that cannot be read is told, not raised."""
    pixels, pictures, unreadable = [], [], []
    for file in (pair.degraded, pair.clean):
        if file is None:
            continue
        try:
            pixels.append(image.to_uint8(load_picture(file)))
            pictures.append(describe(file, pixels[-1]))
        except (ImageError, DataError) as error:
            unreadable.append((file, str(error)))
    if len(pixels) < 2:
        return Look(pair, tuple(pictures), tuple(unreadable), None, frozenset())
    scale = scale_between(pixels[0].shape[:2], pixels[1].shape[:2])
    marks = {"size"} if scale is None else compare(*pixels, scale)
    return Look(pair, tuple(pictures), (), scale, frozenset(marks))


def describe(file: Path, pixels: UInt8[np.ndarray, "h w 3"]) -> Picture:
    grey = bool((pixels[..., 0] == pixels[..., 1]).all() and (pixels[..., 1] == pixels[..., 2]).all())
    content = hashlib.blake2b(str(pixels.shape).encode() + pixels.tobytes(), digest_size=16).digest()
    bits = matlab.bit_depth(file) if matlab.is_inside(file) else image.probe(file).bit_depth
    return Picture(file, pixels.shape[:2], bits, grey, content, outline(pixels))


def outline(pixels: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "32"] | None:
    """Which of 16 x 16 places are brighter than their left neighbour (dHash).

    Of 132 photographs of CID22, Kodak, Set5 and WeSaturate, no two agree in more than 178 of the 256 bits, while half of their copies
    (JPEG of quality 30, half the size, blur of std 4, noise of sigma 15/255) agree in 249 and more.
    """
    small = cv2.resize(_light(pixels), (17, 16), interpolation=cv2.INTER_AREA)
    return np.packbits(small[:, 1:] > small[:, :-1]) if small.std() > 4 else None


def compare(degraded: UInt8[np.ndarray, "h w 3"], clean: UInt8[np.ndarray, "h2 w2 3"], scale: int) -> set[str]:
    """The marks of a pair whose sizes fit."""
    if scale > 1:
        height, width = degraded.shape[:2]
        clean = cv2.resize(clean[: height * scale, : width * scale], (width, height), interpolation=cv2.INTER_AREA)
    if scale == 1 and _error(degraded, clean) < SAME_MSE:
        return {"identical"}
    degraded, clean = _centre(degraded), _centre(clean)
    marks = set()
    if _error(degraded[..., ::-1], clean) < SWAPPED * _error(degraded, clean):
        marks.add("swapped")
    lights = _light(degraded), _light(clean)
    if is_shifted(*lights):
        marks.add("misaligned")
    elif scale == 1 and is_sharper(*lights):
        marks.add("inverted")
    return marks


def is_shifted(degraded: Float32[np.ndarray, "h w"], clean: Float32[np.ndarray, "h w"]) -> bool:
    """Whether one is the other moved by more than SHIFT pixels, by phase correlation, and moving it back does make them more alike."""
    if min(degraded.shape) < 16:
        return False
    window = cv2.createHanningWindow(degraded.shape[::-1], cv2.CV_32F)
    (right, down), _ = cv2.phaseCorrelate(degraded.copy(), clean.copy(), window)  # OpenCV 5.0 windows what it is given, in place
    if not np.hypot(right, down) > SHIFT or max(abs(right) / degraded.shape[1], abs(down) / degraded.shape[0]) > 0.25:
        return False  # not (... > ...): of pictures without contrast the correlation is NaN
    down, right = round(down), round(right)
    here, there = (_overlap(degraded, down, right), _overlap(clean, -down, -right))
    return _error(here, there) < SHIFTED * _error(_overlap(degraded, down, right), _overlap(clean, down, right))


def is_sharper(degraded: Float32[np.ndarray, "h w"], clean: Float32[np.ndarray, "h w"]) -> bool:
    """Whether the degraded picture has more detail, and has it where the clean one does: then the clean one is its blurred copy."""
    block = 16
    if min(degraded.shape) < 4 * block:
        return False
    ours, theirs = (_detail(light, block) for light in (degraded, clean))
    order = np.argsort(ours + theirs)
    flat, busy = order[: len(order) // 4], order[-(len(order) // 4) :]
    more_busy, more_flat = (ours[part].sum() / max(theirs[part].sum(), 1e-3) for part in (busy, flat))
    return bool(more_busy > SHARPER_BUSY and more_flat < SHARPER_FLAT * more_busy)


def _detail(light: np.ndarray, block: int) -> np.ndarray:
    """Mean energy of a band-passed picture in each block."""
    band = cv2.GaussianBlur(light, (0, 0), 1.0) - cv2.GaussianBlur(light, (0, 0), 2.0)
    height, width = (side // block for side in light.shape)
    blocks = np.square(band)[: height * block, : width * block].reshape(height, block, width, block)
    return blocks.mean(axis=(1, 3)).ravel()


def _overlap(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """The part of a picture that is still there in one whose content lies `down` and `right` of where it is here."""
    height, width = picture.shape
    return picture[max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]


def _error(first: np.ndarray, second: np.ndarray) -> float:
    """Mean squared error in grey levels."""
    return float(np.mean(np.square(first.astype(np.float32) - second.astype(np.float32))))


def _light(pixels: np.ndarray) -> Float32[np.ndarray, "h w"]:
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _centre(pixels: np.ndarray) -> np.ndarray:
    top, left = (max(side - LOOK, 0) // 2 for side in pixels.shape[:2])
    return np.ascontiguousarray(pixels[top : top + LOOK, left : left + LOOK])
