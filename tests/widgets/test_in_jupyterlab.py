"""Every widget in a real JupyterLab: it is drawn, a hand changes it, Python learns of it and moves it back; and where nobody has trusted
the notebook, its picture stands there.

A new widget is one more entry of `WIDGETS`. All of them are in one notebook, on one server.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect
from widgets.jupyter_lab import DRAWN, PATIENCE, OpenNotebook, copy_untrusted, running_lab, wait_until_drawn_anew, write_notebook

SETUP = """
import numpy as np
import torch
from restorelab.data import photos
from restorelab.degrade import GaussianBlur, KernelCode, Recipe, degrade, draw_srmd_kernels
clean = photos.load("coffee")[:, 90:186, 200:296]
blurred = degrade(clean, Recipe((GaussianBlur(2.0),)), np.random.default_rng(0)).image
darker = 0.9 * clean
made = {}
"""


@dataclass(frozen=True)
class Act:
    """What a hand does to a widget, and what must be there then (a CSS selector inside it)."""

    do: Callable[[Locator], object]
    seen: str


@dataclass(frozen=True)
class Shown:
    """`code` makes `it`. After all acts the expression `told` has the repr `value` in Python; then `moved` runs, and `seen` is there."""

    code: str
    acts: dict[str, Act]
    told: str = "None"
    value: str = "None"
    moved: str = ""
    seen: str = field(default="canvas")


def press(selector: str, key: str) -> Callable[[Locator], object]:
    return lambda widget: widget.locator(selector).first.press(key)


def click(selector: str) -> Callable[[Locator], object]:
    return lambda widget: widget.locator(selector).first.click()


def drag(selector: str, start: float, end: float) -> Callable[[Locator], object]:
    """Along the middle of an element, from one share of its width to another."""

    def do(widget: Locator) -> None:
        node = widget.locator(selector).first
        node.scroll_into_view_if_needed()
        box, mouse = node.bounding_box(), widget.page.mouse
        mouse.move(box["x"] + start * box["width"], box["y"] + box["height"] / 2)
        mouse.down()
        mouse.move(box["x"] + end * box["width"], box["y"] + box["height"] / 2, steps=4)
        mouse.up()

    return do


def slide(selector: str, value: int) -> Callable[[Locator], object]:
    return lambda widget: widget.locator(selector).first.fill(str(value))


WIDGETS = {
    "Strobe": Shown(
        "from restorelab.widgets import Strobe\nit = Strobe({1: clean, 3: darker, 9: blurred}, {3: 'ghosts'})",
        {
            "click": Act(click('button:text-is("9")'), 'h3:text-is("9 frames averaged")'),
            "key": Act(press("input", "ArrowLeft"), 'figure:has-text("ghosts") h3:text-is("3 frames averaged")'),
        },
        "it.chosen",
        "1",
        "it.chosen = 0",
        'h3:text-is("1 frame: frozen")',
    ),
    "EqualError": Shown(
        "from restorelab.widgets import EqualError\n"
        "from restorelab.data.equal_mse import equal_mse\n"
        "faults = {kind: equal_mse(clean, 0.003, kind).image for kind in ('noise', 'blur')}\n"
        "it = EqualError(clean, faults, {'noise': (25.2, 0.5, 0.2), 'blur': (25.2, 0.75, 0.4)})",
        {
            "click": Act(click('label:has-text("blur")'), 'strong:text-is("0.750")'),
            "switch": Act(click('label:has-text("squared error")'), '.tag.right:has-text("blur: squared error")'),
            "key": Act(press(".handle", "ArrowRight"), '.handle[aria-valuenow="52"]'),
            "drag": Act(drag(".split", 0.5, 0.8), '.handle[aria-valuenow="80"]'),
        },
        "it.chosen, it.view",
        "(1, 'error')",
        "it.chosen, it.view = 0, 'picture'",
        'strong:text-is("0.500")',
    ),
    "PCAExplorer": Shown(
        "from restorelab.widgets import PCAExplorer\n"
        "code = KernelCode.fit_srmd(dims=20, count=300)\n"
        "it = PCAExplorer(code.basis, draw_srmd_kernels(2, np.random.default_rng(1)), energy=code.energy)",
        {
            "click": Act(click(".choices button:nth-of-type(2)"), '.choices button:nth-of-type(2)[aria-pressed="true"]'),
            "key": Act(press("input[type=range]", "ArrowLeft"), '.verdict strong:has-text("of 225 numbers")'),
            "slider": Act(slide("input[type=range]", 7), '.verdict strong:has-text("7 of 225 numbers")'),
        },
        "it.chosen, it.kept",
        "(1, 7)",
        "it.chosen, it.kept = 0, 12",
        '.verdict strong:has-text("12 of 225 numbers")',
    ),
    "Playground": Shown(
        "from restorelab.widgets import Playground\nit = Playground(clean, Recipe((GaussianBlur(2.0),)))",
        {
            "key": Act(press(".lens", "ArrowLeft"), ".loupes canvas"),
            "edge": Act(slide(".edge", 80), ".edge"),
            "seed": Act(click('button:text-is("Another draw")'), "pre"),
            "step": Act(press(".field input[type=range]", "End"), 'pre:has-text("GaussianBlur"):not(:has-text("std=3.0"))'),
        },
        "it.recipe.steps[0].std > 3, it.seed",
        "(True, 1)",
        "it.recipe, it.seed = Recipe((GaussianBlur(3.0),)), 0",
        'pre:has-text("std=3.0")',
    ),
    "Switchboard": Shown(
        "from restorelab.widgets import Switchboard\nit = Switchboard(blurred, clean)",
        {
            "click": Act(click('label:has-text("Y 0..255")'), '.switches small:has-text("as OpenCV")'),
            "key": Act(press(".radios:first-of-type input >> nth=3", "ArrowUp"), '.switches small:has-text("MATLAB\'s luma of an 8-bit")'),
            "jump": Act(click(".jumps button >> nth=1"), '.jumps button[aria-pressed="true"] >> nth=0'),
        },
        "list(it.chosen) != [0] * 5 and len(it.chosen)",
        "5",
        "it.chosen = [0] * 5",
        '.readout:has-text("PSNR") .big:has-text("as the course\'s own")',
    ),
    "CompareSlider": Shown(
        "from restorelab.widgets import CompareSlider\nit = CompareSlider(blurred, darker, clean=clean)",
        {
            "drag": Act(drag(".split", 0.5, 0.25), '.handle[aria-valuenow="25"]'),
            "key": Act(press(".handle", "PageUp"), '.handle[aria-valuenow="45"]'),
            "end": Act(press(".handle", "End"), '.tag.left:has-text("degraded")'),
        },
    ),
    "StageSlider": Shown(
        "from restorelab.widgets import StageSlider\n"
        "it = StageSlider(blurred, (0.5 * blurred + 0.5 * clean, darker), clean, milliseconds=(10, 20))",
        {
            "click": Act(click('button:has-text("stage 1")'), 'h3:has-text("stage 1:")'),
            "key": Act(press("input[type=range]", "ArrowRight"), 'h3:has-text("stage 2:")'),
            "switch": Act(click('label:has-text("error, absolute")'), 'h3:has-text("without its sign")'),
            "slider": Act(slide("input[type=range]", 0), 'h3:has-text("input minus clean")'),
        },
        "it.chosen, it.view",
        "(0, 'absolute')",
        "it.chosen, it.view = 2, 'clean'",
        'h3:text-is("the clean picture")',
    ),
    "PyramidExplorer": Shown(
        "from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config\n"
        "from restorelab.widgets import PyramidExplorer\n"
        "it = PyramidExplorer(DeblurGANv2(DeblurGANv2Config(width=8)).eval(), blurred, clean)",
        {
            "click": Act(click('.card:has-text("1/8")'), '.card[aria-pressed="false"]:has-text("1/8")'),
            "key": Act(press('.card:has-text("1/32")', "Enter"), '.card[aria-pressed="false"]:has-text("1/32")'),
            "drag": Act(drag(".split", 0.5, 0.75), '.handle[aria-valuenow="75"]'),
        },
        "it.levels",
        "[2, 4, 16]",
        "it.levels = [2, 4, 8, 16, 32]",
        '.verdict:has-text("with all levels")',
    ),
    "KernelMicroscope": Shown(
        "from restorelab.models.udvd import UDVD, UDVDConfig\n"
        "from restorelab.restore import restore\n"
        "from restorelab.widgets import KernelMicroscope\n"
        "net = UDVD(UDVDConfig(width=8, depth=1, pca=0, noise=False, blocks='UD')).eval()\n"
        "lr = clean[:, ::2, ::2].contiguous()\n"
        "it = KernelMicroscope(lr, restore(net, lr, explain=True), clean=clean, at=(10, 20))",
        {
            "key": Act(press(".made .view", "ArrowDown"), ".weights.kernel td"),
            "switch": Act(click('label:has-text("refine 1")'), ".weights.kernel td"),
            "click": Act(click(".made .view"), ".weights.kernel td"),
        },
        "it.stage, it.at != [10, 20]",
        "(1, True)",
        "it.stage = 0",
        ".weights.kernel td",
    ),
    "AttentionViewer": Shown(
        "from restorelab.data.pairs import Pair\n"
        "from restorelab.models.mprnet import MPRNet, MPRNetConfig\n"
        "from restorelab.widgets import AttentionViewer\n"
        "torch.manual_seed(0)\n"
        "net = MPRNet(MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1)).eval()\n"
        "it = AttentionViewer(net, {'coffee': Pair('coffee', blurred, clean, {})}, weights='random weights', side=32)",
        {
            "switch": Act(click('label:has-text("SAM 2")'), "canvas"),
            "intervene": Act(click('label:has-text("0.5 everywhere")'), "canvas"),
        },
        "it.sam, it.intervention",
        "(2, '0.5 everywhere')",
        "it.sam = 1",
        "canvas",
    ),
    "PatchExplorer": Shown(
        "from restorelab.models.dmphn import DMPHN, DMPHNConfig\n"
        "from restorelab.widgets import PatchExplorer\n"
        "torch.manual_seed(0)\n"
        "net = DMPHN(DMPHNConfig(width=4)).eval()\n"
        "it = PatchExplorer(net, blurred, clean, weights='random weights')",
        {
            "click": Act(click('.station:has-text("level 2") .level'), '.level[aria-pressed="false"]'),
            "step": Act(click('button[aria-label="One step on"]'), 'h3:has-text("Level 3 looks at patch 0")'),
            "key": Act(press(".play", "ArrowRight"), 'h3:has-text("Level 3 looks at patch 1")'),
            "view": Act(click('label:has-text("what it finds")'), 'h3:has-text("Level 3 has found this")'),
            "lens": Act(press(".lens", "ArrowLeft"), '.enlarged canvas[aria-label*="row 48, column 47"]'),
        },
        "it.level, it.levels, it.view, it.lens",
        "(3, [1, 3], 'found', [48, 47])",
        "it.levels, it.view = [1, 2, 3], 'result'",
        '.standing:has-text("with all levels")',
    ),
    "LossMixer": Shown(
        "import itertools\n"
        "from restorelab.widgets.loss_mixer import Judge, LossMixer, Mixture\n"
        "from restorelab.widgets.static import jpeg\n"
        "axes = {'adversarial': (0.0, 0.01), 'features': (0.0, 1.0)}\n"
        "every = itertools.product(*axes.values())\n"
        "made_of = {at: Mixture(jpeg(darker if sum(at) else clean), (25.0 - sum(at), sum(at))) for at in every}\n"
        "judges = (Judge('PSNR', True, 'dB', 2), Judge('distance', False))\n"
        "it = LossMixer(axes, made_of, judges, {'clean': jpeg(clean), 'blurred': jpeg(blurred)})",
        {
            "key": Act(press("input[type=range]", "ArrowRight"), 'h3:has-text("adversarial 0.01")'),
            "slider": Act(slide("input[type=range] >> nth=1", 1), 'h3:has-text("adversarial 0.01, features 1")'),
            "click": Act(click('label:has-text("blurred")'), 'h3:text-is("blurred")'),
        },
        "it.chosen, it.beside",
        "([1, 1], 'blurred')",
        "it.chosen = [0, 0]",
        'h3:has-text("pixels alone")',
    ),
    "CherryPicker": Shown(
        "from restorelab.evaluate import Evaluation, Row\n"
        "from restorelab.metrics import COURSE_RGB\n"
        "from restorelab.widgets import CherryPicker\n"
        "rows = tuple(Row(f'p{n}', 25.0, 25.0 + gain, 0.5, 0.6) for n, gain in enumerate((0.1, 1.4, -0.3, 0.8, 2.2, 0.6)))\n"
        "it = CherryPicker(Evaluation(rows, COURSE_RGB, 'a model', 'some data'), {row.name: clean for row in rows})",
        {
            "way": Act(click('button:has-text("the worst three")'), '.verdict:has-text("That slanders.")'),
            "key": Act(press('.thumb[title="p4"]', "Space"), '.thumb[title="p4"][aria-pressed="true"]'),
            "click": Act(click('.thumb[title="p2"]'), '.thumb[title="p2"][aria-pressed="false"]'),
        },
        "it.chosen",
        "[0, 4, 5]",
        "it.chosen = [0, 1, 2, 3, 4, 5]",
        '.verdict:has-text("That is all there is")',
    ),
}
CELL_OF = {name: 1 + 2 * number for number, name in enumerate(WIDGETS)}  # its widget; the cell below asks Python
EVERY = pytest.mark.parametrize("name", WIDGETS)
pytestmark = pytest.mark.slow


def cells() -> list[str]:
    """The widget of every entry, and below it what Python knows of it."""
    below = "it = made[{name!r}]\nprint(repr(({told})))\n{moved}"
    pairs = ((f"{one.code}\nmade[{name!r}] = it\nit", below.format(name=name, **vars(one))) for name, one in WIDGETS.items())
    return [SETUP, *(cell for pair in pairs for cell in pair)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("lab")


@pytest.fixture(scope="module")
def lab(browser, folder):
    with running_lab(folder) as address:
        yield address


@pytest.fixture(scope="module")
def notebook(browser, lab, folder):
    """All widgets, run."""
    write_notebook(folder / "widgets.ipynb", cells())
    opened = OpenNotebook(browser, lab, "widgets.ipynb")
    opened.run_all()
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def untrusted(browser, lab, notebook, folder):
    """What somebody else sees who got the saved notebook."""
    notebook.save()
    copy_untrusted(folder / "widgets.ipynb", folder / "clone.ipynb")
    opened = OpenNotebook(browser, lab, "clone.ipynb")
    yield opened
    opened.close()


@EVERY
def test_a_hand_moves_it_and_python_knows(name, notebook):
    shown, cell = WIDGETS[name], CELL_OF[name]
    widget = notebook.output(cell).locator("section.restorelab")
    widget.locator("canvas, img").first.wait_for()
    for words, act in shown.acts.items():
        before = widget.evaluate(DRAWN)
        act.do(widget)
        wait_until_drawn_anew(widget, before)
        expect(widget.locator(act.seen).first, words).to_be_attached(timeout=1000 * PATIENCE)
    assert notebook.run(cell + 1) == shown.value
    if shown.moved:
        widget.locator(shown.seen).first.wait_for()


@EVERY
def test_untrusted_it_leaves_its_picture(name, untrusted):
    output = untrusted.output(1 + CELL_OF[name])  # below the cell that the clone has more
    picture = output.locator("img")
    picture.wait_for()
    assert picture.evaluate("async (one) => { await one.decode(); return one.naturalWidth; }") > 300
    assert output.locator("section.restorelab").count() == 0 and not untrusted.trusted(1 + CELL_OF[name])


def test_no_page_complained_or_asked_a_stranger(notebook, untrusted):
    assert notebook.errors == [] and notebook.strangers == untrusted.strangers == []
    # ipywidgets says that of every view without a kernel behind it; what the reader gets is the picture, which was tested above.
    assert [error for error in untrusted.errors if "widget model not found" not in error] == []
