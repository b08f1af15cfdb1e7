"""Presets of UDVD: super-resolution of pictures whose blur and noise it is told."""

import dataclasses

from restorelab.data.online import UDVD_X2, BlurDownNoise
from restorelab.degrade import IsotropicBlur
from restorelab.models.udvd import COURSE, PAPER_X2
from restorelab.presets.preset import Preset
from restorelab.train.loop import FitConfig

# Widths as the paper's at this scale, a third of its noise, and a fifth of the samples without any.
COURSE_LAW = BlurDownNoise(2, IsotropicBlur((0.2, 2.0)), sigma=(0.0, 25 / 255), noiseless=0.2)

UDVD = {
    "smoke": Preset(
        model=dataclasses.replace(COURSE, width=16, depth=1),
        fit=FitConfig(steps=30, batch=4, learning_rate=1e-3, warmup=5, ema=0.9, save_every=10, validate_every=15),
        crop=64,
        told=COURSE_LAW,
        note="30 steps prove that everything works; the network begins as bicubic enlargement and hardly leaves it.",
    ),
    "lab": Preset(
        model=COURSE,
        fit=FitConfig(steps=20_000, batch=16, learning_rate=1e-3, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=500),
        crop=96,
        told=COURSE_LAW,
        note="The network of the course checkpoint. Its time on a GPU has not been measured yet; the forecast below is for your machine.",
    ),
    "paper": Preset(
        model=PAPER_X2,
        fit=FitConfig(steps=1_000_000, batch=64, learning_rate=1e-4, warmup=0, ema=0.0, workers=8, save_every=2000, validate_every=10_000),
        crop=96,
        told=UDVD_X2,
        leaves=0.0,
        note=(
            "The published network and degradation. Batch, length and learning rate of the paper are not known to us; these stand in "
            "from a public recipe for SRMD (batch 64, 1e-4 and falling). Give it DIV2K and Flickr2K as photo_folder. No figure of the "
            "paper could be verified, so none is promised."
        ),
    ),
}
