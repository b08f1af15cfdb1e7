"""What may be in an archive: plain files and folders with plain names, in sizes that make sense."""

import bz2
import gzip
import io
import lzma
import re
import stat
import struct
import tarfile
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from restorelab.errors import ArchiveError

# Everything that the archive modules raise about bytes they cannot make sense of.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    gzip.BadGzipFile,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    ValueError,
)
LONGEST_PART, LONGEST_NAME, DEEPEST = 255, 1000, 50  # bytes of one part and of all (systems differ, none takes more); folders
HEADER = 1 << 20  # bytes at most that one header of a tar may take
ENCRYPTED, STRONGLY = 0x1, 0x40  # flags of a zip entry
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
LOCAL_HEADER = 30  # bytes before the name of a zip entry
DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # names that Windows gives to devices
LITTER = re.compile(r"(__MACOSX|\._.*|\.DS_Store|Thumbs\.db|desktop\.ini)")  # what desktops put into archives


@dataclass(frozen=True)
class Member:
    name: str  # as the archive has it
    size: int  # bytes, unpacked, by the header
    is_folder: bool
    entry: Any  # the archive module's own description

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in self.name.split("/") if part not in ("", "."))


def checked(listed: list[Member], archive: str) -> list[Member]:
    """The files to write, in the archive's order. Raises ArchiveError naming the first member that is not accepted."""
    if not any(not member.is_folder for member in listed):
        raise ArchiveError(f"{archive} holds no files.")
    files: dict[tuple[str, ...], str] = {}
    folders: dict[tuple[str, ...], str] = {}
    wanted = []
    for member in listed:
        if member.is_folder and not member.parts:
            continue  # "./", the folder that was packed
        check_name(member.name)
        # Two names that some file system takes for one: capital letters, and signs that can be put together in two ways.
        key = tuple(unicodedata.normalize("NFKC", part).casefold() for part in member.parts)
        folders.update({key[:depth]: member.name for depth in range(1, len(key) + member.is_folder)})
        if not member.is_folder:
            if key in files:
                raise ArchiveError(f"{member.name!r} is in {archive} twice (also as {files[key]!r}): the archive is not unpacked.")
            files[key] = member.name
            if not any(LITTER.fullmatch(part) for part in member.parts):
                wanted.append(member)
    for key in files.keys() & folders.keys():
        raise ArchiveError(
            f"{files[key]!r} is a file in {archive}, and {folders[key]!r} takes it for a folder: the archive is not unpacked."
        )
    return wanted


def check_name(name: str) -> None:
    """Raises ArchiveError for a name that could lead out of a folder on any system, or that some system cannot have."""
    parts = name.rstrip("/").split("/")
    plain = unicodedata.normalize("NFKC", name)  # a "full-width solidus" is a slash to some
    reasons = {
        "is an absolute path": name.startswith("/"),
        "leads out of the folder": ".." in parts or ".." in plain.split("/"),
        "holds a backslash": "\\" in plain,
        "holds a colon, as drives and streams of Windows do": ":" in plain,
        "holds a sign that looks like a slash": plain.count("/") != name.count("/"),
        "holds signs that are no letters": any(unicodedata.category(sign) in ("Cc", "Cs", "Cf") for sign in name),
        "has no letters": not any(part not in ("", ".") for part in parts),
        "is too long": len(name.encode("utf-8", "replace")) > LONGEST_NAME or len(parts) > DEEPEST
        or any(len(part.encode("utf-8", "replace")) > LONGEST_PART for part in parts),
        "is a device's on Windows": any(DEVICES.fullmatch(part) for part in parts),
        "ends with a dot or a blank": any(part not in ("", ".") and part != part.rstrip(". ") for part in parts),
    }  # fmt: skip
    for reason, true in reasons.items():
        if true:
            shown = name if len(name) < 100 else name[:100] + "..."
            raise ArchiveError(f"the member {shown!r} {reason}: the archive is not unpacked.")


