"""The chain of dynamic blocks: where it starts, what it is told, what it shows. The oracle test shows that the arithmetic is right."""

import dataclasses

import numpy as np
import pytest
import torch
from bench.measure import PeakMemory
from torch.nn import functional as F

from restorelab.models.udvd import COURSE, PAPER_X2, PAPER_X3, PAPER_X4, UDVD, UDVDConfig, kernel_at
from restorelab.ops.bicubic_kernels import bicubic_kernels
from restorelab.ops.dynamic_filter import dynamic_filter

TINY = UDVDConfig(width=4, depth=1, pca=2)
CHAINS = [
    {"scale": 1, "blocks": "D"},
    {"scale": 1, "blocks": "DD"},
    {"scale": 1, "blocks": "UDD"},
    {"scale": 2, "blocks": "U"},
    {"scale": 2, "blocks": "UD"},
    {"scale": 2, "blocks": "UDD", "alignment": "shuffle"},
    {"scale": 3, "blocks": "UDD"},
    {"scale": 4, "blocks": "UDD", "border": "zeros"},
    {"scale": 2, "blocks": "UDD", "pca": 0, "noise": False, "channels": 1},
    {"scale": 2, "blocks": "UD", "pca": 0, "kernel_size": 7},
    {"scale": 2, "blocks": "UD", "noise": False, "kernel_size": 3, "bicubic_start": False},
]


def tiny(**changes) -> UDVD:
    torch.manual_seed(0)
    return UDVD(dataclasses.replace(TINY, **changes)).eval()


def told(model: UDVD, b: int = 1, size: tuple[int, int] = (1, 1)) -> torch.Tensor | None:
    generator = torch.Generator().manual_seed(3)
    return torch.rand(b, model.condition_channels, *size, generator=generator) if model.condition_channels else None


def stir(model: UDVD) -> UDVD:
    """Weights of an ordinary size everywhere, so that nothing hides behind a start at zero."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, generator=generator) * (0.1 if p.ndim == 1 else p[0].numel() ** -0.5))
    return model


@pytest.mark.parametrize("chain", CHAINS, ids=str)
def test_every_chain_gives_its_stages_and_gradients_everywhere(chain):
    model = tiny(**chain).train()
    degraded = torch.rand(2, model.cfg.channels, 6, 5)
    restored = model(degraded, told(model, 2))
    assert len(restored.stages) == model.stage_count == len(chain["blocks"]) and restored.stages[-1] is restored.image
    assert {stage.shape for stage in restored.stages} == {(2, model.cfg.channels, 6 * model.scale, 5 * model.scale)}
    sum(stage.square().mean() for stage in restored.stages).backward()
    assert not [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_starts_as_bicubic_enlargement(scale, fixtures):
    """Inside, MATLAB's; in the outermost input pixel, the cubic over the repeated edge instead of the mirrored one."""
    image = torch.from_numpy(np.random.default_rng(77).random((3, 48, 36)))[None, :, :12, :10].float()
    model = tiny(scale=scale, width=32, depth=4)
    want = torch.from_numpy(np.load(fixtures / "udvd_bicubic_up.npz")[f"up{scale}"])[None].float()
    kernels = bicubic_kernels(scale).float()[None, ..., None, None].expand(1, scale, scale, 5, 5, 12, 10)
    with torch.no_grad():
        for stage in model(image, told(model)).stages:
            torch.testing.assert_close(stage[..., scale:-scale, scale:-scale], want[..., scale:-scale, scale:-scale], atol=1e-5, rtol=0)
            torch.testing.assert_close(stage, dynamic_filter(image, kernels), atol=1e-5, rtol=0)


def test_starts_as_the_picture_itself_at_scale_one():
    model, image = tiny(scale=1, blocks="DD"), torch.rand(1, 3, 8, 9)
    torch.testing.assert_close(model(image, told(model)).image, image, atol=1e-5, rtol=0)


def test_numbers_and_constant_maps_are_the_same_condition():
    model, image = stir(tiny()), torch.rand(2, 3, 6, 5)
    numbers = told(model, 2)
    torch.testing.assert_close(model(image, numbers).image, model(image, numbers.expand(2, 3, 6, 5)).image)
    assert not torch.allclose(model(image, numbers).image, model(image, 2 * numbers).image)


def test_a_map_acts_where_it_differs():
    model, image = stir(tiny(blocks="U")), torch.rand(1, 3, 6, 40)
    one = told(model).expand(1, 3, 6, 40)
    other = one.clone()
    other[..., -1] += 1
    difference = (model(image, one).image - model(image, other).image).abs().amax((0, 1, 2))
    assert difference[-2:].min() > 0 and difference[: -2 * (model.receptive_radius + 1)].max() == 0


@pytest.mark.parametrize("condition", [None, torch.rand(1, 16, 1, 1), torch.rand(1, 3, 1, 5), torch.rand(2, 3, 1, 1)])
def test_a_condition_that_does_not_fit_is_answered_with_what_to_give(condition):
    with pytest.raises(ValueError, match=r"2 PCA coefficients of the blur kernel and then the noise sigma.*\(1, 3, 1, 1\).*\(1, 3, 6, 5\)"):
        tiny()(torch.rand(1, 3, 6, 5), condition)


def test_a_blind_network_takes_no_condition():
    model = tiny(pca=0, noise=False)
    assert model.condition_channels == 0
    with pytest.raises(ValueError, match="blind"):
        model(torch.rand(1, 3, 6, 5), torch.rand(1, 1, 1, 1))


