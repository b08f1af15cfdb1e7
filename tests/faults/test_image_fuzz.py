"""restorelab.image.load on bytes nobody vouches for: an image in [0, 1] or a RestorelabError, and nothing else."""

import io
import warnings

import cv2
import numpy as np
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from restorelab import image
from restorelab.errors import ImageDamaged, NotAnImage, RestorelabError

PILLOW = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "MPO")
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F")
OPENCV = (".png", ".tiff", ".ppm", ".pgm")
FEW = settings(deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

sides = st.integers(1, 40)


def one_or_the_other(data, sound=False):
    """The promise. Returns the image, or None where it was refused; a sound file may be, but not as damaged."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # Pillow's warnings must not get out ...
        warnings.simplefilter("ignore", image.ImageWarning)  # ... ours may
        try:
            loaded = image.load(data, max_pixels=1_000_000)
        except RestorelabError as error:
            assert not (sound and isinstance(error, ImageDamaged | NotAnImage))
            assert 20 < len(str(error)) < 600 and "object at 0x" not in str(error)
            return None
    assert loaded.dtype == torch.float32 and loaded.ndim == 3 and loaded.shape[0] == 3 and min(loaded.shape) > 0
    assert loaded.min() >= 0 and loaded.max() <= 1  # false for NaN too
    return loaded


@st.composite
def pillow_files(draw):
    """A sound file of any format and mode that Pillow writes, sometimes rotated, animated, with transparency or a profile."""
    format, mode = draw(st.sampled_from(PILLOW)), draw(st.sampled_from(MODES))
    seed, size = draw(st.integers(0, 99)), (draw(sides), draw(sides))
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    picture = Image.fromarray(pixels[..., 0] if mode in ("I;16", "I", "F") else pixels).convert(mode)
    options = {"save_all": True, "append_images": [picture] * draw(st.integers(0, 2))} if format not in ("JPEG", "BMP", "PPM") else {}
    if draw(st.booleans()):
        options["exif"] = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01" + bytes([0, draw(st.integers(0, 9))]) + bytes(6)
    if format == "PNG" and mode in ("L", "P") and draw(st.booleans()):
        options["transparency"] = seed
    if draw(st.booleans()):
        options["icc_profile"] = draw(st.binary(max_size=200))
    if format == "TIFF":
        squeezed = ["jpeg"] if mode in ("L", "RGB", "YCbCr") else []  # Pillow 11's writer aborts on other modes
        plain = [] if mode == "YCbCr" else [None]  # Pillow cannot read the uncompressed YCbCr that it writes
        options["compression"] = draw(st.sampled_from([*plain, "tiff_lzw", "tiff_deflate", "packbits", *squeezed]))
    buffer = io.BytesIO()
    try:
        picture.save(buffer, format, **options)
    except (OSError, ValueError, KeyError, RuntimeError, SystemError):  # the format does not hold this mode
        picture.convert("RGB").save(buffer := io.BytesIO(), "PNG")
    return buffer.getvalue()


@st.composite
def opencv_files(draw):
    """A sound file of 16 bits, or of floats."""
    suffix, channels = draw(st.sampled_from(OPENCV)), draw(st.sampled_from([1, 3, 4]))
    dtype = draw(st.sampled_from([np.uint16, np.float32])) if suffix == ".tiff" else np.uint16
    values = np.random.default_rng(draw(st.integers(0, 99))).random((draw(sides), draw(sides), channels))
    array = values.astype(np.float32) if dtype == np.float32 else (values * 65535).astype(np.uint16)
    if suffix in (".ppm", ".pgm"):
        array = np.ascontiguousarray(array[..., :1] if suffix == ".pgm" else np.resize(array, (*array.shape[:2], 3)))
    return cv2.imencode(suffix, array)[1].tobytes()


files = st.one_of(pillow_files(), opencv_files())


@settings(FEW, max_examples=300)
@given(pillow_files())
def test_sound_files_are_never_called_damaged(data):
    one_or_the_other(data, sound=True)


@settings(FEW, max_examples=500)
@given(files, st.floats(0, 1))
def test_truncated_files_give_the_whole_image_or_none(data, part):
    cut = one_or_the_other(data[: int(part * len(data))])
    assert cut is None or torch.equal(cut, one_or_the_other(data))  # only what lies behind the pixels may be missing


@settings(FEW, max_examples=600)
@given(files, st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255), st.booleans()), min_size=1, max_size=8))
def test_flipped_bytes(data, flips):
    damaged = bytearray(data)
    for where, mask, in_header in flips:  # half of them in the first 100 bytes, where they hurt most
        damaged[int(where * (min(100, len(data)) if in_header else len(data)))] ^= mask
    one_or_the_other(bytes(damaged))


@settings(FEW, max_examples=300)
@given(files, files, st.floats(0, 1))
def test_spliced_files(one, other, part):
    one_or_the_other(one[: int(part * len(one))] + other[int(part * len(other)) :])


BEGINNINGS = (
    b"",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff\xe0",
    b"RIFF \0\0\0WEBP",
    b"II*\0",
    b"MM\0*",
    b"BM",
    b"GIF89a",
    b"P6 ",
    b"P2\n",
    b"Pf\n",
)


@settings(FEW, max_examples=300)
@given(st.sampled_from(BEGINNINGS), st.binary(max_size=300))
def test_noise_behind_a_known_beginning(magic, noise):
    one_or_the_other(magic + noise)
