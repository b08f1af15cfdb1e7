import numpy as np
import pytest
import torch

from restorelab import image
from restorelab.data import photos
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import TrainingPairs, photo_pairs, training_photos
from restorelab.degrade import CameraShake, Downsample, GaussianBlur, GaussianNoise, Recipe
from restorelab.errors import ParameterError
from restorelab.presets import SHAKE

RAMP = np.stack(np.broadcast_arrays(np.arange(90)[:, None], np.arange(120)[None, :], 7), axis=2).astype(
    np.uint8
)  # red = row, green = column


def test_sample_n_depends_on_seed_and_n_alone():
    first, second = (TrainingPairs([RAMP], SHAKE, 32, seed=4, leaves=0.5) for _ in range(2))
    for number in (7, 0, 123_456_789):
        assert all(torch.equal(a, b) for a, b in zip(first[number], second[number], strict=True))
    assert not torch.equal(first[0][1], first[1][1])
    assert not torch.equal(first[0][1], TrainingPairs([RAMP], SHAKE, 32, seed=5, leaves=0.5)[0][1])


def test_crops_come_from_everywhere_turned_and_flipped():
    pairs = TrainingPairs([RAMP], Recipe((), bits=None), 16, seed=0, leaves=0.0)
    clean = torch.stack([pairs[n][1] for n in range(1500)]) * 255
    assert clean[:, 0].min() == 0 and clean[:, 0].max() == 89 and clean[:, 1].min() == 0 and clean[:, 1].max() == 119
    corners = {tuple(map(tuple, (c[:2, 0, 1] - c[:2, 0, 0], c[:2, 1, 0] - c[:2, 0, 0]))) for c in clean.round().int().numpy()}
    assert len(corners) == 8


def test_a_crop_is_what_cutting_it_from_the_degraded_whole_gives():
    """No border of the crop may show in the blur: a flat-field blur of a ramp stays a ramp."""
    pairs = TrainingPairs([np.repeat(RAMP, 2, axis=0).repeat(2, axis=1)], Recipe((GaussianBlur(2.0),), bits=None), 24, seed=1, leaves=0.0)
    interior = [pair for pair in (pairs[n] for n in range(60)) if pair[1][0].min() * 255 > 20 and pair[1][0].max() * 255 < 70
                and pair[1][1].min() * 255 > 20 and pair[1][1].max() * 255 < 100]  # fmt: skip
    assert interior
    for degraded, clean in interior:
        assert (degraded - clean).abs().max() * 255 < 0.6


def test_pictures_smaller_than_the_crop_are_mirrored():
    degraded, clean = TrainingPairs([RAMP[:10, :12]], SHAKE, 32, seed=0, leaves=0.0)[0]
    assert clean.shape == degraded.shape == (3, 32, 32)


def test_shrinking_recipes_give_pairs_that_fit():
    degraded, clean = TrainingPairs([RAMP], Recipe((GaussianBlur(1.0), Downsample(4))), 32, seed=0)[3]
    assert clean.shape == (3, 32, 32) and degraded.shape == (3, 8, 8)
    with pytest.raises(ParameterError, match="multiple"):
        TrainingPairs([RAMP], Recipe((Downsample(4),)), 30, seed=0)


def test_share_of_scenes():
    pictures = [np.full((64, 64, 3), 255, np.uint8)]
    pairs = TrainingPairs(pictures, Recipe((), bits=None), 16, seed=0, leaves=0.25)
    white = sum(bool((pairs[n][1] == 1).all()) for n in range(80))
    assert 45 <= white <= 72
    with pytest.raises(ParameterError, match="share"):
        TrainingPairs([], SHAKE, 16, seed=0, leaves=0.5)


def test_test_pairs_are_fixed_by_name_and_draw():
    first, again = (photo_pairs("test", SHAKE, draws=2) for _ in range(2))
    assert [pair.name for pair in first] == [f"{name} {n}" for name in photos.names("test") for n in (1, 2)]
    assert all(torch.equal(a.degraded, b.degraded) for a, b in zip(first, again, strict=True))
    single = photo_pairs("test", SHAKE)
    assert torch.equal(single[0].degraded, first[0].degraded) and single[0].name == photos.names("test")[0]
    assert not torch.equal(first[0].degraded, first[1].degraded)
    assert photo_pairs("validation", SHAKE, crop=64)[0].clean.shape == (3, 64, 64)


def test_a_shrunk_test_pair_has_a_clean_picture_that_fits():
    (pair,) = photo_pairs("validation", Recipe((Downsample(3), GaussianNoise(0.01))))
    assert tuple(3 * side for side in pair.degraded.shape[-2:]) == tuple(pair.clean.shape[-2:])


def test_training_photographs_are_the_training_split_as_bytes():
    pictures = training_photos()
    assert len(pictures) == len(photos.names("train")) and all(p.dtype == np.uint8 for p in pictures)


def test_a_folder_is_read_by_name_and_fingerprinted(tmp_path):
    for name, value in (("b.png", 0.5), ("a.jpg", 0.25)):
        image.save(torch.full((3, 6, 8), value), tmp_path / name)
    (tmp_path / "notes.txt").write_text("x")
    told = []
    pictures = load_folder(tmp_path, progress=lambda done, all: told.append((done, all)))
    assert [int(p[0, 0, 0]) for p in pictures] == [64, 128] and told == [(1, 2), (2, 2)]
    assert fingerprint(pictures) == fingerprint(load_folder(tmp_path)) != fingerprint(pictures[::-1])
    for bad in (tmp_path / "absent", tmp_path / "empty"):
        if bad.name == "empty":
            bad.mkdir()
        with pytest.raises(ParameterError):
            load_folder(bad)


def test_margin_keeps_the_longest_shake_inside():
    assert TrainingPairs([RAMP], Recipe((CameraShake(length=(4.0, 16.0)),)), 16, seed=0)[0][0].shape == (3, 16, 16)
