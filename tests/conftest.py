"""What every test shares."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")  # the default suite is the same with and without a GPU


@pytest.fixture
def fixtures() -> Path:
    return Path(__file__).parent / "fixtures"
