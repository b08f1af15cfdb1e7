"""A visitor with a real browser: every tab, on a real server, and no request that leaves the machine.

Loading the page costs more than most of what is done on it, so one page walks through all tabs, and a phone sees another.
"""

import threading

import pytest
from gradio_client import handle_file

from restorelab import image
from restorelab.data import photos
from restorelab.demo.words import say

PATIENCE = 240_000  # milliseconds, for a machine that does other things too
DESKTOP, PHONE = {"width": 1200, "height": 900}, {"width": 390, "height": 844}
TABS = ("restore", "judge", "inside", "about")


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    file = tmp_path_factory.mktemp("photo") / "tulips.png"
    image.save(photos.load("tulips")[:, 100:196, 100:228], file)
    return file


def visit(browser, address, **options):
    page = browser.new_page(**options)
    page.set_default_timeout(PATIENCE)
    page.asked, page.complaints = [], []
    page.on("request", lambda request: page.asked.append(request.url))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    page.goto(address)
    page.wait_for_selector("#go_restore")
    return page


def undisturbed(page, address):
    """Nothing but the server was asked, and the page did not complain."""
    strangers = [url for url in page.asked if not url.startswith((address, "data:", "blob:", "about:"))]
    return strangers == [] and page.complaints == []


@pytest.fixture(scope="module")
def visitor(browser, served):
    page = visit(browser, served[1], viewport=DESKTOP)
    yield page
    page.close()


@pytest.fixture
def page(visitor, served):
    yield visitor
    assert undisturbed(visitor, served[1])


def open_tab(page, name, language="en"):
    page.get_by_role("tab", name=say(f"tab_{name}", language), exact=True).click()


def upload(page, where, photo):
    if page.locator(f"{where} [aria-label='Clear']").count():
        page.locator(f"{where} [aria-label='Clear']").click()
    page.locator(f"{where} input[type=file]").first.set_input_files(photo)
    page.wait_for_selector(f"{where} img")


def test_the_keyboard_reaches_restore_and_shows_where_it_is(page):
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "go_restore":
            break
    assert page.evaluate("document.activeElement.id") == "go_restore"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_text(say("no_picture")).first.wait_for()


def test_a_bad_file_is_a_sentence_on_the_page(page, tmp_path):
    (tmp_path / "page.png").write_text("<html><b>not a picture</b></html>")
    page.locator("#upload input[type=file]").first.set_input_files(tmp_path / "page.png")
    page.get_by_text("is not in a format read here").first.wait_for()


def test_restore_drag_keys_and_download(page, photo):
    upload(page, "#upload", photo)
    page.locator("#forecast").get_by_text("128 × 96 pixels, 8 bits").wait_for()
    page.locator("#go_restore").click()
    page.locator("#said").get_by_text("128 × 96 pixels restored").wait_for()
    pictures = page.locator("#before_after img")
    assert all(".png" in source for source in pictures.evaluate_all("all => all.map((one) => one.src)")), "never a lossy copy"
    handle = page.locator("#before_after .inner")
    handle.scroll_into_view_if_needed()
    before = handle.bounding_box()
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.down()
    page.mouse.move(before["x"] - 80, before["y"] + before["height"] / 2, steps=4)
    page.mouse.up()
    assert handle.bounding_box()["x"] < before["x"] - 40
    slider = page.locator("#before_after [role=slider]")
    slider.focus()
    for key in ("Home", "PageUp", "ArrowRight", "ArrowRight", "ArrowLeft"):
        page.keyboard.press(key)
    page.wait_for_selector(f"#before_after [aria-valuenow='22'][aria-label='{say('before_after')}']")
    frame = slider.locator("..").bounding_box()
    assert abs((handle.bounding_box()["x"] - frame["x"]) / frame["width"] - 0.22) < 0.02
    assert slider.evaluate("(one) => getComputedStyle(one).outlineStyle") == "solid"
    with page.expect_download() as download:
        page.locator("#download").click()
    assert image.probe(download.value.path()).bit_depth == 16 and download.value.suggested_filename == "tulips_restored.png"


@pytest.fixture
def endless(served, monkeypatch):
    """Jobs that would never end by themselves -> (a list of what began, how to let them go on as usual)."""
    workshop, begun, go_on = served[0].workshop, [], threading.Event()
    plain = workshop.restore

    def slow(offer, degraded, job, *rest, **more):
        begun.append(tuple(degraded.shape))
        while not go_on.wait(0.05):
            job.check()
        return plain(offer, degraded, job, *rest, **more)

    monkeypatch.setattr(workshop, "restore", slow)
    yield begun, go_on.set
    go_on.set()


