"""kill -9 in the middle of a chapter's training, then --resume: the same weights, to the bit, as without the kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RESTORELAB = [sys.executable, "-c", "from restorelab.cli import main; main()"]
CHAPTER = [*RESTORELAB, "run", "05", "-p", "steps=60", "-p", "batch=2"]


def run(*more, **options) -> subprocess.CompletedProcess:
    return subprocess.run([*CHAPTER, *more], cwd=ROOT, capture_output=True, text=True, timeout=400, **options)


def steps_done(folder: Path) -> int:
    file = folder / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def kill_in_mid_training(folder: Path) -> None:
    process = subprocess.Popen(
        [*CHAPTER, "--out", str(folder)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    deadline = time.monotonic() + 300
    while steps_done(folder) < 25:
        assert process.poll() is None and time.monotonic() < deadline, "the training did not get going"
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group the POSIX way")
def test_a_killed_chapter_resumes_to_the_same_weights(tmp_path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    done = run("--out", str(straight))
    assert done.returncode == 0, done.stderr
    kill_in_mid_training(killed)
    before = json.loads((killed / "manifest.json").read_text())
    assert before["status"] == "running" and not (killed / "checkpoints" / "final.safetensors").exists()
    done = run("--resume", "--out", str(killed))
    assert done.returncode == 0, done.stderr
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (straight, killed)]
    assert manifests[0]["weights_sha256"] == manifests[1]["weights_sha256"]
    assert (straight / "checkpoints" / "final.safetensors").read_bytes() == (killed / "checkpoints" / "final.safetensors").read_bytes()
    assert [m["status"] for m in manifests] == ["finished", "finished"] and manifests[1]["resumed"] == 1
    assert (killed / "notebook.ipynb").is_file() and steps_done(killed) == 60
