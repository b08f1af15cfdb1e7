"""A visitor with a real browser: every tab, on a real server, and no request that leaves the machine."""

import pytest

from restorelab import image
from restorelab.data import photos
from restorelab.demo.words import say

PATIENCE = 120_000  # milliseconds, for a machine that does other things too
SIZES = {"desktop": (1200, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    file = tmp_path_factory.mktemp("photo") / "tulips.png"
    image.save(photos.load("tulips")[:, 100:196, 100:228], file)
    return file


@pytest.fixture
def visit(browser, served):
    """-> a page in a window of this size; it fails at the end if anything but the server was asked, or the page complained."""
    pages = []

    def open_page(size=SIZES["desktop"], **options):
        width, height = size
        page = browser.new_page(viewport={"width": width, "height": height}, **options)
        page.set_default_timeout(PATIENCE)
        page.asked, page.complaints = [], []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        pages.append(page)
        page.goto(served[1])
        page.wait_for_selector("#go_restore")
        return page

    yield open_page
    for page in pages:
        strangers = [url for url in page.asked if not url.startswith((served[1], "data:", "blob:", "about:"))]
        complaints = page.complaints
        page.close()
        assert strangers == [] and complaints == []


def upload(page, where, photo):
    page.locator(f"{where} input[type=file]").first.set_input_files(photo)
    page.wait_for_selector(f"{where} img")


def test_restore_drag_and_download(visit, photo):
    page = visit()
    upload(page, "#upload", photo)
    page.locator("#forecast").get_by_text("128 × 96 pixels, 8 bits").wait_for()
    page.locator("#go_restore").click()
    page.locator("#said").get_by_text("128 × 96 pixels restored").wait_for()
    pictures = page.locator("#before_after img")
    assert all(".png" in source for source in pictures.evaluate_all("all => all.map((one) => one.src)")), "never a lossy copy"
    handle = page.locator("#before_after .inner")
    before = handle.bounding_box()
    page.mouse.move(before["x"] + before["width"] / 2, before["y"] + before["height"] / 2)
    page.mouse.down()
    page.mouse.move(before["x"] - 80, before["y"] + before["height"] / 2, steps=4)
    page.mouse.up()
    assert handle.bounding_box()["x"] < before["x"] - 40
    with page.expect_download() as download:
        page.locator("#download").click()
    assert image.probe(download.value.path()).bit_depth == 16 and download.value.suggested_filename == "tulips_restored.png"


def test_a_bad_file_is_a_sentence_on_the_page(visit, tmp_path):
    (tmp_path / "page.png").write_text("<html><b>not a picture</b></html>")
    page = visit()
    page.locator("#upload input[type=file]").first.set_input_files(tmp_path / "page.png")
    page.get_by_text("is not in a format read here").first.wait_for()


def test_stop_really_stops(visit, photo, served):
    page = visit()
    upload(page, "#upload", photo)
    page.locator("#forecast").get_by_text("128 × 96").wait_for()
    workshop = served[0].workshop
    plain = workshop.restore

    def slow(offer, degraded, job, *rest, **more):
        while True:  # a job that would never end by itself
            job.check()

    workshop.restore = slow
    try:
        page.locator("#go_restore").click()
        page.wait_for_function("() => document.querySelector('#before_after')", timeout=PATIENCE)
        while not workshop.desk.at_work:
            page.wait_for_timeout(50)
        page.locator("#stop_restore").click()
        page.get_by_text(say("stopped")).first.wait_for()
    finally:
        workshop.restore = plain
    assert workshop.desk.at_work == 0


def test_judge_shows_pictures_scores_and_the_plane(visit, photo):
    page = visit()
    page.get_by_role("tab", name=say("tab_judge")).click()
    upload(page, "#judge_upload", photo)
    page.locator("#go_judge").click()
    page.wait_for_selector("#plane img")
    assert "DMPHN" in page.locator("#scores").inner_text() and page.locator("#side_by_side img").count() >= 3


@pytest.mark.skip(reason="fails: open in the demo issue")
def test_a_click_shows_the_filter_of_that_pixel(visit, photo):
    page = visit()
    page.get_by_role("tab", name=say("tab_inside")).click()
    page.locator("#inside_system input").click()
    page.get_by_role("option", name="UDVD").click()
    upload(page, "#inside_upload", photo)
    page.locator("#go_inside").click()
    first = page.wait_for_selector("#kernel iframe").get_attribute("title")
    page.locator("#inside_result img").click(position={"x": 20, "y": 30})
    page.wait_for_function("(first) => document.querySelector('#kernel iframe').title !== first", arg=first)
    inside = page.frame_locator("#kernel iframe")
    inside.locator("body[data-drawn]").wait_for()


def test_the_language_changes_every_label_and_back(visit):
    page = visit()
    page.locator("#language").get_by_text("中文").click()
    page.get_by_role("button", name=say("go_restore", "zh"), exact=True).wait_for()
    page.get_by_role("tab", name=say("tab_about", "zh")).click()
    assert say("no_evidence", "zh") in page.locator("#cards").inner_text()
    page.locator("#language").get_by_text("English").click()
    page.get_by_role("tab", name=say("tab_about")).wait_for()


def test_a_chinese_browser_is_greeted_in_chinese(visit):
    page = visit(locale="zh-CN")
    page.get_by_role("button", name=say("go_restore", "zh"), exact=True).wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_scrolling_sideways(visit, scheme):
    page = visit(SIZES["phone"], color_scheme=scheme)
    for tab in page.get_by_role("tab").all():
        if tab.is_visible():
            tab.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= SIZES["phone"][0]


def test_the_keyboard_reaches_restore_and_shows_where_it_is(visit):
    page = visit()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "go_restore":
            break
    assert page.evaluate("document.activeElement.id") == "go_restore"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.get_by_text(say("no_picture")).first.wait_for()
