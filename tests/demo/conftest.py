"""One server of the demo for all tests here, on this machine's own address, and the browser of the widgets' tests."""

import pytest
from gradio_client import Client
from widgets.conftest import browser  # noqa: F401

from restorelab.demo.jobs import Limits
from restorelab.demo.serve import running


@pytest.fixture(scope="session")
def served():
    """-> (the demo, its address)."""
    with running(device="cpu", limits=Limits(input_pixels=250_000, file_bytes=2**20)) as (demo, address):
        yield demo, address


@pytest.fixture(scope="module")
def client(served):
    return Client(served[1], verbose=False, httpx_kwargs={"timeout": 300})
