"""Archives from strangers, unpacked so that nothing is written outside the folder, nothing is half there, and nothing explodes.

Every member is looked at before the first byte is written. Only plain files and folders are accepted: a link, a device or a name that
could lead elsewhere refuses the whole archive. What the headers say about sizes is not believed: the bytes are counted as they come.
"""

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from restorelab.data import members
from restorelab.data.members import Member
from restorelab.errors import ArchiveError

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2", ".tbz2")
PIECE = 1 << 20  # bytes copied at a time

Progress = Callable[[int, int | None], None]  # called with the members done, and all


@dataclass(frozen=True)
class Limits:
    """What an archive may become; the largest set of the catalog has tens of thousands of files and tens of gigabytes."""

    members: int = 500_000
    size: int = 200_000_000_000  # bytes, all files together
    ratio: float = 100.0  # unpacked bytes per archive byte; pictures are compressed already


def is_archive(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def unpack(archive: str | Path, destination: str | Path, progress: Progress | None = None, limits: Limits = Limits()) -> None:
    """`archive` (.zip, .tar, .tar.gz, .tar.xz, .tar.bz2) -> a new folder `destination`, which appears at once and complete.

    Raises ArchiveError naming the member that is not accepted, or saying what is damaged; then nothing is left over.
    """
    with building(destination) as folder:
        extract(archive, folder, progress, limits)


@contextmanager
def building(destination: str | Path) -> Iterator[Path]:
    """A temporary folder beside `destination` that takes its name when the block ends, and vanishes when the block fails.

    What a killed run left of it is removed first. Raises ArchiveError when `destination` is there already.
    """
    destination = Path(destination)
    temporary = destination.with_name(f".{destination.name}.unpacking")
    if destination.exists():
        raise ArchiveError(f"{destination} is there already: move it away, or give another folder.")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        _flush(temporary)
        os.replace(temporary, destination)
    except OSError as error:
        raise ArchiveError(f"{destination} cannot be written: {error.strerror or error}. Nothing was kept of it.") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def extract(archive: str | Path, folder: Path, progress: Progress | None = None, limits: Limits = Limits()) -> None:
    """The files of `archive` into `folder`; for use inside `building`, which clears up after an ArchiveError."""
    archive = Path(archive)
    if not archive.is_file():
        raise ArchiveError(f"there is no archive {archive}.")
    allowed = min(limits.size, int(limits.ratio * max(archive.stat().st_size, 4096)))  # a small archive may hold empty text files
    try:
        with _open(archive, allowed, limits.members) as (listed, contents):
            wanted = members.checked(listed, archive.name)
            _check_room(wanted, folder)
            for number, (member, source) in enumerate(contents(wanted), start=1):
                _write(member, source, folder)
                if progress:
                    progress(number, len(wanted))
    except (*members.DAMAGE, OSError) as error:
        if getattr(error, "errno", None) is not None:  # the disk's, not bz2's way to say that it cannot make sense of the bytes
            raise
        raise ArchiveError(f"{archive.name} is damaged ({error or type(error).__name__}): delete it and fetch it again.") from error


def _check_room(wanted: list[Member], folder: Path) -> None:
    needed, free = sum(member.size for member in wanted), shutil.disk_usage(folder).free
    if needed > free:
        raise ArchiveError(f"unpacking needs {needed / 1e9:.1f} GB in {folder.parent}, where {free / 1e9:.1f} GB are free: make room.")


@contextmanager
def _open(archive: Path, allowed: int, most: int) -> Iterator[tuple[list[Member], Callable]]:
    """-> (its members as the headers tell them, a function that gives (member, its bytes as a stream) for those wanted)."""
    if archive.name.lower().endswith(".zip"):
        with zipfile.ZipFile(archive) as opened:
            yield members.of_zip(opened, allowed, most), lambda wanted: _zip_contents(opened, wanted)
    elif is_archive(archive.name):
        with members.tar_stream(archive, allowed) as stream, tarfile.open(fileobj=stream, mode="r:") as opened:
            yield members.of_tar(opened, allowed, most, archive.name), lambda wanted: _tar_contents(opened, wanted)
    else:
        raise ArchiveError(f"{archive.name} is no archive that restorelab unpacks; those are {', '.join(SUFFIXES)}.")


def _zip_contents(opened: zipfile.ZipFile, wanted: list[Member]) -> Iterator[tuple[Member, io.BufferedIOBase]]:
    for member in wanted:
        with opened.open(member.entry) as source:
            yield member, source


def _tar_contents(opened: tarfile.TarFile, wanted: list[Member]) -> Iterator[tuple[Member, io.BufferedIOBase]]:
    for member in wanted:  # in the order of the archive: a compressed stream goes back only by starting anew
        yield member, opened.extractfile(member.entry)


def _write(member: Member, source: io.BufferedIOBase, folder: Path) -> None:
    target = folder.joinpath(*member.parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise ArchiveError(f"{member.name} is there already, from another archive of the set.")
    written = 0
    with open(target, "xb") as output:  # never over a file, never through a link
        while piece := source.read(PIECE):
            written += len(piece)
            if written > member.size:
                raise ArchiveError(f"{member.name} is larger than its header says: a bomb, or damage.")
            output.write(piece)
    if written != member.size:
        raise ArchiveError(f"{member.name} ends after {written} of {member.size} bytes: the archive is damaged.")


def _flush(folder: Path) -> None:
    """Onto the disk before the folder gets its name: one call where the system has it, file by file elsewhere."""
    if hasattr(os, "sync"):
        os.sync()
        return
    for path in folder.rglob("*"):
        if path.is_file():
            with open(path, "r+b") as file:
                os.fsync(file.fileno())
