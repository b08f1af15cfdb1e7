"""Pages of the widgets in a real browser, where there is one: the JavaScript runs, and computes what Python computes.

No kernel is needed: what it gets is what a saved notebook holds.
"""

import re

import numpy as np
import pytest

from restorelab.data import photos
from restorelab.degrade import CameraShake, GaussianBlur, KernelCode, Recipe, VaryingBlur, degrade, draw_srmd_kernels
from restorelab.widgets import PCAExplorer, Playground, Strobe
from restorelab.widgets.static import page

CLEAN = photos.load("coffee")[:, 90:250, 200:400]


@pytest.fixture
def opened(browser, tmp_path):
    """-> the page's elements after its widget has drawn itself, as text."""

    def open_page(text: str) -> str:
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        with browser.new_page() as tab:
            tab.goto(file.as_uri())
            tab.wait_for_selector("body[data-drawn]")
            return tab.locator("#widget").inner_html()

    return open_page


def test_the_explorer_computes_in_the_browser_what_python_computes(opened):
    code = KernelCode.fit_srmd(dims=20, count=500)
    explorer = PCAExplorer(code.basis, draw_srmd_kernels(2, np.random.default_rng(1)), energy=code.energy)
    seen = opened(explorer.to_html())
    shown = re.search(r"15 of 225 numbers: error ([\d.]+) %", seen)
    assert float(shown[1]) == pytest.approx(100 * explorer.error(0, 15), abs=0.006)
    assert seen.count("<polyline") == 2


def test_the_strobe_shows_its_picture(opened):
    pictures = {n: degrade(CLEAN, Recipe((CameraShake(20.0, frames=n),)), np.random.default_rng(0)).image for n in (1, 3, 9)}
    seen = opened(Strobe(pictures, {3: "three ghosts"}).to_html())
    assert 'aria-label="The picture of 3 frames averaged. three ghosts"' in seen
    assert len(re.findall(r"aria-pressed=\"(?:true|false)\"", seen)) == 3


def test_the_playground_draws_its_steps_their_editors_and_the_truth(opened):
    playground = Playground(CLEAN, Recipe((GaussianBlur(2.0, 0.5, 30.0), CameraShake(frames=5), VaryingBlur())))
    seen = opened(page(playground, "Playground"))
    assert f"{playground._answer['psnr']} dB" in seen and "5 frames averaged" in seen
    assert seen.count('class="handle"') == 2 and 'class="paint"' in seen and seen.count("restorelab-std-") > 1
    assert "standard deviation 2.0 pixels, 30 degrees" in seen
    assert "GaussianBlur(std=2.0, ratio=0.5, angle=30.0)" in seen
