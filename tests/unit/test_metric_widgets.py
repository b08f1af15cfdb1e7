"""The widgets of chapter 02: their numbers are the metrics', they fit into a notebook, and they make a page without a network."""

import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from restorelab.data import photos
from restorelab.data.equal_mse import equal_mse
from restorelab.errors import ImageError, ParameterError
from restorelab.metrics import COURSE_RGB, MATLAB_Y, PROTOCOLS, psnr, ssim, ssim_map
from restorelab.viz import crop
from restorelab.widgets.equal_error import EqualError
from restorelab.widgets.static import page
from restorelab.widgets.switchboard import COURSE, EVERY, PRINTED, SWITCHES, WORDS, Switchboard, protocol_of, refusal

FAULTS = ("contrast", "noise", "blur")
LABEL = "stand-in LPIPS (random: not comparable)"
SIDE = 48


@pytest.fixture(scope="module")
def clean():
    return crop(photos.load("chelsea"), 60, 130, SIDE)


@pytest.fixture(scope="module")
def spoiled(clean):
    return {kind: equal_mse(clean, 0.003, kind).image for kind in FAULTS}


@pytest.fixture(scope="module")
def scores(clean, spoiled):
    return {kind: (psnr(image, clean), ssim(image, clean), 0.1 * number) for number, (kind, image) in enumerate(spoiled.items())}


@pytest.fixture(scope="module")
def equal(clean, spoiled, scores):
    return EqualError(clean, spoiled, scores, lpips_label=LABEL)


@pytest.fixture(scope="module")
def board(clean, spoiled):
    return Switchboard(spoiled["noise"], clean)


def pixels(file):
    return np.asarray(Image.open(io.BytesIO(file))).astype(float)


@pytest.mark.parametrize("name", ["equal", "board"])
def test_a_notebook_gets_the_view_a_picture_and_a_sentence(name, request):
    widget = request.getfixturevalue(name)
    bundle, metadata = widget._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} <= set(bundle)
    assert bundle["text/plain"] == repr(widget) == metadata["image/png"]["alt"]
    assert isinstance(widget.figure(), Figure)


@pytest.mark.parametrize("name", ["equal", "board"])
def test_the_page_asks_no_network(name, request):
    widget = request.getfixturevalue(name)
    found = page(widget, "A <title>")
    addresses = set(re.findall(r"https?://[^\s\"'`]+", widget._esm + widget._css + found))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a name, which no browser fetches"
    assert "A &lt;title&gt;" in found


def test_the_numbers_shown_are_those_given(equal, scores):
    assert [(fault["name"], fault["psnr"], fault["ssim"], fault["lpips"]) for fault in equal._faults] == [(k, *scores[k]) for k in FAULTS]
    assert LABEL in repr(equal) and equal._label == LABEL
    still = [text.get_text() for axis in equal.figure().axes for text in axis.texts]
    assert [f"SSIM {scores[kind][1]:.3f}" in text for kind, text in zip(FAULTS, still, strict=True)] == [True] * 3
    assert any(LABEL in text.get_text() for text in equal.figure().findobj(lambda artist: hasattr(artist, "get_text")))


def test_the_maps_are_those_of_the_metrics(equal, clean, spoiled):
    for fault in equal._faults:
        low = 255 * (1 - ssim_map(spoiled[fault["name"]], clean).mean(2)).clip(0, 1)
        assert np.abs(pixels(fault["ssim_map"]) - low).mean() < 4, "SSIM, through JPEG"
        assert pixels(fault["picture"]).shape == (SIDE, SIDE, 3)
        error = pixels(fault["error_map"])
        assert error.shape == (SIDE, SIDE)
    errors = (spoiled["contrast"] - clean).square().mean(0).numpy()
    found = pixels(equal._faults[0]["error_map"])
    assert np.corrcoef(found.ravel(), (errors / (4 * errors.mean())).clip(0, 1).ravel())[0, 1] > 0.97
    assert found.mean() == pytest.approx(255 * (errors / (4 * errors.mean())).clip(0, 1).mean(), abs=4)


def test_six_faults_are_small_enough_for_a_notebook():
    clean = crop(photos.load("chelsea"), 20, 90, 256)
    spoiled = {kind: equal_mse(clean, 0.003, kind).image for kind in ("brightness", "contrast", "blur", "noise", "jpeg", "move")}
    widget = EqualError(clean, spoiled, {kind: (25.2, 0.5, 0.1) for kind in spoiled})
    sent = [value for fault in widget._faults for value in fault.values() if isinstance(value, bytes)]
    assert len(widget._clean) + sum(map(len, sent)) < 400_000


