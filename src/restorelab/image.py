"""The image contract, and the only place where files and uint8 exist.

Inside the package an image is a torch tensor `c h w`: float32, RGB, 0 black to 1 white. `load` makes one of whatever a
camera, a phone or a scanner wrote; `save` writes one back; `check_image` says what is wrong with one.

Pillow opens every file: it is strict about truncation where OpenCV quietly returns half a picture. It has no 16-bit
colour, though, and would cut it down to 8 bits without a word; those samples alone are decoded by OpenCV.
"""

import io
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import ExifTags, Image, ImageCms, ImageFile, UnidentifiedImageError
from torch import Tensor

from restorelab.errors import ImageDamaged, ImageError, ImageTooLarge, ImageTooSmall, NotAnImage, ParameterError, RestorelabError
from restorelab.files import write_atomically

Source = str | os.PathLike | bytes | io.IOBase  # a path, a file's bytes, or a seekable binary file

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "PPM")  # Pillow's names; PPM includes PGM, JPEG includes MPO
_MAGIC = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8")  # beginnings that no other kind of file has

_GREY = dict.fromkeys(("L", "I;16", "I;16B", "I", "F"), "grey")
_CHANNELS = _GREY | {"1": "black and white", "LA": "grey and alpha", "RGBA": "RGB and alpha", "P": "palette"}  # of Pillow's modes

_WRITERS = {  # suffix -> Pillow's format and options; subsampling 0 is colour at full resolution, 4:4:4
    ".png": ("PNG", {}),
    ".tif": ("TIFF", {"compression": "tiff_lzw"}),
    ".tiff": ("TIFF", {"compression": "tiff_lzw"}),
    ".webp": ("WEBP", {"lossless": True}),
    ".jpg": ("JPEG", {"quality": 95, "subsampling": 0}),
    ".jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
}

_TIFF_BITS, _TIFF_PHOTOMETRIC, _TIFF_EXTRA = 258, 262, 338  # tags: BitsPerSample, PhotometricInterpretation, ExtraSamples


class ImageWarning(UserWarning):
    """The file was read, but something in it was left out; the message says what."""


@dataclass(frozen=True)
class ImageInfo:
    """What a file's header says of its first frame."""

    format: str  # Pillow's name: "PNG", "JPEG", ...; "MPO" for a phone's JPEG with more pictures behind it
    width: int  # pixels, after EXIF rotation
    height: int  # pixels, after EXIF rotation
    channels: str  # in words: "grey", "RGB", "RGB and alpha", "palette", "CMYK", ...
    bit_depth: int  # bits per sample in the file: 8 (or fewer), 16 (or 12), 32
    frames: int  # frames of an animation, pages of a TIFF


# Reading


def probe(source: Source) -> ImageInfo:
    """Describe an image file from its header, without decoding pixels.

    A PNG may carry its EXIF rotation behind the pixels, where only `load` gets: width and height are then as stored.

    Raises `ImageError` (no such file), `NotAnImage`, `ImageDamaged` (the header), and `ImageTooLarge` above Pillow's own
    limit of 179 Mpx.
    """
    with _opened(source) as (file, name), _pillow(file, name) as im:
        return _describe(im)


