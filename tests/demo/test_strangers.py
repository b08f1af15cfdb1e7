"""Strange files hold what they say, and the waiting that chapter 09 counts is the textbook's."""

import numpy as np
import pytest
import torch

from restorelab import image
from restorelab.data import photos
from restorelab.demo.jobs import Limits, Refused
from restorelab.demo.strangers import bad_files, odd_files
from restorelab.demo.uploads import read_upload
from restorelab.demo.waiting import mean_wait, serve_in_turn

PICTURE = photos.load("coffee")[:, 60:108, 150:222]
SHAPE = torch.zeros(1, 48, 72)
SHAPE[:, 8:40, 8:64] = 1.0


@pytest.mark.parametrize("name, limit", [("phone.jpg", 16), ("print.jpg", 16), ("drawn.gif", 64)])
def test_an_odd_file_holds_the_picture(name, limit):
    assert 255 * (image.load(odd_files(PICTURE, SHAPE)[name]) - PICTURE).abs().max() < limit


def test_the_scan_is_the_grey_picture_in_16_bits_and_what_was_cut_out_is_white():
    files = odd_files(PICTURE, SHAPE)
    luma = torch.einsum("c,chw->hw", torch.tensor([0.299, 0.587, 0.114]), PICTURE)
    assert image.probe(files["scan.png"]).bit_depth == 16
    assert 255 * (image.load(files["scan.png"])[0] - luma).abs().max() < 1
    assert torch.equal(image.load(files["cut out.png"]), torch.where(SHAPE > 0, PICTURE, 1.0))


@pytest.mark.parametrize("name", bad_files(PICTURE))
def test_a_bad_file_is_refused(name, tmp_path):
    (tmp_path / name).write_bytes(bad_files(PICTURE)[name])
    with pytest.raises(Refused):
        read_upload(str(tmp_path / name), Limits())


def test_a_class_that_clicks_at_once_waits_in_a_row():
    served = serve_in_turn([0.0] * 5, 3.0)
    assert served.waits.tolist() == [0, 3, 6, 9, 12] and served.ready.tolist() == [3, 6, 9, 12, 15] and served.refused == 0


def test_whoever_finds_the_queue_full_is_refused_and_costs_nothing():
    served = serve_in_turn([0.0, 0.0, 0.0, 0.0, 3.0, 7.0], 3.0, most_waiting=2)
    assert served.refused == 1 and np.isnan(served.waits[3])
    assert served.waits[[0, 1, 2, 4, 5]].tolist() == [0, 3, 6, 6, 5], "at 3.0 one of the two who waited has begun"


def test_the_mean_wait_is_that_of_the_formula():
    arrivals = np.cumsum(np.random.default_rng(0).exponential(2.0 / 0.8, 100_000)).tolist()
    assert serve_in_turn(arrivals, 2.0).waits.mean() == pytest.approx(mean_wait(0.8, 2.0), rel=0.05)
