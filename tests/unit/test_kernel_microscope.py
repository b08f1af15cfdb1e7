"""The kernel microscope: its terms make the network's values, kernels are not transposed, and what is sent is enough and small."""

import base64
import dataclasses
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from scipy import ndimage

from restorelab.checkpoint import load_course
from restorelab.data import photos
from restorelab.degrade import KernelCode, VaryingBlur
from restorelab.degrade.kernels import gaussian_kernel, isotropic_kernels
from restorelab.degrade.varying import gather
from restorelab.errors import ImageError, ParameterError
from restorelab.models.udvd import UDVD, UDVDConfig
from restorelab.restore import RestoredImage, restore
from restorelab.widgets.kernel_microscope import KernelMicroscope
from restorelab.widgets.kernel_truth import true_kernels
from restorelab.widgets.kernel_views import kernel_atlas, kernel_numbers, term_by_term

ALMOST = 2e-6  # float32 sums of 25 products, taken in another order


def small_udvd(**changes):
    """A blind UDVD with random weights, so that no two taps are alike."""
    torch.manual_seed(3)
    return UDVD(UDVDConfig(width=8, depth=1, pca=0, noise=False, bicubic_start=False, **changes)).eval()


def seen(model, side=12, channels=3):
    degraded = torch.rand(channels, side, side + 2, generator=torch.Generator().manual_seed(0))
    return degraded, restore(model, degraded, explain=True)


@pytest.fixture(scope="module")
def course():
    """(degraded, restored, unclamped stages) of the kit's checkpoint on a bundled photograph."""
    model = load_course("udvd").model
    degraded = photos.load("coffee")[:, 100:160, 200:260]
    code = KernelCode.fit_srmd(variance=(0.04, 16.0), count=500)  # near the one it learnt with, which takes longer to fit
    told = torch.cat([code.encode(isotropic_kernels(np.array([1.2]), 15))[0], torch.zeros(1)])
    with torch.no_grad():
        stages = model(degraded[None], told[None, :, None, None]).stages
    return degraded, restore(model, degraded, condition=told, explain=True), [stage[0] for stage in stages]


@pytest.fixture(scope="module")
def microscope(course):
    degraded, restored, _ = course
    return KernelMicroscope(degraded, restored, clean=restored.image, truth=isotropic_kernels(np.array([1.2]), 15)[0])


def shifting(side, tap, scale=1):
    """A result whose every kernel is one tap, and its picture: what a network would say that moves its picture."""
    degraded = torch.rand(3, 6, 7, generator=torch.Generator().manual_seed(1))
    kernels = torch.zeros(side**2, 6 * scale, 7 * scale)
    kernels[tap[0] * side + tap[1]] = 1
    radius = side // 2
    rows, columns = (torch.arange(n).repeat_interleave(scale) + t - radius for n, t in zip((6, 7), tap, strict=True))
    moved = degraded[:, rows.clamp(0, 5)][:, :, columns.clamp(0, 6)]
    return degraded, RestoredImage(moved, (moved,), {"kernels": (kernels,), "residual": (torch.zeros_like(moved),)})


