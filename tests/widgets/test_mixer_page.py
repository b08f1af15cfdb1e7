"""The page of the loss mixer in a real browser, with the network cut: keys and clicks choose what was recorded."""

import itertools

import pytest
import torch
from playwright.sync_api import expect

from restorelab.widgets.loss_mixer import Judge, LossMixer, Mixture
from restorelab.widgets.static import jpeg

AXES = {"adversarial": (0.0, 0.001, 0.01), "features": (0.0, 1.0)}
JUDGES = (Judge("PSNR", True, "dB", 2), Judge("distance", False))


@pytest.fixture
def opened(open_offline):
    places = itertools.product(*AXES.values())
    grey = [jpeg(torch.full((3, 32, 32), number / 10)) for number in range(8)]
    grid = {at: Mixture(grey[number], (25.0 - number, 0.5 - number / 10)) for number, at in enumerate(places)}
    mixer = LossMixer(AXES, grid, JUDGES, {"clean": grey[6], "before": grey[7]})
    return lambda width, height: open_offline(mixer.to_html(), viewport={"width": width, "height": height})


def level(tab, selector: str) -> int:
    """The grey level of a picture's first pixel."""
    read = """(one) => { const c = document.createElement("canvas").getContext("2d"); c.drawImage(one, 0, 0);
                         return c.getImageData(2, 2, 1, 1).data[0]; }"""
    return tab.locator(selector).evaluate(read)


def test_sliders_choose_the_picture_and_the_figures(opened):
    tab = opened(1000, 900)
    adversarial, features = (tab.get_by_role("slider", name=name) for name in AXES)
    expect(tab.locator("h3").first).to_have_text("pixels alone (all at 0)")
    before = level(tab, "img.made")
    adversarial.press("ArrowRight")
    adversarial.press("ArrowRight")
    features.press("End")
    expect(tab.locator("h3").first).to_have_text("adversarial 0.01, features 1")
    rows = tab.locator("tbody tr")
    expect(rows.nth(0).locator("td")).to_have_text(["20.00 dB", "25.00 dB", "worse"])
    expect(rows.nth(1).locator("td")).to_have_text(["0.000", "0.500", "better"])
    tab.locator("img.made").evaluate("(one) => one.decode()")
    assert level(tab, "img.made") - before == pytest.approx(128, abs=4)  # number 5 of the greys
    tab.get_by_label("before").check()
    tab.locator("img.beside").evaluate("(one) => one.decode()")
    assert level(tab, "img.beside") == pytest.approx(179, abs=4)
    assert "adversarial 0.01, features 1" in tab.locator("svg").get_attribute("aria-label")


def test_a_phone_sees_all_of_it(opened):
    tab = opened(390, 844)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
