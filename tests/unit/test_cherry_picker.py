"""The cherry picker: what it says of a choice is what `flattery` says, in Python and in the browser."""

import numpy as np
import pytest
import torch

from restorelab.errors import ParameterError
from restorelab.evaluate import Evaluation, Row
from restorelab.experiment.inference import flattery
from restorelab.metrics import COURSE_RGB
from restorelab.widgets import CherryPicker

GAINS = (0.1, 1.4, -0.3, 0.8, 2.2, 0.6)


def picker(gains=GAINS) -> CherryPicker:
    rows = tuple(Row(f"p{number}", 25.0, 25.0 + gain, 0.5, 0.6) for number, gain in enumerate(gains))
    pictures = {row.name: torch.full((3, 16, 16), number / 20) for number, row in enumerate(rows)}
    return CherryPicker(Evaluation(rows, COURSE_RGB, "a model", "some data"), pictures)


def test_it_begins_with_the_best_and_says_so():
    it = picker()
    assert it.chosen == [1, 3, 4] and it.flattery == flattery(np.array(GAINS), [1, 3, 4]) > 0.97
    assert "the best three: +1.47 dB" in repr(it) and "COURSE_RGB" in repr(it) and "mean gain +0.80 dB" in repr(it)
    it.chosen = [2, 0]
    assert it.chosen == [0, 2] and it.flattery == pytest.approx(0.5 / 15)
    it.chosen = []
    assert it.flattery is None
    assert "application/vnd.jupyter.widget-view+json" in it._repr_mimebundle_()[0]


def test_wrong_choices_and_pictures_are_refused():
    it = picker()
    with pytest.raises(ParameterError, match="each once"):
        it.chosen = [0, 9]
    with pytest.raises(ParameterError, match="choose among 4 to 16"):
        picker(GAINS[:3])
    rows = tuple(Row(f"p{number}", 25.0, 26.0, 0.5, 0.6) for number in range(4))
    with pytest.raises(ParameterError, match="'p0' is missing"):
        CherryPicker(Evaluation(rows, COURSE_RGB), {})