@pytest.mark.parametrize(
    "changes",
    [{}, {"scale": 3, "border": "zeros", "blocks": "UD"}, {"scale": 1, "blocks": "DDD"}, {"kernel_size": 7}, {"channels": 1}],
    ids=["x2", "x3 zeros", "no enlarging", "7 taps", "grey"],
)
def test_the_terms_make_the_value_that_the_network_made(changes):
    model = small_udvd(**changes)
    degraded, restored = seen(model, channels=model.cfg.channels)
    with torch.no_grad():
        stages = model(degraded[None]).stages
    assert any(((stage < 0) | (stage > 1)).any() for stage in stages[:-1]) or len(stages) < 3, "what is cut would have gone on"
    height, width = stages[0].shape[-2:]
    for block, stage in enumerate(stages):
        for row, column in ((0, 0), (height - 1, 0), (height // 2, width - 1), (7, 4)):
            terms = term_by_term(degraded, restored, block, row, column)
            assert (terms.value - stage[0, :, row, column]).abs().max() < ALMOST
            assert torch.equal(terms.product, terms.kernel * terms.neighbourhood)
            assert terms.kernel.shape == (model.cfg.kernel_size,) * 2


def test_what_is_sent_as_half_floats_makes_every_value_to_a_thousandth(microscope, course):
    top, left, height, width = microscope.window
    for sent, stage in zip(microscope._blocks, course[2], strict=True):
        taps, scale, channels = sent["taps"], sent["scale"], sent["channels"]
        read = {name: np.frombuffer(sent[name], "<f2").astype(np.float64) for name in ("kernels", "residual", "input")}
        kernels = read["kernels"].reshape(taps, taps, height, width)
        around = read["input"].reshape(channels, height // scale + taps - 1, width // scale + taps - 1)
        value = read["residual"].reshape(channels, height, width).copy()
        rows, columns = np.arange(height) // scale, np.arange(width) // scale
        for i in range(taps):
            for j in range(taps):
                value += kernels[i, j] * around[:, rows + i][:, :, columns + j]
        made = stage[:, top : top + height, left : left + width].double().numpy()
        assert np.abs(value - made).max() < 1e-3


@pytest.mark.parametrize(("tap", "scale"), [((0, 2), 1), ((2, 1), 1), ((1, 0), 2)])
def test_rows_go_down(tap, scale):
    degraded, restored = shifting(3, tap, scale)
    row, column = 3 * scale, 4 * scale
    terms = term_by_term(degraded, restored, 0, row, column)
    assert torch.equal(terms.kernel.nonzero(), torch.tensor([tap])), "row and column of the tap"
    assert kernel_numbers(terms.kernel).centre == (tap[0] - 1, tap[1] - 1)
    assert torch.equal(terms.neighbourhood, degraded[:, 2:5, 3:6])
    assert torch.equal(terms.value, degraded[:, 2 + tap[0], 3 + tap[1]])


def test_numbers_of_a_kernel():
    kernel = torch.rand(7, 7, generator=torch.Generator().manual_seed(2))
    kernel[:, :3] *= -1
    numbers = kernel_numbers(kernel)
    assert numbers.total == pytest.approx(float(kernel.sum()), abs=1e-6)
    assert numbers.centre == pytest.approx([place - 3 for place in ndimage.center_of_mass(kernel.abs().double().numpy())])
    assert kernel_numbers(-kernel).width == numbers.width
    assert kernel_numbers(torch.zeros(5, 5)) == (0, (0, 0), (0, 0), 0)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 140.0])
def test_width_and_angle_are_those_of_a_gaussian(angle):
    numbers = kernel_numbers(gaussian_kernel(3.0, 0.5, angle))
    assert numbers.width == pytest.approx((3.0, 1.5), rel=0.04), "its window cuts off its tails"
    assert (numbers.angle - angle + 90) % 180 - 90 == pytest.approx(0, abs=0.1)
    assert numbers.centre == pytest.approx((0, 0), abs=1e-6) and -90 < numbers.angle <= 90


def test_the_atlas_finds_the_two_axes_that_kernels_differ_by():
    rng = np.random.default_rng(0)
    axes = np.linalg.qr(rng.standard_normal((25, 2)))[0].T
    across, down = np.meshgrid(np.linspace(-1, 1, 16), np.linspace(-1, 1, 12))
    kernels = 0.04 + np.einsum("th,hyx->tyx", axes.T, np.stack([3 * across, down])) + 0.01 * rng.standard_normal((25, 12, 16))
    atlas = kernel_atlas(torch.from_numpy(kernels).float())
    found = atlas.axes.flatten(1).numpy()
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert np.abs(found @ axes.T) == pytest.approx(np.eye(2), abs=0.02)
    energies = np.linalg.svd((kernels - kernels.mean((1, 2), keepdims=True)).reshape(25, -1))[1] ** 2
    assert atlas.share == pytest.approx(energies[:2].sum() / energies.sum(), abs=1e-5)
    yellow = atlas.colours[:2].mean(0) - atlas.colours[2]
    rising = (found @ axes.T)[0, 0] * across
    assert np.corrcoef(yellow.numpy().ravel(), rising.ravel())[0, 1] > 0.9


def test_the_atlas_of_a_block_that_enlarges_takes_off_what_only_says_where_a_pixel_lies():
    phases = torch.rand(25, 2, 2, generator=torch.Generator().manual_seed(0))
    same = phases.repeat(1, 4, 5)
    assert kernel_atlas(same).colours.std() > 0.05
    assert kernel_atlas(same, scale=2).colours.flatten(1).std(1).max() < 1e-6


def test_the_truth_of_varying_blur_blurs_as_it_did():
    clean = photos.load("coffee")[:, 100:140, 200:248]
    blurred, truth = VaryingBlur(((0.4, 1.8), (1.2, 0.6))).apply(clean, np.random.default_rng(0))
    rows, columns = slice(8, 30), slice(10, 40)
    found = true_kernels(truth["std_map"], (40, 48), rows, columns)
    side, whole = found.kernels.shape[-1], torch.zeros(15, 15, 40, 48)
    assert len(found.kernels) <= 256 and side <= 15
    edge = (15 - side) // 2
    whole[edge : 15 - edge, edge : 15 - edge, rows, columns] = found.kernels[torch.from_numpy(found.labels).long()].permute(2, 3, 0, 1)
    assert (gather(clean, whole) - blurred)[:, rows, columns].abs().max() < 2e-3


def test_the_truth_of_regions_is_cut_to_those_in_the_window():
    kernels = isotropic_kernels(np.array([0.5, 1.0, 1.5, 2.0]), 15)
    labels = torch.zeros(20, 30, dtype=torch.long)
    labels[:, 15:], labels[10:, 15:] = 1, 3
    found = true_kernels((labels, kernels), (20, 30), slice(12, 20), slice(10, 20))
    assert torch.equal(found.kernels, kernels[[0, 3]]) and (found.labels == np.array([0] * 5 + [1] * 5)).all()
    alone = true_kernels(kernels[2], (20, 30), slice(0, 4), slice(0, 5))
    assert torch.equal(alone.kernels, kernels[2:3]) and alone.labels.shape == (4, 5)


def test_the_places_differ_by_their_truth(course):
    degraded, restored, _ = course
    labels = torch.zeros(120, 120, dtype=torch.long)
    labels[:60, 60:], labels[60:, :60] = 1, 2
    widget = KernelMicroscope(degraded, restored, truth=(labels, isotropic_kernels(np.array([0.5, 1.0, 1.5]), 15)), at=(31, 40))
    places = widget._three_places()
    assert places[0] == (31, 40) and sorted(int(labels[place]) for place in places) == [0, 1, 2]
    assert {(row % 2, column % 2) for row, column in places} == {(1, 0)}
    assert widget.true_kernel(*places[0]).shape == (15, 15)


def test_a_notebook_gets_the_view_a_small_picture_and_a_sentence(microscope):
    bundle, metadata = microscope._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(bundle)
    assert bundle["text/plain"] == repr(microscope) == metadata["image/png"]["alt"]
    assert sum(len(str(part)) for part in bundle.values()) < 300_000
    row, column = microscope.at
    values = ", ".join(f"{value:.3f}" for value in microscope.terms(0, row, column).value.tolist())
    assert f"row {row}, column {column}" in repr(microscope) and values in repr(microscope)


def test_the_still_picture_says_what_happened_at_three_places(microscope):
    figure = microscope.figure()
    assert isinstance(figure, Figure)
    said = " ".join(text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text")))
    for row, column in microscope._three_places():
        terms = microscope.terms(0, row, column)
        assert f"row {row}, column {column}" in said and f"sum {kernel_numbers(terms.kernel).total:.3f}" in said
        assert f"= {float(terms.value[0]):.3f}" in said
    assert "the true blur there" in said


def test_the_page_asks_no_network_and_holds_the_state(microscope):
    page = microscope.to_html()
    assert set(re.findall(r"https?://[^\s\"'`]+", microscope._esm + microscope._css + page)) <= {"http://www.w3.org/2000/svg"}
    assert base64.b64encode(microscope._blocks[2]["kernels"]).decode() in page
    assert sum(len(block["kernels"]) for block in microscope._blocks) == 3 * 25 * 96 * 96 * 2


def test_the_crop_is_the_middle_or_as_told_in_whole_input_pixels(course):
    degraded, restored, _ = course
    assert KernelMicroscope(degraded, restored).window == (12, 12, 96, 96)
    assert KernelMicroscope(degraded, restored, crop=(3, 5, 20, 31)).window == (2, 4, 22, 32)
    narrow = KernelMicroscope(*seen(small_udvd(scale=3), 5))
    assert narrow.window == (0, 0, 15, 21) and narrow.names == ["upsampling", "refine 1", "refine 2"]
    assert KernelMicroscope(*seen(small_udvd(scale=1, blocks="DD"))).names == ["refine 1", "refine 2"]


def test_what_does_not_fit_together_is_refused(course):
    degraded, restored, _ = course
    kernel = isotropic_kernels(np.array([1.0]), 15)[0]
    with pytest.raises(ParameterError, match="explain=True"):
        KernelMicroscope(degraded, dataclasses.replace(restored, maps={}))
    with pytest.raises(ParameterError, match="very picture"):
        KernelMicroscope(1 - degraded, restored)
    with pytest.raises(ParameterError, match="very picture"):
        KernelMicroscope(degraded[:, :-1], restored)
    with pytest.raises(ParameterError, match="same place"):
        KernelMicroscope(degraded, restored, clean=degraded)
    with pytest.raises(ParameterError, match="outside of the crop"):
        KernelMicroscope(degraded, restored, at=(0, 0))
    with pytest.raises(ParameterError, match="not inside"):
        KernelMicroscope(degraded, restored, crop=(100, 0, 40, 40))
    with pytest.raises(ParameterError, match="at most 9216"):
        KernelMicroscope(degraded, restored, crop=(0, 0, 120, 120))
    with pytest.raises(ParameterError, match="truth is one kernel"):
        KernelMicroscope(degraded, restored, truth=torch.ones(1, 60, 60))
    with pytest.raises(ParameterError, match="odd side"):
        KernelMicroscope(degraded, restored, truth=kernel[1:])
    with pytest.raises(ParameterError, match="numbered from 0"):
        KernelMicroscope(degraded, restored, truth=(torch.ones(120, 120, dtype=torch.long), kernel[None]))
    with pytest.raises(ParameterError, match="too large|too much"):
        KernelMicroscope(degraded, restored, truth=torch.ones(401, 401))
    with pytest.raises(ParameterError, match="no block 3"):
        term_by_term(degraded, restored, 3, 0, 0)
    with pytest.raises(ParameterError, match="no pixel"):
        term_by_term(degraded, restored, 0, 0, 120)
    with pytest.raises(ImageError, match="degraded"):
        KernelMicroscope((255 * degraded).to(torch.uint8), restored)


def test_where_it_looks_can_be_set_and_is_checked(microscope):
    before = microscope.at
    microscope.at, microscope.stage = [20, 30], 2
    assert "row 20, column 30" in repr(microscope) and "refine 2" in repr(microscope)
    with pytest.raises(ParameterError, match="outside of the crop"):
        microscope.at = [0, 30]
    with pytest.raises(ParameterError, match="no block 5"):
        microscope.stage = 5
    microscope.at, microscope.stage = before, 0
