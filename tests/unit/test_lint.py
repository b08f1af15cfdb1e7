"""Each disaster is planted once into a set that is otherwise clean, and must be found: it, alone, and in the right files."""

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from rich.console import Console

from restorelab import image
from restorelab.cli import data
from restorelab.data import photos
from restorelab.data.folders import FilePair
from restorelab.data.lint import Finding, check_folder, examine
from restorelab.data.pair_checks import compare, describe
from restorelab.degrade import CameraShake, GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.errors import DataError, ParameterError

SIDE = 192
RECIPES = {
    "shake": Recipe((CameraShake(9.0), GaussianNoise(0.01))),
    "blur": Recipe((GaussianBlur(1.2),)),
    "noise": Recipe((GaussianNoise(25 / 255),)),
    "jpeg": Recipe((Jpeg(30),)),
}


def pieces(split: str) -> list[torch.Tensor]:
    return [photo[:, y : y + SIDE, x : x + SIDE] for name in photos.names(split) if name not in ("camera", "rocket")
            for photo in [photos.load(name)] for y, x in ((0, 0), (photo.shape[1] - SIDE, photo.shape[2] - SIDE))]  # fmt: skip


@pytest.fixture(scope="module")
def clean_set(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("set")
    rng = np.random.default_rng(0)
    for split in ("train", "test"):
        for number, clean in enumerate(pieces(split)):
            for side, picture in (("input", degrade(clean, RECIPES["shake"], rng).image), ("target", clean)):
                (root / split / side).mkdir(parents=True, exist_ok=True)
                image.save(picture, root / split / side / f"{number}.png")
    return root


@pytest.fixture
def root(clean_set, tmp_path) -> Path:
    return Path(shutil.copytree(clean_set, tmp_path / "set"))


def only(folder: Path, kind: str, severity: str = "error", **how) -> Finding:
    """The one finding of the folder."""
    findings = check_folder(folder, **how)
    assert [(finding.kind, finding.severity) for finding in findings] == [(kind, severity)], findings
    assert findings[0].sentence.endswith(".") and len(findings[0].sentence) > 40
    return findings[0]


def test_a_clean_set_gives_no_finding(clean_set):
    told = []
    report = examine(clean_set, lambda done, all: told.append((done, all)))
    assert not report.findings and not report.errors
    assert told == [(n, 10) for n in range(1, 11)]
    assert [(split.name, split.pictures, split.scale) for split in report.splits] == [("test/input", 6, 1), ("train/input", 4, 1)]
    assert check_folder(clean_set, set_name="gopro_input_target") == []


def test_input_equals_target(root):
    shutil.copy(root / "train/target/1.png", root / "train/input/1.png")
    assert only(root, "identical").files == (root / "train/input/1.png",)
    nearly = image.load(root / "train/target/1.png").mul(255)
    nearly[:, ::20, ::20] = (nearly[:, ::20, ::20] + 1).clamp(max=255)
    image.save(nearly / 255, root / "train/input/1.png")
    assert only(root, "identical").files == (root / "train/input/1.png",)


def test_unpaired_files(root):
    (root / "train/input/2.png").rename(root / "train/input/9.png")
    assert set(only(root, "unpaired").files) == {root / "train/input/9.png", root / "train/target/2.png"}


def test_sizes_that_do_not_fit(root):
    image.save(image.load(root / "test/input/1.png")[:, :, 1:], root / "test/input/1.png")
    assert only(root, "size").files == (root / "test/input/1.png",)


def test_scales_are_reported_and_another_one_is_found(root):
    for file in (root / "test/input").iterdir():
        image.save(torch.nn.functional.avg_pool2d(image.load(file), 4), file)
    report = examine(root)
    assert not report.findings and {split.name: split.scale for split in report.splits} == {"test/input": 4, "train/input": 1}
    image.save(torch.nn.functional.avg_pool2d(image.load(root / "test/target/0.png"), 2), root / "test/input/0.png")
    finding = only(root, "size")
    assert finding.files == (root / "test/input/0.png",) and "x2, that of the others x4" in finding.sentence


@pytest.mark.parametrize("source, place", [("test/target/0.png", "target"), ("test/input/0.png", "input")])
def test_leaks_by_pixels_whatever_the_file(root, source, place):
    """Saved anew as BMP, under another name; a degraded test picture among the training inputs counts as well."""
    leaked = root / "train" / place / "4.bmp"
    cv2.imwrite(str(leaked), cv2.imread(str(root / source)))
    other = "input" if place == "target" else "target"
    shutil.copy(root / f"test/{other}/0.png", root / f"train/{other}/4.png")
    assert leaked in only(root, "leak").files and root / source in only(root, "leak").files


def test_a_clean_test_picture_as_training_input(root):
    shutil.copy(root / "test/target/3.png", root / "train/input/4.png")
    image.save(
        degrade(image.load(root / "test/target/3.png"), RECIPES["blur"], np.random.default_rng(1)).image, root / "train/target/4.png"
    )
    findings = {finding.kind: finding for finding in check_folder(root)}
    assert set(findings) == {"leak", "inverted", "near-duplicate"} and root / "train/input/4.png" in findings["leak"].files


def test_near_duplicates(root):
    for side in ("input", "target"):
        image.save(torch.nn.functional.avg_pool2d(image.load(root / f"test/{side}/2.png"), 2), root / f"train/{side}/4.png")
    finding = only(root, "near-duplicate", "warning")
    assert set(finding.files) == {
        root / f"{split}/{side}/{n}.png" for split, n in (("train", 4), ("test", 2)) for side in ("input", "target")
    }


def test_red_and_blue_exchanged(root):
    image.save(image.load(root / "train/input/0.png").flip(0), root / "train/input/0.png")
    assert only(root, "swapped").files == (root / "train/input/0.png",)


def test_urban100_at_half_its_size(tmp_path):
    for number, clean in enumerate(pieces("test")[:2]):
        (tmp_path / "Urban100/image_SRF_2").mkdir(parents=True, exist_ok=True)
        image.save(clean, tmp_path / f"Urban100/image_SRF_2/img_00{number + 1}_SRF_2_HR.png")
    assert len(only(tmp_path, "urban100").files) == 2
    assert "image_SRF_4" in only(tmp_path, "urban100").sentence
    with pytest.raises(DataError, match="half the official size"):
        check_folder(tmp_path, set_name="urban100")


def test_grey_among_coloured(root):
    for side in ("input", "target"):
        image.save(image.load(root / f"test/{side}/5.png").mean(0, keepdim=True), root / f"test/{side}/5.png")
    assert len(only(root, "grey", "warning").files) == 2


def test_files_that_cannot_be_read(root):
    (root / "test/input/0.png").write_bytes((root / "test/input/0.png").read_bytes()[:3000])
    (root / "test/target/4.png").write_bytes(b"")
    assert only(root, "unreadable").files == (root / "test/input/0.png", root / "test/target/4.png")


def test_sixteen_bits_among_eight(root):
    image.save(image.load(root / "test/input/0.png"), root / "test/input/0.png", bit_depth=16)
    assert only(root, "depth", "warning").files == (root / "test/input/0.png",)


def test_pictures_smaller_than_a_crop(root):
    for side in ("input", "target"):
        image.save(image.load(root / f"test/{side}/0.png")[:, :80, :], root / f"test/{side}/0.png")
    assert only(root, "small", "warning").files == (root / "test/target/0.png",)


def test_a_shifted_pair(root):
    image.save(image.load(root / "train/input/3.png")[:, 5:, :-4], root / "train/input/3.png")
    image.save(image.load(root / "train/target/3.png")[:, :-5, 4:], root / "train/target/3.png")
    assert only(root, "misaligned", "warning").files == (root / "train/input/3.png",)


def test_exchanged_folders_are_an_error_and_one_exchanged_pair_a_warning(root):
    (root / "train/input/0.png").rename(root / "0.png")
    (root / "train/target/0.png").rename(root / "train/input/0.png")
    (root / "0.png").rename(root / "train/target/0.png")
    assert only(root, "inverted", "warning").files == (root / "train/input/0.png",)
    (root / "test/input").rename(root / "x")
    (root / "test/target").rename(root / "test/input")
    (root / "x").rename(root / "test/target")
    assert [(finding.kind, finding.severity, len(finding.files)) for finding in check_folder(root)] == [
        ("inverted", "error", 6), ("inverted", "warning", 1)]  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES)
