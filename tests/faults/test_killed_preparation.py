"""kill -9 while a set is downloaded, unpacked, finished or described: the next run finishes it, and everything verifies."""

import hashlib
import io
import json
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
from download_server import serving

from restorelab.data import prepare, prepared
from restorelab.data.catalog import DataSet, RemoteFile
from restorelab.data.folders import FilePair

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="kills the POSIX way")

CODE = """
import json, pathlib, sys, time, types
root, url, size, total, moment, resume_above = json.loads(sys.argv[1])
fake = types.ModuleType("restorelab.data.layouts")  # the real one imports torch, which takes longer than everything here
fake.find_pairs = lambda name, folder: {"test": sorted(pathlib.Path(folder).glob("toy/*.png"))}
sys.modules["restorelab.data.layouts"] = fake
from restorelab.data import prepare
from restorelab.data.catalog import DataSet, RemoteFile

def here(what, done):
    if what == moment:
        print("here", flush=True)
        time.sleep(60)

def progress(what, done, everything):
    if done >= everything / 2:
        here(what.split()[0], done)

def finish(folder, progress):
    (folder / "made.txt").write_text("half")
    here("finishing", 0)
    (folder / "made.txt").write_text("whole")

file = RemoteFile("toy.zip", (url,), size=size, sha256=total)
dataset = DataSet("toy", "Toy", (file,), "CC0", "Nobody 2026", "https://example.org", "here", pairs={"test": 8})
prepare.prepare(dataset, root, progress=progress, finish=finish, resume_above=resume_above)
print("done", flush=True)
"""


def archive() -> bytes:
    chance, written = random.Random(0), io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        for number in range(8):
            opened.writestr(f"toy/{number}.png", chance.randbytes(100_000))
    return written.getvalue()


DATA = archive()


def start(root: Path, url: str, moment: str, resume_above: int) -> subprocess.Popen:
    arguments = json.dumps([str(root), url, len(DATA), hashlib.sha256(DATA).hexdigest(), moment, resume_above])
    environment = os.environ | {"NO_PROXY": "127.0.0.1"}
    return subprocess.Popen([sys.executable, "-c", CODE, arguments], stdout=subprocess.PIPE, text=True, env=environment)


def kill_when(root: Path, url: str, moment: str, resume_above: int) -> None:
    process = start(root, url, moment, resume_above)
    assert process.stdout.readline() == "here\n", f"it never came to {moment}"
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.mark.parametrize(
    ("moments", "resume_above"),
    [
        (["downloading"], 10**9),
        (["downloading"], 0),
        (["unpacking"], 10**9),
        (["finishing"], 10**9),
        (["writing"], 10**9),
        (["downloading", "unpacking", "finishing", "writing"], 0),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else ("parts" if value == 0 else "whole"),
)
def test_a_killed_preparation_is_finished_by_the_next_run(server, tmp_path, monkeypatch, moments, resume_above):
    url = server.put("toy.zip", DATA)
    for moment in moments:
        kill_when(tmp_path, url, moment, resume_above)
        assert not (tmp_path / "toy" / "manifest.json").exists()
        assert (tmp_path / "toy").exists() == (moment in ("finishing", "writing"))  # under its name when it is complete, not before
    made = finish(tmp_path, url, resume_above, monkeypatch)
    made.verify()
    assert made.splits == {"test": 8} and (tmp_path / "toy" / "made.txt").read_text() == "whole"
    with zipfile.ZipFile(io.BytesIO(DATA)) as opened:
        assert all((tmp_path / "toy" / name).read_bytes() == opened.read(name) for name in opened.namelist())
    assert sorted(made.manifest["files"]) == ["made.txt", *(f"toy/{number}.png" for number in range(8))]
    assert {path.name for path in tmp_path.iterdir()} == {".toy.lock", "downloads", "toy"}
    assert {path.name for path in (tmp_path / "downloads" / "toy").iterdir()} == {".lock", "toy.zip"}
    if resume_above == 0:
        first, second = [int((range_ or "bytes=0-")[6:-1]) for _, range_ in server.asked]
        assert first == 0 and second > 0  # the second run asked for the rest


def finish(root: Path, url: str, resume_above: int, monkeypatch) -> prepared.PreparedSet:
    """The last run, in this process."""

    def found(layout: str, folder: Path) -> dict[str, list[FilePair]]:
        return {"test": [FilePair(path.stem, None, path) for path in sorted(folder.glob("toy/*.png"))]}

    monkeypatch.setattr(prepare, "find_splits", found)
    monkeypatch.setattr(prepared, "find_splits", found)
    file = RemoteFile("toy.zip", (url,), size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())
    dataset = DataSet("toy", "Toy", (file,), "CC0", "Nobody 2026", "https://example.org", "here", pairs={"test": 8})
    return prepare.prepare(dataset, root, finish=lambda folder, _: (folder / "made.txt").write_text("whole"), resume_above=resume_above)


def test_two_at_once_do_not_meet(server, tmp_path, monkeypatch):
    url = server.put("toy.zip", DATA)
    first = start(tmp_path, url, "unpacking", 10**9)
    try:
        assert first.stdout.readline() == "here\n"
        monkeypatch.setattr(prepare, "LOCK_WAIT", 0.1)
        began = time.monotonic()
        with pytest.raises(prepare.DataError, match="another process"):
            finish(tmp_path, url, 10**9, monkeypatch)
        assert time.monotonic() - began < 10
    finally:
        first.kill()
        first.wait()
        first.stdout.close()
    finish(tmp_path, url, 10**9, monkeypatch).verify()
