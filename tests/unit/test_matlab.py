"""Pictures inside MATLAB's files: the right pixels from the right place, and a DataError for every file that is not what it should be."""

import pickle
import struct
import zlib
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from mat_files import write_blocks, write_dnd_set, write_info, write_v73

from restorelab.data import matlab
from restorelab.data.folders import FolderPairs, PairedCrops, load_picture
from restorelab.data.layouts import find_pairs
from restorelab.data.lint import check_folder
from restorelab.data.submission import write_dnd
from restorelab.errors import DataError

NOISY, CLEAN = "ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"
BOXES = [np.array([[1, 1, 5, 7], [3, 10, 12, 20]]), np.array([[2, 5, 9, 6]])]  # top, left, bottom, right, from 1, ends included


def pictures() -> list[np.ndarray]:
    """Of 12x20 and 9x14 pixels: taken for columns, rows would come out wrong or not at all."""
    rng = np.random.default_rng(0)
    return [rng.random((height, width, 3)).astype(np.float32) for height, width in ((12, 20), (9, 14))]


def block_arrays() -> tuple[np.ndarray, np.ndarray]:
    """2 x 3 blocks of 24x16 pixels: (noisy, clean). Clean ones have edges, for the linter to see no shift in."""
    rng = np.random.default_rng(1)
    clean = np.kron(rng.integers(30, 220, (2, 3, 6, 4, 3)), np.ones((1, 1, 4, 4, 1))).astype(np.uint8)
    return (clean + rng.integers(0, 20, clean.shape)).astype(np.uint8), clean


@pytest.fixture
def sidd(tmp_path):
    for name, array in zip((NOISY, CLEAN), block_arrays(), strict=True):
        write_blocks(tmp_path, name, array)
    return tmp_path


@pytest.fixture
def dnd(tmp_path):
    return write_dnd_set(tmp_path, pictures(), BOXES)


def test_boxes_of_dnd_are_what_matlab_would_cut_out(dnd):
    found = find_pairs("dnd", dnd)["test"]
    assert [pair.name for pair in found] == ["0001_01", "0001_02", "0002_01"] and all(pair.clean is None for pair in found)
    first, second = pictures()
    expected = [first[0:5, 0:7], first[2:12, 9:20], second[1:9, 4:6]]  # info(i).boundingboxes in MATLAB: bb(1):bb(3), bb(2):bb(4)
    for pair, box in zip(found, expected, strict=True):
        loaded = load_picture(pair.degraded)
        assert loaded.dtype == torch.float32 and torch.equal(loaded, torch.from_numpy(box.transpose(2, 0, 1)))
        assert load_picture(pickle.loads(pickle.dumps(pair.degraded))).equal(loaded)  # as a worker gets it


def test_a_struct_array_of_one_column_or_one_row_gives_the_same_boxes(dnd):
    with h5py.File(dnd / "info.mat", "r+") as file:
        references = file["info/boundingboxes"][()]
        del file["info/boundingboxes"]
        file.create_dataset("info/boundingboxes", data=references.T, dtype=h5py.ref_dtype)
    assert matlab.boxes(dnd / "info.mat") == [[tuple(box) for box in boxes.tolist()] for boxes in BOXES]


def test_only_the_box_is_read_of_a_large_picture(tmp_path):
    """A picture that claims 30 GB, of which one piece exists; HDF5 would show zeros for the others."""
    with h5py.File(tmp_path / "0001.mat", "w") as file:
        file.create_dataset("InoisySRGB", (3, 50_000, 50_000), "f4", chunks=(3, 64, 64), compression="gzip")[:, 64:128, 128:192] = 0.5
    inside = matlab.load(matlab.box_path(tmp_path / "0001.mat", (129, 65, 192, 128)))
    assert inside.shape == (3, 64, 64) and (inside == 0.5).all()
    with pytest.raises(DataError, match="lacks a piece"):
        matlab.load(matlab.box_path(tmp_path / "0001.mat", (129, 65, 193, 128)))


def test_dnd_has_nothing_to_score_and_says_so(dnd):
    with pytest.raises(DataError, match="0001_01 has no clean picture"):
        FolderPairs(find_pairs("dnd", dnd)["test"])