def test_degradations_as_they_should_be_are_no_disaster(recipe):
    rng = np.random.default_rng(0)
    for clean in (*pieces("test"), *pieces("validation")):
        degraded = degrade(clean, RECIPES[recipe], rng).image
        marks = compare(image.to_uint8(degraded), image.to_uint8(clean), 1)
        assert not marks
        if recipe in ("shake", "blur"):
            assert compare(image.to_uint8(clean), image.to_uint8(degraded), 1) == {"inverted"}


def test_pictures_without_contrast_are_no_disaster(tmp_path):
    flat = np.full((SIDE, SIDE, 3), 40, np.uint8)
    assert compare(flat, flat + 3, 1) == set() and compare(flat[:4, :4], flat[:16, :16] + 3, 4) == set()
    image.save(torch.zeros(3, 8, 8), tmp_path / "flat.png")
    assert describe(tmp_path / "flat.png", flat).outline is None


def test_pairs_may_be_given(clean_set):
    pairs = [
        FilePair("0", clean_set / "test/input/0.png", clean_set / "test/target/0.png"),
        FilePair("1", None, clean_set / "test/target/1.png"),
    ]
    assert check_folder(pairs) == [] and check_folder({"train": pairs[:1], "test": pairs[1:]}) == []
    assert [finding.kind for finding in check_folder({"train": pairs, "test": pairs[1:]})] == ["leak"]
    assert [finding.kind for finding in check_folder([FilePair("a", clean_set / "absent.png", pairs[0].clean)])] == ["unreadable"]
    with pytest.raises(ParameterError, match="no pair"):
        check_folder([])


def test_the_command_says_what_it_saw(root, capsys):
    console = Console(highlight=False, soft_wrap=True)
    assert data.check(root, console) == 0
    assert capsys.readouterr().out.splitlines() == [
        "test/input: 6 pairs, scale x1",
        "train/input: 4 pairs, scale x1",
        "10 looked at: 0 errors, 0 warnings",
    ]
    shutil.copy(root / "test/target/0.png", root / "test/input/0.png")
    image.save(image.load(root / "test/input/1.png"), root / "test/input/1.png", bit_depth=16)
    assert data.check(root, console, "gopro_input_target") == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2].startswith("error identical: test: 1 file (input/0.png): the input is the target") and "16 bits" in lines[3]
    assert lines[-1] == "10 looked at: 1 error, 1 warning"


@pytest.mark.skipif("RESTORELAB_DATA" not in os.environ, reason="RESTORELAB_DATA is not set")
@pytest.mark.parametrize("name", ["deblur_gopro", "noise_cc15", "rain_pairs", "sr_set5", "train_cid22", "kodak"])
def test_real_sets_are_clean(name):
    assert check_folder(Path(os.environ["RESTORELAB_DATA"]) / name) == []
