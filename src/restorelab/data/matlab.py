"""Pictures inside MATLAB's files: SIDD's blocks (version 5) and DND's boxes (version 7.3, which is HDF5), one at a time.

A picture inside a file is named by a path below it, the place as MATLAB counts, from 1 and with the last one included:
`ValidationNoisyBlocksSrgb.mat/40,32` is the block (40, 32, :, :, :), and `0001.mat/1,513,512,1024` rows 1 to 512 and columns 513 to 1024.
So it goes wherever a path goes: lists of pairs, messages, workers.

MATLAB stores arrays column by column. scipy knows that of version 5; HDF5 does not, and shows an `h w 3` picture as `3 w h`.
"""

import itertools
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
import scipy.io
import torch
from jaxtyping import Float, Float32, UInt8
from scipy.io.matlab import MatReadError
from torch import Tensor

from restorelab import image
from restorelab.errors import DataError

SUFFIX = ".mat"
NOISY = "InoisySRGB"  # DND's pictures: single, in [0, 1]
KINDS = (h5py.h5t.IEEE_F32LE, h5py.h5t.IEEE_F64LE)
LARGEST = 1 << 30  # bytes of what is read at once: SIDD's blocks take 252 MB, a picture of DND less
MOST = 1000  # boxes of a picture, and pictures: DND has 20 and 50
FAR_OUT = 2.0  # a picture that goes beyond this is not in [0, 1] but in levels

HEADER, TAG = 128, 8  # bytes of a version 5 file, and of what stands before every variable in it
COMPRESSED = 15  # a kind of variable
PIECE = 1 << 20  # bytes

# What h5py and scipy raise about bytes that they cannot make sense of; MemoryError of a file that claims absurd sizes.
DAMAGE = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RuntimeError, OverflowError, EOFError, MemoryError, zlib.error,
    struct.error, MatReadError,
)  # fmt: skip


Box = tuple[int, int, int, int]


def is_inside(path: Path) -> bool:
    """Whether the path is that of a picture inside a MATLAB file."""
    return path.parent.suffix.lower() == SUFFIX


def load(path: Path) -> Float[Tensor, "3 h w"]:
    """The picture inside a MATLAB file. Raises DataError for a file that is missing, damaged, or of another kind.

    Of version 7.3, the box alone is read. A file of version 5 can only be unpacked as a whole, and that of the last two is kept: for
    SIDD's blocks 252 MB each (noisy and clean), in every process that asks.
    """
    file, place = path.parent, _place(path)
    return image.from_uint8(_block(file, *place)) if len(place) == 2 else torch.from_numpy(_box(file, *place))


def box_path(file: Path, box: Box) -> Path:
    return file / ",".join(map(str, box))


def bit_depth(path: Path) -> int:
    """Bits per sample of a picture inside a file: 8 of a block, 32 of a box."""
    return 8 if len(_place(path)) == 2 else 32


def _place(path: Path) -> tuple[int, ...]:
    try:
        place = tuple(int(number) for number in path.name.split(","))
    except ValueError:
        place = ()
    if len(place) not in (2, 4):
        raise DataError(f"{path}: a picture inside a MATLAB file is named like {path.parent.name}/1,1 (a block) or /1,1,512,512 (a box).")
    return place


# Version 5: all blocks in one array


def blocks(file: Path) -> list[Path]:
    """The paths of all blocks in a version 5 file, whose array of `rows columns h w 3` bytes is called as the file is.

    Reads the file's description alone. Raises DataError as `load` does.
    """
    with _explained(file):
        rows, columns, *_ = _described(file)
    return [file / f"{row},{column}" for row in range(1, rows + 1) for column in range(1, columns + 1)]


def _block(file: Path, row: int, column: int) -> UInt8[np.ndarray, "h w 3"]:
    with _explained(file):
        status = os.stat(file)
        array = _array(file, status.st_size, status.st_mtime_ns)
    if not (1 <= row <= array.shape[0] and 1 <= column <= array.shape[1]):
        raise DataError(f"{file} has no block {row},{column}: there are {array.shape[0]} x {array.shape[1]}.")
    return np.ascontiguousarray(array[row - 1, column - 1])


