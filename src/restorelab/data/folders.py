"""Folders of the reader's own photographs, and folders of pairs.

A degraded picture belongs to the clean one of the same *name*. Pairing by position, as most published loaders do, shifts every pair
after one stray file without a word; here a file without a partner is an error that names it.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import SupportsIndex

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab import image
from restorelab.data import matlab
from restorelab.data.augment import draw_turn
from restorelab.data.crops import turned
from restorelab.data.pairs import Pair
from restorelab.errors import DataError, ParameterError, did_you_mean
from restorelab.ops.pad import mirror

Pictures = Sequence  # of `h w c` uint8 arrays; what they are is not written here, because a check that samples one would decode it

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff", ".bmp"}


def list_folder(folder: str | Path) -> list[Path]:
    """The pictures below `folder`, by name. Raises ParameterError when there is no such folder or nothing in it."""
    folder = Path(folder).expanduser()
    if not folder.is_dir():
        raise ParameterError(f"there is no folder {folder}: give one that holds photographs.")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    if not files:
        raise ParameterError(f"{folder} holds no photograph ({', '.join(sorted(SUFFIXES))}).")
    return files


def load_folder(folder: str | Path, progress: Callable[[int, int], None] | None = None) -> list[np.ndarray]:
    """Every picture as `h w c` bytes: a quarter of the memory of floats, and training crops decode nothing.

    `progress(done, all)` is called after each. Raises ImageError for a picture that cannot be read.
    """
    pictures = []
    files = PictureFiles(list_folder(folder), folder)
    for number in range(len(files)):
        pictures.append(files[number])
        if progress:
            progress(len(pictures), len(files))
    return pictures


def load_picture(file: Path) -> Float[Tensor, "3 h w"]:
    """A picture file, or a picture inside a MATLAB file (see `matlab`). Raises ImageError or DataError for one that cannot be read."""
    return matlab.load(file) if matlab.is_inside(file) else image.load(file)


class PictureFiles(Sequence):
    """Files as a sequence of `h w c` uint8 arrays, each decoded when it is asked for. `names` are their paths below `folder`."""

    def __init__(self, files: Sequence[Path], folder: str | Path | None = None):
        self.files, self.folder = tuple(files), Path(folder).expanduser() if folder else None
        self.names = tuple((file.relative_to(self.folder) if folder else file).as_posix() for file in self.files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: SupportsIndex) -> np.ndarray:
        return image.to_uint8(load_picture(self.files[number]))


def fingerprint(pictures: list[np.ndarray]) -> str:
    """sha256 over the pixels of all pictures, in order: says whether two runs saw the same photographs."""
    digest = hashlib.sha256()
    for picture in pictures:
        digest.update(str(picture.shape).encode())
        digest.update(picture.tobytes())
    return digest.hexdigest()


# Pairing by name


@dataclass(frozen=True)
class FilePair:
    """A picture of a data set on the disk: the degraded file and the clean one, where there are both; `load_picture` reads them."""

    name: str
    degraded: Path | None
    clean: Path | None


@dataclass(frozen=True)
class Rule:
    """What is the same in the names of a pair: the groups of two patterns, matched against whole stems."""

    degraded: str
    clean: str
    many: bool = False  # several degraded pictures may share a clean one

    def keys(self, files: Iterable[Path], folder: Path, side: str) -> dict[Path, str | None]:
        """What each file is paired by: its folder below `folder`, and the part of its name that the rule keeps."""
        pattern, keys = re.compile(getattr(self, side), re.IGNORECASE), {}
        for file in files:
            fits = pattern.fullmatch(file.stem)
            kept = "|".join(part for part in fits.groups() if part is not None) if fits else None
            keys[file] = None if kept is None else (file.relative_to(folder).parent / kept).as_posix()
        return keys


RULES = {  # tried in this order; the first under which every file has its partner is taken
    "same": Rule(r"(.+)", r"(.+)"),  # 0001.png, 0001.png (or 0001.jpg, 0001.png)
    "scale": Rule(r"(.+?)_?x\d+", r"(.+)"),  # 0001x4.png, 0001.png: DIV2K
    "lr": Rule(r"(.+?)[_-]?LR", r"(.+?)(?:[_-]?HR)?"),  # img_001_SRF_4_LR.png, img_001_SRF_4_HR.png: SelfExSR
    "lrbi": Rule(r"(.+)_LRBI_(x\d+)", r"(.+)_HR_(x\d+)"),  # baby_LRBI_x4.png, baby_HR_x4.png: RCAN
    "blur": Rule(r"(.+)[_-]blur(?:red|ry)?", r"(.+?)(?:[_-](?:sharp|gt|clean))?"),  # 0001_blur.png, 0001_sharp.png or 0001.png
    "blur first": Rule(r"blur(?:red|ry)?[_-]?(.+)", r"(?:(?:sharp|gt|clean)[_-]?)?(.+)"),  # blur_1.png, gt_1.png: RealBlur
    "rain first": Rule(r"rain[_-]?(.+)", r"(?:norain[_-]?)?(.+)"),  # rain-001.png, norain-001.png: Rain100
    "rain": Rule(r"(.+)[_-](?:rain|rainy|r|in)", r"(.+?)(?:[_-](?:clean|norain|gt|c))?"),  # 0_rain.png, 0_clean.png; 001-r.png, 001.png
    "noisy": Rule(r"(.*?)_?(?:noisy|noise)_?(.*)", r"(.*?)_?(?:gt|clean)_?(.*)"),  # 0001_NOISY_SRGB_010, 0001_GT_SRGB_010: SIDD
    "real": Rule(r"(.+)_real", r"(.+)_mean"),  # real noise and the mean of many shots: CC15, PolyU
    "numbered": Rule(r"(.+)_\d+", r"(.+)", many=True),  # 901_1.jpg to 901_14.jpg, 901.jpg: Rain14000
}


@dataclass(frozen=True)
class Matching:
    """What a rule makes of two folders."""

    rule: str
    pairs: tuple[FilePair, ...]
    unpaired: tuple[Path, ...]  # of either folder


def match_folders(degraded_folder: str | Path, clean_folder: str | Path, rule: str | None = None) -> Matching:
    """Match the files of two folders by name, under `rule` (of RULES), or under the rule that leaves fewest over.

    Raises DataError for a folder that is missing or empty, ParameterError for another rule.
    """
    if rule is not None and rule not in RULES:
        raise ParameterError(f"there is no rule {rule!r}; there are {', '.join(RULES)}.{did_you_mean(rule, RULES)}")
    folders = [Path(folder).expanduser() for folder in (degraded_folder, clean_folder)]
    try:
        files = [list_folder(folder) for folder in folders]
    except ParameterError as error:
        raise DataError(str(error)) from error
    tried = (_match(name, *files, *folders) for name in ([rule] if rule else RULES))
    best = None
    for matching in tried:
        if best is None or len(matching.unpaired) < len(best.unpaired):
            best = matching
        if not best.unpaired:
            break
    return best


def pair_folders(degraded_folder: str | Path, clean_folder: str | Path, rule: str | None = None) -> list[FilePair]:
    """The pairs of two folders, by name. Raises DataError naming the first files without a partner, and how many there are."""
    matching = match_folders(degraded_folder, clean_folder, rule)
    if matching.unpaired:
        raise DataError(
            f"{degraded_folder} and {clean_folder}: {len(matching.unpaired)} files have no partner of the same name"
            f" ({some(matching.unpaired)}). Rename or delete them, or name a rule: {', '.join(RULES)}."
        )
    return list(matching.pairs)


def some(files: Sequence[Path | str], most: int = 5) -> str:
    """The first few names, with the folder they are in."""
    names = ["/".join(Path(file).parts[-2:]) for file in files[:most]]
    return ", ".join(names) + (", ..." if len(files) > most else "")


def _match(name: str, degraded: list[Path], clean: list[Path], degraded_folder: Path, clean_folder: Path) -> Matching:
    rule = RULES[name]
    degraded_keys, clean_keys = rule.keys(degraded, degraded_folder, "degraded"), rule.keys(clean, clean_folder, "clean")
    partners = _unique(clean_keys)
    single = None if rule.many else _unique(degraded_keys)
    pairs, left = [], []
    for file, key in degraded_keys.items():
        if key in partners and (rule.many or key in single):
            pairs.append(FilePair(file.relative_to(degraded_folder).with_suffix("").as_posix(), file, partners[key]))
        else:
            left.append(file)
    used = {pair.clean for pair in pairs}
    return Matching(name, tuple(pairs), (*left, *(file for file in clean if file not in used)))


def _unique(keys: dict[Path, str | None]) -> dict[str, Path]:
    """Key -> file, without the keys that several files share: 1.png and 1.jpg cannot both be the partner of 1.png."""
    shared: dict[str, list[Path]] = {}
    for file, key in keys.items():
        if key is not None:
            shared.setdefault(key, []).append(file)
    return {key: files[0] for key, files in shared.items() if len(files) == 1}


# Pairs to judge by and to train on


def scale_between(small: tuple[int, int], large: tuple[int, int]) -> int | None:
    """How many clean pixels a side make a degraded one, of sizes (rows, columns): 1, 2, ...; None when no whole number does.

    A clean picture may be up to scale - 1 pixels larger, which data sets leave over when a side is not a multiple.
    """
    scale = large[0] // small[0]
    return scale if scale >= 1 and all(b // scale == a for a, b in zip(small, large, strict=True)) else None


class FolderPairs(Sequence):
    """Pairs of files as `Pair`s for `evaluate`, each loaded when it is asked for. Raises DataError for a pair that is not one."""

    def __init__(self, files: Sequence[FilePair]):
        for pair in files:
            if pair.degraded is None or pair.clean is None:
                missing = "degraded" if pair.degraded is None else "clean"
                raise DataError(f"{pair.name} has no {missing} picture: this set is not one of pairs.")
        self.files = tuple(files)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int) -> Pair:
        files = self.files[number]
        degraded, clean = load_picture(files.degraded), load_picture(files.clean)
        scale = _scale(files.name, degraded.shape[-2:], clean.shape[-2:])
        height, width = (scale * side for side in degraded.shape[-2:])
        return Pair(files.name, degraded, clean[:, :height, :width], {})


class PairedCrops(torch.utils.data.Dataset):
    """Sample number n -> (degraded `3 c/s c/s`, clean `3 c c`), for any n, of pairs that exist: a function of (seed, n) alone.

    Both are cut at the same place, turned and flipped alike; `crop` is the side of the clean one. `files` are FilePairs, or two
    sequences of `h w c` bytes in the same order, (degraded, clean): two stores decode nothing. The scale s is that of each pair.
    Pictures smaller than the crop go on mirrored. Raises DataError for a pair whose sizes do not fit.
    """

    def __init__(self, files: Sequence[FilePair] | tuple[Pictures, Pictures], crop: int, seed: int):
        if not len(files):
            raise ParameterError("there is no pair to train on.")
        if isinstance(files[0], FilePair):
            pairs = FolderPairs(files).files
            self.degraded, self.clean = (PictureFiles([getattr(pair, side) for pair in pairs]) for side in ("degraded", "clean"))
        else:
            self.degraded, self.clean = files
        if len(self.degraded) != len(self.clean):
            raise DataError(f"{len(self.degraded)} degraded and {len(self.clean)} clean pictures are not pairs.")
        self.crop, self.seed = crop, seed

    def __getitem__(self, number: int) -> tuple[Tensor, Tensor]:
        rng = np.random.default_rng([self.seed, number])
        pick = int(rng.integers(len(self.clean)))
        degraded, clean = self.degraded[pick], self.clean[pick]
        scale = _scale(f"pair {pick}", degraded.shape[:2], clean.shape[:2])
        if self.crop % scale:
            raise ParameterError(f"crop {self.crop} must be a multiple of the scale {scale} of the pairs.")
        side = self.crop // scale
        starts = [int(rng.integers(max(size - side, 0) + 1)) for size in degraded.shape[:2]]
        turn = draw_turn(rng)
        windows = _window(degraded, starts, side, 1), _window(clean, starts, side, scale)
        return tuple(image.from_uint8(turned(window, turn)) for window in windows)


def _scale(name: str, small: tuple[int, int], large: tuple[int, int]) -> int:
    scale = scale_between(tuple(small), tuple(large))
    if scale is None:
        sizes = " and ".join(f"{width}x{height}" for height, width in (small, large))
        raise DataError(f"{name}: the degraded and the clean picture have sizes {sizes}, of which neither is a multiple: are they a pair?")
    return scale


def _window(picture: np.ndarray, starts: Sequence[int], side: int, step: int) -> np.ndarray:
    """The square of `side` steps at `starts`, in steps. Mirrored with the edge pixel repeated, so that both scales mirror alike."""
    rows, columns = (
        mirror(torch.arange(start * step, (start + side) * step), size // step * step, repeat_edge=True).numpy()
        for start, size in zip(starts, picture.shape[:2], strict=True)
    )
    if all(line[-1] - line[0] == len(line) - 1 for line in (rows, columns)):  # nothing mirrored: a slice copies nothing
        return picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return picture[rows[:, None], columns]
