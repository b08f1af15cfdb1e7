"""Files as strangers send them, made from one picture: right ones that are read wrongly without a word, and wrong ones."""

import io
import struct
import zlib

import cv2
import numpy as np
from jaxtyping import Float
from PIL import ExifTags, Image
from torch import Tensor

from restorelab.image import to_uint8

BOMB_SIDE = 12_000  # pixels: 144 million of them, which a decoder would need 432 MB for


def odd_files(picture: Float[Tensor, "3 h w"], shape: Float[Tensor, "1 h w"]) -> dict[str, bytes]:
    """Name -> content of files that hold the picture and are all right. `shape` is what is opaque in the one that has transparency."""
    pixels, opaque = to_uint8(picture), to_uint8(shape)[..., 0]
    cut_out = np.where(opaque[..., None] > 0, pixels, np.uint8([255, 0, 255]))  # nobody is meant to see what lies under 0 % opacity
    grey = np.asarray(Image.fromarray(pixels).convert("L")).astype(np.uint16) * 257
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6  # "turn me to the right before you show me", as a phone held upright writes it
    return {
        "phone.jpg": _encoded(Image.fromarray(np.rot90(pixels)), "JPEG", quality=95, subsampling=0, exif=turned),
        "scan.png": cv2.imencode(".png", grey)[1].tobytes(),
        "cut out.png": _encoded(Image.fromarray(np.dstack([cut_out, opaque])), "PNG"),
        "print.jpg": _encoded(Image.fromarray(pixels).convert("CMYK"), "JPEG", quality=95, subsampling=0),
        "drawn.gif": _encoded(Image.fromarray(pixels).quantize(64), "GIF"),
    }


def bad_files(picture: Float[Tensor, "3 h w"]) -> dict[str, bytes]:
    """Name -> content of files that no demo should restore."""
    jpeg = _encoded(Image.fromarray(to_uint8(picture)), "JPEG", quality=95)
    return {
        "page.png": b"<html><h1>Log in to download</h1></html>",
        "nothing.png": b"",
        "half.jpg": jpeg[: len(jpeg) // 2],
        "dot.png": _encoded(Image.new("RGB", (1, 1)), "PNG"),
        "ruler.png": _encoded(Image.new("L", (20_000, 10)), "PNG"),
        "bomb.png": _bomb(BOMB_SIDE),
    }


def _encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def _bomb(side: int) -> bytes:
    """A PNG of some kilobytes that says it holds side x side pixels, and does: all of them black, of one bit each."""
    rows = zlib.compressobj(9)
    row = bytes(1 + -(-side // 8))
    data = b"".join(rows.compress(row) for _ in range(side)) + rows.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*one) for one in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
