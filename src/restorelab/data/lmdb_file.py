"""Is an LMDB file whole? Asked of its bytes, before the library maps them.

LMDB trusts its file: it maps it, follows page numbers, and has no checksum. A file cut short kills the process (SIGBUS, no Python
exception) at the first page that is missing, and a flipped bit in the tree sends it anywhere. So two things are looked at first,
with plain reads: that the file reaches to the last page its header names, and that the pages of the tree, which are few next to the
pages of the pictures, are the ones that were written.

Layout of the file, version 1 (struct MDB_page, MDB_meta and MDB_db of mdb.c, openldap.org, 64 bit): a page begins with its number (8
bytes), 2 bytes unused, flags (2) and, on the first page of a long record, the count of pages it takes (4). Pages 0 and 1 are meta
pages: after those 16 bytes the magic number (4), the version (4), an address (8), the size of the map (8), two descriptions of
trees (48 each, the first beginning with the page size), the last page in use (8) and the transaction that wrote it (8).
"""

import hashlib
import os
import struct
import weakref
from pathlib import Path

import lmdb

from restorelab.errors import StoreError

MAGIC, VERSION = 0xBEEFC0DE, 1
META = struct.Struct("<II16x I92x QQ")  # magic, version, page size, last page, transaction
HEAD = struct.Struct("<Q2xHI")  # page number, flags, count of pages of a long record
LONG_RECORD = 0x04  # flag of the first page of a long record (P_OVERFLOW)


def check_length(file: Path) -> tuple[int, int]:
    """(page size, last page) of the newest state in the file. Raises StoreError for a file that is shorter, or is not LMDB's."""
    size = file.stat().st_size
    with open(file, "rb") as pages:
        page, *first = _meta(pages.read(HEAD.size + META.size), file)
        pages.seek(page)
        _, *second = _meta(pages.read(HEAD.size + META.size), file)
    _, last = max(first, second)
    if size < (last + 1) * page:
        raise StoreError(f"{file} is truncated: {size:,} of {(last + 1) * page:,} bytes. Copy it again, or make the store anew.")
    return page, last


def _meta(start: bytes, file: Path) -> tuple[int, int, int]:
    """(page size, transaction, last page)"""
    if len(start) < HEAD.size + META.size:
        raise StoreError(f"{file} is truncated: it ends within its header. Copy it again, or make the store anew.")
    magic, version, page, last, transaction = META.unpack_from(start, HEAD.size)
    if magic != MAGIC or version != VERSION or not 256 <= page <= 65536 or page & (page - 1):
        raise StoreError(f"{file} does not begin as an LMDB file does. Copy it again, or make the store anew.")
    return page, transaction, last


def tree_sum(file: Path) -> str:
    """blake2b over the meta pages, all pages of the tree, and the head of every long record: all that LMDB follows blindly.

    The pictures' own bytes are left out (their checksums stand in the index), so that this costs one short read per record.
    """
    page, last = check_length(file)
    digest = hashlib.blake2b(digest_size=16)
    number = 0
    with open(file, "rb", buffering=0) as pages:
        while number <= last:
            head = os.pread(pages.fileno(), HEAD.size, number * page)
            digest.update(head)
            _, flags, count = HEAD.unpack(head)
            if number > 1 and flags & LONG_RECORD:
                number += max(count, 1)
            else:
                digest.update(os.pread(pages.fileno(), page, number * page))
                number += 1
    return digest.hexdigest()


def open_database(folder: Path, tree: str) -> lmdb.Environment:
    """The database in `folder`, for reading, if its `tree_sum` is `tree`. Raises StoreError.

    A process may open a file of LMDB's once, so all who ask for the same one share it.
    """
    file = folder / "data.mdb"
    if not file.is_file():
        raise StoreError(f"{file} is missing. Copy it again, or make the store anew.")
    if tree_sum(file) != tree:
        raise StoreError(f"{file} is damaged: its pages are not as they were written. Copy it again, or make the store anew.")
    status = file.stat()
    environment = _open.get((status.st_dev, status.st_ino))
    if environment is None:
        try:
            environment = lmdb.open(str(folder), readonly=True, lock=False, readahead=False)
        except lmdb.Error as error:
            raise StoreError(f"{file} cannot be opened ({error}). Copy it again, or make the store anew.") from error
        _open[status.st_dev, status.st_ino] = environment
    return environment


_open: weakref.WeakValueDictionary[tuple[int, int], lmdb.Environment] = weakref.WeakValueDictionary()


def _close_inherited() -> None:
    """An environment must not cross a fork, and while it is open in the child, the child cannot open it for itself."""
    for environment in list(_open.values()):
        environment.close()
    _open.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_close_inherited)
