"""What befalls a training: killed at any moment, its states damaged, the disk full, numbers that are none, a file with code in it.

The network has six numbers: what is looked at is the run, and not what it learns.
"""

import ast
import errno
import os
import resource
import signal
import sys
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from faults.killed_training import CFG, killed_after, killed_in_a_save, train
from faults.test_command_line import restorelab
from processes import in_processes

from restorelab import files, presets
from restorelab.errors import TrainingError
from restorelab.files import write_with_sum
from restorelab.train.run import Run
from restorelab.train.state import load_newest, saved_states

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="signals and limits of POSIX")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> list[float]:
    return train(tmp_path_factory.mktemp("undisturbed"))


# kill -9


@posix
def test_killed_at_five_random_steps_a_training_ends_with_the_same_weights(tmp_path, undisturbed):
    steps = sorted(np.random.default_rng(0).choice(np.arange(1, CFG.steps), 5, replace=False).tolist())
    for step in steps:
        assert in_processes((killed_after, tmp_path, step)) == [-signal.SIGKILL]
    assert train(tmp_path) == undisturbed
    with Run(tmp_path) as run:
        assert [row["step"] for row in run.rows()] == list(range(1, CFG.steps + 1))
        assert run.manifest["resumed"] == len(steps) + 1


@posix
@pytest.mark.parametrize(
    "call, number",
    [("fsync", 1), ("replace", 1), ("fsync", 2), ("replace", 2), ("unlink", 1)],
    ids=["writing the sum", "before the sum is there", "writing the state", "before the state is there", "the old state goes"],
)
def test_killed_during_a_save_a_training_ends_with_the_same_weights(tmp_path, undisturbed, call, number):
    assert in_processes((killed_in_a_save, tmp_path, call, number)) == [-signal.SIGKILL]
    assert load_newest(tmp_path / "checkpoints")["step"] in (16, 20)
    assert train(tmp_path) == undisturbed


# Damaged states


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def empty(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("many", [1, 2])
@pytest.mark.parametrize("damage", [cut, flip, empty])
def test_from_damaged_states_a_training_falls_back_and_ends_the_same(tmp_path, undisturbed, damage, many):
    def stop(progress):
        if progress.step == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, stop)
    for file in saved_states(tmp_path / "checkpoints")[-many:]:
        damage(file)
    with pytest.warns(UserWarning, match="damaged"):
        assert train(tmp_path) == undisturbed


# A full disk


@contextmanager
def no_file_longer_than(size: int):
    """The system's own limit: writing beyond it fails half way through, as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@posix
def test_without_room_for_a_state_the_last_one_stays_whole_and_the_training_can_go_on(tmp_path, undisturbed):
    def stop(progress):
        if progress.step == 22:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path, stop)
    states = tmp_path / "checkpoints"
    size = saved_states(states)[-1].stat().st_size
    before = sorted(file.name for file in states.iterdir())
    with no_file_longer_than(size - 100), pytest.raises(TrainingError, match="cannot be saved .* Earlier states there are whole"):
        train(tmp_path)
    assert load_newest(states)["step"] == 20 and not list(states.glob(".*.tmp"))
    assert {file.name for file in states.glob("*.pt")} == {name for name in before if name.endswith(".pt")}
    assert train(tmp_path) == undisturbed


@posix
def test_on_a_full_disk_the_command_ends_with_one_line(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files.os, "fsync", lambda handle: full() if in_checkpoints(handle) else None)
    done = restorelab("train", "mprnet_denoise", *SHORT, "--out", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "No space left" in done.stderr and done.stderr.count("\n") == 1


def in_checkpoints(handle: int) -> bool:
    return "checkpoints" in os.readlink(f"/proc/self/fd/{handle}")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_without_room_for_the_log_a_training_says_so(tmp_path):
    (tmp_path / "metrics.jsonl").symlink_to("/dev/full")
    with pytest.raises(TrainingError, match="No space left"):
        train(tmp_path)


# Numbers that are none


SHORT = ("--steps", 6, "--batch", 2, "--crop", 32)


def test_a_learning_rate_that_blows_up_ends_with_one_line_and_a_finite_state(tmp_path, monkeypatch):
    watched = presets.watched_pairs
    monkeypatch.setattr(
        presets, "watched_pairs", lambda preset, split, draws=1, crop=None, sigma=None: watched(preset, split, 1, 48, sigma)
    )
    done = restorelab("train", "mprnet_denoise", *SHORT, "--learning-rate", 1e20, "--out", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "no longer finite" in done.stderr and "Lower learning_rate" in done.stderr
    state = load_newest(tmp_path / "checkpoints")
    assert all(torch.isfinite(value).all() for value in state["model"].values())


# Files with code in them


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_state_with_code_in_it_is_refused_in_words(tmp_path):
    put_evil_state(tmp_path)
    with pytest.raises(TrainingError, match="step-00000004.pt"):
        train(tmp_path)


def test_the_code_in_a_state_is_not_run(tmp_path):
    put_evil_state(tmp_path)
    with pytest.raises(TrainingError):
        train(tmp_path)
    assert not (tmp_path / "owned").exists()


def put_evil_state(folder: Path) -> None:
    (folder / "checkpoints").mkdir()
    file = folder / "checkpoints" / "step-00000004.pt"
    torch.save({"step": Evil(folder / "owned")}, file)
    write_with_sum(file, file.read_bytes())  # the sum is right: whoever can write a state can write its sum


LOADERS = {"torch.load", "torch.jit.load"}
UNSAFE = {"pickle.load", "pickle.loads", "pickle.Unpickler", "joblib.load", "dill.load", "dill.loads", "pandas.read_pickle", "shelve.open"}


def qualified_calls(tree: ast.Module) -> list[tuple[str, ast.Call]]:
    """Every call with the full name of what is called, whatever it was imported as."""
    names = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {
                (name.asname or name.name.split(".")[0]): (name.name if name.asname else name.name.split(".")[0]) for name in node.names
            }
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            found.append((".".join(filter(None, (names.get(first, first), rest))), node))
    return found


def faults_of(code: str) -> list[str]:
    """The calls that would run what a file says."""
    found = []
    for name, call in qualified_calls(ast.parse(code)):
        given = {word.arg: ast.unparse(word.value) for word in call.keywords}
        unsafe = name in UNSAFE or (name in LOADERS and given.get("weights_only") != "True")
        unsafe |= given.get("weights_only", "True") != "True" or given.get("allow_pickle", "False") != "False"
        found += [f"line {call.lineno}: {ast.unparse(call)}"] if unsafe else []
    return found


@pytest.mark.parametrize("file", sorted(file for room in ("src", "course", "data_scripts") for file in (ROOT / room).rglob("*.py")),
                         ids=lambda file: str(file.relative_to(ROOT)))  # fmt: skip
def test_nothing_runs_what_a_file_says(file):
    assert not faults_of(file.read_text())


@pytest.mark.parametrize(
    "code",
    [
        "import torch\ntorch.load(f)",
        "import torch as t\nt.load(f, weights_only=False)",
        "from torch import load as read\nread(f)",
        "import torch\ntorch.load(f, weights_only=trusted)",
        "from pickle import loads\nloads(b)",
        "import numpy as np\nnp.load(f, allow_pickle=True)",
        "trust(weights_only=False)",
    ],
)
def test_that_check_sees_what_it_is_to_see(code):
    assert faults_of(code)
    assert not faults_of("import torch, numpy\ntorch.load(f, weights_only=True)\nnumpy.load(f, allow_pickle=False)\nload(f)")
