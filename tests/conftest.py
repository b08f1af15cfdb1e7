"""What every test shares, set before anything imports torch."""

import os
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
