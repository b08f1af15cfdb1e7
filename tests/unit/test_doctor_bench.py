"""`restorelab doctor --bench`: its arithmetic, that it ends in time, and tells nothing of whose machine this is. (Whether what it foretells
comes true is measured in tests/bench/test_forecast.py.)"""

import dataclasses
import io
import json
import platform

import pytest
import torch
from rich.console import Console

from restorelab import presets, speed
from restorelab.cli import bench
from restorelab.data import photos
from restorelab.data.pairs import training_photos
from restorelab.speed import Pace

SHORT = dataclasses.replace(presets.DMPHN["smoke"], fit=dataclasses.replace(presets.DMPHN["smoke"].fit, steps=8, batch=3, validate_every=8))


def test_the_arithmetic_of_a_training():
    fit = dataclasses.replace(SHORT.fit, steps=100, batch=4, workers=0, validate_every=50)
    preset = dataclasses.replace(SHORT, fit=fit)
    pixels = 4 * 2 * 256**2 + 4 * (300 * 451 + 400 * 600 + photos.load("tulips")[0].numel())
    assert speed.total_seconds(preset, step=1.0, made=0.5, forward=0.0) == pytest.approx(100 * 4 * 1.5)
    assert speed.total_seconds(preset, step=0.0, made=0.0, forward=1e-6) == pytest.approx(1e-6 * pixels)
    helped = dataclasses.replace(preset, fit=dataclasses.replace(fit, workers=2))
    assert speed.total_seconds(helped, step=1.0, made=0.5, forward=0.0) == pytest.approx(400)
    assert speed.total_seconds(helped, step=1.0, made=6.0, forward=0.0) == pytest.approx(1200)


def test_measuring_ends_in_time_and_says_what_it_left_out():
    state = torch.get_rng_state()
    seen = []
    paces = speed.measure(limit=0.0, report=lambda done, count, words: seen.append((done, count)))
    assert len(paces) == 2 * len(presets.TRAININGS) and all(pace.total is None and pace.parameters > 0 for pace in paces)
    assert torch.equal(torch.get_rng_state(), state)
    assert seen[0] == (0, seen[-1][1]) and seen[-1][0] == seen[-1][1]
    assert all(seconds is None for chapter in speed.chapter_times(paces) for seconds in chapter.seconds.values())


def test_bfloat16_is_measured_beside_float32_and_counts_where_the_preset_asks_for_it():
    plain = Pace("udvd", "lab", 1, forward=1e-9, float32=3.0, made=0.0, total=7.0)
    preset = dataclasses.replace(presets.UDVD["smoke"], crop=32, fit=dataclasses.replace(SHORT.fit, precision="bfloat16"))
    found = speed._with_bfloat16(plain, preset, training_photos(), "cpu")
    assert found.bfloat16 > 0 and found.bfloat16_gain == pytest.approx(3.0 / found.bfloat16) and found.total != 7.0
    auto = dataclasses.replace(preset, fit=dataclasses.replace(preset.fit, precision="auto"))
    assert speed._with_bfloat16(plain, auto, training_photos(), "cpu").total == 7.0


@pytest.fixture
def known(monkeypatch):
    """Paces as if they had been measured."""
    steps = {"smoke": 0.05, "lab": 0.5}
    paces = [
        Pace(name, level, 10**6, 2e-6, steps[level], steps[level] / 2 if level == "lab" else None, 0.004, 100.0, 2**30)
        for level in speed.LEVELS
        for name in presets.TRAININGS
    ]
    monkeypatch.setattr(speed, "measure", lambda device, report: paces)
    return paces


def said(as_json: bool) -> str:
    out = io.StringIO()
    bench.bench("cpu", as_json, Console(file=out, width=200, soft_wrap=as_json))
    return out.getvalue()


def test_the_tables_have_every_training_and_chapter_and_say_how_sure_they_are(known):
    words = said(as_json=False)
    for name in (*presets.TRAININGS, *speed.CHAPTERS):
        assert name in words
    assert "factor of about 2" in words and "x 2.0" in words and "100 s" in words


def test_json_tells_the_figures_and_nothing_of_the_owner(known, monkeypatch):
    monkeypatch.setenv("USER", "somebody")
    facts = json.loads(said(as_json=True))
    assert facts.keys() == {"format", "device", "memory", "versions", "right_to_a_factor_of", "trainings", "chapters"}
    assert len(facts["trainings"]) == len(known) and facts["trainings"][0]["total"] == 100.0
    text = json.dumps(facts)
    assert platform.node() not in text and "somebody" not in text and "/" not in text


@pytest.mark.parametrize(
    "seconds, words", [(None, bench.UNKNOWN), (3.14159, "3.1 s"), (119, "120 s"), (121, "2 min"), (7300, "2 h"), (360000, "100 h")]
)
def test_lengths_have_two_digits(seconds, words):
    assert bench.length(seconds) == words
