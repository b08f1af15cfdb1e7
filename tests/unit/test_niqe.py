"""NIQE against its definition written out block by block, and against what it is for."""

import hashlib
import warnings

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.special import gamma

from restorelab.data import photos
from restorelab.degrade import GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB, MATLAB_Y, Protocol
from restorelab.metrics.niqe import MODEL, FewBlocksWarning, niqe, niqe_of_pixels
from restorelab.ops.resize import resize_bicubic


def shape_of(block: np.ndarray) -> tuple[float, float, float]:
    """Shape and the two scales of an asymmetric generalised Gaussian, by looking at every one of the 9801 shapes."""
    shapes = np.arange(0.2, 10.001, 0.001)
    ratios = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))
    left, right = np.sqrt(np.mean(block[block < 0] ** 2)), np.sqrt(np.mean(block[block > 0] ** 2))
    lean = left / right
    ratio = np.mean(np.abs(block)) ** 2 / np.mean(block**2) * (lean**3 + 1) * (lean + 1) / (lean**2 + 1) ** 2
    shape = shapes[np.argmin((ratios - ratio) ** 2)]
    scale = np.sqrt(gamma(1 / shape) / gamma(3 / shape))
    return shape, left * scale, right * scale


def features_of(block: np.ndarray) -> list[float]:
    shape, left, right = shape_of(block)
    found = [shape, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        shape, left, right = shape_of(block * np.roll(block, shift, axis=(0, 1)))
        found += [shape, (right - left) * gamma(2 / shape) / gamma(1 / shape), left, right]
    return found


def niqe_block_by_block(y: np.ndarray, flat: float = 1e-9) -> float:
    """The definition. A pixel within `flat` of its local mean is taken to equal it, as in exact arithmetic; with 0, rounding decides."""
    model = np.load(MODEL)
    rows, columns = y.shape[0] // 96, y.shape[1] // 96
    y, scales = y[: rows * 96, : columns * 96], []
    for side in (96, 48):
        mean = convolve(y, model["gaussian_window"], mode="nearest")
        deviation = np.sqrt(np.abs(convolve(y**2, model["gaussian_window"], mode="nearest") - mean**2))
        normalised = np.where(np.abs(y - mean) < flat, 0, y - mean) / (deviation + 1)
        corners = [(i * side, j * side) for i in range(rows) for j in range(columns)]
        scales.append([features_of(normalised[i : i + side, j : j + side]) for i, j in corners])
        y = resize_bicubic(torch.from_numpy(y.copy())[None, None], scale=0.5)[0, 0].numpy()
    features = np.concatenate(scales, axis=1)
    gap = model["mu_pris_param"][0] - np.nanmean(features, axis=0)
    covariance = np.cov(features[~np.isnan(features).any(axis=1)], rowvar=False)
    return float(np.sqrt(gap @ np.linalg.pinv((model["cov_pris_param"] + covariance) / 2) @ gap))


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
