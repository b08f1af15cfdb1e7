"""What the cascade is made of. The oracle tests show that the numbers are the authors'; these show why."""

from dataclasses import replace

import pytest
import torch
from bench.measure import PeakMemory

from restorelab.models.x16 import COURSE_X16, DOUBLINGS, ESRGAN_X4, PAPER_X16, RRDB, DenseBlock, RRDBCascade, RRDBCascadeConfig

TINY = {"width": 4, "depth": 1, "growth": 2}


def on_meta(cfg: RRDBCascadeConfig) -> RRDBCascade:
    with torch.device("meta"):
        return RRDBCascade(replace(cfg, small_start=False))  # a start is numbers, which are not there


@pytest.mark.parametrize(
    "cfg, parameters",
    [
        (PAPER_X16, 33_392_451),
        (ESRGAN_X4, 16_697_987),
        (COURSE_X16, 650_811),
        (RRDBCascadeConfig(scale=4, width=16, depth=2, growth=8), 100_307),
    ],
)
def test_parameter_counts(cfg, parameters):
    assert sum(p.numel() for p in on_meta(cfg).parameters()) == parameters


def test_two_trunks_share_one_stem_and_one_last_layer():
    x2, x4, x8, x16 = (sum(p.numel() for p in on_meta(RRDBCascadeConfig(scale=scale)).parameters()) for scale in DOUBLINGS)
    assert x16 == 2 * x4 - 3_523 and x8 == x2 + x4 - 3_523 and x4 - x2 == 64 * 64 * 9 + 64


@pytest.mark.parametrize("cfg, radius", [(PAPER_X16, 435), (ESRGAN_X4, 349), (COURSE_X16, 60)])
def test_radius_of_the_presets(cfg, radius):
    """Without its upsampling, a trunk of 23 blocks and the stem see 695 pixels, 347 to each side."""
    assert on_meta(cfg).receptive_radius == radius


@pytest.mark.parametrize("scale", DOUBLINGS)
def test_the_radius_is_reached_and_never_passed(scale):
    """With positive weights nothing cancels, so the gradient is above 0 exactly where an output pixel looks."""
    model = RRDBCascade(RRDBCascadeConfig(scale, width=1, depth=1, growth=1, channels=1)).double()
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.5)
    side = 2 * model.receptive_radius + 5
    middle = side // 2
    degraded = torch.ones(1, 1, side, side, dtype=torch.double, requires_grad=True)
    image = model(degraded).image
    reached = []
    for pixel in (scale * middle, scale * middle + scale - 1):  # the outermost output pixels of one input pixel, down and across
        (gradient,) = torch.autograd.grad(image[0, 0, pixel, pixel], degraded, retain_graph=True)
        seen = gradient[0, 0].nonzero()
        reached += [middle - int(seen.min()), int(seen.max()) - middle]
    assert max(reached) == model.receptive_radius


@pytest.mark.parametrize("batch", [1, 3])
def test_growing_in_place_gives_what_growing_for_backward_gives(batch):
    torch.manual_seed(0)
    block = RRDB(8, 4)
    x = torch.randn(batch, 8, 9, 7)
    recorded = block(x)
    with torch.inference_mode():
        torch.testing.assert_close(block(x), recorded, atol=1e-6, rtol=0)


def test_inference_keeps_one_buffer_and_one_answer():
    """64 + 4 x 32 channels of what is known, and 64 of the answer: 256. With a copy at each step it would be 160 + 192 at least."""
    with torch.device("meta"):
        block, x = DenseBlock(64, 32), torch.empty(1, 64, 48, 48)
        with torch.inference_mode(), PeakMemory() as memory:
            block(x)
        with torch.inference_mode(), PeakMemory() as copying:
            block._grow_for_backward(x)
    assert memory.peak == 4 * 48 * 48 * (192 + 64)
    assert copying.peak >= 4 * 48 * 48 * (160 + 192)


def test_the_peak_of_x16_is_two_feature_maps_of_the_output_size():
    """And what they came from: one of half the size, before it was doubled, and what trunk two was given, of a quarter."""
    model, degraded = on_meta(PAPER_X16), torch.empty(1, 3, 24, 24, device="meta")
    with torch.inference_mode(), PeakMemory() as memory:
        model(degraded)
    assert memory.peak == 4 * 64 * (2 * 384**2 + 192**2 + 96**2)


@pytest.mark.parametrize("scale, sides", [(2, [10]), (4, [20]), (8, [20, 40]), (16, [20, 80])])
def test_between_the_trunks_go_features_not_a_picture(scale, sides):
    torch.manual_seed(0)
    model = RRDBCascade(RRDBCascadeConfig(scale=scale, **TINY)).eval()
    degraded = torch.rand(2, 3, 5, 3)
    restored = model(degraded, explain=True)
    assert restored.image.shape == (2, 3, 5 * scale, 3 * scale)
    assert [tuple(one.shape) for one in restored.maps["features"]] == [(2, 4, side, 3 * side // 5) for side in sides]
    again = model.last(torch.nn.functional.leaky_relu(restored.maps["features"][-1], 0.2))
    assert torch.equal(again, restored.image)
    assert model(degraded).maps == {} and torch.equal(model(degraded).image, restored.image)


def test_one_pixel_is_enough_and_none_is_not():
    model = RRDBCascade(RRDBCascadeConfig(**TINY)).eval()
    assert model(torch.rand(1, 3, 1, 1)).image.shape == (1, 3, 16, 16)
    with pytest.raises(ValueError, match="empty picture"):
        model(torch.rand(1, 3, 0, 4))


def test_a_small_start_leaves_the_wires_in_charge():
    """Two wires lead around an RRDB's dense blocks, one of which counts a fifth: with nothing found, the answer is 1.2 times the input."""
    torch.manual_seed(0)
    x = torch.randn(1, 32, 16, 16)
    found = []
    for small_start in (False, True):
        model = RRDBCascade(RRDBCascadeConfig(width=32, depth=2, growth=16, small_start=small_start))
        with torch.inference_mode():
            found.append(float((model.trunks[0].blocks(x) - 1.2**2 * x).std()))
    assert 0 < found[1] < 0.3 * found[0]
    last = model.trunks[1].blocks[1].dense[2].fuse
    assert float(last.weight.detach().std()) == pytest.approx(0.1 * (2 / (96 * 9)) ** 0.5, rel=0.05)
    assert not last.bias.any()


@pytest.mark.parametrize("bad", [{"scale": 3}, {"scale": 32}, {"width": 0}, {"depth": 0}, {"growth": 0}, {"channels": 0}])
def test_a_configuration_that_cannot_be_says_so(bad):
    with pytest.raises(ValueError, match="scale is one of" if "scale" in bad else "at least 1"):
        RRDBCascadeConfig(**bad)


def test_every_parameter_receives_a_gradient_at_every_scale():
    for scale in DOUBLINGS:
        model = RRDBCascade(RRDBCascadeConfig(scale=scale, small_start=True, **TINY))
        model(torch.rand(2, 3, 4, 4)).image.square().mean().backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
