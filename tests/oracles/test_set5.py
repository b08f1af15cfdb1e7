"""Set5's published low-resolution files and bicubic baselines, from the folder that RESTORELAB_DATA names (`sr_set5/HR`,
`sr_set5/LR_bicubic/X2` and so on: SwinIR's; `sr_set5/LR_bicubic_replicate`: SelfExSR's). Free for research by custom, so not in the kit.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from restorelab.image import from_uint8, load, to_uint8
from restorelab.metrics.protocol import MATLAB_Y
from restorelab.metrics.psnr import psnr
from restorelab.ops.resize import RULES, imresize_uint8, resize_bicubic

pytestmark = pytest.mark.skipif("RESTORELAB_DATA" not in os.environ, reason="RESTORELAB_DATA names no folder with sr_set5 in it")
NAMES = ("baby", "bird", "butterfly", "head", "woman")
RGB2YCBCR = np.array([65.481, 128.553, 24.966]) / 255  # MATLAB's first row, for bytes; 16 is black
SYMMETRIC, REPLICATE = "LR_bicubic", "LR_bicubic_replicate"


def read(*parts: str) -> np.ndarray:
    return to_uint8(load(Path(os.environ["RESTORELAB_DATA"], "sr_set5", *parts)))


def pair(name: str, scale: int, folder: str = SYMMETRIC) -> tuple[np.ndarray, np.ndarray]:
    """(low, high), the high one cut to a multiple of the scale."""
    low, high = read(folder, f"X{scale}", f"{name}x{scale}.png"), read("HR", f"{name}.png")
    return low, high[: scale * low.shape[0], : scale * low.shape[1]]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "folder, scale, rule",
    [
        *[(SYMMETRIC, scale, "swinir") for scale in (2, 3, 4)],
        (SYMMETRIC, 8, "matlab"),
        *[(REPLICATE, scale, "rcan") for scale in (2, 3, 4)],
    ],
)
def test_published_files_are_made_to_the_byte_by_their_rule_and_by_no_other(name, folder, scale, rule):
    low, high = pair(name, scale, folder)
    np.testing.assert_array_equal(imresize_uint8(high, 1 / scale, *RULES[rule]), low)
    for other in set(RULES.values()) - {RULES[rule]}:
        assert (imresize_uint8(high, 1 / scale, *other) != low).mean() > 0.001


@pytest.mark.parametrize("scale, rounded, unrounded", [(2, 33.640, 33.673), (3, 30.385, 30.403), (4, 28.416, 28.429)])
def test_bicubic_baseline_from_bytes_in_colour(scale, rounded, unrounded):
    """Published: 33.64 / 30.39 / 28.42 (SRMD's Table 1), Y rounded to 8 bits as MATLAB's rgb2ycbcr does; BasicSR leaves Y unrounded."""
    protocol = MATLAB_Y.with_border(scale)
    pairs = [pair(name, scale) for name in NAMES]
    enlarged = [(from_uint8(imresize_uint8(low, scale, *RULES["swinir"])), from_uint8(high)) for low, high in pairs]
    assert np.mean([psnr(*both, protocol) for both in enlarged]) == pytest.approx(rounded, abs=0.002)
    assert np.mean([psnr(*both, replace(protocol, round_y=False)) for both in enlarged]) == pytest.approx(unrounded, abs=0.002)


@pytest.mark.parametrize("scale, published", [(2, 33.66), (3, 30.39), (4, 28.42)])
def test_bicubic_baseline_from_the_luma_plane(scale, published):
    """The other famous row (RCAN's): Y of 8 bits, shrunk and enlarged in doubles, rounded at the end. Same pictures, 0.02 dB more at x2."""
    scores = []
    for name in NAMES:
        _, high = pair(name, scale)
        luma = torch.from_numpy(np.floor(high @ RGB2YCBCR + 16 + 0.5))[None, None]
        restored = resize_bicubic(resize_bicubic(luma, scale=1 / scale), scale=scale).add(0.5).floor().clamp(0, 255)
        error = (restored - luma)[..., scale:-scale, scale:-scale]
        scores.append(10 * np.log10(255**2 / float((error**2).mean())))
    assert round(float(np.mean(scores)), 2) == published
