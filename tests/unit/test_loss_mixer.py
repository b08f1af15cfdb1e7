"""The loss mixer shows what was recorded for the weights chosen, and refuses a grid with holes."""

import itertools

import pytest
import torch

from restorelab.errors import ParameterError
from restorelab.widgets.loss_mixer import Judge, LossMixer, Mixture
from restorelab.widgets.static import jpeg

AXES = {"adversarial": (0.0, 0.001, 0.01), "features": (0.0, 1.0)}
JUDGES = (Judge("PSNR", True, "dB", 2), Judge("distance", False))


def grey(value: float) -> bytes:
    return jpeg(torch.full((3, 32, 32), value))


@pytest.fixture
def grid():
    places = list(itertools.product(*AXES.values()))
    return {at: Mixture(grey(number / len(places)), (20.0 + number, 0.5 - number / 10)) for number, at in enumerate(places)}


@pytest.fixture
def mixer(grid):
    return LossMixer(AXES, grid, JUDGES, {"clean": grey(1.0)}, "twelve steps each")


def test_every_mixture_goes_to_the_browser_with_its_own_picture_and_figures(mixer, grid):
    for at in mixer.places():
        sent, record = mixer._mixtures[",".join(map(str, at))], grid[tuple(levels[n] for levels, n in zip(AXES.values(), at, strict=True))]
        assert (sent["picture"], sent["figures"]) == (record.picture, list(record.figures))
        assert sent["words"] == [f"{record.figures[0]:.2f} dB", f"{record.figures[1]:.3f}"]
    assert len({sent["picture"] for sent in mixer._mixtures.values()}) == 6


def test_it_says_what_was_chosen_and_what_that_came_to(mixer, grid):
    mixer.chosen = [2, 1]
    assert repr(mixer) == (
        "Loss mixer, 6 recorded trainings. adversarial 0.01, features 1: PSNR 25.00 dB, distance 0.000. "
        "With all at 0: PSNR 20.00 dB, distance 0.500."
    )
    assert len(mixer.figure().axes) == 4 + 1  # the corners of the grid, and the plane
    assert "twelve steps each" in mixer.to_html() and mixer._repr_mimebundle_()[0]["image/png"]


def test_levels_that_are_not_there_are_refused(mixer):
    for wrong in ([3, 0], [0], [0, 0, 0], [-1, 0]):
        with pytest.raises(ParameterError, match="chosen is the number of a level"):
            mixer.chosen = wrong


def test_a_hole_in_the_grid_is_refused(grid):
    missing = {at: one for at, one in grid.items() if at != (0.01, 1.0)}
    with pytest.raises(ParameterError, match=r"no training was recorded for the weights \(0.01, 1.0\)"):
        LossMixer(AXES, missing, JUDGES, {"clean": grey(1.0)})
    with pytest.raises(ParameterError, match="has 2 figures for 3 judges"):
        LossMixer(AXES, grid, (*JUDGES, Judge("NIQE", False)), {"clean": grey(1.0)})
    with pytest.raises(ParameterError, match="two judges"):
        LossMixer(AXES, grid, JUDGES[:1], {"clean": grey(1.0)})
    noise = jpeg(torch.rand(3, 512, 512, generator=torch.Generator().manual_seed(0)))
    with pytest.raises(ParameterError, match="crop them, or give fewer"):
        LossMixer(AXES, grid, JUDGES, {"clean": noise, "again": noise})
