"""The browser of this machine, for the tests that look at pages as a reader does."""

import shutil

import pytest
from playwright.sync_api import sync_playwright

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)


@pytest.fixture(scope="module")  # not longer: its event loop would be in the way of tests with their own
def browser():
    """Chromium or Chrome, driven by playwright, whose own browsers are not needed."""
    if BROWSER is None:
        pytest.skip("there is no Chromium or Chrome to open the pages with")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield chromium
        chromium.close()
