"""PI and Ma, whose model nobody may ship: what happens without pyiqa, and what is asked of it when it is there."""

import sys
from types import ModuleType

import pytest
import torch

from restorelab.data import photos
from restorelab.errors import ParameterError
from restorelab.metrics import PROTOCOLS
from restorelab.metrics.niqe import niqe
from restorelab.metrics.perception import ma_score, perceptual_index, pi_score


def test_the_index_of_two_scores():
    assert perceptual_index(ma=10, niqe=0) == 0
    assert perceptual_index(ma=8.5, niqe=3.2) == pytest.approx(2.35)


def test_without_pyiqa_the_message_says_what_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyiqa", None)
    for score in (ma_score, pi_score):
        with pytest.raises(ParameterError, match="pip install pyiqa .*non-commercial.*NRQM_model.mat"):
            score(photos.load("chelsea"))


@pytest.fixture
def pyiqa(monkeypatch) -> ModuleType:
    """A stand-in with pyiqa's interface, whose Ma is ten times the mean of the picture."""
    module = ModuleType("pyiqa")
    module.asked = []

    def create_metric(name: str, device: str):
        module.asked.append((name, device))
        return lambda x: 10 * x.mean((1, 2, 3))

    module.create_metric = create_metric
    monkeypatch.setitem(sys.modules, "pyiqa", module)
    return module


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_pi_puts_ma_and_niqe_of_the_same_pixels_together(pyiqa):
    image = photos.load("chelsea")
    ma = float(10 * image[:, 4:-4, 4:-4].mean())
    assert pi_score(image) == pytest.approx(perceptual_index(ma, niqe(image, PROTOCOLS["PIRM"])), abs=1e-5)
    assert pyiqa.asked == [("nrqm", "cpu")]


def test_weights_that_cannot_be_fetched_are_a_sentence(pyiqa, monkeypatch):
    def fail(name: str, device: str):
        raise OSError("no route to host")

    monkeypatch.setattr(pyiqa, "create_metric", fail)
    with pytest.raises(ParameterError, match="could not load the weights of Ma.*no route to host"):
        ma_score(photos.load("chelsea"))


def test_mistakes_are_refused(pyiqa):
    with pytest.raises(ParameterError, match="divide"):
        ma_score(torch.rand(3, 20, 20) * 255)
