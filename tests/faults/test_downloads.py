"""Servers that lie, break off, stall and change their minds: a typed error or the right file, and no wrong one under its name.

Every case runs twice: with the small files' way (pooch, from the beginning) and the large ones' (parts kept and resumed).
"""

import hashlib
import io
import types
import zipfile

import pooch
import pytest
from download_server import PAGE, serving

from restorelab.data import fetch, resume, transport
from restorelab.data.catalog import RemoteFile
from restorelab.errors import DownloadError

SMALL, LARGE = 10**9, 0  # thresholds for resuming
TIMES = {"timeout": (2.0, 0.5), "retries": 2}


def archive(size: int = 200_000) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("a.bin", bytes(hashlib.shake_256(b"a").digest(size)))
    return written.getvalue()


DATA = archive()
SUM = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(resume, "PAUSES", (0.0,))
    monkeypatch.setattr(pooch.core, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as running:
        yield running


def file(*urls: str, **known) -> RemoteFile:
    return RemoteFile("set.zip", urls, **({"size": len(DATA), "sha256": SUM} | known))


def get(remote: RemoteFile, folder, way: int, **how) -> bytes:
    return fetch.fetch(remote, folder, resume_above=way, **(TIMES | how)).read_bytes()


def left(folder) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.name != ".lock")


@pytest.mark.parametrize("way", [SMALL, LARGE])
class TestRecovery:
    """The file comes in the end."""

    @pytest.mark.parametrize(
        "how",
        [
            {},
            {"etag": None},
            {"length": False},
            {"first": [503, 503]},
            {"first": [429]},
            {"cuts": [50_000]},
            {"cuts": [50_000, 50_000]},
            {"cuts": [50_000], "ranges": False},
            {"cuts": [50_000], "etag": None},
            {"cuts": [50_000], "etag": 'W/"weak"'},
            {"cuts": [50_000], "shift": 7},
            {"cuts": [0]},
        ],
        ids=lambda how: " ".join(how) or "good",
    )
    def test_the_file_comes(self, server, tmp_path, way, how):
        assert get(file(server.put("set.zip", DATA, **how)), tmp_path, way) == DATA
        assert left(tmp_path) == ["set.zip"]

    def test_a_mirror_takes_over(self, server, tmp_path, way):
        bad = [server.put("gone.zip", first=[404] * 9), server.put("page.zip", PAGE), server.put("other.zip", archive(100_000))]
        assert get(file(*bad, server.put("set.zip", DATA)), tmp_path, way) == DATA
        assert left(tmp_path) == ["set.zip"]

    def test_redirects_are_followed(self, server, tmp_path, way):
        server.put("set.zip", DATA)
        hop = server.put("hop.zip", redirect="/set.zip")
        assert get(file(server.put("start.zip", redirect=hop)), tmp_path, way) == DATA

    def test_what_is_there_is_not_asked_for_again(self, server, tmp_path, way):
        remote = file(server.put("set.zip", DATA))
        get(remote, tmp_path, way)
        asked = len(server.asked)
        assert get(remote, tmp_path, way) == DATA and len(server.asked) == asked


@pytest.mark.parametrize("way", [SMALL, LARGE])
@pytest.mark.parametrize(
    ("answer", "known", "words"),
    [
        ({"data": b""}, {}, "could not be downloaded"),
        ({"first": [404] * 9}, {}, "404"),
        ({"first": [403] * 9}, {}, "403"),
        ({"first": [503] * 9}, {}, "503"),
        ({"data": PAGE, "kind": "text/html"}, {}, "Quota exceeded"),
        ({"data": PAGE * 50, "kind": "application/zip"}, {"size": len(PAGE) * 50, "sha256": None}, "web page"),
        ({"data": b"%PDF-1.4" + bytes(len(DATA) - 8)}, {"sha256": None}, "does not begin like"),
        ({"data": DATA[:-1] + b"!"}, {}, "checksum|sha256"),
        ({"data": DATA}, {"sha256": None, "md5": "0" * 32}, "checksum|md5"),
        ({"data": DATA[:-1000]}, {"sha256": None}, "bytes"),
        ({"data": DATA + bytes(1000)}, {}, "bytes"),
        ({"data": DATA[:-1000], "length": False}, {"sha256": None}, "bytes"),
        ({"redirect": "http://data.example.org/set.zip"}, {"sha256": None}, "https"),
        ({"redirect": "ftp://data.example.org/set.zip"}, {}, "https"),
        ({"redirect": "file:///etc/hostname"}, {}, "https"),
        ({"redirect": "http://[::1/set.zip"}, {}, "no address"),
        ({"redirect": "http://127.0.0.1:1/set.zip"}, {}, "could not be downloaded"),
        ({"redirect": "http://127.0.0.1:99999/set.zip"}, {}, "could not be downloaded"),
        ({"redirect": "/set.zip"}, {}, "without end"),
    ],
    ids=lambda case: " ".join(case) if isinstance(case, dict) else None,
)  # fmt: skip
def test_a_useless_answer_is_an_error_and_leaves_nothing(server, tmp_path, way, answer, known, words):
    with pytest.raises(DownloadError, match=words) as error:
        get(file(server.put("set.zip", **answer), **known), tmp_path, way)
    assert left(tmp_path) == []
    assert "By hand: fetch" in str(error.value) and "--from" in str(error.value)


