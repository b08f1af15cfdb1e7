"""Make the pictures that chapters and README open with, from the course checkpoints: python course/pictures.py"""

import zlib
from pathlib import Path

import numpy as np

from restorelab import checkpoint, viz
from restorelab.data import photos
from restorelab.data.equal_mse import equal_mse
from restorelab.degrade import CameraNoise, CameraShake, Downsample, Jpeg, Rain, Recipe, VaryingBlur, degrade
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


def spoiled(name: str = "coffee") -> None:
    """The picture that chapter 01 opens with: one crop, five recipes."""
    clean = viz.crop(photos.load(name), 60, 150, 300)
    recipes = {
        "camera shake": Recipe((CameraShake(length=16.0),)),
        "blur that grows to the right": Recipe((VaryingBlur(stds=((0.3, 4.0),)),)),
        "a dim sensor": Recipe((CameraNoise(full_well=120.0, read=4.0),)),
        "rain": Recipe((Rain(),)),
        "a quarter of the pixels, JPEG": Recipe((Downsample(2), Jpeg(quality=25))),
    }
    images = {what: degrade(clean, recipe, np.random.default_rng(3)).image for what, recipe in recipes.items()}
    figure = viz.picture_row({"clean": clean, **images}, height=1.9)
    data, _ = viz.mime(figure, "")
    (HERE / "01_degradation" / "spoiled.jpg").write_bytes(data["image/jpeg"])


def equal_psnr(name: str = "chelsea", decibels: float = 25.0) -> None:
    """The picture that chapter 02 opens with: faults of six kinds, all of one PSNR."""
    clean = viz.crop(photos.load(name), 20, 90, 240)
    kinds = ("brightness", "contrast", "move", "blur", "noise", "jpeg")
    images = {kind: equal_mse(clean, 10 ** (-decibels / 10), kind).image for kind in kinds}
    figure = viz.picture_row({kind: viz.crop(image, 30, 40, 160) for kind, image in images.items()}, height=1.9)
    data, _ = viz.mime(figure, "")
    (HERE / "02_metrics" / "equal.jpg").write_bytes(data["image/jpeg"])


if __name__ == "__main__":
    spoiled()
    equal_psnr()
    dmphn_before_after()
