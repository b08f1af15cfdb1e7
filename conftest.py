"""For the notebooks, which are tests too: their kernels inherit this environment."""

import os
import tempfile

import pytest

os.environ.setdefault("RESTORELAB_RUNS", tempfile.mkdtemp(prefix="restorelab-runs-"))
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.hookimpl(tryfirst=True)  # before slow tests are left out
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Solved notebooks are slow tests: what they have of their own, tests/course/test_solved_editions.py proves in seconds."""
    for item in items:
        if item.path.parent.name == "solutions":
            item.add_marker("slow")
