import multiprocessing
import pickle
from pathlib import Path

import lmdb
import numpy as np
import pytest
import torch

from restorelab import image
from restorelab.data.folders import PictureFiles, list_folder, load_folder
from restorelab.data.pairs import TrainingPairs
from restorelab.data.store import KINDS, LMDBStore, PictureStore, open_store, write_store
from restorelab.errors import ImageError, ParameterError, StoreError
from restorelab.files import sha256_of
from restorelab.presets import SHAKE


def pictures(count: int = 5) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (20 + 7 * n, 50 - 3 * n, 1 if n == 3 else 3), dtype=np.uint8) for n in range(count)]


@pytest.fixture
def folder(tmp_path) -> Path:
    folder = tmp_path / "photographs"
    (folder / "more").mkdir(parents=True)
    for name, value in (("b.png", 0.5), ("more/ä.jpg", 0.25), ("c.png", 1.0)):
        image.save(torch.full((3, 12, 9), value), folder / name)
    return folder


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return request.param


def test_what_goes_in_comes_out(tmp_path, kind):
    told = []

    def progress(done: int, all: int) -> None:
        told.append((done, all))

    written = write_store(pictures(), tmp_path / "store", kind, progress)
    for store in (written, open_store(tmp_path / "store")):
        assert type(store) is KINDS[kind] and len(store) == 5
        assert all(a.dtype == np.uint8 and np.array_equal(a, b) for a, b in zip(store, pictures(), strict=True))
        assert np.array_equal(store[-1], pictures()[-1]) and np.array_equal(store[np.int64(2)], pictures()[2])
        with pytest.raises(IndexError):
            store[5]
        with pytest.raises(ValueError, match="read-only"):
            store[0][0] = 0
        store.verify(progress)
    assert told == 3 * [(n, 5) for n in range(1, 6)]
    assert not [path for path in tmp_path.iterdir() if path.name != "store"]


def test_a_folder_becomes_a_store_that_knows_its_files(folder, tmp_path, kind):
    store = write_store(folder, tmp_path / "store", kind)
    assert store.names == ("b.png", "c.png", "more/ä.jpg") and store.index["made from"] == "photographs"
    assert [picture["file sha256"] for picture in store.index["pictures"]] == [sha256_of(f.read_bytes()) for f in list_folder(folder)]
    assert all(np.array_equal(a, b) for a, b in zip(store, load_folder(folder), strict=True))
    again = write_store(PictureFiles(list_folder(folder)[:2]), tmp_path / "two", kind)
    assert len(again) == 2 and again.names[0].endswith("photographs/b.png")


def test_training_from_a_store_is_training_from_memory(tmp_path, kind):
    source = [np.random.default_rng(n).integers(0, 256, (70, 90, 3), dtype=np.uint8) for n in range(3)]
    stored, in_memory = (TrainingPairs(p, SHAKE, 32, seed=1, leaves=0.2) for p in (write_store(source, tmp_path / "s", kind), source))
    assert all(torch.equal(a, b) for n in range(8) for a, b in zip(stored[n], in_memory[n], strict=True))


class Sums(torch.utils.data.Dataset):
    def __init__(self, store: PictureStore):
        self.store = store

    def __len__(self) -> int:
        return len(self.store)

    def __getitem__(self, number: int) -> int:
        return int(self.store[number].sum())


def test_workers_open_it_for_themselves(tmp_path, kind):
    """Forked after the parent has read from it, which LMDB must not survive."""
    store = write_store(pictures(), tmp_path / "store", kind)
    sums = [int(picture.sum()) for picture in store]
    for _ in range(2):
        assert [int(s) for s in torch.utils.data.DataLoader(Sums(store), batch_size=None, num_workers=2)] == sums
    assert int(store[0].sum()) == sums[0]


def read_with_another(store: LMDBStore, environment: lmdb.Environment) -> None:
    assert store[0].size and store._source()[0] is not environment


def test_a_forked_process_opens_lmdb_anew(tmp_path):
    """lmdb.h: an environment is to be used in the process that opened it, not after a fork."""
    store = write_store(pictures(), tmp_path / "store", "lmdb")
    process = multiprocessing.get_context("fork").Process(target=read_with_another, args=(store, store._source()[0]))
    process.start()
    process.join()
    assert process.exitcode == 0
    assert np.array_equal(store[0], pictures()[0])


def test_it_travels_by_its_path(tmp_path, kind):
    big = [np.zeros((512, 512, 3), np.uint8)]
    store = write_store(big, tmp_path / "store", kind)
    assert store[0].any() == np.False_
    travelled = pickle.dumps(store)
    assert len(travelled) < 2000 and np.array_equal(pickle.loads(travelled)[0], big[0])


def test_a_crop_reads_its_rows_alone(tmp_path):
    """48 MB in the file, of which the process may have mapped in no more than the pages of the crop and their neighbours."""
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")

    def mapped() -> int:
        return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile"))

    write_store([np.full((4000, 4000, 3), 7, np.uint8)], tmp_path / "store")
    store = PictureStore(tmp_path / "store")
    before = mapped()
    assert (store[0][1000:1064, 500:564] == 7).all()
    assert mapped() - before < 6_000  # kB
    assert np.shares_memory(store[0], store[0])


def test_lmdb_grows_when_its_map_is_full(tmp_path):
    source = [np.full((100, 100, 3), n, np.uint8) for n in range(20)]
    store = write_store(source, tmp_path / "store", "lmdb", map_size=64 * 1024)
    store.verify()
    assert [int(picture[0, 0, 0]) for picture in store] == list(range(20))


def test_an_old_store_is_replaced_only_when_asked(tmp_path, kind):
    path = tmp_path / "store"
    old = write_store(pictures(2), path, kind)
    with pytest.raises(StoreError, match="overwrite"):
        write_store(pictures(3), path, kind)
    with pytest.raises(ParameterError):
        write_store([np.zeros((2, 2), np.uint8)], path, kind, overwrite=True)
    assert len(open_store(path)) == 2
    assert len(write_store(pictures(3), path, kind, overwrite=True)) == 3
    assert np.array_equal(old[1], pictures()[1])  # who had it open still reads the old one
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


@pytest.mark.parametrize(
    "bad", [np.zeros((2, 2, 3)), np.zeros((2, 2), np.uint8), np.zeros((2, 2, 4), np.uint8), np.zeros((0, 2, 3), np.uint8)]
)
def test_what_is_no_picture_is_refused_and_leaves_nothing(tmp_path, kind, bad):
    with pytest.raises(ParameterError, match="00000001"):
        write_store([pictures()[0], bad], tmp_path / "store", kind)
    assert not list(tmp_path.iterdir())


def test_bad_requests(tmp_path, folder):
    with pytest.raises(ParameterError, match="no picture"):
        write_store([], tmp_path / "store")
    with pytest.raises(ParameterError, match="memmap or lmdb"):
        write_store(pictures(), tmp_path / "store", "zarr")
    (folder / "b.png").write_bytes((folder / "b.png").read_bytes()[:40])
    with pytest.raises(ImageError, match="b.png"):
        write_store(folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    write_store(pictures(), tmp_path / "store")
    with pytest.raises(StoreError, match="kind memmap"):
        LMDBStore(tmp_path / "store")
    with pytest.raises(StoreError, match="not a store"):
        open_store(folder)
