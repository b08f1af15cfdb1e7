"""What every test shares, set before anything imports torch."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# Two test processes with two threads each on two cores wait for one another more than they compute.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent / "fixtures"


@pytest.fixture(autouse=True)
def _runs_go_elsewhere(tmp_path, monkeypatch):
    """No test writes into the repository's runs/."""
    monkeypatch.setenv("RESTORELAB_RUNS", str(tmp_path / "runs"))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For torch and OpenCV alike: `pytestmark = pytest.mark.usefixtures("one_thread")`."""
    import cv2
    import torch

    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])
