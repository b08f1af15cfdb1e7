"""Samples are never waited for: one thread makes at least three times as many as one thread trains on. Ratios within one run.

Times are of the processor: with one thread that is what a quiet machine takes, and on a busy one the ratio stays what it is.
"""

import time

import pytest
from bench.measure import seconds, table
from torch.utils.data import default_collate

from restorelab import presets
from restorelab.data.pairs import training_photos
from restorelab.speed import LEVELS, step_seconds

MADE = 32  # samples, dead leaves among them in the preset's share, more or less
ENOUGH = 3.0

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("name", presets.TRAININGS)
def test_the_loader_is_three_times_as_fast_as_the_step(name, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    rows = []
    for level in LEVELS:
        preset = presets.TRAININGS[name][1][level]
        samples, _ = presets.training_samples(preset, training_photos(), seed=0)
        trained, _ = step_seconds(name, preset, samples)
        made = seconds(lambda samples=samples: default_collate([samples[number] for number in range(MADE)]), rounds=2)[0] / MADE
        trained = min(trained, step_seconds(name, preset, samples)[0])
        rows.append([level, preset.crop, f"{preset.leaves:.0%}", 1 / made, 1 / trained, trained / made])
    table(f"{name}: samples/s, one thread", ["preset", "crop", "leaves", "made", "trained on", "ratio"], rows)
    assert min(row[-1] for row in rows) >= ENOUGH