def load(
    source: Source, *, max_pixels: int = 64_000_000, max_bytes: int = 512 * 2**20, min_side: int = 1, background: int | float = 1.0
) -> Float[Tensor, "3 h w"]:
    """Read the first frame of an image file: upright, float32, RGB, in [0, 1].

    16-bit grey and colour keep their depth; grey is repeated to three channels; transparency is laid over a plain grey
    `background` (1 white, 0 black); an embedded colour profile is converted to sRGB (8-bit colour and CMYK). Float files
    are read if they lie in [0, 1]. Leaving out frames, or the profile of a 16-bit file, is told by an `ImageWarning`.

    `max_pixels` (Pillow's own ceiling is 179 Mpx), `max_bytes` and `min_side` (pixels) are checked before decoding.

    Raises `ImageTooLarge`, `ImageTooSmall`, `ImageDamaged` (truncated or corrupt: never half an image), `NotAnImage`
    (another format, or empty), `ImageError` (no such file, or samples without an agreed white), `ParameterError`.
    """
    if not 0 <= background <= 1:
        raise ParameterError(f"background={background} is not a grey level; give a number from 0 (black) to 1 (white).")
    with _opened(source, max_bytes) as (file, name):
        with _pillow(file, name) as im:
            info = _describe(im)
            _check_size(info, name, max_pixels, min_side)
            im.verify()  # a PNG's checksums, which load() below skips; Pillow wants the file opened again afterwards
        with _pillow(file, name) as im:
            samples, profile_ignored = _decode(im, file, name)
    if info.frames > 1 and info.format != "MPO":  # an MPO's other pictures are previews and depth maps
        dropped = f"{name}: {info.frames - 1} of its {info.frames} frames are dropped; only the first is read."
        warnings.warn(dropped, ImageWarning, stacklevel=2)
    if profile_ignored:
        ignored = f"{name}: its colour profile is not applied, because it has 16 bits; convert it to sRGB first if colours matter."
        warnings.warn(ignored, ImageWarning, stacklevel=2)
    return _flatten(samples, background)


@contextmanager
def _opened(source: Source, max_bytes: int = sys.maxsize) -> Iterator[tuple[io.IOBase, str]]:
    """Yield `source` as a seekable binary file of acceptable size, and its name for messages."""
    file, name = _as_file(source)
    try:
        size = file.seek(0, io.SEEK_END)
        if size == 0:
            raise NotAnImage(f"{name}: is empty (0 bytes); get the file again.")
        if size > max_bytes:
            raise ImageTooLarge(f"{name}: {size:,} bytes, more than the {max_bytes:,} allowed; make it smaller, or raise max_bytes.")
        yield file, name
    finally:
        if file is not source:  # a caller's own file stays open
            file.close()


def _as_file(source: Source) -> tuple[io.IOBase, str]:
    if isinstance(source, bytes):
        return io.BytesIO(source), "the given bytes"
    if isinstance(source, str | os.PathLike):
        try:
            return open(source, "rb"), os.fspath(source)
        except (OSError, ValueError) as error:  # ValueError: a null byte in the path
            raise ImageError(f"{source}: cannot be opened ({_reason(error)}); check the path.") from error
    name = str(getattr(source, "name", "the given file"))
    if not (isinstance(source.read(0), bytes) and source.seekable()):
        raise ImageError(f'{name}: must be a seekable file in binary mode; open it with "rb", or give its bytes.')
    return source, name


@contextmanager
def _pillow(file: io.IOBase, name: str) -> Iterator[Image.Image]:
    """Yield the file as opened by Pillow; within, Pillow is strict and silent, and whatever it raises becomes ours."""
    tolerant, ImageFile.LOAD_TRUNCATED_IMAGES = ImageFile.LOAD_TRUNCATED_IMAGES, False  # other libraries set this to True
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")  # narrow: the filters belong to the whole process
            with Image.open(file, formats=FORMATS) as im:
                yield im
    except RestorelabError:
        raise
    except (Image.DecompressionBombError, MemoryError) as error:
        raise ImageTooLarge(f"{name}: too many pixels to decode ({error or 'out of memory'}); make it smaller.") from error
    except UnidentifiedImageError as error:
        file.seek(0)
        beginning = file.read(12)
        if beginning.startswith(_MAGIC) or beginning.endswith(b"WEBP"):
            raise _damaged(name, "its header makes no sense") from error
        raise NotAnImage(f"{name}: is not in a format read here ({', '.join(FORMATS)}); convert it, or check the path.") from error
    except Exception as error:  # on corrupt bytes Pillow raises nearly every type there is
        raise _damaged(name, _reason(error)) from error
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = tolerant


def _damaged(name: str, reason: str) -> ImageDamaged:
    cure = "It is truncated, corrupt or of a rare kind: get the file again, or save it anew as PNG."
    return ImageDamaged(f"{name}: starts like an image but cannot be decoded ({reason}). {cure}")