@pytest.mark.parametrize("way", [SMALL, LARGE])
@pytest.mark.parametrize(
    "answer", [{"cuts": [50_000] * 99, "ranges": False}, {"stall": 3.0}, {"drip": (1, 0.1)}], ids=["cut", "stalls", "crawls"]
)
def test_a_connection_that_never_gets_through_is_an_error(server, tmp_path, way, answer):
    with pytest.raises(DownloadError, match="connection|bytes came"):
        get(file(server.put("set.zip", DATA, etag=None, **answer)), tmp_path, way, retries=0)
    assert not (tmp_path / "set.zip").exists()
    if way == SMALL:
        assert left(tmp_path) == []


class TestResuming:
    def cut(self, server, folder, **how) -> RemoteFile:
        """A download that broke off after 50,000 bytes, in an earlier run."""
        remote = file(server.put("set.zip", DATA, cuts=[50_000] * 9, ranges=False, **how))
        with pytest.raises(DownloadError):
            get(remote, folder, LARGE, retries=0)
        assert len(left(folder)) == 2  # the part, and what is known of it
        server.put("set.zip", DATA, **how)
        server.asked.clear()
        return remote

    def test_a_later_run_asks_for_the_rest_only(self, server, tmp_path):
        remote = self.cut(server, tmp_path)
        seen = []
        fetch.fetch(remote, tmp_path, lambda done, everything: seen.append((done, everything)), resume_above=LARGE, **TIMES)
        assert server.asked == [("/set.zip", "bytes=50000-")]
        assert seen[0][0] > 50_000 and seen[-1] == (len(DATA), len(DATA))
        assert left(tmp_path) == ["set.zip"]

    def test_another_version_of_the_file_begins_anew(self, server, tmp_path):
        remote = self.cut(server, tmp_path, etag='"old"')
        server.put("set.zip", DATA, etag='"new"')
        assert get(remote, tmp_path, LARGE) == DATA and len(server.asked) == 1

    def test_a_total_that_changes_begins_anew(self, server, tmp_path):
        remote = self.cut(server, tmp_path)
        server.put("set.zip", DATA + b"more")
        with pytest.raises(DownloadError, match="bytes"):
            get(remote, tmp_path, LARGE)
        assert server.asked[0][1] == "bytes=50000-" and server.asked[-1][1] is None and left(tmp_path) == []

    def test_a_complete_part_answered_with_416_is_the_file(self, server, tmp_path):
        remote = self.cut(server, tmp_path)
        next(tmp_path.glob(".*.part")).write_bytes(DATA)
        assert get(remote, tmp_path, LARGE) == DATA and server.asked == [("/set.zip", f"bytes={len(DATA)}-")]

    def test_a_part_longer_than_the_file_begins_anew(self, server, tmp_path):
        remote = self.cut(server, tmp_path)
        next(tmp_path.glob(".*.part")).write_bytes(DATA + b"too much")
        assert get(remote, tmp_path, LARGE) == DATA

    def test_a_part_that_was_damaged_is_found_by_the_sum_and_fetched_anew(self, server, tmp_path):
        remote = self.cut(server, tmp_path)
        part = next(tmp_path.glob(".*.part"))
        part.write_bytes(b"PK\x03\x04" + bytes(49_996))
        assert get(remote, tmp_path, LARGE) == DATA and [range_ for _, range_ in server.asked] == ["bytes=50000-", None]

    @pytest.mark.parametrize(
        "notes", [b"", b"{", b"[]", b"null", b'{"url": "another", "mark": "x"}', b'{"url": 7}', b"mark: 7", b'mark: "a\\nb"']
    )
    def test_damaged_notes_begin_anew(self, server, tmp_path, notes):
        remote = self.cut(server, tmp_path)
        if notes.startswith(b"mark: "):
            notes = b'{"url": "%s", "mark": %s, "bytes": %d}' % (remote.urls[0].encode(), notes[6:], len(DATA))
        next(tmp_path.glob(".*.part.json")).write_bytes(notes)
        assert get(remote, tmp_path, LARGE) == DATA and server.asked[0][1] is None

    def test_every_mirror_has_a_part_of_its_own(self, server, tmp_path):
        first = self.cut(server, tmp_path)
        server.put("set.zip", first=[404] * 9)
        second = server.put("second.zip", DATA)
        assert get(file(*first.urls, second), tmp_path, LARGE) == DATA
        assert ("/second.zip", None) in server.asked and left(tmp_path) == ["set.zip"]


def test_without_https_or_a_checksum_nothing_is_asked_for(tmp_path):
    for url in ("http://data.example.org/set.zip", "ftp://data.example.org/set.zip", "file:///etc/hostname", "set.zip"):
        with pytest.raises(DownloadError, match="https"):
            get(file(url, sha256=None), tmp_path, LARGE)


def test_a_redirect_never_gives_up_encryption():
    for target in ("http://127.0.0.1/a", "http://example.org/a", "ftp://example.org/a", "//example.org:80/a".replace("//", "http://")):
        with pytest.raises(DownloadError, match="not encrypted"):
            transport.redirected("https://example.org/a", target, plain_http=True)
    assert transport.redirected("https://example.org/a", "b?c=1") == "https://example.org/b?c=1"
    assert transport.redirected("http://example.org/a", "http://cdn.example.org/a", plain_http=True) == "http://cdn.example.org/a"


def test_a_full_disk_is_noticed_before_the_download(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch.shutil, "disk_usage", lambda path: types.SimpleNamespace(free=100_000_000))
    with pytest.raises(DownloadError, match="make room"):
        get(file(server.put("set.zip", DATA)), tmp_path, SMALL)
    assert server.asked == [] and left(tmp_path) == []
