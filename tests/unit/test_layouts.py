"""Every published layout as a tree of tiny pictures; where one was seen is written in its entry of LAYOUTS."""

import io
from pathlib import Path

import numpy as np
import pytest
from mat_files import write_blocks, write_info, write_v73
from PIL import Image

from restorelab.data.folders import load_picture
from restorelab.data.layouts import LAYOUTS, FilePair, detect, find_pairs, role
from restorelab.errors import DataError, ParameterError


def tree(root: Path, *names: str) -> Path:
    buffer = io.BytesIO()
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(buffer, "PNG")
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        if name.endswith(".mat"):
            matlab_file(root / name)
        else:
            (root / name).write_bytes(buffer.getvalue())
    return root


def matlab_file(path: Path) -> None:
    """Of DND: a picture of 4x3 pixels, or the list of two boxes of it. Of SIDD: 1x2 blocks."""
    if path.name == "info.mat":
        write_info(path, [np.array([[1, 1, 4, 3], [2, 1, 4, 3]])])
    elif path.parent.name == "images_srgb":
        write_v73(path, InoisySRGB=np.zeros((4, 3, 3), np.float32))
    else:
        write_blocks(path.parent, path.stem, np.zeros((1, 2, 4, 4, 3), np.uint8))


def each(form: str, *values: str) -> list[str]:
    return [form.format(value) for value in values]


J, R = "RealBlur-J_ECC_IMCORR_centroid_itensity_ref", "RealBlur-R_BM3D_ECC_IMCORR_centroid_itensity_ref"
GOPRO = [
    name for part in ("train/A", "train/B", "test/C") for name in each(f"GOPRO_Large/{part}/{{}}/000047.png", "blur", "blur_gamma", "sharp")
]
INPUT_TARGET = [f"{split}/{side}/{n}.png" for split in ("train", "test") for side in ("input", "target") for n in "12"]
RAIN = [f"{place}/{side}/1.png" for place in ("train/Rain13K", "test/Rain100L", "test/Test1200") for side in ("input", "target")]
DIV2K = [*each("DIV2K_train_HR/{}.png", "0001", "0002"), *each("DIV2K_train_LR_bicubic/X2/{}x2.png", "0001", "0002"),
         "DIV2K_valid_HR/0801.png", "DIV2K_valid_LR_bicubic/X4/0801x4.png", "DIV2K_valid_LR_unknown/X4/0801x4.png"]  # fmt: skip
KOHLER = [*each("BlurryImages/Blurry{}.png", "1_1", "1_12"), *each("Image1/Kernel1/GroundTruth1_1_{}.png", "1", "2", "3", "10"),
          "Image1/Kernel12/GroundTruth1_12_1.png"]  # fmt: skip
SELFEXSR = [f"image_SRF_{s}/img_00{n}_SRF_{s}_{side}.png" for s in (2, 4) for n in (1, 2) for side in ("HR", "LR", "SRCNN")]

