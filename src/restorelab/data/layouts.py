"""How every published data set lies on the disk, and its pairs.

`find_pairs("gopro", "~/data/GOPRO_Large")["test"]` is a list of `FilePair`s, for `FolderPairs` to judge by or `PairedCrops` to train
on. Each entry says where its layout was seen: in a public script, or recalled and not opened here.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType

from restorelab.data import layout_finders as find
from restorelab.data.folders import FilePair, Matching, list_folder, match_folders
from restorelab.data.layout_finders import Splits
from restorelab.errors import DataError, ParameterError, did_you_mean

RECALLED = "recalled, not opened here"


@dataclass(frozen=True)
class Layout:
    """Of one data set."""

    title: str
    tree: str  # as it should lie below the folder given, in two lines at most
    seen: str  # the public script or page that shows it, or RECALLED
    find: Callable[[Path], Splits]
    note: str = ""  # what is left out, and other things to know


_IN_OUT = {"train": ["train", "train/GoPro"], "test": ["test", "test/GoPro", ""]}

LAYOUTS = MappingProxyType(
    {
        "gopro": Layout(
            "GoPro (GOPRO_Large), blur averaged in display values",
            "GOPRO_Large/train/GOPR0372_07_00/{blur,sharp}/000047.png\nGOPRO_Large/test/GOPR0384_11_00/{blur,sharp}/000001.png",
            "SeungjunNah/DeepDeblur-PyTorch, src/data",
            partial(find.sequences, inside=("blur", "sharp")),
            "`blur` is the one papers report on; it is linear in display values.",
        ),
        "gopro_gamma": Layout(
            "GoPro (GOPRO_Large), blur averaged as light, gamma 2.2",
            "GOPRO_Large/train/GOPR0372_07_00/{blur_gamma,sharp}/000047.png\n"
            "GOPRO_Large/test/GOPR0384_11_00/{blur_gamma,sharp}/000001.png",
            "SeungjunNah/DeepDeblur-PyTorch, src/data",
            partial(find.sequences, inside=("blur_gamma", "sharp")),
        ),
        "gopro_input_target": Layout(
            "GoPro, as Restormer and NAFNet arrange it",
            "train/{input,target}/NAME.png\ntest/{input,target}/NAME.png (or train/GoPro, test/GoPro)",
            "zhengchen1999/HI-Diff, datasets/README.md",
            partial(find.input_target, splits=_IN_OUT),
        ),
        "gopro_all": Layout(
            "GoPro at 240 frames a second (GOPRO_Large_all), clean clips",
            "GOPRO_Large_all/train/GOPR0372_07_00/000001.png\nGOPRO_Large_all/test/GOPR0384_11_00/000001.png",
            "plusgood-steven/ID-Blau, dataset/README.md",
            find.sharp_clips,
        ),
        "dvd": Layout(
            "DVD (Deep Video Deblurring)",
            "quantitative_datasets/IMG_0001/{input,GT}/00000.jpg",
            "public conversion scripts; the ten test videos: shuochsu/DeepVideoDeblurring, issue 2",
            find.dvd,
        ),
        "nfs": Layout(
            "Need for Speed, clean clips at 240 frames a second",
            "airboard_1/240/airboard_1/00001.jpg",
            "a public script that sorts it (mv NeedForSpeed/*/240/*)",
            find.nfs,
            "VIDEO/30 is made from VIDEO/240 and left out.",
        ),
        "kohler": Layout(
            "Köhler's camera shakes",
            "Blurry1_1.png ... Blurry4_12.png (or below BlurryImages)\nImage1/Kernel1/GroundTruth1_1_1.png ...",
            "deepinv/deepinv, deepinv/datasets/kohler.py",
            find.kohler,
            '"test": the frame in the middle, as deepinv; "test/all": every frame, for scores that take the best.',
        ),
        "hide": Layout(
            "HIDE",
            "HIDE_dataset/train/NAME.png, HIDE_dataset/test/{test-close-ups,test-long-shot}/NAME.png\n"
            "HIDE_dataset/GT/NAME.png, train.txt, test.txt (or {input,target}/NAME.png)",
            "public conversion scripts; input/target: open-mmlab/mmagic, tools/dataset_converters/hide",
            find.hide,
        ),
        "realblur": Layout(
            "RealBlur, J and R",
            "RealBlur-J_ECC_IMCORR_centroid_itensity_ref/scene001/{blur/blur_1.png,gt/gt_1.png}\n"
            "RealBlur_J_{train,test}_list.txt (or RealBlur_J/{input,target}/NAME.png)",
            "rimchang/RealBlur, README.md, link_file.sh and evaluation_RealBlur_ecc.py",
            find.realblur,
            "Score it after alignment: the pairs are of two cameras.",
        ),
        "div2k": Layout(
            "DIV2K",
            "DIV2K_train_HR/0001.png, DIV2K_valid_HR/0801.png\n"
            "DIV2K_train_LR_bicubic/X2/0001x2.png, DIV2K_valid_LR_bicubic/X2/0801x2.png",
            "XPixelGroup/BasicSR, docs/DatasetPreparation.md",
            partial(find.photographs, name="DIV2K"),
        ),
        "flickr2k": Layout(
            "Flickr2K",
            "Flickr2K_HR/000001.png, Flickr2K_LR_bicubic/X2/000001x2.png\n(or Flickr2K/000001.png)",
            "public training scripts; one folder: deepinv/deepinv, deepinv/datasets/flickr2k.py",
            partial(find.photographs, name="Flickr2K"),
        ),
        "div8k": Layout(
            "DIV8K, clean pictures of many sizes",
            "DIV8K_train_HR/0001.png\n(or train/0001.png, or DIV8K/0001.png)",
            "one public script names DIV8K_train_HR/1401.png; the others are recalled, not opened here",
            partial(find.photographs, name="DIV8K"),
        ),
        "rain13k": Layout(
            "Rain13K and its five test sets",
            "train/Rain13K/{input,target}/1.jpg\ntest/{Test100,Rain100H,Rain100L,Test1200,Test2800}/{input,target}/1.png",
            "swz30/Restormer, Deraining/test.py",
            find.rain13k,
        ),
        "sidd": Layout(
            "SIDD Medium, sRGB, and the blocks to judge by",
            "SIDD_Medium_Srgb/Data/0001_001_S6_00100_00060_3200_L/0001_{NOISY,GT}_SRGB_010.PNG\n"
            "(or {train,val}/{input_crops,gt_crops}/NAME.png), {ValidationNoisy,ValidationGt,BenchmarkNoisy}BlocksSrgb.mat",
            "swz30/MPRNet, Denoising/generate_patches_SIDD.py and test_SIDD.py; crops: megvii-research/NAFNet,"
            " scripts/data_preparation/sidd.py",
            find.sidd,
            "\"validation/blocks\": 40 x 32 blocks of 256x256, which papers report on; a file is unpacked as a whole, 252 MB each of two."
            " \"test/blocks\" has no public clean pictures: the authors' server judges.",
        ),
        "dnd": Layout(
            "DND, boxes of noisy pictures alone",
            "info.mat\nimages_srgb/0001.mat ... 0050.mat",
            "swz30/MPRNet, Denoising/test_DND.py",
            find.dnd,
            "There are no public clean pictures, so nothing can be scored here: the authors' server judges 50 files of 20 restored boxes,"
            " which `restorelab.data.submission.write_dnd` makes.",
        ),
        **{
            name: Layout(
                title,
                f"{title}/HR/NAME.png, {title}/LR_bicubic/X2/NAMEx2.png (or GTmod12, LRbicx2; {title}_HR)\n"
                f"(or {title}/image_SRF_2/img_001_SRF_2_{{HR,LR}}.png, or clean pictures alone)",
                f"JingyunLiang/SwinIR, testsets; GTmod12: Lornatang/SRCNN-PyTorch; {title}_HR: deepinv/deepinv; image_SRF:"
                " jbhuang0604/SelfExSR, data",
                partial(lambda folder, names: find.benchmark(folder, *names), names=(title, *others)),
                note,
            )
            for name, title, others, note in (
                ("set5", "Set5", (), ""),
                ("set14", "Set14", (), ""),
                ("bsd100", "BSD100", ("B100", "BSDS100"), "These are pictures of BSDS500 `val`: do not train on that."),
                ("urban100", "Urban100", (), f"SelfExSR: {find.HALF_URBAN}"),
            )
        },
        "cid22": Layout(
            "CID22, clean photographs of 512x512",
            "CID22-512/training/NAME.png\nCID22-512/validation/NAME.png",
            "imazen/codec-corpus, CID22",
            partial(find.plain, splits={"train": ["CID22-512/training", "CID22/CID22-512/training", "training"],
                                        "validation": ["CID22-512/validation", "CID22/CID22-512/validation", "validation"]}),
        ),
        "kodak": Layout(
            "Kodak, clean photographs of 768x512",
            "kodim01.png ... kodim24.png (or kodak/1.png ...)",
            "imazen/codec-corpus, kodak",
            partial(find.plain, splits={"test": ["kodak", "Kodak-Lossless-True-Color-Image-Suite-master/PhotoCD_PCD0992", ""]}),
            "Test only.",
        ),
    }
)  # fmt: skip


def find_pairs(set_name: str, folder: str | Path) -> dict[str, list[FilePair]]:
    """split -> pairs of a data set of LAYOUTS, in the order of their names; splits that are not there are left out.

    Raises ParameterError for another set, DataError saying what is missing and how the folder should look.
    """
    if set_name not in LAYOUTS:
        raise ParameterError(f"there is no layout {set_name!r}.{did_you_mean(set_name, LAYOUTS)} There are {', '.join(LAYOUTS)}.")
    layout, folder = LAYOUTS[set_name], Path(folder).expanduser()
    expected = f"{layout.title} should look like this:\n{layout.tree}"
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}. {expected}")
    try:
        found = layout.find(folder)
    except (DataError, ParameterError) as error:  # of a folder that is there and empty: ParameterError
        raise DataError(f"{error} {expected}") from error
    if not any(found.values()):
        raise DataError(f"{folder} does not hold what was looked for. {expected}")
    return found


# Names of folders that stand beside each other, the degraded one first
SIDES = (
    ("input", "target"), ("input", "groundtruth"), ("input", "gt"), ("input_crops", "gt_crops"), ("blur", "sharp"), ("blur", "gt"),
    ("blur_gamma", "sharp"), ("blurred", "sharp"), ("lq", "gt"), ("lr", "hr"), ("low", "high"), ("noisy", "clean"), ("noisy", "gt"),
    ("rain", "norain"), ("rainy", "clean"), ("hazy", "clear"), ("degraded", "clean"), ("lr_bicubic", "hr"),
)  # fmt: skip


def detect(folder: str | Path, depth: int = 3) -> dict[str, Matching]:
    """The pairs of a folder whose set nobody named, by the names of its folders: input/target, blur/sharp, LR/HR, train and test.

    A split is named by the path of its degraded pictures below `folder`. Pictures with no partner folder are clean pictures.
    Raises DataError for a folder that is missing or holds no picture.
    """
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise DataError(f"there is no folder {folder}: give the one that holds the data set.")
    return _detect(folder, folder, depth) or _detect_clean(folder)


def _detect_clean(folder: Path) -> dict[str, Matching]:
    """Clean pictures alone, apart when they lie in train and test."""
    parts = {path.name: path for path in sorted(folder.iterdir()) if path.is_dir() and role(path.name)}
    found = {}
    for split, part in parts.items() or {"": folder}.items():
        try:
            files = list_folder(part)
        except ParameterError as error:
            raise DataError(str(error)) from error
        clean = (FilePair(file.relative_to(part).with_suffix("").as_posix(), None, file) for file in files)
        found[split] = Matching("same", tuple(clean), ())
    return found


def role(split: str) -> str:
    """What a split is for, by a name such as "GoPro/test/x4": train, validation or test; "" when it does not say."""
    word = re.search(r"(?:^|[^a-z])(train|val|test)", split.lower())
    return {"train": "train", "val": "validation", "test": "test"}[word[1]] if word else ""


def _detect(folder: Path, top: Path, depth: int) -> dict[str, Matching]:
    inside = {path.name.lower(): path for path in sorted(folder.iterdir()) if path.is_dir()}
    found = {}
    for degraded, clean in SIDES:
        if degraded in inside and clean in inside:
            for small in sorted(inside[degraded].glob("[xX][0-9]*")) or [inside[degraded]]:
                found[small.relative_to(top).as_posix()] = match_folders(small, inside[clean])
    if not found and depth:
        for path in inside.values():
            found |= _detect(path, top, depth - 1)
    return found