@lru_cache(maxsize=2)  # a noisy and a clean one
def _array(file: Path, size: int, changed: int) -> UInt8[np.ndarray, "rows columns h w 3"]:
    """`size` and `changed` tell a file from one that took its place."""
    shape = _described(file)
    _check_streams(file)
    array = scipy.io.loadmat(file, appendmat=False, variable_names=[file.stem])[file.stem]
    if array.shape != shape or array.dtype != np.uint8:
        raise DataError(f"{file} holds {array.dtype} {array.shape}, where its description says uint8 {shape}. {_again(file)}")
    return array


def _described(file: Path) -> tuple[int, ...]:
    if h5py.is_hdf5(file):
        raise DataError(f"{file} is of MATLAB's version 7.3; the blocks of SIDD are published in version 5. {_again(file)}")
    found = {name: (shape, kind) for name, shape, kind in scipy.io.whosmat(file, appendmat=False)}
    shape, kind = found.get(file.stem, ((), ""))
    if len(shape) != 5 or shape[4] != 3 or kind != "uint8" or not all(shape):
        there = ", ".join(f"{name}: {kind} {shape}" for name, (shape, kind) in found.items()) or "nothing"
        raise DataError(f"{file} should hold {file.stem}, uint8 of rows x columns x height x width x 3; it holds {there}. {_again(file)}")
    if np.prod([float(side) for side in shape]) > LARGEST:
        raise DataError(f"{file} claims {shape}, more than {LARGEST:,} bytes. {_again(file)}")
    return shape


def _check_streams(file: Path) -> None:
    """Unpack every variable once without keeping it, as far as zlib's checksum: scipy believes a size of gigabytes, and stops early."""
    with open(file, "rb") as opened:
        order = {b"MI": ">", b"IM": "<"}[opened.read(HEADER)[-2:]]
        while tag := opened.read(TAG):
            kind, size = struct.unpack(f"{order}2I", tag)
            if kind == COMPRESSED:
                _check_stream(opened.read(size), size, file)
            elif len(opened.read(size)) < size:
                raise EOFError("it ends in the middle of a variable")


def _check_stream(packed: bytes, size: int, file: Path) -> None:
    stream, total = zlib.decompressobj(), 0
    while not stream.eof:
        piece = stream.decompress(packed, PIECE)
        packed, total = stream.unconsumed_tail, total + len(piece)
        if total > LARGEST:
            raise DataError(f"{file} unpacks to more than {LARGEST:,} bytes: a bomb, or damage. {_again(file)}")
        if not piece and not packed and not stream.eof:
            raise EOFError("it ends in the middle of a variable")


# Version 7.3: boxes of a picture


def boxes(info: Path) -> list[list[Box]]:
    """DND's info.mat: for each picture, its boxes (top, left, bottom, right) as MATLAB counts. Raises DataError as `load` does."""
    with _explained(info), _hdf5(info) as opened:
        references = _own(opened, "info/boundingboxes", info)
        if h5py.check_ref_dtype(references.dtype) is not h5py.Reference or references.size > MOST:
            raise DataError(f"info.boundingboxes of {info} is not a list of arrays. {_again(info)}")
        return [_boxes_of(opened[reference], info) for reference in references[()].ravel()]


def _boxes_of(found: h5py.Dataset, info: Path) -> list[Box]:
    _check_own(found, info)
    if found.ndim != 2 or found.shape[0] != 4 or found.shape[1] > MOST:
        raise DataError(f"{info} has boxes of shape {found.shape[::-1]}, not n x 4. {_again(info)}")
    numbers = found[()].T
    if not (np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all() and (numbers >= 1).all() and (numbers < 2**31).all()):
        raise DataError(f"{info} has boxes that are no whole numbers from 1. {_again(info)}")
    return [tuple(int(number) for number in box) for box in numbers]


