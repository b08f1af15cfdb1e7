"""What was promised before is kept: it cannot be changed, made afterwards, or held against another record."""

import dataclasses

import numpy as np
import pytest
from test_ablations import SHORT, record_with

from restorelab.errors import DataError, ParameterError
from restorelab.experiment.cards import Card
from restorelab.experiment.registration import Registration, held_against, read, register, registration_of

PROMISE = Registration("Two help.", "whole", "without", "worse", 0.1, (0, 1, 2), "pictures")


def record(mean: float, spread: float = 0.05) -> dict:
    gaps = np.random.default_rng(0).normal(0, spread, (3, 60))
    made = record_with(gaps - gaps.mean() + mean)
    return made | {"manifest": {"seeds": [0, 1, 2], "judged on": "pictures"}}


@pytest.mark.parametrize(
    "mean, spread, said",
    [(-0.3, 0.05, "as expected, and it matters"), (-0.1, 0.02, "as expected; whether it matters is open"),
     (0.3, 0.05, "the contrary of what was expected"), (0.0, 0.05, "no change that matters"), (0.0, 4.0, "too close to call")],
)  # fmt: skip
def test_the_answer_is_in_the_words_of_the_promise(mean, spread, said):
    assert held_against(PROMISE, record(mean, spread))[0] == said


def test_a_promise_is_written_once(tmp_path):
    register(tmp_path, PROMISE)
    assert read(tmp_path) == PROMISE and register(tmp_path, PROMISE).is_file()
    with pytest.raises(DataError, match="promises are not changed"):
        register(tmp_path, dataclasses.replace(PROMISE, expected="better"))
    (tmp_path / "late").mkdir()
    (tmp_path / "late" / "record.json").touch()
    with pytest.raises(DataError, match="was not written down before"):
        register(tmp_path / "late", PROMISE)
    with pytest.raises(DataError, match="register before you train"):
        read(tmp_path / "late")
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        register(tmp_path / "file", PROMISE)


def test_a_promise_is_held_against_its_own_record():
    with pytest.raises(DataError, match="other seeds"):
        held_against(PROMISE, record(0) | {"manifest": {"judged on": "pictures"}})  # a record from before they were noted
    with pytest.raises(DataError, match="other seeds"):
        held_against(dataclasses.replace(PROMISE, seeds=(0, 1)), record(0))
    with pytest.raises(ParameterError, match="Did you mean worse"):
        dataclasses.replace(PROMISE, expected="worst")
    with pytest.raises(ParameterError, match="two seeds"):
        dataclasses.replace(PROMISE, seeds=(0,))


def test_a_card_promises_its_direction_and_its_pictures():
    found = registration_of(Card("Two levels help.", "dmphn", "two", "one", -1.0), SHORT, matters=0.2)
    assert (found.expected, found.seeds, found.judged_on) == ("worse", (0, 1), SHORT.judged_on)
    assert registration_of(Card("Costs.", "dmphn", "two", "one", expected=1), SHORT, 0.2).expected == "better"
