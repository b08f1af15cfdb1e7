"""The pairs of published data sets as they lie on the disk: one function per kind of layout, each from a folder to its splits.

A split is named "train", "test", or "test/Rain100L" where there are several. A finder returns no split for a folder that is not of
its kind, and raises DataError for one that is and lacks something. Which set lies how, and who says so, is the table in layouts.py.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from restorelab.data import matlab
from restorelab.data.folders import SUFFIXES, FilePair, list_folder, pair_folders, some
from restorelab.errors import DataError

Splits = dict[str, list[FilePair]]

# The ten videos that the authors of DVD test on (github.com/shuochsu/DeepVideoDeblurring, issue 2).
DVD_TEST = {"720p_240fps_2", *(f"IMG_00{number}" for number in ("03", "21", "30", "31", "32", "33", "37", "39", "49"))}

# Split -> the MATLAB files of its blocks. Those of the benchmark have no public clean ones.
SIDD_BLOCKS = {
    "validation/blocks": ("ValidationNoisyBlocksSrgb.mat", "ValidationGtBlocksSrgb.mat"),
    "test/blocks": ("BenchmarkNoisyBlocksSrgb.mat",),
}

HALF_URBAN = (
    "the HR pictures of SelfExSR's image_SRF_2 of Urban100 have half the official size, so every score on them is another one."
    " Use the HR pictures of image_SRF_4 for all scales, and make the LR ones of x2 from them."
)


def input_target(folder: Path, splits: dict[str, Iterable[str]], inside: tuple[str, str] = ("input", "target")) -> Splits:
    """Pairs in two folders beside each other. `splits`: name -> the places below `folder` where it may be, the first there taken."""
    found = {}
    for split, places in splits.items():
        for place in places:
            if any((folder / place / part).is_dir() for part in inside):
                found[split] = _pairs(*(folder / place / part for part in inside))
                break
    return found


def sequences(folder: Path, inside: tuple[str, str]) -> Splits:
    """GoPro: {train,test}/SEQUENCE/{blur,sharp}."""
    found = {}
    for root, split in _splits(folder, "GOPRO_Large"):
        found[split] = [pair for sequence in _folders(root) for pair in _pairs(*(sequence / part for part in inside), sequence.name)]
    return found


def sharp_clips(folder: Path) -> Splits:
    """GoPro at 240 frames a second: {train,test}/SEQUENCE/FRAME.png, in the order of time."""
    return {split: _clean(root) for root, split in _splits(folder, "GOPRO_Large_all")}


def dvd(folder: Path) -> Splits:
    """quantitative_datasets/VIDEO/{input,GT}."""
    root = _first(folder, "quantitative_datasets", "DeepVideoDeblurring_Dataset/quantitative_datasets")
    found: Splits = {}
    for video in _folders(root) if root else ():
        split = "test" if video.name in DVD_TEST else "train"
        found.setdefault(split, []).extend(_pairs(video / "input", video / "GT", video.name))
    return found


def nfs(folder: Path) -> Splits:
    """VIDEO/240/VIDEO/FRAME.jpg: what was filmed at 240 frames a second; VIDEO/30 is made from it and left out."""
    clips = [clip for video in _folders(folder) if (clip := video / "240").is_dir()]
    return {"train": [pair for clip in clips for pair in _clean(clip)]} if clips else {}


def kohler(folder: Path) -> Splits:
    """BlurryP_T.png and ImageP/KernelT/GroundTruthP_T_FRAME.png: some 199 clean frames to every blurred picture.

    "test" pairs it with the frame in the middle; "test/all" with every frame, named "P_T/FRAME", for scores that take the best.
    """
    blurred = {name[1]: file for file in sorted(folder.rglob("Blurry*.png")) if (name := re.fullmatch(r"Blurry(\d+_\d+)", file.stem))}
    middle, every = [], []
    for name, file in blurred.items():
        picture, track = name.split("_")
        frames = sorted(folder.glob(f"Image{picture}/Kernel{track}/GroundTruth{name}_*.png"), key=_last_number)
        if not frames:
            raise DataError(f"{folder} has no frames Image{picture}/Kernel{track}/GroundTruth{name}_*.png for {file.name}.")
        middle.append(FilePair(name, file, frames[(len(frames) - 1) // 2]))
        every.extend(FilePair(f"{name}/{_last_number(frame)}", file, frame) for frame in frames)
    return {"test": middle, "test/all": every} if blurred else {}


def hide(folder: Path) -> Splits:
    """train/*.png and test/{test-close-ups,test-long-shot}/*.png, the clean pictures of all in GT; checked against the lists."""
    root = next((place for place in (folder, folder / "HIDE_dataset") if (place / "GT").is_dir()), None)
    if root is None:
        return input_target(folder, {"train": ["train"], "test": ["", "test", "HIDE", "HIDE/test", "test/HIDE"]})
    found = {}
    for split in ("train", "test"):
        if (root / split).is_dir():
            files = list_folder(root / split)
            _check_list(root / f"{split}.txt", {file.name for file in files})
            found[split] = _partners([(file.stem, file, root / "GT" / file.name) for file in files])
    return found


def realblur(folder: Path) -> Splits:
    """The lists RealBlur_{J,R}_{train,test}_list.txt, each line "clean blurred"; or input/target folders."""
    folder, found = folder / "RealBlur" if (folder / "RealBlur").is_dir() else folder, {}
    for file in sorted(folder.glob("RealBlur_[JR]_*_list.txt")):
        kind, split = file.stem.split("_")[1:3]
        lines = [line.split()[:2] for line in file.read_text().splitlines() if line.strip()]
        if any(len(line) < 2 for line in lines):
            raise DataError(f"{file} has a line without two files: it should say the clean and the blurred one.")
        found[f"{split}/{kind}"] = _partners([(_scene(blur), folder / blur, folder / clean) for clean, blur in lines])
    places = {kind: (f"RealBlur_{kind}", f"test/RealBlur_{kind}") for kind in "JR"}
    found |= input_target(folder, {f"test/{kind}": places[kind] for kind in "JR" if f"test/{kind}" not in found})
    unlisted = next(iter(folder.glob("RealBlur-[JR]_*")), None)
    if unlisted and not found:
        raise DataError(f"{folder} has {unlisted.name} and no RealBlur_*_list.txt, which says what is for training and what for testing.")
    return found


def photographs(folder: Path, name: str) -> Splits:
    """DIV2K, Flickr2K, DIV8K: NAME_{train,valid}_HR/0001.png, NAME_{train,valid}_LR_bicubic/X2/0001x2.png; or all in one folder."""
    found: Splits = {}
    for root in (folder, folder / name):
        for split, part in (("train", f"{name}_train"), ("valid", f"{name}_valid"), ("train", name)):
            if (root / f"{part}_HR").is_dir() and split not in found:
                found[split] = _clean(root / f"{part}_HR")
                for small in sorted(root.glob(f"{part}_LR_*/X[0-9]*")):
                    kind = small.parent.name.rsplit("_", 1)[1]
                    label = small.name.lower() if kind == "bicubic" else f"{kind}_{small.name.lower()}"
                    found[f"{split}/{label}"] = _pairs(small, root / f"{part}_HR", rule="scale")
    if not found and name != "DIV2K":  # these two also go about as one folder of pictures
        flat = _first(folder, name, "train", "")
        found = {"train": _clean(flat)} if flat and any(file.suffix.lower() in SUFFIXES for file in flat.iterdir()) else {}
    return found


