"""Pages of the widgets in a real browser, where there is one: the JavaScript runs, and computes what Python computes.

Chromium prints the page as it is after its scripts have run. No kernel is needed: what it gets is what a saved notebook holds.
"""

import html
import re
import shutil
import subprocess

import numpy as np
import pytest

from restorelab.data import photos
from restorelab.degrade import CameraShake, GaussianBlur, KernelCode, Recipe, VaryingBlur, degrade, draw_srmd_kernels
from restorelab.widgets import PCAExplorer, Playground, Strobe
from restorelab.widgets.static import page

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
CLEAN = photos.load("coffee")[:, 90:250, 200:400]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome to open the pages with")


def opened(text: str, tmp_path) -> str:
    """The page's elements after its scripts have run, as text."""
    file = tmp_path / "page.html"
    file.write_text(text, encoding="utf-8")
    command = [BROWSER, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", "--virtual-time-budget=8000", "--dump-dom", file.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return html.unescape(done.stdout.partition('<div id="widget">')[2].partition("<noscript>")[0])


def test_the_explorer_computes_in_the_browser_what_python_computes(tmp_path):
    code = KernelCode.fit_srmd(dims=20, count=500)
    explorer = PCAExplorer(code.basis, draw_srmd_kernels(2, np.random.default_rng(1)), energy=code.energy)
    seen = opened(explorer.to_html(), tmp_path)
    shown = re.search(r"15 of 225 numbers: error ([\d.]+) %", seen)
    assert float(shown[1]) == pytest.approx(100 * explorer.error(0, 15), abs=0.006)
    assert seen.count("<polyline") == 2


def test_the_strobe_shows_its_picture(tmp_path):
    pictures = {n: degrade(CLEAN, Recipe((CameraShake(20.0, frames=n),)), np.random.default_rng(0)).image for n in (1, 3, 9)}
    seen = opened(Strobe(pictures, {3: "three ghosts"}).to_html(), tmp_path)
    assert 'aria-label="The picture of 3 frames averaged. three ghosts"' in seen
    assert len(re.findall(r"aria-pressed=\"(?:true|false)\"", seen)) == 3


def test_the_playground_draws_its_steps_their_editors_and_the_truth(tmp_path):
    playground = Playground(CLEAN, Recipe((GaussianBlur(2.0, 0.5, 30.0), CameraShake(frames=5), VaryingBlur())))
    seen = opened(page(playground, "Playground"), tmp_path)
    assert f"{playground._answer['psnr']} dB" in seen and "5 frames averaged" in seen
    assert seen.count('class="handle"') == 2 and 'class="paint"' in seen and seen.count("restorelab-std-") > 1
    assert "standard deviation 2.0 pixels, 30 degrees" in seen
    assert "GaussianBlur(std=2.0, ratio=0.5, angle=30.0)" in seen
