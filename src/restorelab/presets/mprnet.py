"""Presets of MPRNet: one network, three tasks."""

import dataclasses

from restorelab.degrade import GaussianNoise, Rain, Recipe
from restorelab.models.mprnet import COURSE, DEBLUR, DENOISE, DERAIN
from restorelab.presets.preset import Preset
from restorelab.train.loop import FitConfig

NOISE = Recipe((GaussianNoise(sigma=25 / 255),))
RAIN = Recipe((Rain(density=(1.0, 5.0), length=(30.0, 80.0), angle=(-25.0, 25.0), opacity=(0.3, 0.7)),))

SMOKE = Preset(
    model=dataclasses.replace(COURSE, width=8, unet_growth=4, orsnet_growth=4, cabs=1),
    fit=FitConfig(steps=12, batch=2, learning_rate=1e-3, warmup=3, ema=0.9, save_every=6, validate_every=6),
    crop=64,
    objective="charbonnier+edge",
    note="12 steps prove that everything works; they restore next to nothing.",
)
LAB = Preset(
    model=COURSE,
    fit=FitConfig(steps=8000, batch=8, learning_rate=1e-3, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=250),
    crop=96,
    leaves=0.1,
    objective="charbonnier+edge",
    note="The network of the course checkpoint. Its time on a GPU has not been measured yet; the forecast below is for your machine.",
)
PAPER = FitConfig(steps=396_000, batch=16, learning_rate=2e-4, warmup=396, ema=0.0, workers=8, save_every=2000, validate_every=10_000)
RESCALE = "On one GPU halve batch and learning rate together, and double the steps."

MPRNET = {
    "smoke": SMOKE,
    "lab": LAB,
    "paper": Preset(
        model=DEBLUR,
        fit=PAPER,
        crop=256,
        leaves=0.0,
        objective="charbonnier+edge",
        data_set="gopro_large",
        note=(
            "The authors' recipe: 3000 epochs of the 2103 GoPro pairs on 4 V100, Adam 2e-4, three epochs of warm-up, then a cosine. "
            "Published: 32.66 dB, SSIM 0.959 as MATLAB's volume (protocol GoPro/HIDE). Their change of colour saturation is left out. "
            + RESCALE
        ),
    ),
}
MPRNET_DENOISE = {
    "smoke": dataclasses.replace(SMOKE, recipe=NOISE, objective="charbonnier"),
    "lab": dataclasses.replace(LAB, recipe=NOISE, objective="charbonnier"),
    "paper": Preset(
        model=DENOISE,
        fit=dataclasses.replace(PAPER, steps=480_000, warmup=18_000),
        crop=128,
        recipe=NOISE,
        leaves=0.0,
        objective="charbonnier",
        data_set="sidd",
        note="The authors' recipe for SIDD, without its MixUp: 80 epochs of 96,000 crops, Adam 2e-4. " + RESCALE,
    ),
}
MPRNET_DERAIN = {
    "smoke": dataclasses.replace(SMOKE, recipe=RAIN),
    "lab": dataclasses.replace(LAB, recipe=RAIN),
    "paper": Preset(
        model=DERAIN,
        fit=dataclasses.replace(PAPER, steps=214_000, warmup=2_571),
        crop=256,
        recipe=RAIN,
        leaves=0.0,
        objective="charbonnier+edge",
        data_set="rain13k",
        note="The authors' recipe: 250 epochs of the 13,712 pairs of Rain13K, Adam 2e-4. " + RESCALE,
    ),
}
