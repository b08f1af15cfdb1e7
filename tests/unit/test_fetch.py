"""One file from a server of the test's own; how it goes wrong is in tests/faults/test_downloads.py."""

import hashlib
import threading
import types

import filelock
import pytest
from download_server import serving

from restorelab.data import fetch
from restorelab.data.catalog import RemoteFile
from restorelab.data.sums import md5_of_folder, sum_of
from restorelab.errors import DownloadError

DATA = bytes(range(256)) * 1000


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


@pytest.mark.parametrize("resume_above", [10**9, 0])
@pytest.mark.parametrize(
    "known", [{}, {"size": len(DATA)}, {"sha256": hashlib.sha256(DATA).hexdigest()}, {"md5": hashlib.md5(DATA).hexdigest()}]
)
def test_it_is_fetched_with_progress_and_once(server, tmp_path, resume_above, known):
    remote, seen = RemoteFile("a/b/data.bin", (server.put("data", DATA),), **known), []
    for _ in range(2):
        path = fetch.fetch(remote, tmp_path, lambda done, everything: seen.append((done, everything)), resume_above=resume_above)
        assert path == tmp_path / "a" / "b" / "data.bin" and path.read_bytes() == DATA
    assert len(server.asked) == 1
    assert seen[-1] == (len(DATA), len(DATA)) and [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_file_brought_by_hand_is_taken_when_it_is_the_one(tmp_path):
    (tmp_path / "data.bin").write_bytes(DATA)
    remote = RemoteFile("data.bin", sha256=hashlib.sha256(DATA).hexdigest(), size=len(DATA))
    assert fetch.fetch(remote, tmp_path) == tmp_path / "data.bin"


@pytest.mark.parametrize(
    ("known", "words"),
    [({"sha256": "0" * 64}, "sha256 is"), ({"md5": "0" * 32}, "md5 is"), ({"size": 7}, "256,000 bytes, not 7")],
)
def test_a_wrong_file_in_its_place_is_an_error_and_stays_for_a_look(tmp_path, known, words):
    (tmp_path / "data.bin").write_bytes(DATA)
    with pytest.raises(DownloadError, match=words):
        fetch.fetch(RemoteFile("data.bin", ("https://example.org/never-asked",), **known), tmp_path)
    assert (tmp_path / "data.bin").exists()


def test_a_file_that_no_script_can_fetch_says_what_to_do(tmp_path):
    with pytest.raises(DownloadError) as error:
        fetch.fetch(RemoteFile("data.bin", drive_id="some-id"), tmp_path)
    assert "https://drive.google.com/file/d/some-id/view" in str(error.value) and str(tmp_path) in str(error.value)


def test_one_writer_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "LOCK_WAIT", 0.1)
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(DownloadError, match="another process"):
        fetch.fetch(RemoteFile("data.bin"), tmp_path)


def test_a_folder_that_cannot_be_made_is_answered_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch.fetch(RemoteFile("data.bin"), tmp_path / "file" / "folder")


def test_what_a_killed_run_left_of_a_file_in_a_folder_below_is_removed(server, tmp_path):
    """A killed process runs no `finally`: what it left lies where the next run looks."""
    remote, seen = RemoteFile("a/b/data.bin", (server.put("data", DATA),), size=len(DATA)), []

    def look(*_) -> None:
        seen.extend(path.parent for path in tmp_path.rglob("tmp*"))

    fetch.fetch(remote, tmp_path, look)
    assert set(seen) == {tmp_path / fetch.STAGING}
    (tmp_path / fetch.STAGING).mkdir()
    (tmp_path / fetch.STAGING / "tmp123").write_bytes(b"half")
    fetch.fetch(remote, tmp_path)
    assert not (tmp_path / fetch.STAGING).exists()


def test_ctrl_c_leaves_no_half_file(server, tmp_path):
    remote = RemoteFile("data.bin", (server.put("data", DATA, drip=(10_000, 0.01)),), size=len(DATA))

    def stop(done: int, everything: int | None) -> None:
        raise KeyboardInterrupt

    before = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        fetch.fetch(remote, tmp_path, stop)
    assert [path.name for path in tmp_path.iterdir()] == [".lock"]
    assert threading.active_count() <= before + 1, "the server's, which may still be sending"


def test_a_disk_that_fills_up_on_the_way_is_an_error(server, tmp_path, monkeypatch):
    remote = RemoteFile("data.bin", (server.put("data", DATA),))

    def full(*_) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(fetch.resume, "os", types.SimpleNamespace(fsync=full))
    with pytest.raises(DownloadError, match="No space left"):
        fetch.fetch(remote, tmp_path)
    assert not (tmp_path / "data.bin").exists()


def test_sums_agree_with_hashlib(tmp_path):
    (tmp_path / "b").write_bytes(DATA)
    (tmp_path / "a").write_bytes(b"")
    assert sum_of(tmp_path / "b") == hashlib.sha256(DATA).hexdigest()
    words = hashlib.md5(b"").hexdigest() + hashlib.md5(DATA).hexdigest()
    assert md5_of_folder(tmp_path) == hashlib.md5(words.encode()).hexdigest()


def test_sizes_read_like_sizes():
    assert [fetch.gigabytes(size) for size in (0, 999, 1500, 2_500_000, 8.9e9)] == ["0 bytes", "999 bytes", "1.5 kB", "2.5 MB", "8.9 GB"]
