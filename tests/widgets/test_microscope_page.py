"""The kernel microscope in a real browser with the network cut: what it draws and writes is what Python works out."""

import numpy as np
import pytest
import torch

from restorelab.checkpoint import load_course
from restorelab.data import photos
from restorelab.degrade import KernelCode
from restorelab.degrade.kernels import isotropic_kernels
from restorelab.image import to_uint8
from restorelab.restore import RestoredImage, restore
from restorelab.widgets.kernel_microscope import KernelMicroscope
from restorelab.widgets.kernel_views import kernel_numbers
from restorelab.widgets.static import source

WRITTEN = 1.6e-3  # three decimals of what came as half floats
ORANGE, WHITE = [179, 88, 6], [255, 255, 255]
PIXELS = """(canvas) => {
  const { width, height, data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return [height, width, Array.from(data)];
}"""


@pytest.fixture(scope="module")
def microscope():
    """The kit's checkpoint on a bundled photograph, its left half told another blur than its right."""
    degraded = photos.load("coffee")[:, 100:160, 200:260]
    code = KernelCode.fit_srmd(variance=(0.04, 16.0), count=500)  # near the one it learnt with, which takes longer to fit
    kernels = isotropic_kernels(np.array([0.4, 1.8]), 15)
    labels = (torch.arange(120) >= 60).long().expand(120, 120)
    told = torch.cat([code.encode(kernels)[labels[::2, ::2]].permute(2, 0, 1), torch.zeros(1, 60, 60)])
    restored = restore(load_course("udvd").model, degraded, condition=told, explain=True)
    return KernelMicroscope(degraded, restored, clean=restored.stages[0], truth=(labels, kernels), at=(40, 57), crop=(20, 30, 60, 64))


@pytest.fixture
def opened(browser, tmp_path):
    """-> the page of a widget, opened as a file without a network."""
    contexts = []

    def open_page(widget, **context):
        (tmp_path / "page.html").write_text(widget.to_html(), encoding="utf-8")
        contexts.append(browser.new_context(offline=True, **context))
        tab = contexts[-1].new_page()
        tab.asked, tab.wrong = [], []
        tab.on("request", lambda request: tab.asked.append(request.url))
        tab.on("pageerror", lambda error: tab.wrong.append(str(error)))
        tab.goto((tmp_path / "page.html").as_uri())
        tab.wait_for_selector("body[data-drawn]")
        return tab

    yield open_page
    for context in contexts:
        context.close()


def number(text):
    return float(text.replace("−", "-"))


def cells(tab, table):
    """A table's numbers, row by row."""
    rows = "rows => rows.map(row => Array.from(row.querySelectorAll('td'), cell => cell.textContent))"
    return np.array([[number(text) for text in row] for row in tab.locator(f"{table} tbody tr").evaluate_all(rows)])


def pixels(tab, selector):
    height, width, values = tab.locator(selector).evaluate(PIXELS)
    return np.array(values).reshape(height, width, 4)[..., :3]


def point(tab, picture, row, column, window):
    """Where on the screen an output pixel's middle is."""
    box = tab.locator(f".{picture} .view").bounding_box()
    top, left, height, width = window
    return box["x"] + (column - left + 0.5) / width * box["width"], box["y"] + (row - top + 0.5) / height * box["height"]


def agrees(tab, widget, block, row, column, channel=0):
    """Is everything on the page what Python says of that pixel?"""
    terms = widget.terms(block, row, column)
    assert f"{widget.names[block]}, row {row}, column {column}" in tab.locator(".verdict").inner_text()
    assert cells(tab, ".kernel") == pytest.approx(terms.kernel.numpy(), abs=WRITTEN)
    assert cells(tab, ".neighbourhood") == pytest.approx(terms.neighbourhood[channel].numpy(), abs=WRITTEN)
    assert cells(tab, ".product") == pytest.approx(terms.product[channel].numpy(), abs=WRITTEN)
    wanted = torch.stack([terms.product.sum((1, 2)), terms.residual, terms.value], dim=1)
    assert cells(tab, ".sums") == pytest.approx(wanted.numpy(), abs=WRITTEN)
    return True


def test_numbers_are_pythons_and_change_with_hover_click_keys_stage_and_colour(opened, microscope):
    tab, window = opened(microscope), microscope.window
    assert agrees(tab, microscope, 0, 40, 57)
    tab.mouse.move(*point(tab, "made", 52, 75, window))
    assert agrees(tab, microscope, 0, 52, 75)
    tab.mouse.move(*point(tab, "given", 61, 70, window))
    assert agrees(tab, microscope, 0, 61, 70)
    tab.mouse.move(1, 1)
    assert agrees(tab, microscope, 0, 40, 57), "a hover keeps nothing"
    tab.mouse.click(*point(tab, "given", 33, 68, window))
    tab.mouse.move(1, 1)
    assert agrees(tab, microscope, 0, 33, 68), "a click keeps"
    tab.keyboard.press("ArrowDown")
    tab.keyboard.press("Shift+ArrowLeft")
    assert agrees(tab, microscope, 0, 34, 60)
    tab.locator(".made .view").focus()
    tab.keyboard.press("ArrowUp")
    tab.keyboard.press("ArrowRight")
    assert agrees(tab, microscope, 0, 33, 61)
    drawn = pixels(tab, ".made canvas")
    tab.get_by_role("radio", name="refine 2").check()
    assert agrees(tab, microscope, 2, 33, 61)
    assert (pixels(tab, ".made canvas") != drawn).any()
    tab.get_by_role("radio", name="blue").check()
    assert agrees(tab, microscope, 2, 33, 61, channel=2)
    assert not tab.wrong and all(address.startswith(("file:", "data:", "blob:")) for address in tab.asked)


