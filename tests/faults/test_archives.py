"""Archives made to do harm: each is refused with an ArchiveError, nothing is written outside the folder, and nothing is left over."""

import bz2
import gzip
import io
import lzma
import os
import random
import stat
import struct
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from restorelab.data.unpack import Limits, unpack
from restorelab.errors import ArchiveError

NOISE = random.Random(0).randbytes(30_000)  # does not shrink
LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"  # what the parts of a zip begin with
LIMITS = Limits(members=100, size=2_000_000)


def zipped(*names: str, data: bytes = b"data", change: Callable[[zipfile.ZipInfo], None] = lambda info: None) -> bytes:
    """A zip of files called `names`, after a good one."""
    written = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:  # of duplicates
        archive.writestr("good.txt", NOISE)
        for name in names:
            info = zipfile.ZipInfo("placeholder")
            info.filename, info.compress_type = name, zipfile.ZIP_DEFLATED  # past what the constructor would tidy
            change(info)
            archive.writestr(info, data)
    return written.getvalue()


def mode(bits: int) -> Callable[[zipfile.ZipInfo], None]:
    def change(info: zipfile.ZipInfo) -> None:
        info.create_system, info.external_attr = 3, (bits | 0o777) << 16

    return change


def tarred(*names: str, data: bytes = b"data", kind: bytes = tarfile.REGTYPE, target: str = "", format: int = tarfile.GNU_FORMAT) -> bytes:
    """A tar of members called `names`, after a good file."""
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w", format=format) as archive:
        for name in ("good.txt", *names):
            info = tarfile.TarInfo(name)
            content = NOISE if name == "good.txt" else data if kind == tarfile.REGTYPE else b""
            info.size = len(content)
            if name != "good.txt":
                info.type, info.linkname = kind, target
            archive.addfile(info, io.BytesIO(content))
    return written.getvalue()


