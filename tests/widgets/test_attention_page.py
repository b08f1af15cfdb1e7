"""The attention viewer in a real browser: the mask drawn is the mask that the network used, and painting goes to Python and back."""

import base64
import json
import re

import numpy as np
import pytest
import torch

from restorelab.data.pairs import Pair
from restorelab.data.scenes import dead_leaves
from restorelab.degrade import GaussianNoise, Recipe, degrade
from restorelab.metrics import psnr
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.restore import restore
from restorelab.widgets.attention_study import CELL, INTERVENTIONS
from restorelab.widgets.attention_viewer import AttentionViewer

SIDE = 32
LABEL = "random weights, as of a test"
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1200, "height": 900}

# In a notebook, ipywidgets carries traits to Python and back. Here the page calls this test instead.
BRIDGE = """async () => {
  if (state._edit === undefined || state._edit === asked) return;
  asked = state._edit;
  const answer = await window.askPython(JSON.stringify(state._edit));
  model.set("_answer", JSON.parse(answer, (_, value) => (value?.base64 === undefined ? value : bytes(value.base64))));
}"""


@pytest.fixture(scope="module")
def net() -> MPRNet:
    torch.manual_seed(0)
    net = MPRNet(MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1)).eval()
    with torch.no_grad():
        for sam in net.sams:  # else its gates hardly move from place to place, and change little
            sam.gate.weight.mul_(6)
            sam.features.weight.mul_(3)
    return net


@pytest.fixture(scope="module")
def viewer(net) -> AttentionViewer:
    pairs = {}
    for number in range(2):
        rng = np.random.default_rng(number)
        clean = dead_leaves(SIDE, SIDE, rng)
        pairs[f"leaves {number}"] = Pair("leaves", degrade(clean, Recipe((GaussianNoise(0.1),)), rng).image, clean, {})
    return AttentionViewer(net, pairs, weights=LABEL, side=SIDE)


@pytest.fixture(scope="module")
def html(viewer) -> str:
    return viewer.to_html()


@pytest.fixture
def opened(browser, viewer, html, tmp_path):
    """-> the page of the widget after it has drawn itself; `live` connects it to the widget here."""
    tabs = []

    def open_page(live: bool = False, **settings):
        text = html
        if live:
            assert "save_changes: () => {}" in text
            text = text.replace("save_changes: () => {}", f"save_changes: {BRIDGE}").replace(
                "const listeners", "let asked;\nconst listeners"
            )
        file = tmp_path / "page.html"
        file.write_text(text, encoding="utf-8")
        tab = browser.new_page(**{"viewport": DESK} | settings)
        tabs.append(tab)
        tab.errors = []
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        if live:
            tab.expose_function("askPython", lambda edit: answered(viewer, edit))
        tab.goto(file.as_uri())
        tab.wait_for_selector("body[data-drawn]")
        return tab

    yield open_page
    assert not [error for tab in tabs for error in tab.errors]
    for tab in tabs:
        tab.close()


def answered(viewer, edit: str) -> str:
    viewer.set_state({"_edit": json.loads(edit)})
    return json.dumps(viewer._answer, default=lambda file: {"base64": base64.b64encode(file).decode()})