def _reason(error: Exception) -> str:
    """Why, in the system's words: "No such file or directory" without the file, which our message names already."""
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def _describe(im: Image.Image) -> ImageInfo:
    width, height = im.size
    if im.format != "TIFF" and _orientation(im) >= 5:  # a TIFF's size is turned by Pillow already
        width, height = height, width
    white = _white(im)
    depth = 32 if im.mode == "F" or white > 65535 else 16 if white > 255 else 8
    return ImageInfo(im.format, width, height, _CHANNELS.get(im.mode, im.mode), depth, getattr(im, "n_frames", 1))


def _white(im: Image.Image) -> int:
    """The sample value of white in the file, known before load() only. Pillow's mode does not tell: 16-bit colour is "RGB"."""
    if im.format == "TIFF":
        return 2 ** max(im.tag_v2.get(_TIFF_BITS, (1,))) - 1
    layout = im.tile[0].args if im.tile else ""
    if im.format == "PPM" and isinstance(layout, tuple):  # ("RGB", 65535)
        return layout[-1]
    return 65535 if ";16" in layout else 255  # "RGB;16B" in a PNG


def _orientation(im: Image.Image) -> int:
    """EXIF orientation, 1 to 8; 1 (upright) where there is none, or none that makes sense."""
    try:
        value = Image.Image.getexif(im).get(ExifTags.Base.Orientation, 1)  # a PNG's own getexif() would decode the pixels
    except Exception:  # broken EXIF is no reason to refuse sound pixels, and fails in as many ways as broken pixels
        return 1
    return value if value in range(1, 9) else 1


def _check_size(info: ImageInfo, name: str, max_pixels: int, min_side: int) -> None:
    size = f"{name}: {info.width} x {info.height} pixels"
    if info.width * info.height > max_pixels:
        raise ImageTooLarge(f"{size}, more than the {max_pixels:,} allowed; make it smaller, or raise max_pixels.")
    if min(info.width, info.height) < min_side:
        raise ImageTooSmall(f"{size}, but each side needs at least {min_side}; use a larger picture.")


def _decode(im: Image.Image, file: io.IOBase, name: str) -> tuple[Float[np.ndarray, "h w c"], bool]:
    """Upright samples in [0, 1], c = 1 grey, 2 grey and alpha, 3 RGB, 4 RGB and alpha; and whether a profile was ignored."""
    white, profile_ignored = _white(im), False
    im.load()  # raises if truncated
    if im.mode in ("F", "I") or im.mode.startswith("I;16"):
        samples = _deep_grey(im, white, name)
    elif white > 255 and im.mode in ("RGB", "RGBA"):
        samples = _deep_colour(im, file, white, name)
        profile_ignored = _to_srgb(im.convert("RGB")) is not None
    else:
        samples = _shallow(im)
    if im.format != "TIFF":  # both decoders turn a TIFF themselves, and nothing else
        samples = _upright(samples, _orientation(im))
    return samples, profile_ignored


def _deep_grey(im: Image.Image, white: int, name: str) -> Float[np.ndarray, "h w c"]:
    """16-bit integers, or floats in [0, 1]."""
    grey = np.asarray(im)[..., None].astype(np.float32)
    if im.mode == "F":
        if not (grey.min() >= 0 and grey.max() <= 1):  # not (...): NaN is refused too
            raise ImageError(f"{name}: its float samples span {grey.min():g} to {grey.max():g}; scale them to [0, 1] and save again.")
        return grey
    if im.mode == "I" and im.format == "TIFF":
        raise ImageError(f"{name}: signed or 32-bit integers have no agreed white; save it as 16-bit PNG or TIFF.")
    alpha = grey != im.info["transparency"] if im.format == "PNG" and "transparency" in im.info else None
    grey /= 65535 if im.mode == "I" else white  # "I" here is a PGM, which Pillow has scaled
    if im.format == "TIFF" and im.tag_v2.get(_TIFF_PHOTOMETRIC) == 0:
        grey = 1 - grey  # "white is zero", which Pillow minds for 8 bits only
    return grey if alpha is None else np.concatenate([grey, alpha.astype(np.float32)], axis=2)


