"""Stores cut short, with flipped bits, of other kinds, killed while written: a StoreError, and never a dead process.

What may kill a process (SIGBUS, SIGSEGV) runs in one of its own.
"""

import json
import multiprocessing
import os
import resource
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from restorelab.data.store import INDEX, KINDS, RAW, open_store, write_store
from restorelab.errors import StoreError
from restorelab.files import write_with_sum

DATA = {"memmap": RAW, "lmdb": "data.mdb"}


def pictures() -> list[np.ndarray]:
    """Long records in pages of their own, and short ones within the pages of LMDB's tree."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (height, 40, 3), dtype=np.uint8) for height in (40, 3, 60, 5, 50, 2)]


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture
def store(tmp_path, kind) -> Path:
    return write_store(pictures(), tmp_path / "store", kind).path


def alone(function: Callable[..., object], *words: object) -> multiprocessing.Process:
    """Start it in a process of its own: an exit code of -7 is SIGBUS, 1 an exception, whose text pytest shows."""
    process = multiprocessing.get_context("fork").Process(target=function, args=words)
    process.start()
    return process


def torture(store: Path, name: str, damage: str, step: int, notes: Path) -> None:
    """Read a store damaged in one place after the other; note how often it was told, and how often not. Then it must not matter."""
    good = [np.array(picture) for picture in open_store(store)]
    content = (store / name).read_bytes()
    told = silent = 0
    for place in range(0, len(content), step):
        bad = Path(f"{store}_{place}")
        shutil.copytree(store, bad)
        flipped = content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :]
        (bad / name).write_bytes(content[:place] if damage == "cut" else flipped)
        try:
            opened = open_store(bad)
            opened.verify()
            assert all(np.array_equal(a, b) for a, b in zip(good, opened, strict=True)), place
            silent += 1
        except StoreError as error:
            assert str(bad) in str(error) and "anew" in str(error), error
            told += 1
        shutil.rmtree(bad)
    notes.write_text(json.dumps([told, silent]))


@pytest.mark.parametrize("damage, step", [("cut", 769), ("flip", 131)])
def test_damaged_pictures_are_told_and_kill_nobody(store, kind, damage, step):
    process = alone(torture, store, DATA[kind], damage, step, store.with_name("notes"))
    process.join()
    assert process.exitcode == 0
    told, silent = json.loads(store.with_name("notes").read_text())
    assert told > 20
    assert silent == 0 or (kind, damage) == ("lmdb", "flip")  # LMDB fills pages up with bytes that nobody reads
    assert silent < 0.3 * told


def test_a_damaged_index_is_told(store):
    index = (store / INDEX).read_bytes()
    for file in (store / INDEX, store / f"{INDEX}.sha256"):
        content = file.read_bytes()
        for place in range(0, min(len(content), 64), 3):
            for bad in (content[:place], content[:place] + bytes([content[place] ^ 0x80]) + content[place + 1 :]):
                file.write_bytes(bad)
                with pytest.raises(StoreError, match="anew"):
                    open_store(store)
        file.write_bytes(content)
    for value in ([], {"format": "restorelab pictures"}, {**json.loads(index), "version": 2}, {**json.loads(index), "kind": "zarr"}):
        write_with_sum(store / INDEX, json.dumps(value).encode())
        with pytest.raises(StoreError, match="index|version"):
            open_store(store)


@pytest.mark.parametrize("content", [b"", b"not a store", b"\0" * 8192, None])
def test_another_file_in_its_place_is_told(store, kind, content):
    if content is None:
        (store / DATA[kind]).unlink()
    else:
        (store / DATA[kind]).write_bytes(content)
    with pytest.raises(StoreError, match="missing|truncated|bytes|begin"):
        open_store(store)


def test_a_flipped_bit_names_its_picture(store, kind):
    content = bytearray((store / DATA[kind]).read_bytes())
    content[content.find(pictures()[2].tobytes()) + 1000] ^= 1
    (store / DATA[kind]).write_bytes(content)
    opened = open_store(store)
    with pytest.raises(StoreError, match="1 of 6 pictures are damaged .00000002"):
        opened.verify()
    if kind == "lmdb":
        with pytest.raises(StoreError, match="00000002"):
            opened[2]
    assert np.array_equal(opened[1], pictures()[1])


def test_a_store_cut_short_after_it_was_opened_is_told_by_verify(store, kind):
    opened = open_store(store)
    content = (store / DATA[kind]).read_bytes()
    (store / DATA[kind]).write_bytes(content[: len(content) // 2])
    with pytest.raises(StoreError, match="truncated|damaged"):
        opened.verify()


def write_slowly(path: Path, kind: str) -> None:
    write_store([np.zeros((64, 64, 3), np.uint8)] * 1000, path, kind, lambda done, all: time.sleep(0.02), overwrite=True)


def test_killed_while_writing_leaves_the_old_one(store, kind):
    process = alone(write_slowly, store, kind)
    while len(list(store.parent.iterdir())) < 2:
        time.sleep(0.01)
    time.sleep(0.1)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert len(open_store(store)) == 6
    (left,) = (path for path in store.parent.iterdir() if path != store)
    assert left.name.startswith(".") and left.name.endswith(".tmp")
    with pytest.raises(StoreError, match="not a store"):
        open_store(left)


def fill_the_disk(path: Path, kind: str) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
    with pytest.raises(StoreError, match="room"):
        write_store([np.zeros((64, 64, 3), np.uint8)] * 100, path, kind)


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, kind):
    process = alone(fill_the_disk, tmp_path / "store", kind)
    process.join()
    assert process.exitcode == 0
    assert not list(tmp_path.iterdir())