CASES = [
    ("gopro", GOPRO, {"train": 2, "test": 1}, ("test", "C/000047", "C/blur/000047.png", "C/sharp/000047.png")),
    ("gopro_gamma", GOPRO, {"train": 2, "test": 1}, ("test", "C/000047", "C/blur_gamma/000047.png", "C/sharp/000047.png")),
    ("gopro_input_target", INPUT_TARGET, {"train": 2, "test": 2}, ("train", "1", "train/input/1.png", "train/target/1.png")),
    ("gopro_input_target", each("test/GoPro/{}/1.png", "input", "target"), {"test": 1}, ("test", "1", "input/1.png", "target/1.png")),
    ("gopro_all", each("GOPRO_Large_all/{}.png", "train/A/000001", "train/A/000002", "test/B/000001"), {"train": 2, "test": 1},
     ("train", "A/000002", None, "A/000002.png")),
    ("dvd", [f"quantitative_datasets/{v}/{s}/00000.jpg" for v in ("IMG_0003", "IMG_0001", "720p_240fps_1") for s in ("input", "GT")],
     {"train": 2, "test": 1}, ("test", "IMG_0003/00000", "input/00000.jpg", "GT/00000.jpg")),
    ("nfs", [f"{v}/{f}/{v}/00001.jpg" for v in ("ball", "dog") for f in (30, 240)], {"train": 2},
     ("train", "ball/00001", None, "ball/240/ball/00001.jpg")),
    ("kohler", KOHLER, {"test": 2, "test/all": 5}, ("test", "1_1", "Blurry1_1.png", "GroundTruth1_1_2.png")),
    ("kohler", KOHLER, {"test": 2, "test/all": 5}, ("test/all", "1_1/10", "Blurry1_1.png", "GroundTruth1_1_10.png")),
    ("hide", [f"HIDE_dataset/{p}.png" for p in ("train/a", "test/test-close-ups/b", "test/test-long-shot/c", "GT/a", "GT/b", "GT/c")],
     {"train": 1, "test": 2}, ("test", "c", "test-long-shot/c.png", "GT/c.png")),
    ("hide", each("test/HIDE/{}/1.png", "input", "target"), {"test": 1}, ("test", "1", "input/1.png", "target/1.png")),
    ("realblur", [f"test/RealBlur_{k}/{side}/1.png" for k in "JR" for side in ("input", "target")], {"test/J": 1, "test/R": 1},
     ("test/R", "1", "RealBlur_R/input/1.png", "RealBlur_R/target/1.png")),
    ("div2k", DIV2K, {"train": 2, "train/x2": 2, "valid": 1, "valid/x4": 1, "valid/unknown_x4": 1},
     ("train/x2", "0002x2", "X2/0002x2.png", "DIV2K_train_HR/0002.png")),
    ("flickr2k", ["Flickr2K/Flickr2K_HR/000001.png", "Flickr2K/Flickr2K_LR_bicubic/X3/000001x3.png"], {"train": 1, "train/x3": 1},
     ("train/x3", "000001x3", "000001x3.png", "Flickr2K_HR/000001.png")),
    ("flickr2k", ["Flickr2K/000001.png"], {"train": 1}, ("train", "000001", None, "Flickr2K/000001.png")),
    ("div8k", ["DIV8K_train_HR/1401.png"], {"train": 1}, ("train", "1401", None, "1401.png")),
    ("div8k", ["train/0001.png"], {"train": 1}, ("train", "0001", None, "0001.png")),
    ("rain13k", RAIN, {"train": 1, "test/Rain100L": 1, "test/Test1200": 1}, ("test/Rain100L", "1", "Rain100L/input/1.png", "target/1.png")),
    ("sidd", each("SIDD_Medium_Srgb/Data/0001_S6/0001_{}.PNG", *(f"{k}_SRGB_01{n}" for k in ("NOISY", "GT") for n in "01")), {"train": 2},
     ("train", "0001_S6/0001_NOISY_SRGB_010", "0001_NOISY_SRGB_010.PNG", "0001_GT_SRGB_010.PNG")),
    ("sidd", each("{}/1.png", *(f"{s}/{k}_crops" for s in ("train", "val") for k in ("input", "gt"))), {"train": 1, "validation": 1},
     ("validation", "1", "val/input_crops/1.png", "val/gt_crops/1.png")),
    ("dnd", ["images_srgb/0001.mat", "info.mat"], {"test": 2}, ("test", "0001_02", "0001.mat/2,1,4,3", None)),
    ("sidd", ["SIDD/ValidationNoisyBlocksSrgb.mat", "SIDD/ValidationGtBlocksSrgb.mat", "Data/1/0_NOISY.PNG", "Data/1/0_GT.PNG"],
     {"train": 1, "validation/blocks": 2},
     ("validation/blocks", "0001_02", "ValidationNoisyBlocksSrgb.mat/1,2", "ValidationGtBlocksSrgb.mat/1,2")),
    ("set5", ["Set5/HR/baby.png", "Set5/LR_bicubic/X2/babyx2.png", "Set5/LR_bicubic/X4/babyx4.png"],
     {"test": 1, "test/x2": 1, "test/x4": 1}, ("test/x4", "babyx4", "X4/babyx4.png", "HR/baby.png")),
    ("set14", ["GTmod12/lenna.png", "LRbicx3/lenna.png"], {"test": 1, "test/x3": 1},
     ("test/x3", "lenna", "LRbicx3/lenna.png", "GTmod12/lenna.png")),
    ("set14", ["Set14_HR/lenna.png", "Set14_LR_x2/lenna.png"], {"test": 1, "test/x2": 1}, ("test", "lenna", None, "Set14_HR/lenna.png")),
    ("bsd100", [f"B100/{name}" for name in SELFEXSR], {"test": 2, "test/x2": 2, "test/x4": 2},
     ("test/x2", "img_001_SRF_2", "img_001_SRF_2_LR.png", "img_001_SRF_2_HR.png")),
    ("urban100", [f"Urban100/{name}" for name in SELFEXSR], {"test": 2, "test/x4": 2},
     ("test", "img_002_SRF_4_HR", None, "image_SRF_4/img_002_SRF_4_HR.png")),
    ("cid22", ["CID22/CID22-512/training/1.png", "CID22/CID22-512/validation/2.png"], {"train": 1, "validation": 1},
     ("train", "1", None, "training/1.png")),
    ("kodak", ["kodim01.png", "kodim02.png"], {"test": 2}, ("test", "kodim02", None, "kodim02.png")),
]  # fmt: skip


