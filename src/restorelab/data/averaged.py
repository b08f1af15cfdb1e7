"""Blurred pictures from sharp clips: the step from GOPRO_Large_all to pairs that lie as GOPRO_Large does."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from restorelab import image
from restorelab.data.folders import list_folder
from restorelab.data.unpack import building
from restorelab.degrade.frames import GAMMA, LINEAR, average_frames, windows
from restorelab.errors import DataError

LENGTH = 11  # frames averaged where a sequence's name does not say
BLURRED = {"blur": LINEAR, "blur_gamma": GAMMA}  # GOPRO_Large's folders


def average_clips(clips: Path, out: Path, progress: Callable[[str, int, int | None], None] | None = None) -> None:
    """`clips`/{train,test}/SEQUENCE/FRAME.png -> `out`/{train,test}/SEQUENCE/{blur,blur_gamma,sharp}/MIDDLE_FRAME.png.

    No frame is used twice. A sequence that is there is left alone, and one appears complete: killed, the next call goes on.
    Raises DataError when there are no clips, ParameterError for a clip with fewer frames than its average takes.
    """
    sequences = [sequence for split in ("train", "test") for sequence in sorted((clips / split).glob("*")) if sequence.is_dir()]
    if not sequences:
        raise DataError(f"{clips} holds no train/SEQUENCE or test/SEQUENCE.")
    for number, sequence in enumerate(sequences, start=1):
        target = out / sequence.relative_to(clips)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with building(target) as folder:
                _average(sequence, folder)
        if progress:
            progress("averaging clips", number, len(sequences))


def frames_of(sequence: str) -> int:
    """GOPR0384_11_00 -> 11: the middle number of a GoPro sequence's name is how many frames were averaged (recalled: verify)."""
    named = re.fullmatch(r"GOPR\d+_(\d+)_\d+", sequence)
    return int(named[1]) if named and int(named[1]) % 2 else LENGTH


def _average(sequence: Path, folder: Path) -> None:
    files = list_folder(sequence)
    for name in (*BLURRED, "sharp"):
        (folder / name).mkdir()
    for window in windows(len(files), frames_of(sequence.name)):
        frames = [image.load(file) for file in files[window.start : window.stop]]
        middle = files[window.middle]
        for name, response in BLURRED.items():
            image.save(average_frames(frames, response), folder / name / f"{middle.stem}.png")
        shutil.copyfile(middle, folder / "sharp" / middle.name)
