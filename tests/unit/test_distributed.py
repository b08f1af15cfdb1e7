"""Two processes under torchrun take the same steps as one."""

import os
import subprocess
import sys
from pathlib import Path

import torch

SCRIPT = Path(__file__).parent / "distributed_training.py"


def test_two_processes_end_where_one_does(tmp_path):
    alone, two = tmp_path / "alone", tmp_path / "two"
    alone.mkdir(), two.mkdir()
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    subprocess.run([sys.executable, SCRIPT, alone], check=True, env=environment, timeout=300)
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run([*torchrun, str(SCRIPT), str(two)], check=True, env=environment, timeout=300, capture_output=True)
    one, other = (torch.load(folder / "weights.pt", weights_only=True) for folder in (alone, two))
    assert all((one[key] - other[key]).abs().max() <= 1e-6 for key in one)
    start = torch.load(alone / "weights.pt", weights_only=True)
    assert any(value.abs().max() > 0 for value in start.values())
    assert list((two / "run-0" / "checkpoints").glob("*.pt")) and not list((two / "run-1" / "checkpoints").glob("*.pt"))