def until(page, true):
    while not true():
        page.wait_for_timeout(50)


def test_stop_really_stops(page, photo, served, endless):
    upload(page, "#upload", photo)
    page.locator("#go_restore").click()
    until(page, lambda: endless[0])
    page.locator("#stop_restore").click()
    page.locator("#said").get_by_text(say("stopped_all")).wait_for()
    until(page, lambda: not served[0].workshop.desk.at_work)


def test_stop_drops_what_waits_behind_another_visitor(page, client, photo, tmp_path, endless):
    begun, go_on = endless
    image.save(photos.load("coffee")[:, :40, :40], tmp_path / "other.png")
    upload(page, "#upload", photo)
    page.locator("#forecast").get_by_text("128 × 96").wait_for()
    ask = lambda: client.submit(handle_file(str(tmp_path / "other.png")), "dmphn_shake", 0, 0, 1.0, 0.0, "en", api_name="/restore")  # noqa: E731
    first = ask()
    until(page, lambda: begun)
    page.locator("#go_restore").click()
    page.locator("#before_after").get_by_text("queue").first.wait_for()
    page.locator("#stop_restore").click()
    page.locator("#before_after").get_by_text("queue").first.wait_for(state="hidden")
    second = ask()  # its turn comes after that of everything that waits already
    go_on()
    assert first.result() and second.result()
    assert begun == [(3, 40, 40)] * 2, "the job of the page was never begun"


def test_judge_shows_pictures_scores_and_the_plane(page, photo):
    open_tab(page, "judge")
    upload(page, "#judge_upload", photo)
    page.locator("#go_judge").click()
    page.wait_for_selector("#plane img")
    assert "DMPHN" in page.locator("#scores").inner_text() and page.locator("#side_by_side img").count() >= 3


def test_a_click_shows_the_filter_of_that_pixel(page, photo):
    open_tab(page, "inside")
    page.locator("#inside_system input").click()
    page.get_by_role("option", name="UDVD").click()
    upload(page, "#inside_upload", photo)
    page.locator("#go_inside").click()
    kernel = page.locator("#kernel iframe")
    kernel.wait_for()
    assert "At row 96, column 96 " in kernel.get_attribute("title"), "the middle of 192 × 192"
    shown = page.locator("#inside_result img")
    box = shown.bounding_box()
    side = min(box["width"], box["height"])  # of the square picture within its frame
    left, top = (box["width"] - side) / 2, (box["height"] - side) / 2
    shown.click(position={"x": left + side * 20.5 / 192, "y": top + side * 150.5 / 192})
    page.wait_for_function("!document.querySelector('#kernel iframe').title.includes('At row 96,')")
    assert "At row 150, column 20 " in kernel.get_attribute("title")
    page.frame_locator("#kernel iframe").locator("body[data-drawn]").wait_for()


def test_the_language_changes_every_label_and_back(page):
    """And the page stays as wide as it was."""
    wide = page.locator("main").bounding_box()["width"]
    page.locator("#language").get_by_text("中文").click()
    open_tab(page, "restore", "zh")
    page.get_by_role("button", name=say("go_restore", "zh"), exact=True).wait_for()
    assert page.locator("main").bounding_box()["width"] == pytest.approx(wide, abs=1)
    open_tab(page, "about", "zh")
    assert say("no_evidence", "zh") in page.locator("#cards").inner_text()
    page.locator("#language").get_by_text("English").click()
    page.get_by_role("tab", name=say("tab_about")).wait_for()


def test_a_chinese_phone_in_both_lights(browser, served):
    """Greeted in its language, all tabs in sight, and no scrolling sideways."""
    page = visit(browser, served[1], viewport=PHONE, locale="zh-CN", color_scheme="light")
    page.get_by_role("button", name=say("go_restore", "zh"), exact=True).wait_for()
    seen = set()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for name in TABS:
            open_tab(page, name, "zh")
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], (scheme, name)
        seen.add(page.evaluate("getComputedStyle(document.body).backgroundColor"))
    assert len(seen) == 2
    assert undisturbed(page, served[1])
    page.close()
