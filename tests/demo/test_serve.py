"""Who may reach the page, and what is left behind when it closes."""

import os
import subprocess
import sys

import pytest

from restorelab.demo.serve import PREFIX, clear_dead, is_loopback, launch_options, read_password, running, temporary_folder
from restorelab.errors import ParameterError


@pytest.mark.parametrize("host, ours", [
    ("127.0.0.1", True), ("127.8.9.1", True), ("localhost", True), ("::1", True), ("0.0.0.0", False), ("192.168.1.2", False), ("::", False),
    ("example.org", False), ("", False),
])  # fmt: skip
def test_what_is_this_machine_alone(host, ours):
    assert is_loopback(host) == ours


def test_others_need_a_password():
    with pytest.raises(ParameterError, match="set RESTORELAB_DEMO_AUTH"), running(host="0.0.0.0"):
        pass


def test_a_password_has_two_parts():
    assert read_password("ann:a:b") == ("ann", "a:b") and read_password("") is None
    for text in ("ann", "ann:", ":b"):
        with pytest.raises(ParameterError, match="user:password"):
            read_password(text)


def test_the_launch_is_closed(served):
    options = launch_options(served[0], "0.0.0.0", 1, ("a", "b"))
    assert options["auth"] == ("a", "b") and options["share"] is False and options["show_error"] is False
    assert options["allowed_paths"] == [] and options["max_file_size"] == served[0].workshop.limits.file_bytes
    assert not served[0].analytics_enabled and os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"


def test_the_folder_is_private_and_emptied_at_both_ends(tmp_path, monkeypatch):
    monkeypatch.delenv("GRADIO_TEMP_DIR", raising=False)
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "upload.png").write_bytes(b"1")
    with temporary_folder(tmp_path) as folder:
        assert list(folder.iterdir()) == [] and os.environ["GRADIO_TEMP_DIR"] == str(folder)
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "new").write_bytes(b"1")
    assert list(tmp_path.iterdir()) == [] and "GRADIO_TEMP_DIR" not in os.environ


def test_a_folder_by_a_link_is_refused(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "mine.txt").write_text("kept")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ParameterError, match="not a folder of yours"), temporary_folder(tmp_path / "link"):
        pass
    assert (tmp_path / "real" / "mine.txt").read_text() == "kept"


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="folders of the dead are told by POSIX")
def test_what_a_killed_server_left_is_deleted_and_of_a_living_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    for name in (f"{PREFIX}{dead.pid}-a", f"{PREFIX}{os.getpid()}-b", f"{PREFIX}mine-c"):
        (tmp_path / name).mkdir()
    clear_dead()
    assert {folder.name for folder in tmp_path.iterdir()} == {f"{PREFIX}{os.getpid()}-b", f"{PREFIX}mine-c"}
