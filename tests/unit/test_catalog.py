"""The catalog is complete, its scripts say what it says, and asking them what it would take needs no network."""

import importlib.util
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from restorelab.cli import data_sets
from restorelab.data import catalog, layouts, prepare
from restorelab.data.catalog import CATALOG
from restorelab.errors import ParameterError

SCRIPTS = Path(__file__).parents[2] / "data_scripts"
WANTED = {
    "gopro_large", "gopro_large_all", "dvd", "nfs", "kohler", "hide", "realblur", "div2k", "flickr2k", "div8k", "rain13k", "sidd", "dnd",
    "sidd_validation", "set5", "set14", "bsd100", "urban100", "cid22", "kodak",
}  # fmt: skip


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setenv("RESTORELAB_DATA_SETS", str(tmp_path / "sets"))
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("the network was asked"))


def run(name: str, *arguments: str) -> int:
    """The script `name`, in this process: as `python data_scripts/NAME.py` would."""
    with pytest.raises(SystemExit) as done:
        data_sets.script(name, arguments=list(arguments))
    return done.value.code


def test_every_set_of_the_field_is_there():
    assert set(CATALOG) == WANTED


@pytest.mark.parametrize("entry", CATALOG.values(), ids=CATALOG)
class TestEntry:
    def test_it_is_complete(self, entry):
        assert entry.files and entry.licence and entry.citation and entry.seen
        assert re.match(r"https?://", entry.page) and re.search(r"\b(19|20)\d\d\b|PhotoCD", entry.citation)
        assert (entry.layout or entry.name) in layouts.LAYOUTS
        assert len({file.name for file in entry.files}) == len(entry.files)

    def test_its_files_can_be_had(self, entry):
        for file in entry.files:
            assert file.urls or entry.by_hand, file.name
            assert file.size is None or file.about is None
            assert not Path(file.name).is_absolute() and ".." not in file.name and ":" not in file.name
            for kind, digits in (("sha256", 64), ("md5", 32)):
                assert kind not in file.sums or re.fullmatch(f"[0-9a-f]{{{digits}}}", file.sums[kind])
            for url in file.urls:
                assert url.startswith("https://") or (url.startswith("http://") and file.sums), url

    def test_without_a_sum_it_has_another_check_or_says_what_is_not_known(self, entry):
        unchecked = [file.name for file in entry.files if not file.sums]
        assert not unchecked or entry.pairs or entry.folder_md5 or entry.recalled

    def test_its_script_says_what_the_catalog_says(self, entry):
        text = (SCRIPTS / f"{entry.name}.py").read_text()
        words = " ".join(text.split('"""')[1].split())
        for fact in (entry.title, entry.licence, entry.citation, entry.page, entry.by_hand, data_sets._known_size(entry)):
            assert " ".join(fact.split()) in words
        assert f'script("{entry.name}"' in text

    def test_a_dry_run_says_size_licence_and_room_and_writes_nothing(self, entry, capsys, tmp_path):
        assert run(entry.name, "--dry-run") == 0
        said = capsys.readouterr().out
        assert entry.licence in said and entry.citation in said and "free " in said and "download" in said
        assert not (tmp_path / "sets").exists()


@pytest.mark.parametrize(
    "entry", [entry for entry in CATALOG.values() if not all(file.urls for file in entry.files)], ids=lambda entry: entry.name
)
def test_what_must_be_done_by_hand_is_said_exactly(entry, capsys, tmp_path):
    assert run(entry.name) == 1
    said = capsys.readouterr().out
    for file in entry.files:
        assert f"{tmp_path / 'sets' / 'downloads' / entry.name} as {file.name}" in said and "--from" in said and entry.page in said
    assert not (tmp_path / "sets").exists()


def test_there_is_a_script_for_every_set_and_no_other():
    assert {path.stem for path in SCRIPTS.glob("*.py")} == WANTED


def test_the_readme_has_the_table_of_the_catalog():
    assert data_sets.table() in (SCRIPTS / "README.md").read_text()


@pytest.mark.parametrize("name", ["gopro_large", "gopro_large_all", "set5"])
def test_the_scripts_run_by_themselves(name, tmp_path):
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), "--dry-run", "--root", str(tmp_path / "here")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and CATALOG[name].licence in done.stdout and str(tmp_path / "here") in done.stdout, done.stderr
    assert not (tmp_path / "here").exists()


def test_asking_what_it_takes_waits_for_no_torch():
    code = "import sys; from restorelab.cli import data_sets; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "False"


def test_every_script_can_be_imported_without_running():
    for path in SCRIPTS.glob("*.py"):
        spec = importlib.util.spec_from_file_location(f"data_script_{path.stem}", path)
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def test_an_unknown_set_and_an_unknown_option_are_answered_with_a_sentence(capsys):
    with pytest.raises(ParameterError, match="Did you mean set14"):
        catalog.find("set41")
    assert run("kodak", "--bogus") == 2 and "--bogus" in capsys.readouterr().err


def test_verify_without_a_set_says_what_to_run(capsys):
    assert run("kodak", "--verify") == 1 and "python data_scripts/kodak.py" in capsys.readouterr().err


def test_small_sets_are_pinned_to_a_commit_and_a_sum():
    for name, count in (("set5", 25), ("cid22", 119)):
        files = CATALOG[name].files
        assert len(files) == count and all(file.sha256 and file.size for file in files)
        assert all(re.match(r"https://raw\.githubusercontent\.com/[\w.-]+/[\w.-]+/[0-9a-f]{40}/", file.urls[0]) for file in files)


def test_set5_as_the_catalog_pins_it_is_prepared_from_a_copy(tmp_path):
    """The copy: $RESTORELAB_DATA/sr_set5, byte for byte what the pinned addresses give."""
    if not os.environ.get("RESTORELAB_DATA"):
        pytest.skip("needs RESTORELAB_DATA, a folder of images")
    made = prepare.prepare(CATALOG["set5"], tmp_path, Path(os.environ["RESTORELAB_DATA"]) / "sr_set5")
    made.verify()
    assert made.splits == dict(CATALOG["set5"].pairs) and made.pairs("test/x4")[0].degraded.name == "babyx4.png"