def slide(tab, name: str, value: float) -> None:
    tab.evaluate(
        """([name, value]) => {
          const label = [...document.querySelectorAll(".field")].find((node) => node.querySelector("code").textContent === name);
          const input = label.querySelector("input");
          input.value = value;
          input.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        [name, value],
    )


def mask_drawn(tab, viewer) -> np.ndarray:
    """The gate as the colours of the canvas say it, in 1/255; the overlay must be opaque."""
    pixels = tab.locator("canvas.gate").evaluate("(node) => [...node.getContext('2d').getImageData(0, 0, node.width, node.height).data]")
    colours = np.array(pixels, dtype=int).reshape(SIDE, SIDE, 4)[..., :3]
    ramp = np.frombuffer(viewer._ramp, np.uint8).astype(int).reshape(256, 3)
    away = np.abs(colours[:, :, None] - ramp).sum(3)
    assert away.min(2).max() == 0, "every colour is one of the ramp's"
    return away.argmin(2)


def score(tab) -> str:
    return tab.locator(".score").inner_text()


def words(decibels: float) -> str:
    text = f"{abs(decibels):.2f}"
    return "±0.00" if text == "0.00" else ("−" if decibels < 0 else "+") + text


@pytest.mark.parametrize("sam", [1, 2])
def test_the_mask_drawn_is_the_mask_used_and_the_decibels_are_those_of_restore(opened, viewer, net, sam):
    """Recomputed outside of the widget by restore(sam_override), for every intervention, the mean and a channel."""
    tab, pair = opened(), viewer.shown.pair
    slide(tab, "opacity", 100)
    tab.get_by_label(f"SAM {sam}, after").check()
    untouched = restore(net, pair.degraded).image
    for name in ("untouched", *INTERVENTIONS):
        tab.get_by_label(name, exact=True).check()
        override = {sam: INTERVENTIONS[name]} if name in INTERVENTIONS else None
        restored = restore(net, pair.degraded, explain=True, sam_override=override)
        gate = restored.maps["sam"][sam - 1]
        for channel, used in ((0, gate.mean(0)), (3, gate[2]), (8, gate[7])):
            slide(tab, "channel", channel)
            assert np.abs(mask_drawn(tab, viewer) - 255 * used.numpy()).max() < 2.5, f"{name}, channel {channel}"
        if override:
            change = psnr(restored.image, pair.clean) - psnr(untouched, pair.clean)
            assert f"{words(change)} dB" in score(tab) and f"PSNR {psnr(restored.image, pair.clean):.2f} dB" in score(tab)
            assert tab.locator("td.here").inner_text().strip() == words(change)


def test_whose_weights_and_which_protocol(opened):
    seen = opened().locator("#widget").inner_text()
    assert f"Weights: {LABEL}." in seen and "COURSE_RGB" in seen and "Attention shown is not yet attention that matters" in seen
    assert "leaves 0" in seen and "leaves 1" in seen


def test_stretched_colours_say_so(opened, viewer):
    tab = opened()
    gate = viewer.shown.gates[0].mean(0)
    assert tab.locator(".ramp-ends").inner_text().split("\n")[0].startswith("0.00")
    tab.get_by_label("stretch the colours").check()
    assert f"{gate.min():.2f}" in tab.locator(".ramp-ends").inner_text() and f"{gate.max():.2f}" in tab.locator(".ramp-ends").inner_text()
    slide(tab, "opacity", 100)
    levels = mask_drawn(tab, viewer)
    assert levels.min() == 0 and levels.max() == 255


@pytest.mark.parametrize("hand", ["mouse", "keys"])
def test_painting_is_restored_by_python(opened, viewer, net, hand):
    tab = opened(live=True)
    slide(tab, "opacity", 100)
    tab.get_by_label("SAM 2, after").check()
    tab.get_by_label("painted", exact=True).check()
    tab.get_by_label("1: open").check()
    canvas = tab.locator("canvas.gate")
    rows, columns = (slice(0, CELL), slice(0, CELL * 3))
    if hand == "keys":  # from the middle to the corner, then along the border
        canvas.focus()
        for key in ["ArrowUp"] * 4 + ["ArrowLeft"] * 4 + ["Enter", "ArrowRight", "Space", "ArrowRight", "Enter"]:
            canvas.press(key)
        tab.get_by_label("1: open").focus()  # else the cursor is drawn
    else:
        canvas.scroll_into_view_if_needed()
        box = canvas.bounding_box()
        side = box["width"] * CELL / SIDE
        tab.mouse.move(box["x"] + side / 2, box["y"] + side / 2)
        tab.mouse.down()
        tab.mouse.move(box["x"] + 2.5 * side, box["y"] + side / 2, steps=8)
        tab.mouse.up()
    tab.wait_for_function("() => /dB (worse|better): PSNR/.test(document.querySelector('.score').textContent)")
    gate = viewer.shown.gates[1].clone()
    gate[:, rows, columns] = 1
    after, before = restore(net, viewer.degraded, sam_override={2: gate}).image, restore(net, viewer.degraded).image
    change = psnr(after, viewer.clean) - psnr(before, viewer.clean)
    assert f"{words(change)} dB" in score(tab)
    assert np.abs(mask_drawn(tab, viewer) - 255 * gate.mean(0).numpy()).max() < 2.5
    assert tab.locator("tr", has_text="painted").locator("td").nth(1).inner_text().strip() == words(change)


def test_a_refusal_of_python_is_shown(opened, viewer, monkeypatch):
    monkeypatch.setattr(viewer, "_width", SIDE + CELL)  # as if the page were of another widget
    tab = opened(live=True)
    tab.get_by_label("painted", exact=True).check()
    tab.locator("canvas.gate").click()
    tab.wait_for_selector(".problem:not([hidden])")
    assert "rows of" in tab.locator(".problem").inner_text() and not tab.locator("[data-busy]").count()


def test_without_a_kernel_a_painting_says_so_in_the_end(opened):
    tab = opened()
    tab.clock.install()
    tab.get_by_label("painted", exact=True).check()
    tab.locator("canvas.gate").click()
    tab.clock.run_for(200)
    assert "Python restores it" in score(tab)
    tab.clock.run_for(600_000)
    assert "needs a running kernel" in tab.locator(".problem").inner_text()
    tab.get_by_label("1 everywhere", exact=True).check()
    assert " dB" in score(tab) and "Python" not in score(tab)


def test_the_keyboard_reaches_everything(opened):
    """One stop of Tab for each group, and arrows inside; the picture is one when it can be painted."""
    tab = opened()
    stops = []
    for _ in range(12):
        tab.keyboard.press("Tab")
        stops.append(tab.evaluate("() => document.activeElement.type || document.activeElement.getAttribute('role')"))
    assert stops[:9] == ["radio", "radio", "radio", "range", "range", "checkbox", "slider", "radio", stops[8]]
    tab.get_by_label("untouched", exact=True).focus()
    tab.keyboard.press("ArrowRight")
    assert "1 everywhere" in tab.locator("h4").inner_text()
    assert tab.locator("canvas.gate").get_attribute("tabindex") == "-1"
    tab.get_by_label("painted", exact=True).check()
    assert tab.locator("canvas.gate").get_attribute("tabindex") == "0"


def test_alternative_texts_follow_what_is_shown(opened, viewer):
    tab = opened()
    tab.get_by_label("1 everywhere", exact=True).check()
    label = tab.locator("canvas.gate").get_attribute("aria-label")
    assert "Gate of SAM 1, mean of 8 channels, 1 everywhere" in label and "mean 1.000" in label
    tab.wait_for_function("() => document.querySelector('.spoken').textContent.includes('1 everywhere at SAM 1')")


@pytest.mark.parametrize(("viewport", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_it_fits_in_width_and_theme_and_a_finger_paints(opened, viewport, scheme):
    tab = opened(viewport=viewport, color_scheme=scheme, has_touch=True)
    assert tab.evaluate("() => document.documentElement.scrollWidth") <= viewport["width"]
    found = tab.evaluate(
        "() => [getComputedStyle(document.querySelector('.restorelab')).color, getComputedStyle(document.body).backgroundColor]"
    )
    ink, ground = (sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in found)
    assert abs(ink - ground) > 500 and (ink > ground) == (scheme == "dark")
    tab.get_by_label("painted", exact=True).check()
    tab.locator("canvas.gate").tap()
    assert "Python restores it" in score(tab)
