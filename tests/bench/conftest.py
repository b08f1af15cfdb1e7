"""What benchmarks of one thread share."""

import cv2
import pytest
import torch


@pytest.fixture
def one_thread():
    """For torch and OpenCV alike: `pytestmark = pytest.mark.usefixtures("one_thread")`."""
    before = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    yield
    torch.set_num_threads(before[0])
    cv2.setNumThreads(before[1])