def header(name: str, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.type = size, kind
    return info.tobuf(tarfile.GNU_FORMAT)


def patched(data: bytes, signature: bytes, offset: int, value: bytes, number: int = -1) -> bytes:
    """`value` written `offset` bytes after the last (or another) place where `signature` stands."""
    places = [place for place in range(len(data)) if data.startswith(signature, place)]
    place = places[number] + offset
    return data[:place] + value + data[place + len(value) :]


def quoted() -> bytes:
    """Fifield's bomb with two members: the bytes of the first are the second, header and all, and each is valid by itself."""
    inner = zip_of("b.bin", NOISE)
    outer = zip_of("a.bin", inner[: inner.rindex(CENTRAL)])
    entry = patched(inner[inner.rindex(CENTRAL) : inner.rindex(END)], CENTRAL, 42, struct.pack("<I", 30 + len("a.bin")))
    central, end = outer.rindex(CENTRAL), outer.rindex(END)
    counts = struct.pack("<HHI", 2, 2, end - central + len(entry))
    return outer[:end] + entry + patched(outer[end:], END, 8, counts)


def zip_of(name: str, data: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.writestr(name, data)
    return written.getvalue()


def only_folders() -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.mkdir("folder")
    return written.getvalue()


GOOD = zipped("folder/file.bin", data=b"content" * 100)
LONG = "a" * 254 + "/"
HOSTILE_NAMES = {
    "parent": "../evil.txt",
    "parent_inside": "a/../../evil.txt",
    "parent_at_the_end": "a/..",
    "absolute": "/evil.txt",
    "absolute_twice": "//evil.txt",
    "backslash_parent": "..\\evil.txt",
    "backslash": "a\\b.txt",
    "drive": "C:/evil.txt",
    "drive_relative": "C:evil.txt",
    "stream": "good.txt:hidden",
    "full_width_solidus": "..\uff0fevil.txt",
    "dot_leaders": "\u2025/evil.txt",
    "line_end": "evil\n.txt",
    "escape": "\x1b[2Jevil.txt",
    "right_to_left": "evil\u202egnp.exe",
    "device": "con.txt",
    "device_folder": "aux/x.txt",
    "trailing_dot": "evil.txt.",
    "trailing_blank": "evil /x.txt",
    "long_part": "a" * 256,
    "long": LONG * 4 + "b",
    "deep": "a/" * 60 + "b",
    "same": "good.txt",
    "same_but_for_case": "GOOD.TXT",
    "same_but_for_composition": "g\uff4f\uff4fd.txt",
    "file_as_folder": "good.txt/evil.txt",
}
ZIPS = {
    "symlink": zipped("link", data=b"/etc/passwd", change=mode(stat.S_IFLNK)),
    "fifo": zipped("fifo", change=mode(stat.S_IFIFO)),
    "device": zipped("device", change=mode(stat.S_IFBLK)),
    "encrypted": patched(patched(GOOD, CENTRAL, 8, b"\x01\x00"), LOCAL, 6, b"\x01\x00"),
    "unknown_method": patched(patched(GOOD, CENTRAL, 10, b"\x63\x00"), LOCAL, 8, b"\x63\x00"),
    "bomb_by_ratio": zipped("zeros.bin", data=bytes(20_000_000)),
    "bomb_by_size": zipped(*(f"{number}.bin" for number in range(80)), data=NOISE),
    "bomb_by_number": zipped(*(f"{number}.txt" for number in range(101))),
    "understated_size": patched(GOOD, CENTRAL, 24, struct.pack("<I", 5)),
    "overstated_size": patched(GOOD, CENTRAL, 24, struct.pack("<I", 5000)),
    "overlapping": quoted(),
    "other_name_inside": patched(GOOD, LOCAL, 30, b"F"),
    "flipped_bit": patched(GOOD, b"good.txt", 2000, b"\xff\xfe", number=0),
    "truncated": GOOD[:-30],
    "empty_archive": b"PK\x05\x06" + bytes(18),
    "only_folders": only_folders(),
    "empty_file": b"",
    "text": b"this is no archive" * 100,
}  # fmt: skip
TARS = {
    "symlink": tarred("link", kind=tarfile.SYMTYPE, target="/etc/passwd"),
    "symlink_inside": tarred("link", kind=tarfile.SYMTYPE, target="good.txt"),
    "link_then_through_it": tarred("link", "link/evil.txt", kind=tarfile.SYMTYPE, target=".."),
    "hardlink": tarred("link", kind=tarfile.LNKTYPE, target="good.txt"),
    "hardlink_outside": tarred("link", kind=tarfile.LNKTYPE, target="../outside.txt"),
    "fifo": tarred("fifo", kind=tarfile.FIFOTYPE),
    "character_device": tarred("device", kind=tarfile.CHRTYPE),
    "block_device": tarred("device", kind=tarfile.BLKTYPE),
    "sparse": tarred("sparse", kind=tarfile.GNUTYPE_SPARSE),
    "unknown_kind": tarred("what", kind=b"Z", target="x"),
    "bomb_by_size": tarred(*(f"{number}.bin" for number in range(80)), data=NOISE),
    "bomb_by_number": tarred(*(f"{number}.txt" for number in range(101))),
    "claims_a_terabyte": header("huge.bin", 2**40) + bytes(5000),
    "absurd_long_name": header("././@LongLink", 2**34, tarfile.GNUTYPE_LONGNAME) + bytes(5000),
    "absurd_pax_header": header("x", 2**34, tarfile.XHDTYPE) + bytes(5000),
    "truncated_in_a_file": tarred("a.bin", data=NOISE)[:40_000],
    "truncated_between_files": tarred("a.bin", data=NOISE)[: 512 + 30_208],
    "nonsense_between_files": (lambda data: data[: 512 + 30_208] + os.urandom(512) + data[512 + 30_720 :])(tarred("a.bin", data=NOISE)),
    "empty_archive": bytes(10_240),
    "empty_file": b"",
    "text": b"this is no archive" * 100,
}
CASES = (
    {f"zip-{name}.zip": zipped(path) for name, path in HOSTILE_NAMES.items()}
    | {f"tar-{name}.tar": tarred(path) for name, path in HOSTILE_NAMES.items()}
    | {f"zip-{name}.zip": data for name, data in ZIPS.items()}
    | {f"tar-{name}.tar": data for name, data in TARS.items()}
    | {
        "tar-undecodable.tar": tarred("\udcff\udcfe.txt"),
        "zip-null.zip": patched(patched(zipped("evilx.txt"), b"evilx.txt", 4, b"\0"), b"evilx.txt", 4, b"\0"),
        "gz-bomb.tar.gz": gzip.compress(header("zeros.bin", 50_000_000) + bytes(50_000_000)),
        "gz-bomb-header.tar.gz": gzip.compress(header("x", 50_000_000, tarfile.XHDTYPE) + bytes(50_000_000)),
        "gz-bomb-behind-the-end.tar.gz": gzip.compress(tarred("fine.txt") + bytes(50_000_000)),
        "gz-truncated.tar.gz": gzip.compress(tarred("a.bin", data=NOISE))[:-500],
        "gz-flipped.tar.gz": patched(gzip.compress(tarred("a.bin", data=NOISE)), b"\x1f\x8b", 20_000, b"\xaa\xbb\xcc"),
        "xz-truncated.tar.xz": lzma.compress(tarred("a.bin", data=NOISE))[:-500],
        "xz-symlink.tar.xz": lzma.compress(TARS["symlink"]),
        "bz2-truncated.tar.bz2": bz2.compress(tarred("a.bin", data=NOISE))[:-500],
        "bz2-nonsense.tar.bz2": b"BZh9" + NOISE,
        "gz-not-gzip.tar.gz": tarred("a.bin"),
        "unknown.rar": b"Rar!\x1a\x07\x00" + NOISE,
    }
)


@pytest.fixture
def arena(tmp_path):
    """A folder to unpack in, with a file beside it that nothing may touch."""
    (tmp_path / "outside.txt").write_text("outside")
    (tmp_path / "arena").mkdir()
    return tmp_path / "arena"


def everything(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


@pytest.mark.parametrize("name", CASES)
def test_a_hostile_archive_is_refused_and_leaves_no_trace(arena, name):
    (arena / name).write_bytes(CASES[name])
    before = everything(arena.parent)
    with pytest.raises(ArchiveError) as error:
        unpack(arena / name, arena / "out", limits=LIMITS)
    assert everything(arena.parent) == before
    assert len(str(error.value)) > 20 and not any(ord(sign) < 32 for sign in str(error.value))


@pytest.mark.parametrize(("name", "path"), HOSTILE_NAMES.items())
def test_the_error_names_the_member(arena, name, path):
    (arena / "a.zip").write_bytes(zipped(path))
    with pytest.raises(ArchiveError) as error:
        unpack(arena / "a.zip", arena / "out")
    assert repr(path)[1:60].rstrip("'") in str(error.value)


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz", ".tar.xz", ".tar.bz2"])
def test_damage_anywhere_is_an_archive_error_or_harmless(arena, suffix):
    """Bits flipped and ends cut at random: the right files, files of the right size (a tar has no checksums), or an ArchiveError."""
    packed = GOOD if suffix == ".zip" else tarred("folder/file.bin", data=b"content" * 100)
    whole = {".tar.gz": gzip.compress, ".tar.xz": lzma.compress, ".tar.bz2": bz2.compress}.get(suffix, bytes)(packed)
    chance, archive, refused = random.Random(1), arena / f"a{suffix}", 0
    before = None
    for number in range(100):
        data = bytearray(whole)
        if number % 3:
            for _ in range(chance.choice((1, 4))):
                place = chance.randrange(len(data)) if number % 2 else chance.choice((chance.randrange(600), -1 - chance.randrange(300)))
                data[place] ^= 1 << chance.randrange(8)
        else:
            data = data[: chance.randrange(len(data))]
        archive.write_bytes(data)
        before = before or set(everything(arena.parent))
        try:
            unpack(archive, arena / f"out{number}", limits=LIMITS)
        except ArchiveError:
            refused += 1
            assert set(everything(arena.parent)) == before
        else:
            for path in (arena / f"out{number}").rglob("*"):
                assert path.is_dir() or path.stat().st_size in (30_000, 700)
            assert (arena / f"out{number}").is_dir()
            before = set(everything(arena.parent))
    assert refused > 30
