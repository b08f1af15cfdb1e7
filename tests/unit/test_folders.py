from pathlib import Path

import numpy as np
import pytest
import torch

from restorelab import image
from restorelab.data.folders import RULES, FilePair, FolderPairs, PairedCrops, match_folders, pair_folders, scale_between
from restorelab.data.store import write_store
from restorelab.errors import DataError, ImageError, ParameterError


def put(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


@pytest.mark.parametrize(
    "rule, degraded, clean",
    [
        ("same", ("1.png", "a/1.png"), ("a/1.png", "1.jpg")),
        ("scale", ("0001x4.png", "0002x4.png"), ("0001.png", "0002.png")),
        ("lr", ("img_001_SRF_4_LR.png",), ("img_001_SRF_4_HR.png",)),
        ("lr", ("7LR.png",), ("7.png",)),
        ("lrbi", ("baby_LRBI_x4.png",), ("baby_HR_x4.png",)),
        ("blur", ("1_blur.png", "2_blur.png"), ("1_sharp.png", "2_sharp.png")),
        ("blur", ("1-blurry.png",), ("1.png",)),
        ("blur first", ("blur_1.png",), ("gt_1.png",)),
        ("rain first", ("rain-001.png",), ("norain-001.png",)),
        ("rain", ("001-r.png", "002-r.png"), ("001.png", "002.png")),
        ("rain", ("0_rain.png",), ("0_clean.png",)),
        ("noisy", ("0001_NOISY_SRGB_010.PNG",), ("0001_GT_SRGB_010.PNG",)),
        ("real", ("d800_1_real.png",), ("d800_1_mean.png",)),
        ("numbered", ("901_1.jpg", "901_2.jpg"), ("901.jpg",)),
    ],
)
def test_every_rule_is_found_from_the_names(tmp_path, rule, degraded, clean):
    folders = put(tmp_path / "in", *degraded), put(tmp_path / "out", *clean)
    matching = match_folders(*folders)
    assert matching.rule == rule and not matching.unpaired
    assert {pair.degraded.relative_to(folders[0]).as_posix() for pair in matching.pairs} == set(degraded)
    assert pair_folders(*folders, rule) == list(matching.pairs)


def test_every_rule_is_tried():
    tried = test_every_rule_is_found_from_the_names.pytestmark[0].args[1]
    assert {rule for rule, _, _ in tried} == set(RULES)


def test_pairs_go_by_name_and_not_by_position(tmp_path):
    folders = put(tmp_path / "in", *(f"{n}x2.png" for n in (10, 9, 1))), put(tmp_path / "out", *(f"{n}.png" for n in (1, 9, 10)))
    assert {(pair.degraded.stem, pair.clean.stem) for pair in pair_folders(*folders)} == {("10x2", "10"), ("9x2", "9"), ("1x2", "1")}
    assert [pair.name for pair in pair_folders(*folders)] == ["10x2", "1x2", "9x2"]


def test_a_stray_file_is_an_error_that_names_it(tmp_path):
    folders = put(tmp_path / "in", *(f"{n}.png" for n in range(9))), put(tmp_path / "out", *(f"{n}.png" for n in range(1, 10)))
    with pytest.raises(DataError, match=r"2 files have no partner of the same name \(in/0.png, out/9.png\)"):
        pair_folders(*folders)
    with pytest.raises(DataError, match="18 files.*in/4.png, ..."):
        pair_folders(*folders, "scale")
    put(tmp_path / "out", "0.png", "0.jpg")
    assert {file.name for file in match_folders(*folders).unpaired} == {"0.png", "0.jpg", "9.png"}  # whose partner is 0?


def test_bad_requests(tmp_path):
    put(tmp_path / "in", "1.png")
    with pytest.raises(DataError, match="there is no folder"):
        pair_folders(tmp_path / "in", tmp_path / "absent")
    put(tmp_path / "empty", "notes.txt")
    with pytest.raises(DataError, match="holds no photograph"):
        pair_folders(tmp_path / "in", tmp_path / "empty")
    with pytest.raises(ParameterError, match="Did you mean scale"):
        pair_folders(tmp_path / "in", tmp_path / "in", "scales")
    for files in ([FilePair("a", None, tmp_path)], [FilePair("a", tmp_path, None)]):
        with pytest.raises(DataError, match="has no"):
            FolderPairs(files)
    with pytest.raises(ParameterError, match="no pair"):
        PairedCrops([], 16, 0)
    with pytest.raises(DataError, match="2 degraded and 1 clean"):
        PairedCrops(([np.zeros((4, 4, 3), np.uint8)] * 2, [np.zeros((4, 4, 3), np.uint8)]), 4, 0)


@pytest.mark.parametrize(
    "small, large, scale",
    [
        ((9, 7), (9, 7), 1), ((120, 80), (481, 321), 4), ((3, 3), (9, 11), 3),
        ((9, 7), (9, 8), None), ((9, 7), (18, 7), None), ((9, 7), (4, 3), None),
    ],
)  # fmt: skip
def test_scales_that_sizes_allow(small, large, scale):
    assert scale_between(small, large) == scale


def ramp(height: int, width: int, step: int = 1) -> torch.Tensor:
    """Red is the row and green the column, in steps of `step` pixels: a crop says where it is from."""
    rows, columns = torch.meshgrid(torch.arange(height) // step, torch.arange(width) // step, indexing="ij")
    return torch.stack([rows, columns, torch.full_like(rows, 9)]) / 255


@pytest.fixture(params=[1, 3])
def pairs(request, tmp_path) -> tuple[int, list[FilePair]]:
    scale = request.param
    for number, (height, width) in enumerate([(40, 60), (52, 48)]):
        for side, picture in (("in", ramp(height, width)), ("out", ramp(height * scale + scale - 1, width * scale, scale))):
            (tmp_path / side).mkdir(exist_ok=True)
            image.save(picture, tmp_path / side / f"{number}.png")
    return scale, pair_folders(tmp_path / "in", tmp_path / "out")


def test_pairs_to_judge_by_are_loaded_when_asked_for(pairs):
    scale, files = pairs
    judged = FolderPairs(files)
    assert [pair.name for pair in judged] == ["0", "1"] and judged[-1].name == "1"
    assert judged[0].degraded.shape == (3, 40, 60) and judged[0].clean.shape == (3, 40 * scale, 60 * scale)
    files[0].degraded.unlink()
    with pytest.raises(ImageError):
        judged[0]


def test_crops_of_a_pair_are_of_one_place_turned_alike(pairs):
    scale, files = pairs
    samples = [PairedCrops(files, 12, seed=3)[n] for n in range(60)]
    for degraded, clean in samples:
        assert clean.shape == (3, 12, 12) and degraded.shape == (3, 12 // scale, 12 // scale)
        assert torch.equal(degraded.repeat_interleave(scale, 1).repeat_interleave(scale, 2), clean)
    turns = {tuple((d[:2, 0, 1] - d[:2, 0, 0]).mul(255).round().int().tolist() + [float(d[0, 1, 0] > d[0, 0, 0])]) for d, _ in samples}
    assert len(turns) >= 6  # of the eight, two look alike to this test where rows do not change


def test_sample_n_depends_on_seed_and_n_alone_and_not_on_the_store(pairs, tmp_path):
    _, files = pairs
    crops = PairedCrops(files, 12, seed=4)
    stores = tuple(write_store(tmp_path / side, tmp_path / f"{side}_store") for side in ("in", "out"))
    for other in (PairedCrops(files, 12, seed=4), PairedCrops(stores, 12, seed=4)):
        assert all(torch.equal(a, b) for n in (5, 0, 10**9) for a, b in zip(crops[n], other[n], strict=True))
    assert not all(torch.equal(crops[n][0], PairedCrops(files, 12, seed=5)[n][0]) for n in range(3))


def test_pictures_smaller_than_the_crop_are_mirrored_alike(pairs):
    scale, files = pairs
    degraded, clean = PairedCrops(files, 210, seed=0)[0]
    assert clean.shape == (3, 210, 210)
    assert torch.equal(degraded.repeat_interleave(scale, 1).repeat_interleave(scale, 2), clean)


def test_pairs_that_are_none_are_told(pairs, tmp_path):
    scale, files = pairs
    if scale == 3:
        with pytest.raises(ParameterError, match="multiple of the scale 3"):
            PairedCrops(files, 13, seed=0)[0]
    exchanged = [FilePair(files[0].name, files[0].degraded, files[1].clean)]
    for broken in (FolderPairs(exchanged), PairedCrops(exchanged, 12, seed=0)):
        with pytest.raises(DataError, match="are they a pair"):
            broken[0]
