"""Ratios measured in one run, on whatever machine this is: `make bench`."""

import copy

import pytest
import torch
from bench.measure import PeakMemory, seconds, table
from bench.mprnet_plain import double_first, plain_forward

from restorelab.models.mprnet import DERAIN, MPRNet
from restorelab.models.mprnet_blocks import conv1, enlarge

SIDE = 64
BYTES = 4 * SIDE**2  # of one float32 channel


@pytest.fixture(scope="module")
def net() -> MPRNet:
    torch.manual_seed(0)
    return MPRNet(DERAIN).eval()


@pytest.fixture(scope="module")
def degraded() -> torch.Tensor:
    return torch.rand(1, 3, SIDE, SIDE)


def peak(function) -> int:
    with PeakMemory() as memory:
        function()
    return memory.peak


@torch.inference_mode()
def test_whole_network(net, degraded):
    """What our order of work and the early ends cost and save."""

    turned = copy.deepcopy(net).to(memory_format=torch.channels_last)
    turned_input = degraded.contiguous(memory_format=torch.channels_last)

    def bfloat16():
        with torch.autocast("cpu", torch.bfloat16):
            net(degraded)

    ways = {
        "plain order": lambda: plain_forward(net, degraded),
        "ours": lambda: net(degraded),
        "ours, explained": lambda: net(degraded, explain=True),
        "ours, stage 1": lambda: net(degraded, stage=1),
        "ours, stage 2": lambda: net(degraded, stage=2),
        "ours, channels_last": lambda: turned(turned_input),
    }
    if torch.ops.mkldnn._is_mkldnn_bf16_supported():
        ways["ours, bfloat16"] = bfloat16
    times = dict(zip(ways, seconds(*ways.values()), strict=True))
    memory = {way: peak(function) for way, function in ways.items()}
    rows = [[way, 1e3 * times[way], times["ours"] / times[way], memory[way] / BYTES] for way in ways]
    table(f"MPRNet (deraining) on {SIDE}x{SIDE}", ["way", "ms", "times as fast as ours", "channels alive"], rows)
    assert times["ours"] < 1.25 * times["plain order"] and memory["plain order"] > 3.5 * memory["ours"]
    assert times["ours, explained"] < 1.25 * times["ours"]
    assert times["ours, stage 1"] < 0.3 * times["ours"] and times["ours, stage 2"] < 0.5 * times["ours"]


@torch.inference_mode()
def test_convolution_before_doubling():
    """A 1x1 convolution without bias and bilinear interpolation commute; the one that shrinks goes first."""
    torch.manual_seed(0)
    conv, x = conv1(144, 96), torch.rand(1, 144, 64, 64)
    torch.testing.assert_close(enlarge(conv(x)), double_first(conv, x), atol=1e-5, rtol=0)
    after, before = seconds(lambda: double_first(conv, x), lambda: enlarge(conv(x)))
    table(
        "Doubling 144 channels of 64x64 into 96",
        ["conv after (ms)", "conv before (ms)", "ratio"],
        [[1e3 * after, 1e3 * before, after / before]],
    )
    assert after > 1.3 * before