def rain13k(folder: Path) -> Splits:
    """train/Rain13K/{input,target}, test/{Test100,Rain100H,Rain100L,Test1200,Test2800}/{input,target}."""
    tests = ("Test100", "Rain100H", "Rain100L", "Test1200", "Test2800")
    root = _first(folder, "Synthetic_Rain_Datasets", "")
    return input_target(root, {"train": ["train/Rain13K", "train"]} | {f"test/{name}": [f"test/{name}", name] for name in tests})


def sidd(folder: Path) -> Splits:
    """Data/SCENE/0001_{NOISY,GT}_SRGB_010.PNG; the crops that NAFNet's scripts make; and the blocks in MATLAB files."""
    root = next((path for path in sorted(folder.rglob("Data")) if path.is_dir()), None)
    if root:
        found = {"train": _sidd_pictures(root)}
    else:
        found = input_target(folder, {"train": ["train"], "validation": ["val"]}, ("input_crops", "gt_crops"))
    for split, names in SIDD_BLOCKS.items():
        files = [file for name in names if (file := next(iter(sorted(folder.rglob(name))), None))]
        if files:
            found[split] = _sidd_blocks(folder, names, files)
    return found


def _sidd_pictures(root: Path) -> list[FilePair]:
    files = list_folder(root)
    noisy = [(f"{file.parent.name}/{file.stem}", file, file.with_name(file.name.replace("NOISY", "GT")))
             for file in files if "NOISY" in file.name]  # fmt: skip
    pairs = _partners(noisy)
    lonely = sorted({file for file in files if "GT" in file.name} - {pair.clean for pair in pairs})
    if lonely:
        raise DataError(f"{root}: {len(lonely)} clean pictures have no NOISY one ({some(lonely)}).")
    return pairs


def _sidd_blocks(folder: Path, names: tuple[str, ...], files: list[Path]) -> list[FilePair]:
    if len(files) < len(names):
        raise DataError(f"{folder} has {files[0].name} alone: the blocks are in {' and '.join(names)}.")
    noisy, *clean = (matlab.blocks(file) for file in files)
    if clean and [path.name for path in noisy] != [path.name for path in clean[0]]:
        raise DataError(f"{files[0]} and {files[1]} have {len(noisy)} and {len(clean[0])} blocks: they are not of one release.")
    places = [tuple(map(int, path.name.split(","))) for path in noisy]
    return [FilePair(f"{row:04d}_{column:02d}", path, clean[0][number] if clean else None)
            for number, ((row, column), path) in enumerate(zip(places, noisy, strict=True))]  # fmt: skip


