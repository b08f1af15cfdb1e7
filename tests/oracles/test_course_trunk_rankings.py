"""The course trunk ranks the bundled test photographs as its manifest states, and better than trunks that have learned nothing."""

import importlib
import sys
from argparse import Namespace
from pathlib import Path

import pytest
import torch

from restorelab.data import photos
from restorelab.image import to_uint8
from restorelab.metrics.course_trunk import LABEL, CourseDistance, load_course_trunk, random_state, read_manifest
from restorelab.train.run import Run

RECORD = [0.02022, 1.62356, 0.98764]
COURSE = Path(__file__).parents[2] / "course"


@pytest.fixture(scope="module")
def rankings():
    return import_from_course("known_rankings")


def import_from_course(name: str):
    sys.path.insert(0, str(COURSE))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(COURSE))


@pytest.fixture(scope="module")
def tiles(rankings):
    return rankings.tiles_of([photos.load("chelsea")], 2)


@pytest.fixture(scope="module")
def stated() -> dict:
    return read_manifest()["result"]


def test_the_measure_itself(rankings, tiles):
    """PSNR puts every ladder of noise, blur and pixels in order, and is at a loss, by construction, where the errors are equal."""
    psnr = rankings.accuracy(rankings.OF_PIXELS["PSNR"], tiles)
    assert [psnr[kind] for kind in ("noise", "blur", "fewer pixels")] == [1.0] * 3
    assert [psnr[kind] for kind in ("equal error", "shift 1", "shift 2", "rotation")] == [0.5] * 4
    wrong_way_round = rankings.accuracy(lambda images, clean: -(images - clean).square().mean((1, 2, 3)), tiles)
    assert wrong_way_round["noise"] == 0 and wrong_way_round["shift 1"] == 0.5
    one = rankings.Tile(tiles[0].clean, [tiles[0].clean] * 3, [("a", 0, 1), ("a", 1, 2), ("b", 2, 0), ("b", 1, 1)])
    assert rankings.accuracy(lambda images, clean: torch.tensor([1.0, 2.0, 3.0]), [one]) == {"a": 1.0, "b": 0.25, "all": 0.625}


def test_the_shipped_weights_rank_as_their_manifest_says(rankings, tiles, stated):
    ours = rankings.accuracy(rankings.of_features(CourseDistance()), tiles)
    random = rankings.accuracy(rankings.of_features(CourseDistance(random_state(0), "random")), tiles)
    for found, name in ((ours, LABEL), (random, "random trunks, mean")):  # of one random trunk here
        said = stated["rankings in order, 2 tiles of chelsea"][name]
        assert found["all"] == pytest.approx(said["all"], abs=0.02)
        assert found == pytest.approx(said, abs=0.26)  # of the rarest kind, one close call may turn on another processor
    assert ours["all"] > random["all"] + 0.05


def test_distances_on_the_record(rankings, tiles):
    """Noise of sigma 0.01 and 0.16 and a blur of 3.4 pixels, as measured when the weights were shipped."""
    spoiled = torch.stack([tiles[0].spoiled[number] for number in (0, 4, 9)])
    assert list(rankings.of_features(CourseDistance())(spoiled, tiles[0].clean)) == pytest.approx(RECORD, rel=2e-3)


def test_they_beat_random_trunks_and_pixels_on_all_test_photographs(stated):
    rows = stated["rankings in order"]
    ours = rows.pop(LABEL)
    assert set(rows) == {"random trunk, learned heads", "random trunks, mean", "random trunks, best", "PSNR", "SSIM"}
    assert all(ours["all"] > row["all"] for row in rows.values())
    assert ours["all"] > rows["random trunks, mean"]["all"] + 0.05


def test_a_short_training_is_saved_and_read_back(rankings, tiles, tmp_path):
    script = import_from_course("course_trunk")
    pictures = [to_uint8(photos.load("cliff"))]
    first, again, other = (script.sample(pictures, 0, number) for number in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True)) and not torch.equal(first[0], other[0])
    assert all((script.sample(pictures, 0, number)[1].diff(dim=0) >= 0).all() for number in range(20))  # the second is degraded more
    pupil = script.Pupil(0)
    args = Namespace(steps=2, batch=2, learning_rate=1e-3, seed=0)
    watched = [rankings.Tile(tiles[0].clean, tiles[0].spoiled[:2], [("noise", 0, 1)])]
    with Run(tmp_path / "run") as run:
        script.train(pupil, pictures, args, run, watched)
        assert [row["step"] for row in run.rows()] == [1, 2] and run.newest_state()["step"] == 2
        resumed = script.Pupil(1)
        script.train(resumed, pictures, args, run, watched)  # nothing is left to do
    assert all(torch.equal(value, resumed.state()[key]) for key, value in pupil.state().items())
    assert any(not torch.equal(value, script.Pupil(0).state()[key]) for key, value in pupil.state().items())
    script.save(tmp_path / "trunk.safetensors", pupil.state(), {"seed": 0})
    read = load_course_trunk(tmp_path / "trunk.safetensors")
    assert all(torch.equal(value, read[key]) for key, value in script.rounded(pupil.state()).items())
    assert read_manifest(tmp_path / "trunk.safetensors") == {"seed": 0} and CourseDistance(read).label == LABEL