def test_a_submission_is_what_the_server_takes(dnd, tmp_path):
    told = []
    files = write_dnd(dnd, lambda noisy: noisy * 2 - 0.2, tmp_path / "out", lambda done, all: told.append((done, all)))
    assert [file.name for file in files] == ["0001.mat", "0002.mat"] and told == [(1, 3), (2, 3), (3, 3)]
    first = scipy.io.loadmat(files[0])
    assert first["Idenoised"].shape == (1, 2) and not first["israw"].item() and first["eval_version"].item() == "1.0"
    restored = first["Idenoised"][0, 1]
    assert restored.dtype == np.float32 and np.allclose(restored, (pictures()[0][2:12, 9:20] * 2 - 0.2).clip(0, 1), atol=1e-6)
    with pytest.raises(DataError, match="0001_01: what came back"):
        write_dnd(dnd, lambda noisy: noisy[:, 1:], tmp_path / "other")


def test_a_submission_of_boxes_of_one_size_is_a_cell_array_too(tmp_path):
    folder = write_dnd_set(tmp_path / "set", pictures()[:1], [np.array([[1, 1, 5, 7], [2, 2, 6, 8]])])
    (file,) = write_dnd(folder, lambda noisy: noisy, tmp_path / "out")
    cells = scipy.io.loadmat(file)["Idenoised"]
    assert cells.dtype == object and cells.shape == (1, 2) and cells[0, 1].shape == (5, 7, 3)


def test_blocks_of_sidd_are_pairs_like_any_other(sidd):
    noisy, clean = block_arrays()
    found = find_pairs("sidd", sidd)["validation/blocks"]
    assert [pair.name for pair in found] == [f"{row:04d}_{column:02d}" for row in (1, 2) for column in (1, 2, 3)]
    pairs = FolderPairs(found)
    assert len(pairs) == 6
    for number, pair in enumerate(pairs):
        place = divmod(number, 3)
        assert torch.equal(pair.degraded, torch.from_numpy(noisy[place].transpose(2, 0, 1)).float() / 255)
        assert torch.equal(pair.clean, torch.from_numpy(clean[place].transpose(2, 0, 1)).float() / 255)
    degraded, target = PairedCrops(found, crop=8, seed=0)[5]
    assert degraded.shape == target.shape == (3, 8, 8) and 0 < (degraded - target).abs().mean() < 0.1


@pytest.mark.parametrize("compressed", [True, False])
def test_blocks_are_read_compressed_or_not(tmp_path, compressed):
    array = block_arrays()[0]
    file = write_blocks(tmp_path, NOISY, array, compressed)
    assert np.array_equal(matlab.load(matlab.blocks(file)[4]).mul(255).round().numpy(), array[1, 1].transpose(2, 0, 1))


