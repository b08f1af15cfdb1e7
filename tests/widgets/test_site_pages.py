"""The site, built and walked through as its readers do: from file://, the network cut, every page."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow
# Said of every page, and of no use here: Chromium reports that a file has no icon at its root.
ALONE = {"resultTypes": ["violations"], "iframes": False, "preload": False}  # for axe: it would fetch styles, which no file may
SLOWEST = 120_000  # ms, on a machine with other work
HARMLESS = ("favicon",)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the pages. RESTORELAB_SITE names one that is built already (`make site`: build/site)."""
    pytest.importorskip("sphinx", reason="`make site` installs what the site is built with")
    pytest.importorskip("axe_playwright_python", reason="`make site` installs what the site is built with")
    if "RESTORELAB_SITE" in os.environ:
        return Path(os.environ["RESTORELAB_SITE"]).resolve() / "html"
    folder = tmp_path_factory.mktemp("site")
    subprocess.run([sys.executable, ROOT / "site" / "build.py", "--to", folder], check=True)
    return folder / "html"


@pytest.fixture(scope="module")
def pages(built):
    return [path for path in sorted(built.rglob("*.html")) if not {"widgets", "_static"} & set(path.parts) and path.name != "genindex.html"]


@pytest.fixture(scope="module")
def walked(browser, pages):
    """Path -> what went wrong there: requests to the outside, console errors, pictures without words, serious violations by axe-core."""
    from axe_playwright_python.sync_playwright import Axe

    found = {}
    context = browser.new_context(offline=True, viewport={"width": 1200, "height": 900})
    context.set_default_timeout(SLOWEST)
    for path in pages:
        page = context.new_page()
        trouble = found[path] = []
        page.on("request", lambda request, trouble=trouble: trouble.append(f"asks for {request.url}") if _outside(request.url) else None)
        page.on("requestfailed", lambda request, trouble=trouble: trouble.append(f"did not get {request.url}"))
        page.on("pageerror", lambda error, trouble=trouble: trouble.append(f"script: {error}"))
        page.on("console", lambda message, trouble=trouble: trouble.append(f"console: {message.text}") if message.type == "error" else None)
        page.goto(path.as_uri())
        trouble += [f"no words for {one.get_attribute('src')}" for one in page.locator("img:not([alt])").all()]
        for rule in Axe().run(page, options=ALONE).response["violations"]:
            if rule["impact"] in ("serious", "critical"):
                nodes = " / ".join(node["html"][:120] for node in rule["nodes"][:3])
                trouble.append(f"axe {rule['impact']} {rule['id']}, {len(rule['nodes'])} times: {nodes}")
        page.close()
    context.close()
    return found


def _outside(url: str) -> bool:
    return not url.startswith(("file:", "data:", "blob:", "about:"))


def test_no_page_asks_the_outside_complains_or_shuts_readers_out(walked):
    wrong = [f"{path.name}: {one}" for path, trouble in walked.items() for one in trouble if not any(word in one for word in HARMLESS)]
    assert not wrong, "\n".join(wrong)


def test_every_chapter_has_its_page(built):
    chapters = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert chapters and chapters <= {path.stem for path in (built / "chapters").glob("*.html")}


class Links(HTMLParser):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attributes: list) -> None:
        given = dict(attributes)
        self.names.update(filter(None, (given.get("id"), given.get("name"))))
        self.targets += filter(None, (given.get("href"), given.get("src")))


def test_every_link_within_the_site_leads_somewhere(pages):
    read = {path: Links(path) for path in pages}
    dead = []
    for path, links in read.items():
        for target in links.targets:
            if re.match(r"[a-z]+:|//", target):
                continue
            file, place = urldefrag(target)
            there = (path.parent / unquote(file.partition("?")[0])).resolve() if file else path
            if not there.is_file() or (place and there in read and unquote(place) not in read[there].names):
                dead.append(f"{path.name}: {target}")
    assert not dead


def test_widgets_are_alive_and_tell_their_height(browser, built):
    page = browser.new_page(viewport={"width": 1200, "height": 900})
    page.set_default_timeout(SLOWEST)
    page.goto((built / "chapters" / "01_degradation.html").as_uri())
    frame = page.locator("iframe.widget").first
    frame.scroll_into_view_if_needed()
    inside = page.frame_locator("iframe.widget").first
    slider = inside.locator("input[type=range]").first
    slider.wait_for()
    before = inside.locator("body").inner_text()
    slider.focus()
    slider.press("ArrowRight")
    assert inside.locator("body").inner_text() != before
    page.wait_for_function("document.querySelector('iframe.widget').style.height !== ''")
    page.close()


OVERFULL = """async () => {
    const found = [];
    for (const slide of Reveal.getSlides()) {
        const { h, v } = Reveal.getIndices(slide);
        Reveal.slide(h, v);
        await new Promise(requestAnimationFrame);
        if (slide.scrollHeight > slide.clientHeight || slide.scrollWidth > slide.clientWidth) found.push(slide.innerText.slice(0, 60));
    }
    return found;
}"""


def test_every_slide_shows_all_that_is_on_it(browser, built):
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    page.set_default_timeout(SLOWEST)
    decks = sorted((built / "slides").glob("[0-9]*.html"))
    assert len(decks) == len(list((ROOT / "notebooks").glob("*.ipynb")))
    for deck in decks:
        page.goto(deck.as_uri())
        page.wait_for_function("Reveal.isReady()")
        assert page.evaluate("Reveal.getTotalSlides()") > 8 and page.evaluate(OVERFULL) == [], deck.name
    page.goto(f"{decks[5].as_uri()}#/1")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("Reveal.getIndices().h === 2")
    page.close()


def test_search_finds_without_a_server(browser, built):
    page = browser.new_page()
    page.set_default_timeout(SLOWEST)
    page.goto((built / "search.html").as_uri() + "?q=kernel")
    page.wait_for_selector("#search-results li")
    assert page.locator("#search-results li").count() > 3
    page.close()