@pytest.mark.parametrize("name, files, counts, one", CASES)
def test_published_layouts_are_found(tmp_path, name, files, counts, one):
    found = find_pairs(name, tree(tmp_path, *files))
    assert {split: len(pairs) for split, pairs in found.items()} == counts
    split, pair_name, *ends = one
    pair = next(pair for pair in found[split] if pair.name == pair_name)
    for file, end in zip((pair.degraded, pair.clean), ends, strict=True):
        assert file is None if end is None else load_picture(file).shape[0] == 3 and file.as_posix().endswith(end)
    for pairs in found.values():
        assert len({pair.name for pair in pairs}) == len(pairs) and all(isinstance(pair, FilePair) for pair in pairs)


def test_every_layout_is_tried():
    assert {case[0] for case in CASES} == set(LAYOUTS)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_without_the_set_says_how_it_should_look(tmp_path, name):
    (tmp_path / "other").mkdir()
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError) as caught:
            find_pairs(name, folder)
        assert LAYOUTS[name].tree in str(caught.value) and str(folder) in str(caught.value)
    assert len(LAYOUTS[name].tree.splitlines()) <= 2 and LAYOUTS[name].seen


@pytest.mark.parametrize(
    "name, files, missing",
    [
        ("gopro", [name for name in GOPRO if "B/sharp" not in name], "train/B/sharp"),
        ("gopro", [*GOPRO, "GOPRO_Large/train/A/blur/000099.png"], "1 files have no partner.*000099"),
        ("gopro", INPUT_TARGET, "train/input/blur"),
        ("gopro_input_target", [name for name in INPUT_TARGET if "test/target" not in name], "test/target"),
        ("dvd", ["quantitative_datasets/IMG_0001/input/0.jpg"], "IMG_0001/GT"),
        ("kohler", ["Blurry1_1.png", "Blurry1_2.png", "Image1/Kernel1/GroundTruth1_1_1.png"], "Image1/Kernel2"),
        ("hide", ["train/a.png", "train/b.png", "GT/a.png"], "1 files of 2 pairs are missing.*GT/b.png"),
        ("realblur", [f"{J}/scene001/blur/blur_1.png", f"{J}/scene001/gt/gt_1.png"], "RealBlur_.*_list.txt"),
        ("div2k", ["DIV2K_train_HR/0001.png", "DIV2K_train_LR_bicubic/X2/0002x2.png"], "2 files have no partner"),
        ("sidd", ["Data/1/0001_NOISY_SRGB_010.PNG"], "0001_GT_SRGB_010.PNG"),
        ("sidd", ["Data/1/0001_NOISY_SRGB_010.PNG", "Data/1/0001_GT_SRGB_010.PNG", "Data/1/0001_GT_SRGB_011.PNG"], "GT_SRGB_011"),
        ("sidd", ["ValidationNoisyBlocksSrgb.mat"], "ValidationNoisyBlocksSrgb.mat and ValidationGtBlocksSrgb.mat"),
        ("rain13k", ["test/Rain100L/input/1.png"], "Rain100L/target"),
        ("set5", ["HR/baby.png", "LR_bicubic/X2/birdx2.png"], "2 files have no partner"),
        ("bsd100", ["image_SRF_2/img_001_SRF_2_LR.png"], "img_001_SRF_2_HR"),
        ("urban100", [name for name in SELFEXSR if "SRF_2" in name], "half the official size"),
        ("urban100", ["img_001_SRF_2_HR.png"], "half the official size"),
    ],
)
def test_what_is_missing_is_named(tmp_path, name, files, missing):
    with pytest.raises(DataError, match=f"(?s){missing}.*should look like this"):
        find_pairs(name, tree(tmp_path, *files))


