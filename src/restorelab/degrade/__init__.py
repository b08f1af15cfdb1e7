"""Where bad pictures come from: every step that spoils a clean one, and the recipe that puts them in order."""

from restorelab.degrade.adjoint import linear_operator
from restorelab.degrade.blur import GaussianBlur, convolve
from restorelab.degrade.compress import Jpeg
from restorelab.degrade.downsample import Downsample
from restorelab.degrade.frames import average_frames
from restorelab.degrade.interpolate import interpolate_clip
from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import effective_std, gaussian_kernel, isotropic_kernels, path_kernel
from restorelab.degrade.motion import CameraShake, shake_path
from restorelab.degrade.noise import CameraNoise, GaussianNoise, photon_transfer
from restorelab.degrade.rain import Rain
from restorelab.degrade.recipe import Degraded, Recipe, degrade
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur, draw_srmd_kernels
from restorelab.degrade.varying import VaryingBlur

__all__ = [
    "CameraNoise",
    "CameraShake",
    "Degraded",
    "Downsample",
    "GaussianBlur",
    "GaussianNoise",
    "IsotropicBlur",
    "Jpeg",
    "KernelCode",
    "Rain",
    "Recipe",
    "SRMDBlur",
    "VaryingBlur",
    "average_frames",
    "convolve",
    "degrade",
    "draw_srmd_kernels",
    "effective_std",
    "gaussian_kernel",
    "interpolate_clip",
    "isotropic_kernels",
    "linear_operator",
    "path_kernel",
    "photon_transfer",
    "shake_path",
]