def _box(file: Path, top: int, left: int, bottom: int, right: int) -> Float32[np.ndarray, "3 h w"]:
    with _explained(file), _hdf5(file) as opened:
        picture = _own(opened, NOISY, file)
        if picture.ndim != 3 or picture.shape[0] != 3 or picture.id.get_type() not in KINDS:
            raise DataError(
                f"{NOISY} of {file} should be single or double and, as HDF5 counts, 3 x width x height; it is {picture.dtype} of"
                f" {picture.shape}: another program wrote it. {_again(file)}"
            )
        _, width, height = picture.shape
        if not (1 <= top <= bottom <= height and 1 <= left <= right <= width):
            raise DataError(f"the box {top},{left},{bottom},{right} does not lie in {file}, of {height} rows and {width} columns.")
        if (bottom - top + 1) * (right - left + 1) * 3 * picture.dtype.itemsize > LARGEST:
            raise DataError(f"the box {top},{left},{bottom},{right} of {file} has more than {LARGEST:,} bytes.")
        wanted = slice(0, 3), slice(left - 1, right), slice(top - 1, bottom)
        _check_pieces(picture, wanted, file)
        pixels = picture[wanted].transpose(0, 2, 1)
    if not np.abs(pixels).max() < FAR_OUT:  # False also of NaN
        raise DataError(f"{file} has values that are not in [0, 1]: it is damaged, or another program wrote it. {_again(file)}")
    return np.ascontiguousarray(pixels.clip(0, 1), dtype=np.float32)


def _check_pieces(picture: h5py.Dataset, wanted: tuple[slice, ...], file: Path) -> None:
    """Whether every piece is there, and packed: HDF5 takes zeros for one that its index has lost, which MATLAB never leaves out."""
    if not picture.chunks:
        return
    starts = (range(part.start // side * side, part.stop, side) for part, side in zip(wanted, picture.chunks, strict=True))
    for place in itertools.product(*starts):
        piece = picture.id.get_chunk_info_by_coord(place)
        if piece.byte_offset is None or piece.filter_mask:
            raise DataError(f"{file} lacks a piece of its picture: it is damaged. {_again(file)}")


@contextmanager
def _hdf5(file: Path) -> Iterator[h5py.File]:
    os.stat(file)  # a missing file is told as one
    if not h5py.is_hdf5(file):
        raise DataError(f"{file} is not of MATLAB's version 7.3 (HDF5), or damaged at its beginning. {_again(file)}")
    with h5py.File(file, "r") as opened:
        yield opened


def _own(opened: h5py.File, name: str, file: Path) -> h5py.Dataset:
    """A variable that lies in this file: a link may lead to any other on the disk."""
    here, steps = opened, name.split("/")
    for number, step in enumerate(steps):
        link = here.get(step, getlink=True)
        if link is None:
            raise DataError(f"{file} holds no {name.replace('/', '.')}. {_again(file)}")
        if not isinstance(link, h5py.HardLink):
            raise DataError(f"{step} of {file} leads elsewhere: MATLAB writes no such files. {_again(file)}")
        here = here[step]
        if isinstance(here, h5py.Dataset) != (number == len(steps) - 1):
            raise DataError(f"{file} holds no {name.replace('/', '.')}. {_again(file)}")
    _check_own(here, file)
    return here


def _check_own(found: h5py.Dataset, file: Path) -> None:
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise DataError(f"{file} refers to other files: MATLAB writes no such files. {_again(file)}")
    if np.prod([float(side) for side in found.chunks or ()]) * found.dtype.itemsize > LARGEST:
        raise DataError(f"{file} claims pieces of more than {LARGEST:,} bytes. {_again(file)}")


@contextmanager
def _explained(file: Path) -> Iterator[None]:
    """Everything that is raised about a file becomes a DataError that names it."""
    try:
        yield
    except DataError:
        raise
    except FileNotFoundError as error:
        raise DataError(f"there is no file {file}. {_again(file)}") from error
    except DAMAGE as error:
        raise DataError(f"{file} is damaged or no file of MATLAB's ({str(error) or type(error).__name__}). {_again(file)}") from error


def _again(file: Path) -> str:
    return f"Fetch {file.name} again."