def test_a_file_that_took_the_place_of_another_is_read_anew(tmp_path):
    array = block_arrays()[0]
    (first, *_) = matlab.blocks(write_blocks(tmp_path, NOISY, array))
    before = matlab.load(first)
    write_blocks(tmp_path, NOISY, array // 2)
    assert torch.equal((before * 255).int() // 2, (matlab.load(first) * 255).round().int())


def test_blocks_of_the_benchmark_are_listed_without_clean_ones(sidd):
    write_blocks(sidd, "BenchmarkNoisyBlocksSrgb", block_arrays()[0])
    found = find_pairs("sidd", sidd)
    assert set(found) == {"validation/blocks", "test/blocks"} and found["test/blocks"][5].clean is None
    assert load_picture(found["test/blocks"][5].degraded).shape == (3, 24, 16)


def test_the_linter_looks_into_matlab_files(sidd):
    assert check_folder(sidd, set_name="sidd") == []
    write_blocks(sidd, CLEAN, block_arrays()[0])  # the input is the target
    assert [finding.kind for finding in check_folder(sidd, set_name="sidd")] == ["identical"]


@pytest.mark.parametrize("lacks", [NOISY, CLEAN])
def test_half_of_the_blocks_is_told(sidd, lacks):
    (sidd / f"{lacks}.mat").unlink()
    with pytest.raises(DataError, match=f"(?s){NOISY}.mat and {CLEAN}.mat.*should look like this"):
        find_pairs("sidd", sidd)


def test_blocks_that_do_not_belong_together_are_told(sidd):
    write_blocks(sidd, CLEAN, block_arrays()[1][:, :2])
    with pytest.raises(DataError, match="6 and 4 blocks"):
        find_pairs("sidd", sidd)


def test_a_picture_that_info_tells_of_and_is_not_there(dnd):
    (dnd / "images_srgb" / "0002.mat").unlink()
    with pytest.raises(DataError, match="1 of the pictures .*0002.mat"):
        find_pairs("dnd", dnd)
    (dnd / "info.mat").unlink()
    with pytest.raises(DataError, match="there is no file .*info.mat"):
        find_pairs("dnd", dnd)


@pytest.mark.parametrize("name", ["1", "1,2,3", "a,b", "1,1,2,x"])
def test_a_place_that_is_none(tmp_path, name):
    with pytest.raises(DataError, match="is named like"):
        matlab.load(tmp_path / "0001.mat" / name)


def first_box(folder: Path) -> torch.Tensor:
    return load_picture(find_pairs("dnd", folder)["test"][0].degraded)


@pytest.mark.parametrize(
    "box, says",
    [
        ([0, 1, 5, 5], "whole numbers from 1"), ([1, 1, 5.5, 5], "whole numbers"), ([1, 1, np.nan, 5], "whole numbers"),
        ([1, 1, 13, 5], "of 12 rows and 20 columns"), ([1, 1, 5, 21], "does not lie in"), ([5, 1, 4, 5], "does not lie in"),
        ([1, 1, 1e12, 5], "whole numbers"),
    ],
)  # fmt: skip
def test_boxes_that_are_none(dnd, box, says):
    write_info(dnd / "info.mat", [np.array([box]), BOXES[1]])
    with pytest.raises(DataError, match=says):
        first_box(dnd)


def spoil(folder: Path, how: str) -> None:
    """Pictures of DND that another program wrote, or somebody with bad intentions."""
    path, picture = folder / "images_srgb" / "0001.mat", pictures()[0]
    if how in ("nan", "levels", "bytes", "python", "grey", "name"):
        spoiled = {"nan": np.where(picture > 0.99, np.nan, picture), "levels": picture * 255, "bytes": (picture * 255).astype(np.uint8),
                   "python": picture.T, "grey": picture[:, :, 0], "name": picture}[how]  # fmt: skip
        write_v73(path, **{"Inoisy" if how == "name" else "InoisySRGB": spoiled})
        return
    other = write_v73(folder / "secret.mat", InoisySRGB=picture)
    with h5py.File(path, "w") as file:
        if how == "external link":
            file["InoisySRGB"] = h5py.ExternalLink(str(other), "InoisySRGB")
        if how == "soft link":
            file["InoisySRGB"] = h5py.SoftLink("/elsewhere")
        if how == "external storage":
            file.create_dataset("InoisySRGB", (3, 20, 12), "f4", external=[(str(other), 0, 2880)])
        if how == "virtual":
            layout = h5py.VirtualLayout((3, 20, 12), "f4")
            layout[:] = h5py.VirtualSource(other, "InoisySRGB", (3, 20, 12))
            file.create_virtual_dataset("InoisySRGB", layout)
        if how == "huge pieces":
            file.create_dataset("InoisySRGB", (3, 20_000, 20_000), "f4", chunks=(3, 20_000, 20_000), compression="gzip")
        if how == "group":
            file.create_group("InoisySRGB")


@pytest.mark.parametrize(
    "how, says",
    [
        ("nan", r"not in \[0, 1\]"), ("levels", r"not in \[0, 1\]"), ("bytes", "another program"), ("python", "another program"),
        ("grey", "another program"), ("name", "holds no InoisySRGB"), ("group", "holds no"), ("external link", "leads elsewhere"),
        ("soft link", "leads elsewhere"),
        ("external storage", "other files"), ("virtual", "other files"), ("huge pieces", "pieces of more than"),
    ],
)  # fmt: skip
def test_pictures_that_matlab_did_not_write(dnd, how, says):
    spoil(dnd, how)
    with pytest.raises(DataError, match=f"{says}.*Fetch 0001.mat again"):
        first_box(dnd)


@pytest.mark.parametrize("array, says", [
    (np.zeros((2, 3, 8, 8), np.uint8), "it holds ValidationNoisyBlocksSrgb: uint8"), (np.zeros((2, 3, 8, 8, 3)), "double"),
    (np.zeros((0, 3, 8, 8, 3), np.uint8), "should hold"), ("text", "char"), ({"a": 1}, "struct"),
])  # fmt: skip
def test_blocks_that_are_none(tmp_path, array, says):
    write_blocks(tmp_path, NOISY, array)
    with pytest.raises(DataError, match=f"{says}.*Fetch {NOISY}.mat again"):
        matlab.blocks(tmp_path / f"{NOISY}.mat")


def test_versions_that_are_exchanged(sidd, dnd):
    write_v73(sidd / f"{NOISY}.mat", **{NOISY: block_arrays()[0]})
    with pytest.raises(DataError, match="version 7.3; the blocks"):
        find_pairs("sidd", sidd)
    scipy.io.savemat(dnd / "images_srgb" / "0001.mat", {"InoisySRGB": pictures()[0]})
    with pytest.raises(DataError, match="not of MATLAB's version 7.3"):
        first_box(dnd)


def with_variable(file: Path, unpacked: bytes) -> None:
    """Replace the compressed variable of a version 5 file."""
    packed = zlib.compress(unpacked)
    file.write_bytes(file.read_bytes()[:128] + struct.pack("<2I", 15, len(packed)) + packed)


def test_a_bomb_is_not_unpacked(sidd, monkeypatch):
    file = sidd / f"{NOISY}.mat"
    variable = zlib.decompress(file.read_bytes()[136:])
    monkeypatch.setattr(matlab, "LARGEST", 1 << 16)
    with_variable(file, variable + bytes(1 << 20))
    with pytest.raises(DataError, match="a bomb, or damage"):
        load_picture(matlab.blocks(file)[0])
    write_blocks(sidd, NOISY, np.zeros((2, 3, 128, 128, 3), np.uint8))
    with pytest.raises(DataError, match="claims .2, 3, 128, 128, 3., more than"):
        matlab.blocks(file)


def read_all(folder: Path, name: str) -> list[np.ndarray]:
    found = find_pairs(name, folder)
    return [load_picture(file).numpy() for pairs in found.values() for pair in pairs for file in (pair.degraded, pair.clean) if file]


def files_of(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.mat"))


@pytest.mark.parametrize("name", ["sidd", "dnd"])
def test_a_truncated_file_is_told(name, request):
    folder = request.getfixturevalue(name)
    for file in files_of(folder):
        data = file.read_bytes()
        for share in (0, 0.001, 0.1, 0.5, 0.9, 0.999):
            file.write_bytes(data[: int(len(data) * share)])
            with pytest.raises(DataError):
                read_all(folder, name)
        file.write_bytes(data)
    read_all(folder, name)


def flipped(data: bytes, at: int, rng: np.random.Generator) -> bytes:
    spoiled = bytearray(data)
    spoiled[at] ^= 1 << rng.integers(8)
    return bytes(spoiled)


@pytest.mark.parametrize("name", ["sidd", "dnd"])
def test_flipped_bits_end_in_no_other_error(name, request):
    """Somewhere in a file. HDF5's descriptions have no checksum: a few flips read as another picture."""
    folder, rng, told = request.getfixturevalue(name), np.random.default_rng(3), 0
    for file in files_of(folder):
        data = file.read_bytes()
        for _ in range(15):
            file.write_bytes(flipped(data, rng.integers(len(data)), rng))
            try:
                read_all(folder, name)
            except DataError:
                told += 1
        file.write_bytes(data)
    assert told > 3


def packed(file: Path) -> range:
    """Where the first compressed pixels lie in a file."""
    if not h5py.is_hdf5(file):
        return range(136, file.stat().st_size)
    with h5py.File(file) as opened:
        piece = opened["InoisySRGB"].id.get_chunk_info(0)
        return range(piece.byte_offset, piece.byte_offset + piece.size)  # counted from the beginning of the file


@pytest.mark.parametrize("name", ["sidd", "dnd"])
def test_a_changed_pixel_is_never_returned(name, request):
    """Compressed pixels stand under zlib's checksum."""
    folder, rng = request.getfixturevalue(name), np.random.default_rng(4)
    file, whole = files_of(folder)[0], read_all(folder, name)
    data, told = file.read_bytes(), 0
    for at in rng.choice(packed(file), 60):
        file.write_bytes(flipped(data, at, rng))
        try:
            assert all(np.array_equal(a, b) for a, b in zip(whole, read_all(folder, name), strict=True))
        except DataError:
            told += 1
    assert told > 50
