"""Presets of x16: sixteen times larger, first as near as possible (`X16`), then as believable as possible (`X16_PERCEPTUAL`).

The second is meant to begin with the weights of the first. "huber" is in effect a hundredth of the absolute error: the weights of the
other terms are to be read beside that.
"""

import dataclasses

from restorelab.degrade import Downsample, Recipe
from restorelab.models.x16 import COURSE_X16, PAPER_X16
from restorelab.presets.against import Against
from restorelab.presets.preset import Preset
from restorelab.train.loop import FitConfig

BICUBIC = Recipe((Downsample(16),))

PUBLISHED = Against(game="unet hinge", pixel_weight=1.0, perceptual_weight=1e-3, adversarial_weight=1e-3, feature_weight=1.0,
                    discriminator_rate=1e-5)  # fmt: skip
# With the published weights the discriminator's features outweigh the course trunk's distance: on the test photographs 1200 steps took it
# from 0.786 to 0.813, and 1000 with these to 0.799 (on the validation photograph from 0.873 to 0.777). The course checkpoint keeps 0.8 of
# that way (`interpolation`, the value in the instructions of ESRGAN's authors): 0.780.
COURSE = dataclasses.replace(PUBLISHED, discriminator_width=16, discriminator_rate=1e-4, course_factor=20.0, feature_weight=0.1,
                             adversarial_weight=3e-4)  # fmt: skip
RATE = FitConfig(steps=75_000, batch=2, learning_rate=1e-5, warmup=0, clip=0.1, ema=0.0, workers=8, save_every=2000, validate_every=5000)
DATA = (
    "DIV8K as photo_folder: 1500 pictures. With a cosine in place of the constant rate, and small pictures of 8 bits. "
    "On one GPU keep the batch; where memory is short halve the crop (a multiple of 64) and double the steps. "
)

X16 = {
    "smoke": Preset(
        model=dataclasses.replace(COURSE_X16, width=16, depth=1, growth=8),
        fit=FitConfig(steps=20, batch=2, learning_rate=1e-3, warmup=5, ema=0.9, save_every=10, validate_every=10),
        crop=64,
        recipe=BICUBIC,
        leaves=0.1,  # they are slow to make, beside steps as short as these
        objective="huber",
        perceptual=True,
        note="20 steps prove that everything works; they restore nothing.",
    ),
    "lab": Preset(
        model=COURSE_X16,
        fit=FitConfig(steps=8000, batch=8, learning_rate=5e-4, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=250),
        crop=128,
        recipe=BICUBIC,
        leaves=0.1,
        objective="huber",
        perceptual=True,
        note="The pixel half of the course checkpoint. Its time on a GPU has not been measured; the forecast below is for your machine.",
    ),
    "paper": Preset(
        model=PAPER_X16,
        fit=RATE,
        crop=384,
        recipe=BICUBIC,
        leaves=0.0,
        objective="huber",
        perceptual=True,
        note="The authors' code: 75,000 steps of the pixel loss, Adam 1e-5, batch 2; the paper: 50,000 with batch 3 in 12 hours. " + DATA,
    ),
}
X16_PERCEPTUAL = {
    "smoke": dataclasses.replace(X16["smoke"], against=dataclasses.replace(COURSE, discriminator_width=8)),
    "lab": dataclasses.replace(
        X16["lab"],
        fit=dataclasses.replace(X16["lab"].fit, learning_rate=2e-4),
        against=COURSE,
        note="Begin with the weights of the training x16. " + X16["lab"].note.replace("pixel", "perceptual"),
    ),
    "paper": dataclasses.replace(
        X16["paper"],
        against=PUBLISHED,
        note=(
            "Begin with the weights of the training x16. The authors' code: 75,000 steps more, Adam 1e-5 for both networks, batch 2; the "
            "paper: 60,000 in 15 hours. Published (NTIRE 2020, DIV8K test, centre 1000x1000, as quoted in the paper of RFB-ESRGAN): "
            "LPIPS 0.352, PSNR 22.77 dB, PI 3.76. " + DATA
        ),
    ),
}
