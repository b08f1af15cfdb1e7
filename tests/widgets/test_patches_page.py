"""The page of the patch explorer in a real browser, with the network cut: the walk lights the patches in the order of the batch, the
switches show what the model would have answered, the lens stays where it is put."""

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from unit.test_patch_explorer import ALL, explorer

from restorelab.widgets.switching import switched

DESKTOP, PHONE = {"width": 1100, "height": 900}, {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def shown():
    return explorer()


@pytest.fixture
def opened(open_offline, shown):
    return lambda size=DESKTOP, **screen: open_offline(shown.to_html(), viewport=size, **screen)


def pixels(tab: Page, selector: str) -> np.ndarray:
    """`3 h w` of a canvas, in [0, 1]."""
    read = "(one) => [one.height, one.width, ...one.getContext('2d').getImageData(0, 0, one.width, one.height).data]"
    height, width, *values = tab.locator(selector).first.evaluate(read)
    return np.array(values).reshape(height, width, 4)[..., :3].transpose(2, 0, 1) / 255


def apart(tab: Page, picture) -> float:
    """Of what stands on the stage from a picture of the package: mean absolute, in [0, 1]; JPEG lies between the two."""
    return float(np.abs(pixels(tab, ".stage canvas") - picture.clamp(0, 1).numpy()).mean())


def test_the_walk_and_the_switches_show_what_the_package_says(opened, shown):
    tab, found = opened(reduced_motion="reduce"), shown.study
    title, play = tab.locator("h3").first, tab.get_by_role("button", name="▸ Next step")
    assert apart(tab, found.degraded) < 0.01
    for patch in range(4):
        play.press("ArrowRight") if patch % 2 else play.click()
        expect(title).to_contain_text(f"Level 3 looks at patch {patch} of its batch")
        assert tab.locator(".stage .dim").count() == 3
    play.click()
    expect(title).to_have_text("Level 3 has found this, joined")
    assert apart(tab, 0.5 + found.found[3, ()] / (2 * shown._end)) < 0.03 and tab.locator(".stage .dim").count() == 0
    play.click()
    assert apart(tab, found.handed(2)) < 0.02
    tab.get_by_role("button", name="Level 2 is on").click()
    tab.locator("label", has_text="the result").click()
    on = switched(ALL, 2)
    assert apart(tab, found.results[on].image) < 0.02
    expect(tab.locator(".standing")).to_contain_text(f"{found.scores[on]:.2f} dBwith levels 3, 1 on")
    expect(tab.get_by_role("button", name="Level 2 is silenced")).to_have_attribute("aria-pressed", "false")
    tab.locator(".station", has_text="level 3").locator(".step").click()
    expect(tab.locator(".ratio")).to_contain_text(f"neighbours differ {found.seam(3):.2f} times")


def test_it_plays_by_itself_and_a_finger_moves_the_lens(opened):
    tab = opened(PHONE, has_touch=True, is_mobile=True, device_scale_factor=3)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    tab.get_by_role("button", name="▶ Play").click()
    expect(tab.locator("h3").first).to_contain_text("Level 3 looks at patch 1")
    tab.get_by_role("button", name="❚❚ Pause").click()
    before = pixels(tab, ".enlarged canvas")
    stage = tab.locator(".stage")
    stage.scroll_into_view_if_needed()
    box = stage.bounding_box()
    tab.touchscreen.tap(box["x"] + 0.1 * box["width"], box["y"] + 0.1 * box["height"])
    expect(tab.locator(".enlarged canvas")).to_have_attribute(
        "aria-label", "What level 3 finds around row 5, column 6; mid-grey is nothing"
    )
    assert np.abs(pixels(tab, ".enlarged canvas") - before).mean() > 0.005
    tab.locator(".lens").press("ArrowDown")
    expect(tab.locator(".enlarged canvas")).to_have_attribute(
        "aria-label", "What level 3 finds around row 6, column 6; mid-grey is nothing"
    )