def dnd(folder: Path) -> Splits:
    """images_srgb/0001.mat ... and info.mat, which says where the boxes are: noisy pictures without clean ones."""
    files = sorted(folder.rglob("images_srgb/*.mat"))
    if not files:
        return {}
    pictures, pairs, missing = files[0].parent, [], []
    for number, boxes in enumerate(matlab.boxes(pictures.parent / "info.mat"), start=1):
        file = pictures / f"{number:04d}{matlab.SUFFIX}"
        missing += [] if file.is_file() else [file]
        pairs += [FilePair(f"{file.stem}_{k:02d}", matlab.box_path(file, box), None) for k, box in enumerate(boxes, start=1)]
    if missing:
        raise DataError(f"{len(missing)} of the pictures that info.mat tells of are missing ({some(missing)}).")
    return {"test": pairs}


def benchmark(folder: Path, *names: str) -> Splits:
    """Set5 and its like: HR, LR_bicubic/X2; GTmod12, LRbicx2; Set5_HR, Set5_LR_x2; SelfExSR's image_SRF_2; or clean ones alone."""
    root = next((place for place in (*(folder / name for name in names), folder) if place.is_dir()), folder)
    if any(root.glob("image_SRF_*")):
        return _selfexsr(root, half_size_x2="Urban100" in names)
    found: Splits = {}
    beside = [("HR", "LR_bicubic/X[0-9]*"), ("GTmod12", "LRbicx[0-9]*"), *((f"{name}_HR", f"{name}_LR_x[0-9]*") for name in names)]
    for clean, small in beside:
        if (root / clean).is_dir():
            found["test"] = _clean(root / clean)
            found |= {f"test/x{_last_number(lr)}": _pairs(lr, root / clean) for lr in sorted(root.glob(small))}
    pictures = [file for file in sorted(root.iterdir()) if file.suffix.lower() in SUFFIXES]
    if "Urban100" in names and any(re.fullmatch(r"img_\d+_SRF_2_HR", file.stem) for file in pictures):
        raise DataError(f"{root}: {HALF_URBAN}")
    return found or ({"test": [FilePair(file.stem, None, file) for file in pictures]} if pictures else {})


def plain(folder: Path, splits: dict[str, Iterable[str]]) -> Splits:
    """Clean pictures alone. `splits`: name -> the places where it may be."""
    places = {split: _first(folder, *places) for split, places in splits.items()}
    return {split: _clean(place) for split, place in places.items() if place and any(_is_picture(file) for file in place.iterdir())}


def _selfexsr(root: Path, half_size_x2: bool) -> Splits:
    found, scales = {}, sorted(root.glob("image_SRF_*"), key=_last_number)
    if half_size_x2:
        scales = [scale for scale in scales if _last_number(scale) != 2]
        if not scales:
            raise DataError(f"{root}: {HALF_URBAN}")
    for scale in scales:
        files = {file.stem: file for file in list_folder(scale)}
        small = [(name.removesuffix("_LR"), file) for name, file in files.items() if name.endswith("_LR")]
        label = f"test/x{_last_number(scale)}"
        found[label] = _partners([(name, file, file.with_name(f"{name}_HR{file.suffix}")) for name, file in small])
        found["test"] = [FilePair(name, None, file) for name, file in files.items() if name.endswith("_HR")]
    return found


def _pairs(degraded: Path, clean: Path, prefix: str = "", rule: str | None = None) -> list[FilePair]:
    for folder in (degraded, clean):
        if not folder.is_dir():
            raise DataError(f"there is no folder {folder}.")
    pairs = pair_folders(degraded, clean, rule)
    return [FilePair(f"{prefix}/{pair.name}", pair.degraded, pair.clean) for pair in pairs] if prefix else pairs


def _clean(folder: Path) -> list[FilePair]:
    return [FilePair(file.relative_to(folder).with_suffix("").as_posix(), None, file) for file in list_folder(folder)]


def _partners(triples: list[tuple[str, Path, Path]]) -> list[FilePair]:
    missing = [file for _, *files in triples for file in files if not file.is_file()]
    if missing:
        raise DataError(f"{len(missing)} files of {len(triples)} pairs are missing ({some(missing)}).")
    return [FilePair(*triple) for triple in triples]


def _check_list(file: Path, names: set[str]) -> None:
    if file.is_file():
        missing = sorted({Path(line.strip()).name for line in file.read_text().splitlines() if line.strip()} - names)
        if missing:
            raise DataError(f"{len(missing)} pictures of {file} are missing ({some(missing)}).")


def _splits(folder: Path, name: str) -> list[tuple[Path, str]]:
    root = folder / name if (folder / name).is_dir() else folder
    return [(root / split, split) for split in ("train", "test") if (root / split).is_dir()]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir())


def _first(folder: Path, *places: str) -> Path | None:
    return next((folder / place for place in places if (folder / place).is_dir()), None)


def _is_picture(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES


def _last_number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[-1])


def _scene(path: str) -> str:
    """.../scene001/blur/blur_1.png -> scene001/1"""
    *_, scene, _, name = path.split("/")
    return f"{scene}/{_last_number(Path(name))}"
