"""Pages of the viewers in a real browser, from a file and with the network cut: keys, mouse and fingers change what is seen, in both
themes, on a narrow and on a fine screen."""

import re

import numpy as np
import pytest
import torch
from playwright.sync_api import Page, expect

from restorelab.data import photos
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.widgets.compare_slider import CompareSlider
from restorelab.widgets.pyramid_explorer import EVERY, LEVELS, PyramidExplorer
from restorelab.widgets.stage_slider import StageSlider
from restorelab.widgets.switching import switched

CLEAN = photos.load("coffee")[:, 90:186, 200:328]
BLURRED = torch.nn.functional.avg_pool2d(CLEAN[None], 7, 1, 3)[0]
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def widgets():
    torch.manual_seed(0)
    stages = tuple(BLURRED + share * (CLEAN - BLURRED) for share in (0.4, 0.8))
    network = DeblurGANv2(DeblurGANv2Config(width=8)).eval()
    return {
        "compare": CompareSlider(BLURRED, stages[-1], clean=CLEAN),
        "stages": StageSlider(BLURRED, stages, CLEAN, milliseconds=(10, 20)),
        "pyramid": PyramidExplorer(network, BLURRED, CLEAN),
    }


@pytest.fixture
def opened(open_offline, widgets):
    """The page of a widget."""
    return lambda name, size=DESKTOP, **screen: open_offline(widgets[name].to_html(), viewport=size, **screen)


def pixels(tab: Page, selector: str) -> np.ndarray:
    """`h w 3` of a canvas."""
    read = "(one) => [one.height, one.width, ...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]"
    height, width, *values = tab.locator(selector).first.evaluate(read)
    return np.array(values).reshape(height, width, 4)[..., :3]


def bytes_of(image: torch.Tensor) -> np.ndarray:
    return (255 * image.clamp(0, 1)).round().permute(1, 2, 0).numpy()


def test_left_of_the_edge_is_before_and_right_of_it_after(opened, widgets):
    tab = opened("compare")
    before, after = (bytes_of(picture) for picture in widgets["compare"]._pictures.values())
    handle = tab.locator(".handle")
    for key, share in (("PageDown", 0.3), ("ArrowRight", 0.32), ("Home", 0.0), ("End", 1.0)):
        handle.press(key)
        edge = round(share * 128)
        assert np.array_equal(pixels(tab, ".split canvas"), np.concatenate([before[:, :edge], after[:, edge:]], axis=1))
    expect(tab.locator(".tag.left")).to_have_text(f"degraded {widgets['compare'].scores['degraded']:.2f} dB")
    assert tab.locator(".split canvas").get_attribute("aria-label").startswith("Left of the edge: degraded")


def test_a_finger_moves_the_edge(opened):
    tab = opened("compare", PHONE, has_touch=True, is_mobile=True, device_scale_factor=3)
    box = tab.locator(".split").bounding_box()
    tab.touchscreen.tap(box["x"] + 0.25 * box["width"], box["y"] + box["height"] / 2)
    expect(tab.locator(".handle")).to_have_attribute("aria-valuenow", "25")


def test_the_slider_the_keys_and_the_buttons_go_through_the_stages(opened, widgets):
    tab = opened("stages")
    stages, dial = widgets["stages"]._stages, tab.locator("input[type=range]")
    expect(tab.locator("h3").first).to_have_text(f"stage 2: {stages[2]['psnr']}")
    dial.press("Home")
    assert np.array_equal(pixels(tab, "figure canvas"), bytes_of(BLURRED))
    dial.press("ArrowRight")
    expect(tab.locator("h3").first).to_have_text(f"stage 1: {stages[1]['psnr']}")
    expect(dial).to_have_attribute("aria-valuetext", f"stage 1, {stages[1]['psnr']}, 10 ms")
    tab.locator("button", has_text="stage 2").click()
    expect(tab.locator("button[aria-pressed=true]")).to_have_text(re.compile("stage 2.*20 ms"))


def test_the_map_has_the_colour_of_its_error(opened, widgets):
    tab = opened("stages")
    tab.locator("input[type=range]").press("Home")
    error = (BLURRED - CLEAN).mean(0).numpy()
    shown = pixels(tab, "figure:nth-of-type(2) > canvas").astype(int)
    strong = widgets["stages"]._end / 255 / 2
    warm = shown[..., 0] - shown[..., 2]
    assert warm[error > strong].mean() > 40 and warm[error < -strong].mean() < -20
    assert shown[np.abs(error) < strong / 20].min(1).mean() > 225  # white
    tab.locator("label", has_text="error, absolute").click()
    dark = pixels(tab, "figure:nth-of-type(2) > canvas").sum(2)
    assert np.corrcoef(dark.ravel(), (BLURRED - CLEAN).abs().mean(0).numpy().ravel())[0, 1] > 0.9
    expect(tab.locator(".ramp-ends")).to_contain_text("no error")
    tab.locator("label", has_text="clean picture").click()
    assert np.array_equal(pixels(tab, "figure:nth-of-type(2) > canvas"), bytes_of(CLEAN))


def test_every_combination_of_levels_is_there_without_a_kernel(opened, widgets):
    tab, pyramid = opened("pyramid"), widgets["pyramid"]
    tab.locator(".split .handle").press("Home")  # all result
    on = LEVELS
    for level in (8, 2, 32, 8):
        tab.locator(".card").nth(LEVELS.index(level)).press("Enter")
        on = switched(on, level)
        expect(tab.locator(".verdict strong")).to_have_text(f"{pyramid.scores[on]:.2f} dB")
        seen, result = pixels(tab, ".split canvas"), bytes_of(pyramid.results[on].image)
        assert np.abs(seen - result).mean() < np.abs(result - bytes_of(BLURRED)).mean() / 4, "through JPEG, which random weights try hard"
        worth = pyramid.scores[switched(on, 16)] - pyramid.scores[on]
        expect(tab.locator(".card").nth(3).locator("small").last).to_have_text(f"off: {'−' if worth < 0 else '+'}{abs(worth):.2f} dB")
    states = [card.get_attribute("aria-pressed") for card in tab.locator(".card").all()]
    assert states == ["false", "true", "true", "true", "false"] and on in EVERY
    tab.locator("button", has_text="All off").click()
    expect(tab.locator(".verdict")).to_contain_text("no level")
    assert pixels(tab, ".card canvas").max() < 6  # the map at 1/2 knows of no other: black


@pytest.mark.parametrize("name", ["compare", "stages", "pyramid"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_both_themes_on_a_phone_fit_and_can_be_read(name, scheme, opened):
    tab = opened(name, PHONE, color_scheme=scheme, device_scale_factor=2)
    assert tab.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ink, ground = (tab.evaluate(f"getComputedStyle({node}).{what}") for node, what in (
        ("document.querySelector('section.restorelab')", "color"), ("document.body", "backgroundColor"),
    ))  # fmt: skip
    light = [np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]]) for colour in (ink, ground)]
    assert abs(light[0] - light[1]) > 150 and (light[0] > light[1]) == (scheme == "dark")
    for canvas in tab.locator("canvas").all():
        assert canvas.get_attribute("aria-label") or canvas.get_attribute("aria-hidden") == "true"
