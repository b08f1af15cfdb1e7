"""Make the pictures that chapters and README open with, from the course checkpoints: python course/pictures.py"""

import zlib
from pathlib import Path

import numpy as np

from restorelab import checkpoint, viz
from restorelab.data import photos
from restorelab.degrade import degrade
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.presets import SHAKE
from restorelab.restore import restore

HERE = Path(__file__).parent


def dmphn_before_after(name: str = "coffee", draw: int = 0) -> None:
    """The picture that chapter 05 works on, with the score of the whole photograph under it."""
    found = checkpoint.load_course("dmphn")
    clean = photos.load(name)
    degraded = degrade(clean, SHAKE, np.random.default_rng([draw, zlib.crc32(name.encode())])).image
    restored = restore(found.model, degraded).image
    window = dict(top=70, left=170, side=260)
    pictures = {
        f"degraded by the shake recipe, {psnr(degraded, clean):.2f} dB": viz.crop(degraded, **window),
        f"restored by DMPHN, course checkpoint, {psnr(restored, clean):.2f} dB": viz.crop(restored, **window),
    }
    figure = viz.picture_row(pictures, height=4.2)
    figure.supxlabel(f"'{name}', whole picture scored; {COURSE_RGB}", fontsize=8)
    data, _ = viz.mime(figure, "")
    (HERE / "05_multi_patch_dmphn" / "before_after.jpg").write_bytes(data["image/jpeg"])


if __name__ == "__main__":
    dmphn_before_after()