def _deep_colour(im: Image.Image, file: io.IOBase, white: int, name: str) -> Float[np.ndarray, "h w c"]:
    """16-bit colour, decoded a second time by OpenCV, because Pillow has cut it down to 8."""
    file.seek(0)
    bgr = cv2.imdecode(np.frombuffer(file.read(), np.uint8), cv2.IMREAD_UNCHANGED)
    if bgr is None or bgr.dtype != np.uint16 or bgr.shape[:2] != (im.height, im.width) or bgr.shape[2:] not in ((3,), (4,)):
        raise _damaged(name, "16-bit colour in a layout that OpenCV cannot read")
    if bgr.max() > white:  # a PPM says in its header which number is white
        raise _damaged(name, f"samples up to {bgr.max()}, where its header says that white is {white}")
    samples = np.divide(bgr[..., [2, 1, 0, 3][: bgr.shape[2]]], white, dtype=np.float32)
    if not im.has_transparency_data:
        return samples[..., :3]  # a fourth channel that is not alpha
    if im.format == "TIFF" and im.tag_v2.get(_TIFF_EXTRA) == (1,):  # colours already multiplied by alpha
        samples[..., :3] = np.minimum(samples[..., :3] / np.maximum(samples[..., 3:], 1 / white), 1)
    return samples


def _shallow(im: Image.Image) -> Float[np.ndarray, "h w c"]:
    """Everything of 8 bits or fewer, by way of RGB or RGBA."""
    alpha = im.convert("RGBA").getchannel("A") if im.has_transparency_data else None
    direct = im if im.mode in ("RGB", "CMYK") else im.convert("RGBA" if alpha else "RGB").convert("RGB")
    rgb = _to_srgb(direct) or direct.convert("RGB")
    if alpha is not None:
        rgb.putalpha(alpha)
    return np.divide(np.asarray(rgb), 255, dtype=np.float32)


def _to_srgb(im: Image.Image) -> Image.Image | None:
    """The RGB or CMYK image converted from its embedded profile to sRGB; None if there is nothing to do or it is broken."""
    profile = im.info.get("icc_profile")
    if not profile:
        return None
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        converted = ImageCms.profileToProfile(im, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    if im.mode == "RGB" and np.abs(np.asarray(im).astype(np.int16) - np.asarray(converted)).max() <= 1:
        return None  # the profile is sRGB itself, or as good as: no rounding errors for nothing
    return converted


def _upright(samples: Float[np.ndarray, "h w c"], orientation: int) -> np.ndarray:
    if orientation >= 5:
        samples = samples.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        samples = samples[:, ::-1]
    if orientation in (3, 4, 7, 8):
        samples = samples[::-1]
    return samples


def _flatten(samples: Float[np.ndarray, "h w c"], background: int | float) -> Float[Tensor, "3 h w"]:
    """Lay alpha over the background, repeat grey to RGB, and put channels first."""
    if samples.shape[2] in (2, 4):
        alpha = samples[..., -1:]
        samples = samples[..., :-1] * alpha + background * (1 - alpha)
    channels_first = samples.transpose(2, 0, 1).copy()  # numpy calls a mirrored single pixel contiguous, torch refuses it
    return torch.from_numpy(channels_first).expand(3, -1, -1).contiguous()


# Checking and converting


def check_image(image: object, what: str = "image") -> None:
    """Raise an `ImageError` that names the likely mistake, unless `image` is float32, `c h w`, c = 1 or 3, finite.

    Values may overshoot [0, 1] as a network's do; beyond [-1, 2] they are taken for another range. `what` is the name
    used in the message.
    """
    if mistake := _mistake(image):
        raise ImageError(f"{what} {mistake}.")


def _mistake(image: object) -> str:
    if not isinstance(image, Tensor):
        return f"is a {type(image).__name__}, not a torch tensor; use image.from_uint8 or torch.from_numpy"
    shape = tuple(image.shape)
    if image.dtype == torch.uint8:
        return "is uint8 (0 to 255); divide by 255: image.float() / 255"
    if image.dtype != torch.float32:
        return f"is {image.dtype}; images are float32: image.float()"
    if image.ndim != 3:
        cure = {2: "add the channel: image[None]", 4: "take one of the batch: image[0]"}.get(image.ndim, "take one image")
        return f"has {image.ndim} dimensions {shape}; images are c h w: {cure}"
    if 0 in shape:
        return f"is empty, of shape {shape}; check how it was cropped"
    if shape[0] not in (1, 3):
        cure = "channels seem to be last: image.permute(2, 0, 1)" if shape[2] in (1, 3, 4) else "drop alpha or extra bands: image[:3]"
        return f"has {shape[0]} channels, of shape {shape}; images have 1 or 3, first: {cure}"
    if not image.isfinite().all():
        return f"has {int((~image.isfinite()).sum())} values that are NaN or infinite; look for the step that makes them"
    low, high = image.min().item(), image.max().item()
    if low >= -1 and high <= 2:
        return ""
    cure = "divide by 255" if low >= 0 and high <= 255 else "scale it, or image.clamp(0, 1) if it is a bad restoration"
    return f"has values from {low:g} to {high:g}; images lie in [0, 1]: {cure}"


def to_uint8(image: Float[Tensor, "c h w"]) -> UInt8[np.ndarray, "h w c"]:
    """Clamp [0, 1] and round to 0..255 (truncating would darken by half a step). Raises `ImageError` on NaN."""
    return _quantize(image, 255).astype(np.uint8)


def from_uint8(array: np.ndarray) -> Float[Tensor, "c h w"]:
    """The image of a uint8 array `h w`, `h w 1` or `h w 3` in RGB order: c = 1 or 3, in [0, 1].

    Raises `ImageError` for any other dtype or shape.
    """
    if array.dtype != np.uint8 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (1,), (3,)):
        raise ImageError(f"array is {array.dtype} of shape {array.shape}; from_uint8 takes uint8 of shape h w, h w 1 or h w 3.")
    channels_last = array.reshape(*array.shape[:2], -1)
    return torch.from_numpy(np.divide(channels_last.transpose(2, 0, 1), 255, dtype=np.float32, order="C"))