def of_zip(opened: zipfile.ZipFile, allowed: int, most: int) -> list[Member]:
    """The members of a zip. Raises ArchiveError for one that is encrypted, a link, or part of a bomb."""
    entries, total = opened.infolist(), 0
    for number, entry in enumerate(entries, start=1):
        kind = stat.S_IFMT(entry.external_attr >> 16)
        _refuse_if(entry.flag_bits & (ENCRYPTED | STRONGLY), entry.filename, "is encrypted")
        _refuse_if(entry.compress_type not in METHODS, entry.filename, "is packed in a way that Python cannot unpack")
        _refuse_if(kind not in (0, stat.S_IFREG, stat.S_IFDIR), entry.filename, "is a link or a device, not a file")
        _refuse_if("\0" in entry.orig_filename, entry.filename, "has a second name behind a null character")
        total += entry.file_size
        _check_amount(entry.filename, number, total, allowed, most)
    _refuse_overlaps(entries)
    return [Member(entry.filename, entry.file_size, entry.is_dir(), entry) for entry in entries]


def _refuse_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Members that share their bytes: how a small zip unpacks to terabytes (Fifield 2019, "A better zip bomb")."""
    end = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        _refuse_if(entry.header_offset < end, entry.filename, "shares its bytes with another member")
        end = entry.header_offset + LOCAL_HEADER + len(entry.orig_filename.encode("ascii", "replace")) + entry.compress_size


def of_tar(opened: tarfile.TarFile, allowed: int, most: int, archive: str) -> list[Member]:
    """The members of a tar. Raises ArchiveError for one that is a link or a device, or when they are too many or too large."""
    found, total = [], 0
    for entry in opened:  # one by one: the next header is not looked for before this one is accepted
        _refuse_if(not (entry.isreg() or entry.isdir()), entry.name, "is a link or a device, not a file")
        _refuse_if(entry.sparse is not None, entry.name, "is a sparse file")
        _refuse_if(entry.size < 0, entry.name, "has a negative size")
        total += entry.size
        _check_amount(entry.name, len(found) + 1, total, allowed, most)
        found.append(Member(entry.name, entry.size, entry.isdir(), entry))
    if opened.fileobj.last != bytes(tarfile.BLOCKSIZE):  # where tarfile stopped, which takes any nonsense for the end
        raise ArchiveError(f"{archive} is damaged: it ends in the middle. Delete it and fetch it again.")
    while opened.fileobj.read(HEADER):  # behind the end stands the checksum of what is compressed
        pass
    return found


def _check_amount(name: str, number: int, total: int, allowed: int, most: int) -> None:
    _refuse_if(number > most, name, f"is one too many: more than {most} members")
    _refuse_if(total > allowed, name, f"makes it a bomb: {total:,} bytes unpacked, where {allowed:,} would be believable")


def _refuse_if(wrong: object, name: str, reason: str) -> None:
    if wrong:
        raise ArchiveError(f"the member {name[:100]!r} {reason}: the archive is not unpacked.")


@contextmanager
def tar_stream(archive: Path, allowed: int) -> Iterator["CountedStream"]:
    """The bytes of a .tar, .tar.gz, .tar.xz or .tar.bz2, unpacked as they are read."""
    suffix = archive.name.lower().rpartition(".")[2]
    openers = {"gz": gzip.open, "tgz": gzip.open, "xz": lzma.open, "txz": lzma.open, "bz2": bz2.open, "tbz2": bz2.open}
    with openers.get(suffix, open)(archive, "rb") as raw:
        yield CountedStream(raw, allowed + 2 * allowed // 10 + (1 << 20))  # headers and padding come on top of the files


class CountedStream(io.RawIOBase):
    """A stream that ends in an ArchiveError instead of going beyond `allowed` bytes, or reading a header of gigabytes at once."""

    def __init__(self, raw: io.BufferedIOBase, allowed: int):
        self._raw, self._allowed = raw, allowed
        self.last = b""  # what was read last; going back to look at it would mean unpacking from the beginning

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > HEADER:
            raise ArchiveError("a header of the archive claims an absurd size: the archive is not unpacked.")
        self._check(self._raw.tell() + size)
        self.last = self._raw.read(size)
        return self.last

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check(offset)
        return self._raw.seek(offset, whence)

    def tell(self) -> int:
        return self._raw.tell()

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def _check(self, position: int) -> None:
        if position > self._allowed:
            raise ArchiveError(f"the archive goes beyond {self._allowed:,} bytes: a bomb, or damage.")
