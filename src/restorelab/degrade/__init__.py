"""Where bad pictures come from: every step that spoils a clean one, and the recipe that puts them in order."""

from restorelab.degrade.blur import GaussianBlur, convolve
from restorelab.degrade.compress import Jpeg
from restorelab.degrade.downsample import Downsample
from restorelab.degrade.kernels import gaussian_kernel, path_kernel
from restorelab.degrade.motion import CameraShake, shake_path
from restorelab.degrade.noise import GaussianNoise
from restorelab.degrade.recipe import Degraded, Recipe, degrade

__all__ = [
    "CameraShake",
    "Degraded",
    "Downsample",
    "GaussianBlur",
    "GaussianNoise",
    "Jpeg",
    "Recipe",
    "convolve",
    "degrade",
    "gaussian_kernel",
    "path_kernel",
    "shake_path",
]
