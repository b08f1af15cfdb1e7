"""The page of the cherry picker in a real browser, with the network cut: keys and clicks choose, and it says how far a choice flatters."""

import re

import pytest
from playwright.sync_api import expect
from unit.test_cherry_picker import GAINS, picker


@pytest.fixture
def opened(open_offline):
    return lambda width: open_offline(picker().to_html(), viewport={"width": width, "height": 900})


def test_what_it_says_of_every_choice_is_what_python_says(opened):
    tab, it = opened(1000), picker()
    verdict = tab.locator(".verdict")
    for numbers in ([1, 3, 4], [1, 4], [0, 1, 2, 4], [2]):
        for number in range(len(GAINS)):
            thumb = tab.get_by_role("button", name=re.compile(rf"^p{number}, "))
            if (thumb.get_attribute("aria-pressed") == "true") != (number in numbers):
                thumb.press("Space")
        it.chosen = numbers
        mean = it.gains[numbers].mean()
        expect(verdict).to_contain_text(f"Your figure: {'+' if mean > 0 else '−'}{abs(mean):.2f} dB")
        said = float(re.search(r"([\d.]+) % of the", verdict.inner_text())[1])
        assert said == pytest.approx(100 * it.flattery, abs=0.51)
    tab.get_by_role("button", name="the worst three").click()
    expect(verdict).to_contain_text("That slanders.")
    expect(tab.get_by_role("button", name=re.compile("^p2, "))).to_have_attribute("aria-pressed", "true")


def test_a_phone_sees_all_of_it(opened):
    tab = opened(390)
    assert tab.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