def test_lists_decide_the_splits_of_realblur(tmp_path):
    names = [(f"{root}/scene00{n}/gt/gt_1.png", f"{root}/scene00{n}/blur/blur_1.png") for root in (J, R) for n in (1, 2)]
    tree(tmp_path, *(file for pair in names for file in pair))
    for number, kind in ((0, "J_train"), (1, "J_test"), (3, "R_test")):
        (tmp_path / f"RealBlur_{kind}_list.txt").write_text(" ".join(names[number]) + "\n\n")
    found = find_pairs("realblur", tmp_path)
    assert set(found) == {"train/J", "test/J", "test/R"}
    (pair,) = found["test/J"]
    assert pair.name == "scene002/1" and pair.degraded.name == "blur_1.png" and pair.clean.name == "gt_1.png"
    (tmp_path / "RealBlur_R_test_list.txt").write_text("gt.png\n")
    with pytest.raises(DataError, match="without two files"):
        find_pairs("realblur", tmp_path)


def test_lists_are_checked_for_hide(tmp_path):
    tree(tmp_path, "train/a.png", "GT/a.png", "GT/b.png")
    (tmp_path / "train.txt").write_text("a.png\nb.png\n")
    with pytest.raises(DataError, match="1 pictures of .*train.txt are missing .b.png"):
        find_pairs("hide", tmp_path)


def test_another_name_is_told():
    with pytest.raises(ParameterError, match="Did you mean gopro"):
        find_pairs("goprro", ".")


@pytest.mark.parametrize(
    "files, splits",
    [
        (INPUT_TARGET, {"train/input": 2, "test/input": 2}),
        (GOPRO, {f"GOPRO_Large/{part}/{kind}": 1 for part in ("train/A", "train/B", "test/C") for kind in ("blur", "blur_gamma")}),
        (["HR/a.png", "LR/ax2.png"], {"LR": 1}),
        (["HR/a.png", "LR_bicubic/X2/ax2.png", "LR_bicubic/X4/ax4.png"], {"LR_bicubic/X2": 1, "LR_bicubic/X4": 1}),
        (["Input/a.png", "Target/a.png"], {"Input": 1}),
        (["train/a.png", "val/b.png", "test/c.png"], {"train": 1, "val": 1, "test": 1}),
        (["a.png", "more/b.png"], {"": 2}),
    ],
)
def test_layouts_nobody_named_are_detected(tmp_path, files, splits):
    assert {split: len(matching.pairs) for split, matching in detect(tree(tmp_path, *files)).items()} == splits


def test_nothing_to_detect_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError):
            detect(folder)


def test_roles_of_splits():
    for name, means in (("train", "train"), ("valid/x4", "validation"), ("GoPro/test/A", "test"), ("DIV2K_train_HR", "train"),
                        ("testing", "test"), ("input", ""), ("contest", ""), ("", "")):  # fmt: skip
        assert role(name) == means