def test_an_early_stage_computes_the_first_blocks_alone():
    model, image = stir(tiny()), torch.rand(1, 3, 6, 5)
    whole, early = model(image, told(model)), model(image, told(model), stage=2, explain=True)
    assert torch.equal(early.image, whole.stages[1]) and len(early.stages) == len(early.maps["kernels"]) == 2
    for untouched in (model.blocks[1], model.blocks[2], model.align):
        untouched.forward = None
    assert torch.equal(model(image, told(model), stage=1).image, whole.stages[0])
    with pytest.raises(ValueError, match="stages 1 to 3"):
        model(image, told(model), stage=0)


def test_features_are_aligned_once_for_all_refining_blocks():
    model, calls = tiny(blocks="UDDD"), []
    model.align.register_forward_hook(lambda *_: calls.append(1))
    model(torch.rand(1, 3, 6, 5), told(model))
    assert len(calls) == 1


@pytest.mark.parametrize("scale", [1, 2, 3])
def test_the_shown_kernels_and_residuals_make_the_picture(scale):
    """Term by term, at one output pixel of every block: the row-and-column order a widget relies on."""
    model, image = stir(tiny(scale=scale)).double(), torch.rand(1, 3, 6, 7).double()
    restored = model(image, told(model).double(), explain=True)
    for block, (s, before) in enumerate(zip((scale, 1, 1), (image, *restored.stages), strict=False)):
        padded = F.pad(before, (2, 2, 2, 2), mode="replicate")
        for row, column in ((0, 0), (5, 3), (6 * scale - 1, 2)):
            window = padded[0, :, row // s : row // s + 5, column // s : column // s + 5]
            kernel = kernel_at(restored.maps, block, row, column)
            assert kernel.shape == (1, 5, 5)
            got = (window * kernel).sum((-2, -1)) + restored.maps["residual"][block][0, :, row, column]
            torch.testing.assert_close(got, restored.stages[block][0, :, row, column])


def test_half_precision_stays_close():
    """As `restore(precision="bfloat16")` runs it: convolutions in bfloat16, the filters on the picture itself in float32."""
    model, image = tiny(), torch.rand(1, 3, 8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        half = model(image, told(model)).image
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, model(image, told(model)).image, atol=0.02, rtol=0)


def test_kernel_at_reads_maps_without_a_batch():
    model = tiny()
    maps = model(torch.rand(1, 3, 6, 5), told(model), explain=True).maps
    alone = {name: tuple(one[0] for one in several) for name, several in maps.items()}
    assert torch.equal(kernel_at(alone, 0, 3, 4), kernel_at(maps, 0, 3, 4)[0])


def test_maps_cost_nothing_unless_asked_for():
    """The filters are shown as a copy, one for every output pixel; that copy is made on request only."""
    model = UDVD(TINY).to("meta").eval()
    image, condition = torch.rand(1, 3, 64, 64, device="meta"), torch.rand(1, 3, 1, 1, device="meta")
    peaks = []
    for explain in (False, True):
        with PeakMemory() as memory, torch.no_grad():
            restored = model(image, condition, explain=explain)
        peaks.append(memory.peak)
    assert peaks[0] < peaks[1] and set(restored.maps) == {"kernels", "residual"}
    assert model(image, condition).maps == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"scale": 1, "blocks": "D"},
        {"scale": 1, "blocks": "DD", "depth": 2},
        {"scale": 1, "blocks": "DDD", "kernel_size": 15},
        {"scale": 1, "blocks": "UD"},
        {"scale": 2, "blocks": "U"},
        {"scale": 2, "blocks": "UDD"},
        {"scale": 3, "blocks": "UD", "depth": 2},
        {"scale": 2, "blocks": "UD", "kernel_size": 17},
    ],
    ids=str,
)
def test_receptive_radius_is_true_and_smallest(changes):
    """From the gradients of all output pixels that lie in the middle input pixel."""
    model = stir(tiny(**changes)).double()
    s, r = model.scale, model.receptive_radius
    size = 2 * (r + 3) + 1
    image = torch.rand(1, 3, size, size, dtype=torch.float64, requires_grad=True)
    out = model(image, told(model).double()).image
    middle = slice((r + 3) * s, (r + 4) * s)
    seen = torch.zeros(size, dtype=torch.bool)
    for row in (middle.start, middle.stop - 1):
        grad = torch.autograd.grad(out[0, :, row, middle].sum(), image, retain_graph=True)[0]
        seen |= grad[0].abs().sum((0, 2)) > 0
    reach = (seen.nonzero().flatten() - (r + 3)).abs()
    assert int(reach.max()) == r


@pytest.mark.parametrize(
    "config, count",
    [
        (PAPER_X2, 4_893_599),
        (PAPER_X3, 5_271_564),
        (PAPER_X4, 5_800_715),
        (COURSE, 249_183),
        (dataclasses.replace(PAPER_X2, alignment="shuffle"), 4_835_999),
    ],
)
def test_parameter_counts_are_those_in_the_docstring(config, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in UDVD(config).parameters()) == count


@pytest.mark.parametrize(
    "bad, word",
    [
        ({"scale": 5}, "scale"),
        ({"depth": 0}, "depth"),
        ({"pca": -1}, "pca"),
        ({"kernel_size": 4}, "odd"),
        ({"blocks": ""}, "blocks"),
        ({"blocks": "DU"}, "blocks"),
        ({"blocks": "UU"}, "blocks"),
        ({"blocks": "D"}, "at scale 2"),
        ({"border": "reflect"}, "replicate, zeros"),
        ({"alignment": "repeat"}, "expand or shuffle"),
        ({"scale": 3, "alignment": "shuffle"}, "multiples of 9"),
        ({"kernel_size": 3}, "bicubic_start=False"),
    ],
)
def test_configurations_are_checked(bad, word):
    with pytest.raises(ValueError, match=word):
        dataclasses.replace(PAPER_X2, **bad)
