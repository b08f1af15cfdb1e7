"""Files from the internet: whole, and the right ones, or not there at all.

Small files go through pooch. Of large ones, and of those whose size nobody published, what has come so far is kept beside the place
where the file will lie, and a later run asks for the rest only. A file has its own name when it is complete and verified, never before.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pooch
import requests

from restorelab.data import resume, transport
from restorelab.data.catalog import RemoteFile
from restorelab.data.resume import Progress
from restorelab.data.sums import sum_of
from restorelab.errors import DownloadError

RESUME_ABOVE = 500_000_000  # bytes; below, starting anew costs less than the care
RETRIES = 3  # further tries of one address
SPARE = 100_000_000  # bytes that a download leaves free on the disk
STAGING = ".fetching"  # where pooch works, emptied at the beginning
LOCK_WAIT = 5  # seconds


def fetch(
    file: RemoteFile,
    folder: str | Path,
    progress: Progress | None = None,
    *,
    resume_above: int = RESUME_ABOVE,
    timeout: tuple[float, float] = transport.TIMEOUT,
    retries: int = RETRIES,
) -> Path:
    """`folder`/`file.name`, downloaded unless it is there; its addresses are tried in order. `timeout`: seconds to connect, to wait.

    Raises DownloadError when no address gives the file, saying why for each and what to do by hand.
    """
    path = Path(folder) / file.name
    with _one_writer(Path(folder)):
        if path.is_file():
            check(file, path)
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        _check_room(file, path)
        problems = []
        for url in file.urls:
            try:
                transport.check_address(url, bool(file.sums))
                if file.size is not None and file.size <= resume_above:
                    _with_pooch(file, url, path, Path(folder) / STAGING, progress or _silent, timeout, retries)
                else:
                    _with_resume(file, url, path, progress or _silent, timeout, retries)
                return path
            except (DownloadError, requests.RequestException, OSError) as error:
                problems.append(f"{url}: {error}")
        raise DownloadError(f"{file.name} could not be downloaded. {' '.join(problems)} {file.by_hand(path.parent)}")


def check(file: RemoteFile, path: Path) -> None:
    """Whether the file at `path` is the one the catalog means, as far as the catalog knows. Raises DownloadError."""
    try:
        _compare(file, path)
    except DownloadError as error:
        raise DownloadError(f"{path} is not the {file.name} that the catalog knows: {error} Delete it, and fetch it again.") from error
    except OSError as error:
        raise DownloadError(f"{path} cannot be read: {error.strerror}.") from error


def _compare(file: RemoteFile, path: Path) -> None:
    with open(path, "rb") as opened:
        transport.check_beginning(file.name, opened.read(transport.HEAD))
    size = path.stat().st_size
    if file.size is not None and size != file.size:
        raise DownloadError(f"it has {size:,} bytes, not {file.size:,}.")
    for kind, expected in file.sums.items():
        found = sum_of(path, kind)
        if found != expected:
            raise DownloadError(f"its {kind} is {found}, not {expected}.")


def gigabytes(size: float) -> str:
    """1234567890 -> "1.2 GB"; smaller ones in MB or kB."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size:.0f} bytes"


def _silent(done: int, everything: int | None) -> None:
    pass


@contextmanager
def _one_writer(folder: Path) -> Iterator[None]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(folder / ".lock").acquire(timeout=LOCK_WAIT):
            shutil.rmtree(folder / STAGING, ignore_errors=True)  # what a killed run left of files that start anew
            yield
    except filelock.Timeout as error:
        raise DownloadError(f"another process is downloading into {folder}: wait for it, or give another folder.") from error
    except OSError as error:
        raise DownloadError(f"{folder} cannot be written to: {error.strerror}. Give another folder.") from error


def _check_room(file: RemoteFile, path: Path) -> None:
    needed = (file.size or file.about or 0) - resume.kept(path)
    free = shutil.disk_usage(path.parent).free
    if needed + SPARE > free:
        raise DownloadError(
            f"{file.name} needs {gigabytes(needed)} in {path.parent}, where {gigabytes(free)} are free: make room, or give another folder."
        )


def _with_pooch(
    file: RemoteFile, url: str, path: Path, staging: Path, progress: Progress, timeout: tuple[float, float], retries: int
) -> None:
    pooch.get_logger().setLevel("ERROR")  # its lines would tear the progress bar
    known = next((f"{kind}:{value}" for kind, value in file.sums.items()), None)
    keeper = pooch.create(staging, "", registry={path.name: known}, urls={path.name: url}, retry_if_failed=retries)

    def one_get(url: str, output_file: str, pooch: pooch.Pooch) -> None:
        with transport.answer(url, timeout=timeout, plain_http=bool(file.sums)) as response, open(output_file, "wb") as output:
            resume.pour(response, output, file, progress, timeout[1])
            output.flush()
            os.fsync(output.fileno())

    try:
        done = Path(keeper.fetch(path.name, downloader=one_get))
        _compare(file, done)
        os.replace(done, path)
    except requests.RequestException:  # some of these are ValueErrors too
        raise
    except ValueError as error:  # pooch's, about the sum
        raise DownloadError(f"what came has another checksum than the catalog says ({known}).") from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _with_resume(file: RemoteFile, url: str, path: Path, progress: Progress, timeout: tuple[float, float], retries: int) -> None:
    """A sum that is wrong after resuming may be a seam: then once more from the beginning."""
    for _ in range(2):
        part, resumed = resume.download(file, url, path, progress, timeout, retries)
        try:
            _compare(file, part)
            os.replace(part, path)
            resume.forget(path)
            return
        except DownloadError:
            resume.forget(path, url)
            if not resumed:
                raise
    raise DownloadError("what came is not what the catalog says, twice.")
