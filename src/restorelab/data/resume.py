"""Downloads that go on where they were cut: the bytes so far, and beside them what the server said they are part of.

A part is only ever joined with bytes of the same version of the file: the server must confirm its mark (ETag, or the date) or send
everything anew (RFC 9110, If-Range). Each address has a part of its own.
"""

import glob
import hashlib
import json
import os
import re
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import requests

from restorelab.data import transport
from restorelab.data.catalog import RemoteFile
from restorelab.errors import DownloadError
from restorelab.files import write_atomically

Progress = Callable[[int, int | None], None]  # a progress: called with the bytes done and, where known, all bytes

PAUSES = (1.0, 2.0, 5.0)  # seconds before the next tries


def part_of(path: Path, url: str) -> Path:
    return path.with_name(f".{path.name}.{hashlib.sha256(url.encode()).hexdigest()[:8]}.part")


def kept(path: Path) -> int:
    """Bytes of `path` that have come already, from the address that gave most."""
    return max((_size(part) for part in _parts(path)), default=0)


def forget(path: Path, url: str | None = None) -> None:
    """Delete the parts of `path`, or only what came from `url`."""
    for part in [part_of(path, url)] if url else _parts(path):
        _remove(part)


def download(file: RemoteFile, url: str, path: Path, progress: Progress, timeout: tuple[float, float], retries: int) -> tuple[Path, bool]:
    """-> (the complete part, whether it was put together from several answers). Gives up after `retries` tries that brought nothing.

    Raises DownloadError or requests' errors; the part is kept for the next time unless it can be of no use.
    """
    part, failures = part_of(path, url), 0
    most = _size(part)
    joined = most > 0
    while True:
        try:
            _go_on(file, url, part, progress, timeout)
            return part, joined
        except requests.RequestException:
            failures = 0 if _size(part) > most else failures + 1
            if failures > retries:
                raise
            time.sleep(PAUSES[min(failures, len(PAUSES) - 1)])
            most, joined = max(most, _size(part)), True


def pour(response: requests.Response, output: BinaryIO, file: RemoteFile, progress: Progress, patience: float) -> None:
    """The body into `output`, behind what is there. Raises DownloadError as soon as the beginning or the length is not the file's."""
    done = output.tell()
    length = transport.length_of(response)
    everything = None if length is None else done + length
    unseen = b"" if done == 0 else None  # the first bytes, until there are enough to judge by
    for piece in transport.pieces(response, patience):
        if unseen is not None:
            unseen += piece
            if len(unseen) >= transport.HEAD or len(unseen) == length:
                _check_first(file, unseen, everything)
                unseen = None
        output.write(piece)
        done += len(piece)
        progress(done, everything)
    if unseen is not None:
        _check_first(file, unseen, everything)


def _check_first(file: RemoteFile, head: bytes, everything: int | None) -> None:
    transport.check_beginning(file.name, head)
    if None not in (file.size, everything) and everything != file.size:
        raise DownloadError(f"the server has {everything:,} bytes, the catalog says {file.size:,}.")


def _go_on(file: RemoteFile, url: str, part: Path, progress: Progress, timeout: tuple[float, float]) -> None:
    notes = _read_notes(part, url)
    start = _size(part) if notes.get("mark") else 0  # without a mark nobody can say that the rest belongs to it
    headers = {"Range": f"bytes={start}-", "If-Range": notes["mark"]} if start else {}
    with transport.answer(url, headers, timeout, plain_http=bool(file.sums)) as response:
        if response.status_code == 416 and _content_range(response) == (None, start):
            return  # nothing comes after what is here: it is complete
        if response.status_code != 200 and _content_range(response) != (start, notes.get("bytes")):
            _remove(part)
            raise requests.ConnectionError(f"the server could not go on from byte {start}: from the beginning again")
        if response.status_code == 200:  # everything: the file is another one now, or the server does not know of parts
            start = 0
            write_atomically(
                _notes(part), json.dumps({"url": url, "mark": _mark(response), "bytes": transport.length_of(response)}).encode()
            )
        _append(response, part, start, file, progress, timeout[1])


def _append(response: requests.Response, part: Path, start: int, file: RemoteFile, progress: Progress, patience: float) -> None:
    with open(part, "r+b" if start else "wb") as output:
        output.seek(start)
        try:
            pour(response, output, file, progress, patience)
        except DownloadError:
            _remove(part)
            raise
        output.flush()
        os.fsync(output.fileno())


def _content_range(response: requests.Response) -> tuple[int | None, int | None]:
    found = re.fullmatch(r"bytes (?:(\d+)-\d+|\*)/(\d+)", response.headers.get("Content-Range", ""))
    return (int(found[1]) if found[1] else None, int(found[2])) if found else (None, None)


def _mark(response: requests.Response) -> str | None:
    """What tells versions of a file apart; a weak ETag may stand for different bytes."""
    tag = response.headers.get("ETag", "")
    return tag if tag and not tag.startswith("W/") else response.headers.get("Last-Modified")


def _remove(part: Path) -> None:
    for file in (part, _notes(part)):
        with suppress(FileNotFoundError):
            file.unlink()


def _parts(path: Path) -> list[Path]:
    """Those of which there are notes: they are written first, and go last."""
    return [notes.with_suffix("") for notes in path.parent.glob(f".{glob.escape(path.name)}.*.part.json")]


def _notes(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _read_notes(part: Path, url: str) -> dict:
    try:
        notes = json.loads(_notes(part).read_text())
        usable = notes["url"] == url and (notes["mark"] is None or re.fullmatch(r"[ -~]+", notes["mark"]))
        return notes if usable else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _size(part: Path) -> int:
    return part.stat().st_size if part.is_file() else 0
