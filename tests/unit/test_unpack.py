"""Archives come out as they went in, at once or not at all."""

import io
import tarfile
import zipfile

import pytest

from restorelab.data.unpack import Limits, building, extract, is_archive, unpack
from restorelab.errors import ArchiveError

FILES = {"set/train/a.png": b"a" * 3000, "set/train/\u00e4\u4f8b b.png": b"", "set/readme": b"text", "top.txt": b"top"}
MODES = {".tar": "w", ".tar.gz": "w:gz", ".tgz": "w:gz", ".tar.xz": "w:xz", ".tar.bz2": "w:bz2"}


def pack(path, files=FILES, folders=("./", "set/", "set/empty/")) -> None:
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in folders[1:]:
                archive.mkdir(name)
            for name, data in files.items():
                archive.writestr(name, data)
        return
    with tarfile.open(path, MODES["".join(path.suffixes)]) as archive:
        for name in folders:
            info = tarfile.TarInfo(name)
            info.type = tarfile.DIRTYPE
            archive.addfile(info)
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(data), 0o6777
            archive.addfile(info, io.BytesIO(data))


def contents(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("suffix", [".zip", *MODES])
def test_what_was_packed_comes_out(tmp_path, suffix):
    archive = tmp_path / f"a{suffix}"
    pack(archive)
    seen = []
    unpack(archive, tmp_path / "out", lambda done, everything: seen.append((done, everything)))
    assert contents(tmp_path / "out") == FILES
    assert seen == [(number, 4) for number in range(1, 5)]
    assert {path.name for path in tmp_path.iterdir()} == {archive.name, "out"}
    assert not any(path.stat().st_mode & 0o6111 for path in (tmp_path / "out").rglob("*") if path.is_file())  # nothing executable


@pytest.mark.parametrize("suffix", [".zip", ".tar"])
def test_what_desktops_add_is_left_out(tmp_path, suffix):
    archive = tmp_path / f"a{suffix}"
    pack(archive, FILES | {"__MACOSX/set/._a.png": b"x", "set/.DS_Store": b"x", "set/._readme": b"x", "set/Thumbs.db": b"x"})
    unpack(archive, tmp_path / "out")
    assert contents(tmp_path / "out") == FILES


def test_a_folder_that_is_there_is_never_written_into(tmp_path):
    pack(tmp_path / "a.zip")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(ArchiveError, match="there already"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert contents(tmp_path / "out") == {"mine.txt": b"mine"}


def test_what_a_killed_run_left_is_removed_first(tmp_path):
    pack(tmp_path / "a.zip")
    (tmp_path / ".out.unpacking" / "set").mkdir(parents=True)
    (tmp_path / ".out.unpacking" / "top.txt").write_text("half")
    unpack(tmp_path / "a.zip", tmp_path / "out")
    assert contents(tmp_path / "out") == FILES and not (tmp_path / ".out.unpacking").exists()


def test_a_block_that_fails_leaves_nothing(tmp_path):
    pack(tmp_path / "a.zip")
    for failure in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(failure), building(tmp_path / "out") as folder:
            extract(tmp_path / "a.zip", folder)
            raise failure
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_the_name_is_given_in_one_step_or_not_at_all(tmp_path, monkeypatch):
    pack(tmp_path / "a.zip")

    def refused(*_) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("restorelab.data.unpack.os.replace", refused)
    with pytest.raises(ArchiveError, match="Input/output error"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_two_archives_in_one_folder_must_not_share_a_file(tmp_path):
    pack(tmp_path / "a.zip")
    pack(tmp_path / "b.tar", {"other.txt": b"b"})
    with building(tmp_path / "out") as folder:
        extract(tmp_path / "a.zip", folder)
        extract(tmp_path / "b.tar", folder)
    assert contents(tmp_path / "out") == FILES | {"other.txt": b"b"}
    with pytest.raises(ArchiveError, match="a.png is there already"), building(tmp_path / "again") as folder:
        extract(tmp_path / "a.zip", folder)
        extract(tmp_path / "a.zip", folder)
    assert not (tmp_path / "again").exists()


def test_limits_are_what_they_say(tmp_path):
    pack(tmp_path / "a.zip")
    sizes = sum(map(len, FILES.values()))
    unpack(tmp_path / "a.zip", tmp_path / "out", limits=Limits(members=6, size=sizes))
    for limits in (Limits(members=5), Limits(size=sizes - 1), Limits(ratio=0.5)):
        with pytest.raises(ArchiveError, match="too many|a bomb"):
            unpack(tmp_path / "a.zip", tmp_path / "other", limits=limits)


def test_a_missing_archive_and_another_kind_are_answered_with_a_sentence(tmp_path):
    with pytest.raises(ArchiveError, match="no archive"):
        unpack(tmp_path / "nothing.zip", tmp_path / "out")
    (tmp_path / "a.7z").write_bytes(b"7z")
    with pytest.raises(ArchiveError, match="those are .zip"):
        unpack(tmp_path / "a.7z", tmp_path / "out")
    assert is_archive("A.TAR.GZ") and not is_archive("a.png")