def test_the_kernels_shape_and_the_true_blur_are_told(opened, microscope):
    tab, window = opened(microscope), microscope.window
    for row, column in ((40, 57), (44, 71)):
        tab.mouse.move(*point(tab, "made", row, column, window))
        numbers, true = kernel_numbers(microscope.terms(0, row, column).kernel), kernel_numbers(microscope.true_kernel(row, column))
        said = tab.locator(".verdict").inner_text()
        assert f"width {numbers.width[0]:.2f} by {numbers.width[1]:.2f}" in said
        up, left = ("up" if numbers.centre[0] < 0 else "down"), ("left" if numbers.centre[1] < 0 else "right")
        assert f"{abs(numbers.centre[0]):.2f} {up}, {abs(numbers.centre[1]):.2f} {left}" in said
        assert tab.locator(".true small").inner_text() == f"{true.width[0]:.2f} × {true.width[1]:.2f} output pixels"


def test_the_pictures_are_the_networks_and_the_atlas_lies_over_them(opened, microscope):
    tab = opened(microscope)
    rows, columns = microscope.window.rows, microscope.window.columns
    made = to_uint8(microscope._restored.stages[0][:, rows, columns]).astype(int)
    assert np.abs(pixels(tab, ".made canvas") - made).max() <= 1
    given = to_uint8(microscope._degraded[:, 10:40, 15:47]).astype(int)
    assert np.abs(pixels(tab, ".given canvas") - given).max() <= 1
    assert tab.locator(".map").is_hidden()
    tab.get_by_role("checkbox", name="Kernel atlas").check()
    assert tab.locator(".map").is_visible() and f"{100 * microscope._atlases[0].share:.0f} %" in tab.locator(".map small").inner_text()
    colours = 255 * microscope._atlases[0].colours.permute(1, 2, 0).numpy()
    laid = (colours * (0.45 + made.mean(2, keepdims=True) / 255)).clip(0, 255)
    assert np.abs(pixels(tab, ".made canvas") - laid).max() < 4
    tab.get_by_role("checkbox", name="Kernel atlas").uncheck()
    tab.get_by_role("radio", name="its error × 4").check()
    assert pixels(tab, ".made canvas").max() <= 4, "of the upsampling, which was called clean here"


def test_a_kernel_is_not_transposed(opened):
    """Every kernel takes the pixel above and to the right; the truth is one tap below and to the left."""
    degraded = torch.rand(3, 8, 10, generator=torch.Generator().manual_seed(0))
    kernels, blur = torch.zeros(9, 8, 10), torch.zeros(5, 5)
    kernels[2], blur[4, 1] = 1, 1
    moved = torch.nn.functional.pad(degraded, (0, 1, 1, 0), mode="replicate")[:, :8, 1:]
    restored = RestoredImage(moved, (moved,), {"kernels": (kernels,), "residual": (torch.zeros_like(moved),)})
    widget = KernelMicroscope(degraded, restored, truth=blur, at=(4, 6))
    tab = opened(widget)
    assert agrees(tab, widget, 0, 4, 6)
    assert cells(tab, ".kernel").tolist() == [[0, 0, 1], [0, 0, 0], [0, 0, 0]]
    assert cells(tab, ".neighbourhood")[0, 2] == pytest.approx(float(degraded[0, 3, 7]), abs=WRITTEN)
    predicted, true = pixels(tab, ".predicted canvas"), pixels(tab, ".true canvas")
    assert predicted[0, 2].tolist() == ORANGE and predicted[2, 0].tolist() == WHITE
    assert true[4, 1].tolist() == ORANGE and true[1, 4].tolist() == WHITE
    centre = [float(tab.locator(".predicted .centre").get_attribute(name)) for name in ("cy", "cx")]
    assert centre == pytest.approx([1.5, 3.5]), "in a field of 5 x 5, whose middle is at 2.5"
    assert np.abs(pixels(tab, ".made canvas") - to_uint8(moved)).max() <= 1
    assert tab.locator(".made .seen.front").get_attribute("y") == "1.5"


def test_a_finger_chooses_on_a_phone(opened, microscope):
    tab = opened(microscope, viewport={"width": 390, "height": 800}, has_touch=True, device_scale_factor=3)
    tab.touchscreen.tap(*point(tab, "made", 65, 46, microscope.window))
    assert agrees(tab, microscope, 0, 65, 46)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390, "nothing sticks out"


def test_every_half_float_is_read(browser):
    script = source(".js", "halves")
    with browser.new_page() as tab:
        found = tab.evaluate(f"() => {{ {script}; return Array.from({{ length: 65536 }}, (_, bits) => String(halfOf(bits))) }}")
    wanted = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float64)
    np.testing.assert_array_equal([float(value) for value in found], wanted)
