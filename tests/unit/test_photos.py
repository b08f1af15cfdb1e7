"""The bundled photographs: all there, unchanged, and split by name once and for all."""

import dataclasses
from types import MappingProxyType

import pytest
import torch

from restorelab.data import photos
from restorelab.errors import ImageError, ParameterError

SIZES = {
    "astronaut": (512, 512),
    "rocket": (427, 640),
    "blossom": (500, 500),
    "camera": (512, 512),
    "cliff": (500, 500),
    "chelsea": (300, 451),
    "coffee": (400, 600),
    "tulips": (500, 500),
}


@pytest.mark.parametrize("name", SIZES)
def test_every_photograph_loads_as_an_image(name):
    picture = photos.load(name)
    assert picture.dtype == torch.float32
    assert tuple(picture.shape) == (3, *SIZES[name])
    assert picture.min() >= 0 and picture.max() <= 1
    assert picture.std() > 0.1
    assert torch.equal(picture[0], picture[1]) == (name == "camera")  # the grey one


def test_names_show_what_they_say():
    # Mean colours tell the three of one size apart: pink and green tulips, a dark cliff under a white sky.
    red, green, blue = photos.load("tulips").mean((1, 2))
    assert red > green and red > blue
    cliff = photos.load("cliff")
    assert cliff[:, :200, :100].mean() < 0.25 and cliff[:, :200, -150:].mean() > 0.8
    assert photos.load("blossom")[:, :, 250:].mean() > 0.4


def test_the_split_is_fixed_and_disjoint():
    assert photos.names("train") == ("astronaut", "rocket", "blossom", "camera")
    assert photos.names("validation") == ("cliff",)
    assert photos.names("test") == ("chelsea", "coffee", "tulips")
    assert photos.names() == tuple(photos.PHOTOS) == tuple(SIZES)
    assert sum(len(photos.names(split)) for split in photos.SPLITS) == len(photos.names())


def test_an_unknown_split_is_refused():
    with pytest.raises(ParameterError, match="train, validation, test"):
        photos.names("testing")


def test_an_unknown_name_is_answered_with_the_closest_and_all():
    with pytest.raises(ParameterError, match=r"'Tulip'\. Did you mean tulips\? There are: astronaut, .*tulips\."):
        photos.load("Tulip")
    with pytest.raises(ParameterError, match=r"'xyz'\. There are"):
        photos.load("xyz")


@pytest.fixture
def moved_cliff(tmp_path, monkeypatch):
    """The table, with the cliff's file in a folder where it can be harmed."""
    path = tmp_path / "cliff.png"
    path.write_bytes(photos.PHOTOS["cliff"].path.read_bytes())
    table = dict(photos.PHOTOS) | {"cliff": dataclasses.replace(photos.PHOTOS["cliff"], path=path)}
    monkeypatch.setattr(photos, "PHOTOS", MappingProxyType(table))
    return path


def test_a_changed_file_is_refused(moved_cliff):
    content = bytearray(moved_cliff.read_bytes())
    photos.load("cliff")
    content[-1] ^= 1  # one bit of the end marker's checksum: the pixels are the same
    moved_cliff.write_bytes(content)
    with pytest.raises(ImageError, match="install .* again"):
        photos.load("cliff")


def test_a_missing_file_is_refused(moved_cliff):
    moved_cliff.unlink()
    with pytest.raises(ImageError, match="missing"):
        photos.load("cliff")


def test_the_table_cannot_be_changed():
    with pytest.raises(TypeError):
        photos.PHOTOS["mine"] = photos.PHOTOS["cliff"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        photos.PHOTOS["cliff"].split = "test"


def test_credits_name_every_author_and_licence():
    header, rule, *rows = photos.credits().splitlines()
    assert header.count("|") == rule.count("|") == 7
    assert len(rows) == len(photos.PHOTOS)
    for row, photo in zip(rows, photos.PHOTOS.values(), strict=True):
        assert row.count("|") == 7
        for said in (photo.name, photo.author, photo.licence, photo.source, photo.split):
            assert said in row
    for handle in ("keong_macan", "riaphotographs", "bliznaca", "NASA", "SpaceX"):
        assert handle in photos.credits()
