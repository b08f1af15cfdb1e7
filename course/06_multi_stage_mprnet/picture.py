"""Make the picture that chapter 06 opens with: python course/06_multi_stage_mprnet/picture.py denoise

One photograph after every stage of the course checkpoint of a task: deblur, denoise or derain.
"""

import sys
from pathlib import Path

from restorelab import checkpoint, presets, viz
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.restore import restore

TASKS = {
    "deblur": ("deblurring", presets.MPRNET),
    "denoise": ("denoising", presets.MPRNET_DENOISE),
    "derain": ("deraining", presets.MPRNET_DERAIN),
}


def main(task: str) -> None:
    work, choices = TASKS[task]
    (pair,) = [one for one in presets.watched_pairs(choices["lab"], "test", crop=288) if one.name.startswith("coffee")]
    stages = restore(checkpoint.load_course("mprnet", work).model, pair.degraded).stages
    pictures = {"degraded": pair.degraded} | {f"stage {number}": stage for number, stage in enumerate(stages, 1)}
    named = {f"{name}, {psnr(image, pair.clean):.2f} dB": viz.crop(image, 40, 40, 200) for name, image in pictures.items()}
    figure = viz.picture_row(named, height=2.0)
    figure.supxlabel(f"{work}, course checkpoint; middle 288x288 of '{pair.name}' scored; {COURSE_RGB}", fontsize=8)
    data, _ = viz.mime(figure, "")
    (Path(__file__).parent / "stages.jpg").write_bytes(data["image/jpeg"])


if __name__ == "__main__":
    main(*sys.argv[1:])
