"""Writing files so that a crash leaves the old one or the new one, never half of one."""

import hashlib
import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_atomically(path: str | Path, data: bytes) -> None:
    """Write to a temporary file beside `path`, flush it to the disk, and move it over in one step. Raises OSError."""
    path = Path(path)
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:  # unlike tempfile's, these have the usual permissions
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def write_with_sum(path: str | Path, data: bytes) -> str:
    """Write `data` and, beside it, its sha256 in the format of the `sha256sum` command. Returns the sum.

    The sum goes first: a crash between the two leaves a sum that fits no old file, which reads as damage and not as health.
    """
    path, total = Path(path), sha256_of(data)
    write_atomically(sum_file(path), f"{total}  {path.name}\n".encode())
    write_atomically(path, data)
    return total


def sum_file(path: Path) -> Path:
    return path.with_name(path.name + ".sha256")


def sum_fits(path: Path, data: bytes) -> bool:
    """Whether `data` has the sha256 written beside `path`; False when none is written there."""
    written = sum_file(path)
    return written.is_file() and written.read_text(errors="replace").split()[:1] == [sha256_of(data)]