def _quantize(image: Float[Tensor, "c h w"], white: int) -> np.ndarray:
    """Whole numbers 0..white, still as floats, `h w c`."""
    if image.isnan().any():
        raise ImageError(f"image has {int(image.isnan().sum())} NaN values; look for the step that makes them.")
    return image.detach().cpu().float().clamp(0, 1).mul(white).round().permute(1, 2, 0).contiguous().numpy()


# Writing


def save(image: Tensor, path: str | os.PathLike, *, bit_depth: int = 8) -> None:
    """Write an image `c h w` (c = 1 or 3), clamped to [0, 1] and rounded, in the format that the suffix names.

    .png, .tif, .tiff hold 8 or 16 bits; .webp is written lossless, .jpg and .jpeg at quality 95 with full colour. The file
    appears whole under its name or not at all, and replaces one that was there.

    Raises `ImageError` for another suffix or depth, an image that `check_image` refuses, or a place that cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in _WRITERS:
        raise ImageError(f"{path}: the suffix must be one of {', '.join(_WRITERS)}; rename it.")
    if bit_depth != 8 and (bit_depth != 16 or suffix not in (".png", ".tif", ".tiff")):
        raise ImageError(f"{path}: cannot hold {bit_depth} bits; use 8, or 16 with .png, .tif, .tiff.")
    check_image(image, f"{path}: the image to save")
    _write(path, _encode(image, path, bit_depth))


def _encode(image: Tensor, path: Path, bit_depth: int) -> bytes:
    format, options = _WRITERS[path.suffix.lower()]
    try:
        if bit_depth == 16:  # Pillow has no 16-bit colour
            bgr = _quantize(image, 65535).astype(np.uint16)[..., ::-1].copy()
            return cv2.imencode(path.suffix.lower(), bgr)[1].tobytes()
        array = to_uint8(image)
        buffer = io.BytesIO()
        Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(buffer, format, **options)
        return buffer.getvalue()
    except (OSError, ValueError, cv2.error) as error:  # JPEG ends at 65535 pixels a side, WebP at 16383
        raise ImageError(f"{path}: cannot be encoded as {format} ({error}); try .png.") from error


def _write(path: Path, data: bytes) -> None:
    try:
        write_atomically(path, data)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: cannot be written ({_reason(error)}); check that its folder exists and has room.") from error
