"""From a catalog entry to a folder that training can read. The server is the test's own, the set two pictures of a made-up layout."""

import hashlib
import io
import json
import types
import zipfile
from pathlib import Path

import pytest
import torch
from download_server import serving

from restorelab import image, repository
from restorelab.cli import data_sets
from restorelab.data import catalog, layouts, prepare, prepared
from restorelab.data.averaged import average_clips, frames_of
from restorelab.data.catalog import DataSet, RemoteFile
from restorelab.data.folders import FilePair
from restorelab.errors import ArchiveError, DataError, DownloadError, ParameterError

PICTURES = {"toy/train/a.png": b"aaaa", "toy/train/b.png": b"bb", "toy/test/c.png": b"c"}


def zipped(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return written.getvalue()


def toy_layout(folder: Path) -> dict[str, list[FilePair]]:
    if not (folder / "train").is_dir():
        raise DataError("there is no train.")
    splits = {split: sorted((folder / split).glob("*.png")) for split in ("train", "test")}
    return {split: [FilePair(file.stem, None, file) for file in files] for split, files in splits.items() if files}


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(layouts, "LAYOUTS", {"toy": layouts.Layout("Toy", "train/a.png", "here", toy_layout)})
    with serving() as running:
        yield running


def toy(*files: RemoteFile, **facts) -> DataSet:
    words = {"title": "Toy", "licence": "CC0", "citation": "Nobody 2026", "page": "https://example.org", "seen": "here"}
    return DataSet("toy", files=files, **(words | facts))


def served(server, files=PICTURES, name="toy.zip", **known) -> RemoteFile:
    data = zipped(files)
    return RemoteFile(name, (server.put(name, data),), size=len(data), sha256=hashlib.sha256(data).hexdigest(), **known)


def contents(folder) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_set_is_prepared_and_opened(server, tmp_path):
    dataset, seen = toy(served(server), pairs={"train": 2, "test": 1}), []
    made = prepare.prepare(dataset, tmp_path, progress=lambda *what: seen.append(what))
    assert made == prepared.open_prepared(tmp_path / "toy") and made.name == "toy"
    assert made.splits == {"train": 2, "test": 1}
    assert [(pair.name, pair.clean) for pair in made.pairs("train")] == [
        (name, tmp_path / "toy" / "toy" / "train" / f"{name}.png") for name in "ab"
    ]
    made.verify(lambda *what: seen.append(what))
    steps = [what for what, _, _ in seen]
    assert list(dict.fromkeys(steps)) == ["downloading", "unpacking toy.zip", "writing the manifest", "comparing checksums"]
    assert all(done == everything for what, done, everything in {what: (what, *rest) for what, *rest in seen}.values())


def test_the_manifest_says_where_everything_comes_from(server, tmp_path):
    remote = served(server)
    manifest = prepare.prepare(toy(remote), tmp_path).manifest
    assert manifest["licence"] == "CC0" and manifest["citation"] == "Nobody 2026" and manifest["made_with"].startswith("restorelab ")
    assert manifest["sources"] == [{"name": "toy.zip", "addresses": list(remote.urls), "bytes": remote.size, "sha256": remote.sha256}]
    assert manifest["files"] == {name: [len(data), hashlib.sha256(data).hexdigest()] for name, data in sorted(PICTURES.items())}
    assert json.loads((tmp_path / "toy" / "manifest.json").read_text()) == manifest


def test_a_sum_that_nobody_published_is_recorded(server, tmp_path):
    data = zipped(PICTURES)
    manifest = prepare.prepare(toy(RemoteFile("toy.zip", (server.put("toy.zip", data),))), tmp_path).manifest
    assert manifest["sources"][0]["sha256"] == hashlib.sha256(data).hexdigest()


def test_a_second_call_does_nothing(server, tmp_path):
    dataset = toy(served(server))
    prepare.prepare(dataset, tmp_path)
    asked, before = len(server.asked), (tmp_path / "toy" / "manifest.json").stat().st_mtime_ns
    prepare.prepare(dataset, tmp_path)
    assert len(server.asked) == asked and (tmp_path / "toy" / "manifest.json").stat().st_mtime_ns == before


def test_several_archives_and_single_files_make_one_set(server, tmp_path):
    first, second = served(server, {"train/a.png": b"a"}, "one.zip"), served(server, {"test/b.png": b"b"}, "two.zip")
    single = RemoteFile("train/c.png", (server.put("c.png", b"\x89PNG\r\n\x1a\nrest"),))
    made = prepare.prepare(toy(first, second, single), tmp_path)
    assert made.splits == {"train": 2, "test": 1}
    assert set(contents(tmp_path / "toy")) == {"train/a.png", "train/c.png", "test/b.png", "manifest.json"}


class TestByHand:
    def test_a_file_or_a_folder_stands_for_the_download(self, server, tmp_path):
        (tmp_path / "hand").mkdir()
        (tmp_path / "hand" / "toy.zip").write_bytes(zipped(PICTURES))
        (tmp_path / "renamed (1).zip").write_bytes(zipped(PICTURES))
        for number, source in enumerate((tmp_path / "hand" / "toy.zip", tmp_path / "hand", tmp_path / "renamed (1).zip")):
            made = prepare.prepare(toy(served(server)), tmp_path / str(number), source)
            assert made.splits == {"train": 2, "test": 1}
        assert server.asked == [] and (tmp_path / "hand" / "toy.zip").exists()

    def test_what_is_not_brought_is_downloaded(self, server, tmp_path):
        first, second = served(server, {"train/a.png": b"a"}, "one.zip"), served(server, {"test/b.png": b"b"}, "two.zip")
        (tmp_path / "one.zip").write_bytes(zipped({"train/a.png": b"a"}))
        prepare.prepare(toy(first, second), tmp_path / "sets", tmp_path / "one.zip")
        assert [path for path, _ in server.asked] == ["/two.zip"]

    def test_another_file_is_an_error(self, server, tmp_path):
        (tmp_path / "toy.zip").write_bytes(zipped({"train/other.png": b""}))
        with pytest.raises(DownloadError, match="not the toy.zip"):
            prepare.prepare(toy(served(server)), tmp_path / "sets", tmp_path / "toy.zip")
        with pytest.raises(DataError, match="called one.zip, two.zip"):
            prepare.prepare(toy(RemoteFile("one.zip"), RemoteFile("two.zip")), tmp_path / "sets", tmp_path / "toy.zip")
        assert not (tmp_path / "sets" / "toy").exists()

    def test_the_plan_says_what_a_person_has_to_fetch(self, tmp_path):
        dataset = toy(RemoteFile("toy.zip", drive_id="some-id"), by_hand="Log in.")
        plan = prepare.plan(dataset, tmp_path)
        steps = prepare.by_hand_steps(dataset, plan)
        assert plan.by_hand == dataset.files and not plan.ready
        assert "some-id" in steps and str(plan.downloads) in steps and "Log in." in steps
        with pytest.raises(DownloadError, match="some-id"):
            prepare.prepare(dataset, tmp_path)


class TestRefused:
    """What is not the set leaves nothing under its name."""

    @pytest.mark.parametrize(
        ("files", "facts", "words"),
        [
            ({"readme.txt": b""}, {}, "does not lie as it should"),
            (PICTURES, {"pairs": {"train": 3}}, "should have 3 pairs in its split 'train', but 2"),
            (PICTURES, {"pairs": {"validation": 1}}, "but 0 were found"),
            (PICTURES, {"folder_md5": {"toy/train": "0" * 32}}, "not those that the catalog knows"),
            (PICTURES, {"folder_md5": {"elsewhere": "0" * 32}}, "holds no folder elsewhere"),
            ({"../evil.png": b""}, {}, "leads out"),
        ],
    )
    def test_it(self, server, tmp_path, files, facts, words):
        with pytest.raises(DataError, match=words):
            prepare.prepare(toy(served(server, files), **facts), tmp_path)
        assert {path.name for path in tmp_path.iterdir()} == {".toy.lock", "downloads"}

    def test_a_folder_of_the_readers_own_is_not_touched(self, server, tmp_path):
        (tmp_path / "toy").mkdir()
        (tmp_path / "toy" / "mine.txt").write_text("mine")
        with pytest.raises(DataError):
            prepare.prepare(toy(served(server)), tmp_path)
        assert contents(tmp_path / "toy") == {"mine.txt": b"mine"}

    def test_a_damaged_archive(self, server, tmp_path):
        data = zipped(PICTURES)[:-40]
        with pytest.raises(ArchiveError, match="damaged"):
            prepare.prepare(toy(RemoteFile("toy.zip", (server.put("toy.zip", data),))), tmp_path)
        assert not (tmp_path / "toy").exists()


def test_the_md5_of_a_folder_lets_the_right_files_pass(server, tmp_path):
    words = hashlib.md5(b"aaaa").hexdigest() + hashlib.md5(b"bb").hexdigest()
    prepare.prepare(toy(served(server), folder_md5={"toy/train": hashlib.md5(words.encode()).hexdigest()}), tmp_path)


class TestDamageLater:
    @pytest.fixture
    def folder(self, server, tmp_path):
        prepare.prepare(toy(served(server)), tmp_path)
        return tmp_path / "toy"

    @pytest.mark.parametrize("harm", ["missing", "shorter"])
    def test_a_missing_or_shorter_file_is_found_when_opening(self, folder, harm):
        file = folder / "toy" / "train" / "a.png"
        file.unlink() if harm == "missing" else file.write_bytes(b"a")
        with pytest.raises(DataError, match=r"a\.png .*python data_scripts/toy\.py"):
            prepared.open_prepared(folder)

    def test_a_flipped_bit_is_found_when_verifying(self, folder):
        (folder / "toy" / "train" / "a.png").write_bytes(b"aaab")
        found = prepared.open_prepared(folder)
        with pytest.raises(DataError, match=r"a\.png is not the file it was"):
            found.verify()

    @pytest.mark.parametrize("harm", [
        b"", b"{", b"[]", b"null", b'{"format": 2}', b'{"format": 1}', b"\xff",
        b'{"format": 1, "set": "toy", "layout": "toy", "inside": ".", "splits": {}, "files": {"../../x": [1, ""]}}',
        b'{"format": 1, "set": "toy", "layout": "toy", "inside": "/", "splits": {}, "files": {}}',
        b'{"format": 1, "set": "toy", "layout": "toy", "inside": ".", "splits": {}, "files": {"a": 1}}',
    ])  # fmt: skip
    def test_a_manifest_that_is_none_is_answered_with_a_sentence(self, folder, harm):
        (folder / "manifest.json").write_bytes(harm)
        with pytest.raises(DataError, match="manifest"):
            prepared.open_prepared(folder)

    def test_no_set_and_no_split_are_answered_with_a_sentence(self, folder):
        with pytest.raises(DataError, match=r"Run python data_scripts/other\.py first"):
            prepared.open_prepared(folder.with_name("other"))
        with pytest.raises(ParameterError, match="it has train, test"):
            prepared.open_prepared(folder).pairs("validation")


def test_a_last_step_is_part_of_the_set_and_goes_on_after_a_failure(server, tmp_path):
    calls = []

    def finish(folder, progress):
        calls.append(sorted(contents(folder)))
        (folder / "made" / "train").mkdir(parents=True, exist_ok=True)
        (folder / "made" / "train" / f"{len(calls)}.png").write_bytes(b"made")
        if len(calls) == 1:
            raise KeyboardInterrupt

    dataset = toy(served(server), inside="made")
    with pytest.raises(KeyboardInterrupt):
        prepare.prepare(dataset, tmp_path, finish=finish)
    assert not (tmp_path / "toy" / "manifest.json").exists()
    made = prepare.prepare(dataset, tmp_path, finish=finish)
    assert len(server.asked) == 1 and calls[1] == [*("made/train/1.png",), *sorted(PICTURES)]
    assert made.splits == {"train": 2} and "made/train/2.png" in made.manifest["files"]


def test_where_sets_are(monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORELAB_DATA_SETS", str(tmp_path / "sets"))
    assert prepared.data_root() == tmp_path / "sets"
    monkeypatch.delenv("RESTORELAB_DATA_SETS")
    assert prepared.data_root() == repository.root() / "data_sets"
    monkeypatch.setattr(prepared, "repository", types.SimpleNamespace(root=lambda: (_ for _ in ()).throw(ParameterError("none"))))
    monkeypatch.chdir(tmp_path)
    assert prepared.data_root() == tmp_path / "data_sets"


def test_the_script_prepares_and_verifies(server, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(catalog, "CATALOG", {"toy": toy(served(server))})

    def run(*arguments: str) -> tuple[int, str]:
        with pytest.raises(SystemExit) as done:
            data_sets.script("toy", arguments=["--root", str(tmp_path), *arguments])
        said = capsys.readouterr()
        return done.value.code, said.out + said.err

    assert run("--dry-run")[0] == 0
    code, said = run()
    assert code == 0 and "toy is ready" in said and "train: 2" in said and "downloading" in said and "100%" in said
    assert run() == (0, f"toy is ready: {tmp_path / 'toy'}\n")
    assert run("--verify")[0] == 0
    (tmp_path / "toy" / "toy" / "test" / "c.png").write_bytes(b"x")
    code, said = run("--verify")
    assert code == 1 and "error:" in said and "c.png" in said


def test_clips_become_pairs_as_gopro_has_them(tmp_path):
    clips, out = tmp_path / "clips", tmp_path / "out"
    for name in ("GOPR0001_07_00", "other"):
        (clips / "train" / name).mkdir(parents=True)
        for number in range(15):
            image.save(torch.full((3, 4, 5), (number % 7) / 6), clips / "train" / name / f"{number:06d}.png")
    average_clips(clips, out)
    made = {path.relative_to(out).as_posix() for path in out.rglob("*.png")}
    folders = ("blur", "blur_gamma", "sharp")
    assert made == {f"train/GOPR0001_07_00/{folder}/{number:06d}.png" for folder in folders for number in (3, 10)} | {
        f"train/other/{folder}/000005.png" for folder in folders
    }
    place = out / "train" / "GOPR0001_07_00"
    levels = torch.tensor([round(255 * number / 6) / 255 for number in range(7)])
    for folder, expected in (("blur", levels.mean()), ("blur_gamma", (levels**2.2).mean() ** (1 / 2.2)), ("sharp", levels[3])):
        assert image.load(place / folder / "000003.png").mean().item() == pytest.approx(expected.item(), abs=0.5 / 255 + 1e-6)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    average_clips(clips, out)
    assert before == {path: path.stat().st_mtime_ns for path in out.rglob("*.png")}
    assert [len(pairs) for pairs in layouts.find_pairs("gopro", out).values()] == [3]
    assert [frames_of(name) for name in ("GOPR0384_11_00", "GOPR0384_12_00", "clip")] == [11, 11, 11]
    with pytest.raises(DataError, match="holds no train"):
        average_clips(tmp_path / "nothing", out)
