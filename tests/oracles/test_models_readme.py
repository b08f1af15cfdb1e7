"""The table of src/restorelab/models/README.md is what the networks are."""

import importlib
import re
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from restorelab.systems import SYSTEMS

README = Path(__file__).parents[2] / "src" / "restorelab" / "models" / "README.md"
ROWS = re.findall(r"^\| `(\w+)\.(\w+)` \|[^|]*\| ([\d,]+) \| ([\d.]+) G \| (\d+) x (\d+) \| (\w+)", README.read_text(), re.MULTILINE)


def test_every_preset_of_every_system_is_a_row():
    presets = set()
    for entry in SYSTEMS.values():
        room = importlib.import_module(entry.model.__module__)
        presets |= {(room.__name__.split(".")[-1], key) for key, value in vars(room).items() if isinstance(value, entry.config)}
    assert presets == {(module, preset) for module, preset, *_ in ROWS}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ".".join(row[:2]))
def test_the_row_is_true(row):
    module, preset, parameters, macs, rows, columns, radius = row
    config = getattr(importlib.import_module(f"restorelab.models.{module}"), preset)
    kind = next(entry.model for entry in SYSTEMS.values() if entry.config is type(config))
    with torch.device("meta"), torch.no_grad():
        model = kind(config).eval().requires_grad_(False)
        told = {"condition": torch.empty(1, model.condition_channels, 1, 1)} if model.condition_channels else {}
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(1, 3, 256, 256), **told)
    assert f"{sum(p.numel() for p in model.parameters()):,}" == parameters
    assert f"{counter.get_total_flops() / 2e9:.2f}" == macs
    assert model.size_multiple == (int(rows), int(columns))
    assert ("whole" if model.receptive_radius is None else str(model.receptive_radius)) == radius
