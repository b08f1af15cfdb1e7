"""A store of pictures: decoded once, then read at the speed of memory, however many workers read.

Decoding a 2K photograph from PNG takes 46 ms; cutting the 256 x 256 crop that a training step wants out of a memory map, 0.014 ms
(measured on one core). A store is a folder that appears whole or not at all:

    index.json (and its sha256)   names, shapes, places, a checksum per picture, what it was made from
    pictures.raw                  kind "memmap": the `h w c` bytes of all pictures, one after the other
    data.mdb                      kind "lmdb": the same as records of an LMDB database, for those who ask; see lmdb_file.py

Everything is checked against the index *before* it is mapped: touching a mapped page that the file does not have kills the process
with SIGBUS, which no `except` can catch.
"""

import hashlib
import json
import operator
import os
import secrets
import shutil
import struct
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import SupportsIndex

import lmdb
import numpy as np

from restorelab.data.folders import PictureFiles, Pictures, list_folder
from restorelab.data.lmdb_file import open_database, tree_sum
from restorelab.errors import ParameterError, StoreError
from restorelab.files import sha256_of, sum_fits, write_with_sum

INDEX, RAW = "index.json", "pictures.raw"
FORMAT, VERSION = "restorelab pictures", 1
RECORD = struct.Struct("<4sIII8s")  # of an LMDB record: mark, height, width, channels, checksum; the pixels follow
MARK = b"RLAB"
ANEW = "Copy it again, or make the store anew with write_store."

Progress = Callable[[int, int], None]


def checksum(picture: np.ndarray) -> bytes:
    """8 bytes of blake2b over the pixels."""
    return hashlib.blake2b(np.ascontiguousarray(picture), digest_size=8).digest()


class PictureStore(Sequence):
    """A store of kind "memmap". `store[i]` is a read-only `h w c` uint8 view: slicing it reads the rows asked for and no more.

    A store is the sequence of pictures that `TrainingPairs` takes; `names` are in the same order. It goes to DataLoader workers by its
    path, and every process opens it on its first read. Raises StoreError for a store that is damaged, truncated or of another kind.
    """

    kind = "memmap"

    def __init__(self, path: str | Path):
        self.path = Path(path).expanduser()
        self.index = _read_index(self.path, self.kind)
        self.names: tuple[str, ...] = tuple(picture["name"] for picture in self.index["pictures"])
        self._opened = None, None  # process, what it opened
        self._source()  # so that a bad store is told now, and not by a worker

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, number: SupportsIndex) -> np.ndarray:
        number = operator.index(number)
        if not -len(self) <= number < len(self):
            raise IndexError(f"picture {number} of a store of {len(self)}")
        return self._read(number % len(self))

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_opened": (None, None)}

    def verify(self, progress: Progress | None = None) -> None:
        """Read every picture and compare its checksum. Raises StoreError naming those that differ."""
        self._opened = None, None  # look at the size of the file again, too
        damaged = []
        for number, name in enumerate(self.names):
            try:
                fits = checksum(self[number]).hex() == self.index["pictures"][number]["checksum"]
            except StoreError:
                fits = False
            if not fits:
                damaged.append(name)
            if progress:
                progress(number + 1, len(self))
        if damaged:
            raise StoreError(f"{self.path}: {len(damaged)} of {len(self)} pictures are damaged ({_some(damaged)}). {ANEW}")

    def _source(self):
        """What pictures are read from, opened in this process: an LMDB environment must not cross a fork."""
        process, source = self._opened
        if process != os.getpid():
            source = self._open()
            self._opened = os.getpid(), source
        return source

    def _open(self) -> np.ndarray:
        file = self.path / RAW
        expected = self.index["bytes"]
        if _size(file) != expected:
            raise StoreError(f"{file} has {_size(file):,} bytes and should have {expected:,}: it is truncated or another's. {ANEW}")
        return np.memmap(file, np.uint8, mode="r").view(np.ndarray)

    def _read(self, number: int) -> np.ndarray:
        picture = self.index["pictures"][number]
        start, shape = picture["start"], picture["shape"]
        return self._source()[start : start + int(np.prod(shape))].reshape(shape)


class LMDBStore(PictureStore):
    """A store of kind "lmdb". Every read copies the whole picture; the first read of each, in each process, compares its checksum."""

    kind = "lmdb"

    def _open(self) -> tuple[lmdb.Environment, set[int]]:
        return open_database(self.path, self.index["tree"]), set()

    def _read(self, number: int) -> np.ndarray:
        environment, checked = self._source()
        name, shape = self.names[number], self.index["pictures"][number]["shape"]
        try:
            with environment.begin() as transaction:
                record = transaction.get(_key(number))  # a copy: a view would dangle once the store is closed
        except lmdb.Error as error:
            raise StoreError(f"{self.path}: {name} cannot be read ({error}). {ANEW}") from error
        if record is None or len(record) != RECORD.size + int(np.prod(shape)):
            raise StoreError(f"{self.path}: {name} is missing or has another size. {ANEW}")
        mark, *written, digest = RECORD.unpack_from(record)
        picture = np.frombuffer(record, np.uint8, offset=RECORD.size).reshape(shape)
        if number not in checked and (mark != MARK or written != shape or digest != checksum(picture)):
            raise StoreError(f"{self.path}: {name} is damaged: its checksum does not fit. {ANEW}")
        checked.add(number)
        return picture


KINDS = {store.kind: store for store in (PictureStore, LMDBStore)}


def open_store(path: str | Path) -> PictureStore:
    """The store at `path`, of whichever kind. Raises StoreError when it is not one, or is damaged."""
    return KINDS[_read_index(Path(path).expanduser(), None)["kind"]](path)