def test_what_does_not_fit_together_is_refused(clean, spoiled, scores):
    with pytest.raises(ParameterError, match="no pictures"):
        EqualError(clean, {}, {})
    with pytest.raises(ParameterError, match="must not change the size"):
        EqualError(clean, spoiled | {"blur": spoiled["blur"][:, :-1]}, scores)
    with pytest.raises(ParameterError, match="only one of them has 'haze'"):
        EqualError(clean, spoiled, scores | {"haze": (25.2, 0.5, 0.1)})
    with pytest.raises(ParameterError, match="three scores"):
        EqualError(clean, spoiled, scores | {"blur": (25.2, 0.5)})
    with pytest.raises(ParameterError, match="from 20.00 to"):
        EqualError(clean, spoiled, scores | {"blur": (20.0, 0.5, 0.1)})
    with pytest.raises(ParameterError, match="infinite"):
        EqualError(clean, {"nothing": clean}, {"nothing": (float("inf"), 1.0, 0.0)})
    with pytest.raises(ParameterError, match="crop them"):
        EqualError(torch.rand(3, 400, 400), {n: torch.rand(3, 400, 400) for n in "abcde"}, dict.fromkeys("abcde", (7.8, 0.0, 1.0)))
    with pytest.raises(ImageError, match="blur"):
        EqualError(clean, spoiled | {"blur": (255 * spoiled["blur"]).to(torch.uint8)}, scores)


@pytest.mark.parametrize(
    ("choice", "protocol"),
    [
        ((0, 0, 0, 0, 0), COURSE_RGB),
        ((2, 0, 0, 0, 0), MATLAB_Y),
        ((1, 0, 1, 0, 0), PROTOCOLS["SR x4"]),
        ((0, 0, 0, 0, 1), PROTOCOLS["GoPro/HIDE"]),
        ((0, 2, 0, 0, 1), PROTOCOLS["SIDD/DND"]),
        ((3, 1, 2, 0, 0), replace(COURSE_RGB, colour="y_full", rounding="truncated", border=8)),
    ],
)
def test_a_combination_scores_as_its_protocol(board, clean, spoiled, choice, protocol):
    noisy = spoiled["noise"]
    assert protocol_of(choice) == protocol
    assert board._scores[",".join(map(str, choice))] == [psnr(noisy, clean, protocol), ssim(noisy, clean, protocol)]


def test_formulas_of_psnr_are_the_ones_they_say(board, clean, spoiled):
    course, mean, peak, epsilon = (board.scores[0, 0, 0, formula, 0][0] for formula in range(4))
    a, b = COURSE_RGB.prepare_pair(spoiled["noise"], clean)
    assert mean == pytest.approx(np.mean([10 * np.log10(255**2 / ((a - b)[:, :, c] ** 2).mean()) for c in range(3)]))
    assert peak == pytest.approx(course + 20 * np.log10((b.max() - b.min()) / 255))
    assert epsilon == pytest.approx(course, abs=1e-3)


def test_every_combination_is_scored_or_refused_with_a_reason(board):
    every = {",".join(map(str, choice)) for choice in EVERY}
    assert set(board._scores) | set(board._refused) == every
    assert not set(board._scores) & set(board._refused)
    assert all(len(why) > 20 for why in board._refused.values())


def test_refused_is_what_a_protocol_refuses_and_the_mean_of_one_channel():
    def contradicts(choice):
        try:
            return not protocol_of(choice)
        except ParameterError:
            return True

    for choice in EVERY:
        lone = SWITCHES["PSNR's formula"][choice[3]].label.startswith("mean of the three") and choice[0] > 0
        assert bool(refusal(choice)) == (contradicts(choice) or lone), choice


def test_every_published_protocol_named_is_reached():
    assert sorted(PRINTED.values()) == sorted(WORDS.values())
    assert PRINTED[COURSE] == "this course"


def test_the_range_is_said_in_words(board):
    decibels = [score for score, _ in board.scores.values()]
    assert f"from {min(decibels):.2f} to {max(decibels):.2f} dB" in repr(board)
    assert max(decibels) - min(decibels) > 2


def test_pictures_that_cannot_be_scored_are_refused(clean, spoiled):
    with pytest.raises(ParameterError, match="one size"):
        Switchboard(spoiled["noise"][:, 1:], clean)
    with pytest.raises(ParameterError, match="infinite"):
        Switchboard(clean, clean)
    with pytest.raises(ParameterError, match="3 channels"):
        Switchboard(spoiled["noise"][:1], clean[:1])
    with pytest.raises(ImageError, match="clean picture is uint8"):
        Switchboard(spoiled["noise"], (255 * clean).to(torch.uint8))


def test_restored_may_overshoot(clean):
    loud = clean + 0.4 * torch.sin(torch.arange(SIDE) / 3)
    assert Switchboard(loud, clean).scores == Switchboard(loud.clamp(0, 1), clean).scores
