"""The browser of this machine, for the tests that look at pages as a reader does."""

import shutil

import pytest
from playwright.sync_api import Page, sync_playwright

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


@pytest.fixture
def open_offline(browser, tmp_path):
    """-> (HTML, options of a browser context) -> its page, drawn, without a network. What it complains of or asks a server for fails
    the test."""
    complaints, contexts = [], []

    def open_page(text: str, **context) -> Page:
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(text, encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **context))
        tab = contexts[-1].new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: message.type == "error" and complaints.append(message.text))
        tab.on("request", lambda request: request.url.startswith("http") and complaints.append(request.url))
        tab.goto(file.as_uri())
        tab.wait_for_selector("body[data-drawn]")
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
