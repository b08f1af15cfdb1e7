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
from faults.adversarial_training import train
from faults.test_command_line import restorelab
from processes import in_processes

from restorelab.train.state import load_newest

CHAPTER = [sys.executable, "-c", "from restorelab.cli import main; main()", "run", "91"]


@pytest.fixture(autouse=True)
def clone(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")  # of kernels too: sums of several threads differ in the last bit
    monkeypatch.chdir(training_chapter.make(tmp_path / "clone"))


def steps_done(folder: Path) -> int:
    file = folder / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def children_of(process: int) -> list[int]:
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == process]


def kill_in_mid_training(folder: Path) -> None:
    """The command and its kernel, which would train on for a second until it misses its parent."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([*CHAPTER, "--out", str(folder)], **quiet)
    deadline = time.monotonic() + 300
    while steps_done(folder) < 12:  # a state is saved every 10
        assert process.poll() is None and time.monotonic() < deadline, "the training did not get going"
        time.sleep(0.05)
    for pid in (process.pid, *children_of(process.pid)):
        os.kill(pid, signal.SIGKILL)
    process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process group the POSIX way")
def test_a_killed_chapter_resumes_to_the_same_weights(tmp_path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    straight.mkdir()
    assert in_processes((training_chapter.train_here, straight)) == [0]
    kill_in_mid_training(killed)
    before = json.loads((killed / "manifest.json").read_text())
    assert before["status"] == "running" and not (killed / "checkpoints" / "final.safetensors").exists()
    done = restorelab("run", "91", "--resume", "--out", killed)
    assert done.returncode == 0, done.stderr
    manifests = [json.loads((folder / "manifest.json").read_text()) for folder in (straight, killed)]
    assert manifests[0]["weights_sha256"] == manifests[1]["weights_sha256"]
    assert (straight / "checkpoints" / "final.safetensors").read_bytes() == (killed / "checkpoints" / "final.safetensors").read_bytes()
    assert [m["status"] for m in manifests] == ["finished", "finished"] and manifests[1]["resumed"] == 1
    assert (killed / "notebook.ipynb").is_file() and steps_done(killed) == 40


@pytest.mark.skipif(sys.platform == "win32", reason="kills a process the POSIX way")
@pytest.mark.parametrize("game", ["pools", "unet"])
def test_a_killed_adversarial_training_resumes_to_the_same_networks(tmp_path, game):
    """Generator, discriminator, pools of scores, the generator of CutMix, and what the watch for a victory has seen."""
    folders = tmp_path / "straight", tmp_path / "killed"
    assert in_processes((train, game, folders[0]), (train, game, folders[1], 7)) == [0, -signal.SIGKILL]
    assert in_processes((train, game, folders[1])) == [0]
    straight, killed = (load_newest(folder / "checkpoints") for folder in folders)
    assert (straight["step"], killed["step"]) == (10, 10)
    for part in (("model",), ("average",), ("adversary", "game")):
        one, other = straight, killed
        for name in part:
            one, other = one[name], other[name]
        assert all(torch.equal(one[key], other[key]) for key in one), part
    assert straight["adversary"]["saturation"] == killed["adversary"]["saturation"]
