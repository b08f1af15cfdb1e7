"""Presets of DMPHN: camera shake."""

from restorelab.models.dmphn import DMPHNConfig
from restorelab.presets.preset import Preset
from restorelab.train.loop import FitConfig

COURSE_DMPHN = DMPHNConfig(width=16, global_skip=True)  # 1.36 M parameters: the network of the course checkpoint

DMPHN = {
    "smoke": Preset(
        model=DMPHNConfig(width=8, global_skip=True),
        fit=FitConfig(steps=40, batch=4, learning_rate=1e-3, warmup=5, ema=0.9, save_every=10, validate_every=20),
        crop=64,
        note="40 steps prove that everything works; they restore next to nothing.",
    ),
    "lab": Preset(
        model=COURSE_DMPHN,
        fit=FitConfig(steps=5000, batch=16, learning_rate=1e-3, warmup=200, ema=0.998, workers=2, save_every=250, validate_every=250),
        crop=96,
        leaves=0.1,
        note="The network of the course checkpoint. Its time on a GPU has not been measured yet; the forecast below is for your machine.",
    ),
    "paper": Preset(
        model=DMPHNConfig(patches=(1, 2, 4, 8)),
        fit=FitConfig(steps=1_050_000, batch=6, learning_rate=1e-4, warmup=0, ema=0.0, workers=8, save_every=2000, validate_every=10_000),
        crop=256,
        leaves=0.0,
        objective="mse",
        data_set="gopro_large",
        note=(
            "The published network, crops, batch, learning rate and length (3000 epochs of the 2103 GoPro pairs), with a cosine in place "
            "of the step decay. Published: 30.25 dB (GoPro, RGB; a user measured 29.99 dB with the released weights). Prepare the set with "
            "data_scripts/gopro_large.py; without it the shake recipe over your photographs stands in, and that figure is not the one to "
            "expect. On one GPU keep the batch."
        ),
    ),
}
