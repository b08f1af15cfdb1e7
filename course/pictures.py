"""Make the pictures that chapters and README open with, from the course checkpoints: python course/pictures.py"""

import zlib
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from restorelab import checkpoint, presets, viz
from restorelab.data import photos
from restorelab.data.equal_mse import equal_mse
from restorelab.degrade import CameraNoise, CameraShake, Downsample, Jpeg, Rain, Recipe, VaryingBlur, degrade, isotropic_kernels
from restorelab.degrade.varying import gather_gaussian
from restorelab.image import to_uint8
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.ops.resize import downsample_bicubic, resize_bicubic
from restorelab.presets import SHAKE
from restorelab.restore import RestoredImage, restore
from restorelab.systems import system

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


def scales(name: str = "coffee", length: float = 12.0) -> None:
    """The picture that chapter 03 opens with: a shaken photograph, averaged over more and more pixels."""
    recipe = Recipe((CameraShake(length=length, smoothness=1.0),))
    degraded = degrade(photos.load(name), recipe, np.random.default_rng([0, zlib.crc32(name.encode())])).image
    small = viz.crop(degraded, top=40, left=170, side=288)
    pictures = {"full size": small}
    for stride in (4, 8, 16, 32):
        pictures[f"1/{stride}"] = F.interpolate(F.avg_pool2d(small[None], stride), small.shape[-2:])[0]
    data, _ = viz.mime(viz.picture_row(pictures, height=1.7), "")
    (HERE / "03_fpn_deblurring" / "scales.jpg").write_bytes(data["image/jpeg"])


def udvd_four_regions(name: str = "coffee", side: int = 192) -> None:
    """The picture that chapter 04 opens with: another blur and another noise in every quarter, and the course checkpoint's answer."""
    degraded, restored, clean = _four_regions(name, side)
    before = resize_bicubic(degraded[None], scale=2)[0].clamp(0, 1)
    pictures = {
        f"left blurred, lower half noisy\n{psnr(before, clean):.2f} dB": degraded,
        f"restored, told the maps\n{psnr(restored.image, clean):.2f} dB": restored.image,
        "clean\n": clean,
    }
    figure = viz.picture_row(pictures, height=2.2)
    figure.supxlabel(f"'{name}', {side}x{side}, the degraded one scored enlarged bicubically; {COURSE_RGB}", fontsize=7)
    data, _ = viz.mime(figure, "")
    (HERE / "04_dynamic_filter_sr" / "four_regions.jpg").write_bytes(data["image/jpeg"])


def _four_regions(name: str, side: int) -> tuple[Tensor, RestoredImage, Tensor]:
    """Degraded at half the size, restored with its kernels, clean."""
    clean, half = viz.crop(photos.load(name), 60, 150, side), side // 2
    std, sigma = torch.full((side, side), 0.2), torch.zeros(1, half, half)
    std[:, :half], sigma[:, half // 2 :] = 1.6, 10 / 255
    small = downsample_bicubic(gather_gaussian(clean, std, 7, "replicate")[None], 2)[0]
    noise = np.random.default_rng(0).standard_normal(small.shape, dtype=np.float32)
    degraded = (small + sigma * torch.from_numpy(noise)).clamp(0, 1)
    codes = presets.kernel_code().encode(isotropic_kernels(torch.tensor([0.2, 1.6]), 15))
    told = torch.cat([codes[(std[::2, ::2] > 1).long()].permute(2, 0, 1), sigma])
    return degraded, restore(checkpoint.load_course("udvd").model, degraded, condition=told, explain=True), clean


def kernel_of_a_pixel(name: str = "coffee", side: int = 192) -> None:
    """The picture that README opens with: spoiled, restored, and the filters that the network wrote for two pixels of the result."""
    degraded, restored, _ = _four_regions(name, side)
    places = {"blurred, no noise": (60, 66), "sharp, noisy": (150, 128)}  # row, column, on edges of the photograph
    kernels = restored.maps["kernels"][0]  # t h w, of the block that enlarges
    figure, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained")
    for axis, image, title in zip(axes, (degraded, restored.image), ("spoiled: half the pixels, blur, noise", "restored"), strict=False):
        axis.imshow(to_uint8(image))
        axis.set_title(title)
    for axis, (what, (row, column)), colour in zip(axes[2:], places.items(), ("#ffd400", "#00e5ff"), strict=True):
        taps = kernels[:, row, column].reshape(5, 5)
        axis.imshow(taps, cmap="RdBu_r", vmin=-1, vmax=1)
        for (i, j), weight in np.ndenumerate(taps.numpy()):
            axis.text(j, i, f"{weight:.2f}", ha="center", va="center", fontsize=8, color="white" if abs(weight) > 0.6 else "black")
        axis.set_title(f"the filter of this pixel\n({what})")
        axes[1].plot(column, row, "s", markersize=11, markerfacecolor="none", markeredgecolor=colour, markeredgewidth=2.5)
        for spine in axis.spines.values():
            spine.set(color=colour, linewidth=4)
    for axis in axes:
        axis.set(xticks=[], yticks=[])
    data, _ = viz.mime(figure, "")
    (HERE / "kernel_of_a_pixel.jpg").write_bytes(data["image/jpeg"])


def x16_invented(name: str = "coffee", side: int = 256) -> None:
    """The picture that chapter 07 opens with: what comes back of a sixteenth, by three ways."""
    (pair,) = [one for one in presets.watched_pairs(presets.X16["lab"], "test", crop=side) if one.name == name]
    there = {one.name: checkpoint.load(one.path).model for one in system("x16").weights}
    ways = {"bicubic": resize_bicubic(pair.degraded[None], scale=16)[0].clamp(0, 1)}
    ways |= {"pixel network": restore(there["x16_pixel"], pair.degraded).image}
    ways |= {"perceptual network": restore(there["x16_perceptual"], pair.degraded).image}
    pictures = {"the small picture\n16x16 pixels": pair.degraded.repeat_interleave(16, 1).repeat_interleave(16, 2)}
    pictures |= {f"{way}\n{psnr(image, pair.clean):.2f} dB": image for way, image in ways.items()} | {"clean\n": pair.clean}
    figure = viz.picture_row(pictures, height=1.9)
    figure.supxlabel(f"'{name}', the middle {side}x{side}, course checkpoints; {COURSE_RGB}", fontsize=7)
    data, _ = viz.mime(figure, "")
    (HERE / "07_perceptual_x16" / "invented.jpg").write_bytes(data["image/jpeg"])


if __name__ == "__main__":
    spoiled()
    equal_psnr()
    scales()
    udvd_four_regions()
    dmphn_before_after()
    kernel_of_a_pixel()
    x16_invented()