def write_store(
    pictures: str | Path | Pictures, path: str | Path, kind: str = "memmap", progress: Progress | None = None,
    *, overwrite: bool = False, map_size: int = 2**28,
) -> PictureStore:  # fmt: skip
    """Write a folder of pictures, or a sequence of `h w c` uint8 arrays, as a store, and open it; one picture is in memory at a time.

    `progress(done, all)` is called after each. The store appears under `path` when it is complete; a process killed before leaves a
    hidden folder ending in .tmp, which may be deleted. Deeper pictures are rounded to 8 bits. `map_size` is LMDB's first guess of the
    size in bytes; it grows by itself. Raises ParameterError, ImageError for a picture that cannot be read, StoreError when the disk is
    full or `path` is there already and `overwrite` is not given.
    """
    if kind not in KINDS:
        raise ParameterError(f"a store is of kind {' or '.join(KINDS)}, not {kind!r}.")
    path = Path(path).expanduser()
    if path.exists() and not overwrite:
        raise StoreError(f"{path} is already there: give another path, or overwrite=True.")
    if isinstance(pictures, str | Path):
        pictures = PictureFiles(list_folder(pictures), pictures)
    folder = pictures.folder if isinstance(pictures, PictureFiles) else None
    if not len(pictures):
        raise ParameterError("there is no picture to put into the store.")
    building = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        building.mkdir(parents=True)
        facts = (_write_raw if kind == "memmap" else _write_lmdb)(building, _records(pictures, progress), map_size)
        index = {"format": FORMAT, "version": VERSION, "kind": kind, "made from": folder.name if folder else None, **facts}
        write_with_sum(building / INDEX, json.dumps(index, ensure_ascii=False).encode())
        _take_place(building, path, overwrite)
    except (OSError, lmdb.Error) as error:
        raise StoreError(f"{path} cannot be written ({error}); check that its disk has room.") from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return open_store(path)


def _records(pictures: Pictures, progress: Progress | None) -> Iterator[tuple[dict, np.ndarray]]:
    names = getattr(pictures, "names", None) or [f"{number:08d}" for number in range(len(pictures))]
    for number, name in enumerate(names):
        picture = np.ascontiguousarray(pictures[number])
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] not in (1, 3) or not picture.size:
            raise ParameterError(f"{name} is {picture.dtype} of shape {picture.shape}; a store takes uint8 of shape h w 3 or h w 1.")
        facts = {"name": name, "shape": list(picture.shape), "checksum": checksum(picture).hex()}
        if isinstance(pictures, PictureFiles):
            facts["file sha256"] = sha256_of(pictures.files[number].read_bytes())
        yield facts, picture
        if progress:
            progress(number + 1, len(names))


def _write_raw(folder: Path, records: Iterator[tuple[dict, np.ndarray]], _: int) -> dict:
    index, start = [], 0
    with open(folder / RAW, "xb") as file:
        for facts, picture in records:
            file.write(picture)
            index.append(facts | {"start": start})
            start += picture.size
        file.flush()
        os.fsync(file.fileno())
    return {"pictures": index, "bytes": start}


def _write_lmdb(folder: Path, records: Iterator[tuple[dict, np.ndarray]], map_size: int) -> dict:
    index = []
    with lmdb.open(str(folder), map_size=map_size, sync=False, lock=False) as environment:
        for number, (facts, picture) in enumerate(records):
            record = RECORD.pack(MARK, *facts["shape"], bytes.fromhex(facts["checksum"])) + picture.tobytes()
            while not _put(environment, _key(number), record):
                environment.set_mapsize(2 * environment.info()["map_size"])
            index.append(facts)
        environment.sync(True)
    return {"pictures": index, "tree": tree_sum(folder / "data.mdb")}


def _put(environment: lmdb.Environment, key: bytes, record: bytes) -> bool:
    """Whether there was room. A transaction per record, so that a full map costs one record and not all."""
    try:
        with environment.begin(write=True) as transaction:
            return transaction.put(key, record, append=True)
    except lmdb.MapFullError:
        return False


def _key(number: int) -> bytes:
    return b"%010d" % number


def _take_place(building: Path, path: Path, overwrite: bool) -> None:
    """Put the finished folder where an old one may be: a folder that is not empty cannot be replaced in one step."""
    old = path.with_name(f"{building.name}.old.tmp")
    if overwrite and path.exists():
        os.replace(path, old)
    os.replace(building, path)
    if old.is_dir():
        shutil.rmtree(old, ignore_errors=True)
    else:
        old.unlink(missing_ok=True)


def _read_index(path: Path, kind: str | None) -> dict:
    file = path / INDEX
    if not file.is_file():
        raise StoreError(f"{path} is not a store of pictures: it has no {INDEX}. Make one with write_store.")
    data = file.read_bytes()
    if not _fits(file, data):
        raise StoreError(f"{file} is damaged: its sha256 does not fit. {ANEW}")
    try:
        index = json.loads(data)
        named = (index["format"], index["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{file} is not the index of a store of pictures. {ANEW}") from error
    if named != (FORMAT, VERSION) or index["kind"] not in KINDS:
        raise StoreError(f"{file} is of {named[0]!r}, version {named[1]!r}; this restorelab reads {FORMAT!r}, version {VERSION}.")
    if kind not in (None, index["kind"]):
        raise StoreError(f"{path} is a store of kind {index['kind']}, not {kind}: open it with open_store.")
    return index


def _fits(file: Path, data: bytes) -> bool:
    try:
        return sum_fits(file, data)
    except ValueError:  # the file of the sum is not text any more
        return False


def _size(file: Path) -> int:
    if not file.is_file():
        raise StoreError(f"{file} is missing. {ANEW}")
    return file.stat().st_size


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
