"""kill -9 in the middle of a chapter's training, then --resume: the same weights, to the bit, as without the kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import training_chapter

from restorelab.train.state import load_newest

CHAPTER = [sys.executable, "-c", "from restorelab.cli import main; main()", "run", "91", "-p", "steps=60", "-p", "batch=2"]


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch):
    monkeypatch.chdir(training_chapter.make(tmp_path / "clone"))


def run(*more) -> subprocess.CompletedProcess:
    return subprocess.run([*CHAPTER, *more], capture_output=True, text=True, timeout=400)


def steps_done(folder: Path) -> int:
    file = folder / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def kill_in_mid_training(folder: Path) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*CHAPTER, "--out", str(folder)], **quiet, start_new_session=True)
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


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process the POSIX way")
@pytest.mark.parametrize("game", ["pools", "unet"])
def test_a_killed_adversarial_training_resumes_to_the_same_networks(tmp_path, game):
    """Generator, discriminator, pools of scores, the generator of CutMix, and what the watch for a victory has seen."""
    script = [sys.executable, str(Path(__file__).parent / "adversarial_training.py"), game]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    for folder, kill, status in (("straight", 0, 0), ("killed", 7, -signal.SIGKILL), ("killed", 0, 0)):
        done = subprocess.run([*script, str(tmp_path / folder), str(kill)], env=environment, timeout=300)
        assert done.returncode == status
    straight, killed = (load_newest(tmp_path / folder / "checkpoints") for folder in ("straight", "killed"))
    assert (straight["step"], killed["step"]) == (10, 10)
    for part in (("model",), ("average",), ("adversary", "game")):
        one, other = straight, killed
        for name in part:
            one, other = one[name], other[name]
        assert all(torch.equal(one[key], other[key]) for key in one), part
    assert straight["adversary"]["saturation"] == killed["adversary"]["saturation"]
