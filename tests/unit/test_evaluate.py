import pytest
import torch
from torch import nn

from restorelab.data.pairs import Pair
from restorelab.evaluate import evaluate
from restorelab.metrics import MATLAB_Y, psnr, ssim
from restorelab.models.restored import Restored


class Brighter(nn.Module):
    scale, size_multiple, min_size, receptive_radius, stage_count, condition_channels = 1, (1, 1), (1, 1), 0, 1, 0

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, degraded, explain=False):
        return Restored(degraded + 0.1)


def pair(name: str, offset: float) -> Pair:
    clean = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(len(name))) * 0.5 + 0.2
    return Pair(name, clean + offset, clean, {})


def test_rows_means_and_the_worst():
    pairs, told = [pair("helped", -0.1), pair("spoiled", 0.05)], []
    result = evaluate(Brighter(), pairs, MATLAB_Y, progress=lambda done, all: told.append((done, all)))
    assert told == [(1, 2), (2, 2)] and result.protocol is MATLAB_Y
    helped, spoiled = result.rows
    assert helped.gain > 20 and spoiled.gain < 0 and result.worst is spoiled
    assert spoiled.degraded_psnr == psnr(pairs[1].degraded, pairs[1].clean, MATLAB_Y)
    assert spoiled.restored_ssim == ssim(pairs[1].degraded + 0.1, pairs[1].clean, MATLAB_Y)
    assert result.mean("gain") == pytest.approx((helped.gain + spoiled.gain) / 2)
