"""What `restorelab doctor --bench` foretells of a training comes true, within its own factor."""

import dataclasses
import time

import pytest

from restorelab import presets, speed
from restorelab.data.pairs import training_photos
from restorelab.train import session
from restorelab.train.run import Run

SHORT = dataclasses.replace(presets.DMPHN["smoke"], fit=dataclasses.replace(presets.DMPHN["smoke"].fit, steps=8, batch=3, validate_every=8))


@pytest.mark.usefixtures("one_thread")
def test_a_training_takes_what_was_foretold_within_a_factor_of_two(tmp_path, monkeypatch):
    """Both in one run and in processor time: the test is of the forecast and not of how busy the machine is."""
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    pictures = training_photos()

    def foretold() -> float:
        return speed._pace("dmphn", "smoke", SHORT, pictures, "cpu", time.perf_counter() + 60).total

    before = foretold()
    began = time.perf_counter()
    with Run(tmp_path, seed=0) as run:
        model = session.train(session.new_network("dmphn", SHORT, 0), SHORT, pictures, run, "cpu")
    session.judge(model, SHORT, ("dmphn", "test"))
    taken = time.perf_counter() - began
    guess = (before + foretold()) / 2
    assert 1 / speed.FACTOR < taken / guess < speed.FACTOR, (before, guess, taken)
