"""NIQE against its definition written out block by block, and against what it is for."""

import hashlib
import warnings

import numpy as np
import pytest
import torch
from plain_niqe import niqe_block_by_block

from restorelab.data import photos
from restorelab.degrade import GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB, MATLAB_Y, Protocol
from restorelab.metrics.niqe import MODEL, FewBlocksWarning, niqe, niqe_of_pixels


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
@pytest.mark.parametrize("name", ["chelsea", "coffee"])
@pytest.mark.parametrize("fault", [None, GaussianNoise(0.1), Jpeg(20)], ids=["clean", "noise", "jpeg"])
def test_equals_the_definition_block_by_block(name, fault):
    picture = photos.load(name)
    if fault:
        picture = degrade(picture, Recipe((fault,)), np.random.default_rng(0)).image
    assert niqe(picture) == pytest.approx(niqe_block_by_block(MATLAB_Y.prepare(picture)[:, :, 0]), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "fault", "share"),
    [
        ("chelsea", None, 1e-9),
        ("chelsea", GaussianNoise(0.1), 1e-9),
        ("coffee", None, 1e-3),
        ("coffee", Jpeg(50), 0.02),
        ("rocket", Jpeg(20), 0.08),
    ],
)
def test_ports_that_let_rounding_decide_in_flat_areas_are_percents_off_there_and_equal_elsewhere(name, fault, share):
    picture = photos.load(name)
    if fault:
        picture = degrade(picture, Recipe((fault,)), np.random.default_rng(0)).image
    y = MATLAB_Y.prepare(picture)[:, :, 0]
    assert niqe_of_pixels(y) == pytest.approx(niqe_block_by_block(y, flat=0), rel=share)


def test_flat_blocks_are_left_out_as_in_the_release():
    y = np.random.default_rng(0).normal(120, 30, (288, 384)).clip(0, 255)
    y[:110, :110] = 0
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = niqe_block_by_block(y)
    assert niqe_of_pixels(y) == pytest.approx(expected, abs=1e-6)


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_rises_with_noise_and_blur():
    clean = photos.load("chelsea")
    for faults in ((GaussianNoise(0.05), GaussianNoise(0.2)), (GaussianBlur(1.5), GaussianBlur(4.0))):
        scores = [niqe(clean), *(niqe(degrade(clean, Recipe((fault,)), np.random.default_rng(0)).image) for fault in faults)]
        assert scores == sorted(scores) and scores[2] > scores[0] + 3


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_border_and_grey_pictures():
    clean = photos.load("chelsea")
    assert niqe(clean, MATLAB_Y.with_border(4)) == niqe(clean[:, 4:-4, 4:-4])
    assert niqe(clean[:1]) == niqe_of_pixels(COURSE_RGB.prepare(clean[:1])[:, :, 0])
    assert niqe(clean[:, :288, :384]) == niqe(clean[:, :290, :400])  # what does not fill a block does not count


def test_warns_of_few_blocks():
    clean = photos.load("coffee")
    with pytest.warns(FewBlocksWarning, match="24 blocks"):
        niqe(clean)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        niqe(clean.repeat(1, 2, 1))


@pytest.mark.parametrize(
    ("image", "protocol", "says"),
    [
        (torch.rand(3, 95, 400), MATLAB_Y, "two blocks"),
        (torch.rand(3, 96, 191), MATLAB_Y, "two blocks"),
        (torch.zeros(3, 200, 200), MATLAB_Y, "not flat"),
        (torch.rand(3, 200, 200), COURSE_RGB, "Y colour"),
        (torch.rand(2, 3, 200, 200), MATLAB_Y, "batch"),
        (torch.rand(200, 200), MATLAB_Y, "1 or 3 channels"),
        (torch.rand(3, 200, 200) / 0, MATLAB_Y, "infinity"),
        (torch.full((3, 200, 200), torch.nan), MATLAB_Y, "NaN"),
        (torch.rand(3, 200, 200) * 255, MATLAB_Y, "divide"),
        (torch.rand(3, 200, 200), Protocol("y", colour="y_full", border=60), "two blocks"),
    ],
)
@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_mistakes_are_refused(image, protocol, says):
    with pytest.raises(ParameterError, match=says):
        niqe(image, protocol)


def test_the_model_is_the_published_one_and_its_notice_stands_beside_it():
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() == "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296"
    notice = (MODEL.parent / "NOTICE.txt").read_text()
    assert "The University of Texas at Austin" in notice and "Permission is hereby granted" in notice
