"""Looking inside is free for those who do not look: explain=False keeps nothing that explain=True shows."""

import torch
from bench.measure import PeakMemory, seconds, table

from restorelab.models.deblurgan_v2 import COURSE_MOBILENET
from restorelab.models.dmphn import DMPHNConfig
from restorelab.models.mprnet import COURSE as COURSE_MPRNET
from restorelab.models.udvd import COURSE as COURSE_UDVD
from restorelab.models.x16 import RRDBCascadeConfig
from restorelab.systems import SYSTEMS

SIDE = 64
CONFIGS = {
    "deblurgan_v2": COURSE_MOBILENET,
    "udvd": COURSE_UDVD,
    "dmphn": DMPHNConfig(width=16),
    "mprnet": COURSE_MPRNET,
    "x16": RRDBCascadeConfig(scale=4, width=24, depth=2, growth=12),
}


@torch.inference_mode()
def test_explaining_costs_only_those_who_ask():
    rows = []
    for name, config in CONFIGS.items():
        model = SYSTEMS[name].model(config).eval()
        image = torch.rand(1, 3, SIDE, SIDE)
        told = {"condition": torch.rand(1, model.condition_channels, 1, 1)} if model.condition_channels else {}
        plain, explained = seconds(
            lambda model=model, told=told, image=image: model(image, **told),
            lambda model=model, told=told, image=image: model(image, explain=True, **told),
        )
        peaks = []
        for explain in (False, True):
            with PeakMemory() as memory:
                model(image, explain=explain, **told)
            peaks.append(memory.peak / 2**20)
        rows.append([name, 1e3 * plain, 1e3 * explained, plain / explained, *peaks])
    table(f"a {SIDE}x{SIDE} picture", ["system", "plain (ms)", "explain (ms)", "ratio", "plain (MiB)", "explain (MiB)"], rows)
    assert all(row[3] < 1.25 and row[4] <= row[5] for row in rows)  # not slower than explaining is, and never larger
