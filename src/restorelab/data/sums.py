"""Checksums of files and folders, read in pieces."""

import hashlib
from pathlib import Path


def sum_of(path: Path, kind: str = "sha256") -> str:
    with open(path, "rb") as opened:
        return hashlib.file_digest(opened, kind).hexdigest()


def md5_of_folder(folder: Path) -> str:
    """deepinv's: md5 over the hex md5 sums of the files, in the order of their names."""
    total = hashlib.md5()
    for path in sorted(folder.iterdir()):
        total.update(sum_of(path, "md5").encode())
    return total.hexdigest()
