"""smoke, lab and paper: what a chapter trains, as values.

smoke  at most a minute on two processor cores, offline: proves the plumbing, and says so on its figures
lab    at most 20 minutes on one ordinary GPU: an improvement one can see
paper  the published recipe, and what it takes
"""

from types import MappingProxyType

from restorelab.presets.against import Against
from restorelab.presets.deblurgan_v2 import DEBLURGAN_V2, DEBLURGAN_V2_PIXEL
from restorelab.presets.dmphn import COURSE_DMPHN, DMPHN
from restorelab.presets.lessons import DEGRADATION, DEMO, METRICS, STUDIO
from restorelab.presets.mprnet import MPRNET, MPRNET_DENOISE, MPRNET_DERAIN
from restorelab.presets.preset import (
    SHAKE,
    Preset,
    adversary,
    changed,
    choose,
    condition_of,
    describe,
    kernel_code,
    objective,
    preparation,
    told,
    training_samples,
    watched_pairs,
)
from restorelab.presets.udvd import UDVD
from restorelab.presets.x16 import X16, X16_PERCEPTUAL

# What can be trained: name -> its presets, and the system it is of
TRAININGS = MappingProxyType(
    {
        "deblurgan_v2": ("deblurgan_v2", DEBLURGAN_V2),
        "deblurgan_v2_pixel": ("deblurgan_v2", DEBLURGAN_V2_PIXEL),
        "dmphn": ("dmphn", DMPHN),
        "udvd": ("udvd", UDVD),
        "mprnet": ("mprnet", MPRNET),
        "mprnet_denoise": ("mprnet", MPRNET_DENOISE),
        "mprnet_derain": ("mprnet", MPRNET_DERAIN),
        "x16": ("x16", X16),
        "x16_perceptual": ("x16", X16_PERCEPTUAL),
    }
)

__all__ = [
    "COURSE_DMPHN",
    "DEBLURGAN_V2",
    "DEBLURGAN_V2_PIXEL",
    "DEGRADATION",
    "DEMO",
    "DMPHN",
    "METRICS",
    "MPRNET",
    "MPRNET_DENOISE",
    "MPRNET_DERAIN",
    "SHAKE",
    "STUDIO",
    "TRAININGS",
    "UDVD",
    "X16",
    "X16_PERCEPTUAL",
    "Against",
    "Preset",
    "adversary",
    "changed",
    "choose",
    "condition_of",
    "describe",
    "kernel_code",
    "objective",
    "preparation",
    "told",
    "training_samples",
    "watched_pairs",
]
