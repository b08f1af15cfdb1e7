"""Training pairs for networks that are told the degradation (SRMD, UDVD), made while they train.

The degradation is a Gaussian blur, MATLAB's bicubic shrinking, and noise. What makes it slow elsewhere is not that it happens online but
that a whole photograph is blurred to keep one patch. Here a worker cuts out the few pixels that the patch depends on, and the training
step degrades a batch of them at once: blur and shrinking are one filter, and only every `scale`-th of its results is worked out. To 1e-6
the outcome is what degrading the whole photograph and cutting the patch out gives, some thousands of times as fast: about as fast as
ready-made pairs are decoded from PNG (tests/bench/test_online_speed.py).

    crops = OnlineCrops(pictures, UDVD_X4, crop=192, seed=0)
    for samples in DataLoader(crops, batch_size=32, sampler=range(first, end), num_workers=4):
        batch = synthesise(samples, UDVD_X4, code, device="cuda")
        restored = model(batch.lr, batch.condition[..., None, None])

Sample number n is a function of (seed, n) alone: of no worker, and of no restart. Crops are taken only where the photograph holds
everything that they depend on, 3 * scale // 2 + 7 pixels from its border with kernels of 15x15, so that no rule of what lies beyond a
border enters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor
from torch.nn import functional as F

from restorelab.data.augment import draw_turn
from restorelab.data.crops import turned
from restorelab.degrade.draw import Amount, check_amount, draw
from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import covariance_kernels
from restorelab.degrade.srmd import IsotropicBlur, SRMDBlur, draw_srmd_parameters
from restorelab.errors import DataError, ParameterError, RecipeError
from restorelab.ops.resize import resize_matrix

DUST = 1e-15  # what a tap below this adds to a pixel is lost in its last bit


@dataclass(frozen=True)
class BlurDownNoise:
    """The law by which degradations are drawn."""

    scale: int = 4
    blur: IsotropicBlur | SRMDBlur = IsotropicBlur((0.2, 4.0))
    sigma: Amount = (0.0, 75 / 255)  # of the noise, in units of the [0, 1] range
    round_before_noise: bool = False  # to 8 bits, between shrinking and noise
    noiseless: float = 0.0  # share of samples without noise, so that a network that is told sigma = 0 has seen it

    def __post_init__(self):
        if not isinstance(self.scale, int) or isinstance(self.scale, bool) or not 1 <= self.scale <= 16:
            raise RecipeError(f"scale must be a whole number from 1 to 16, not {self.scale!r}.")
        if not isinstance(self.blur, IsotropicBlur | SRMDBlur):
            raise RecipeError(f"blur must be an IsotropicBlur or an SRMDBlur, not {self.blur!r}.")
        check_amount("sigma (in units of the [0, 1] range)", self.sigma, 0, 1)
        if not 0 <= self.noiseless <= 1:
            raise RecipeError(f"noiseless is a share of the samples, from 0 to 1, not {self.noiseless!r}.")

    @property
    def margin(self) -> int:
        """Clean pixels around a crop that its degraded pixels depend on: no fewer, no more."""
        return _bicubic_reach(self.scale) + self.blur.size // 2


# SRMD's ranges are those of its training code (github.com/cszn/SRMD), which rounds to 8 bits before adding noise. UDVD follows its setting.
UDVD_X2, UDVD_X3, UDVD_X4 = (BlurDownNoise(scale, IsotropicBlur((0.2, float(scale)))) for scale in (2, 3, 4))
SRMD_X2, SRMD_X3, SRMD_X4 = (BlurDownNoise(scale, SRMDBlur(), round_before_noise=True) for scale in (2, 3, 4))


class Samples(NamedTuple):
    """One sample, or a batch of them as DataLoader collates it: all of it that is random, and small."""

    pixels: UInt8[np.ndarray, "c side side"] | UInt8[Tensor, "b c side side"]  # the crop and `margin` more on every side
    gaussian: Float[np.ndarray, " 3"] | Float[Tensor, "b 3"]  # variances along the long and the short axis, and angle, of the blur
    sigma: float | Float[Tensor, " b"]
    noise: Float[np.ndarray, "c h w"] | Float[Tensor, "b c h w"]  # of standard deviation 1


class OnlineCrops(torch.utils.data.Dataset):
    """Sample number n, for any n from 0: a random place in a random photograph, and what shall be done to it.

    pictures: `h w c` bytes, with as many channels each; an np.memmap is read where it is cut only.
    crop: side of the clean patch in pixels.

    A photograph that is smaller than a crop with its margin raises DataError when it is drawn.
    """

    def __init__(self, pictures: Sequence[np.ndarray], degradation: BlurDownNoise, crop: int, seed: int):
        if crop < 1 or crop % degradation.scale:
            raise ParameterError(f"crop {crop} must be a multiple of the degradation's scale {degradation.scale}.")
        if not len(pictures):
            raise ParameterError("there are no pictures to take crops from: give at least one.")
        self.pictures, self.degradation, self.crop, self.seed = pictures, degradation, crop, seed

    def __getitem__(self, number: int) -> Samples:
        rng = np.random.default_rng([self.seed, number])
        pixels = np.ascontiguousarray(self._random_crop(rng).transpose(2, 0, 1))
        gaussian, sigma = _draw_gaussian(self.degradation.blur, rng), draw(self.degradation.sigma, rng)
        sigma *= float(rng.random() >= self.degradation.noiseless)
        small = self.crop // self.degradation.scale
        # numpy's generator, not torch's: torch's normal numbers differ between processors with and without AVX2
        return Samples(pixels, gaussian, sigma, rng.standard_normal((len(pixels), small, small), dtype=np.float32))

    def _random_crop(self, rng: np.random.Generator) -> UInt8[np.ndarray, "side side c"]:
        chosen = int(rng.integers(len(self.pictures)))
        picture, side = self.pictures[chosen], self.crop + 2 * self.degradation.margin
        height, width, _ = picture.shape
        if min(height, width) < side:
            raise DataError(
                f"picture {chosen} is {width}x{height}, but a crop of {self.crop} needs {side} pixels each way with what it depends on: "
                "leave the picture out, or take a smaller crop."
            )
        top, left = rng.integers(height - side + 1), rng.integers(width - side + 1)
        return turned(picture[top : top + side, left : left + side], draw_turn(rng))


def _draw_gaussian(blur: IsotropicBlur | SRMDBlur, rng: np.random.Generator) -> Float[np.ndarray, " 3"]:
    if isinstance(blur, SRMDBlur):
        return np.concatenate(draw_srmd_parameters(1, rng, blur.variance))
    variance = draw(blur.std, rng) ** 2
    return np.array([variance, variance, 0.0])


@dataclass(frozen=True)
class OnlineBatch:
    """A batch to train on."""

    lr: Float[Tensor, "b c h w"]  # degraded, not clipped: noise leaves [0, 1]
    condition: Float[Tensor, "b n"]  # what the network is told: the kernel's code, if there is one, then sigma
    hr: Float[Tensor, "b c h2 w2"]  # clean
    kernels: Float[Tensor, "b k k"]
    sigma: Float[Tensor, " b"]


@torch.no_grad()
def synthesise(
    samples: Samples, degradation: BlurDownNoise, code: KernelCode | None = None, device: str | torch.device = "cpu"
) -> OnlineBatch:
    """A batch of samples of `OnlineCrops` -> a batch to train on, on `device`. Nothing here is random.

    Raises ParameterError when the code is one for kernels of another size.
    """
    kernels = covariance_kernels(*samples.gaussian.T, degradation.blur.size)
    sigma = samples.sigma.float()
    condition = torch.cat([*([code.encode(kernels)] if code else []), sigma[:, None]], dim=1)
    kernels, sigma, condition = (small.to(device, non_blocking=True) for small in (kernels, sigma, condition))
    pixels, noise = (large.to(device, non_blocking=True) for large in (samples.pixels, samples.noise))

    pixels = pixels.float()
    blur_down = blur_down_separable if isinstance(degradation.blur, IsotropicBlur) else blur_down_any
    lr = blur_down(pixels, kernels, degradation.scale)
    if degradation.round_before_noise:
        lr = (lr + 0.5).floor_().clamp_(0, 255)  # halves up, as MATLAB's im2uint8
    lr = lr.div_(255).addcmul_(noise, sigma[:, None, None, None])
    inside = slice(degradation.margin, -degradation.margin)
    return OnlineBatch(lr, condition, pixels[..., inside, inside] / 255, kernels, sigma)


def blur_down_separable(pixels: Float[Tensor, "b c side side"], kernels: Float[Tensor, "b k k"], scale: int) -> Float[Tensor, "b c n n"]:
    """Correlate each picture with its kernel, an outer product as every round Gaussian is, and shrink it bicubically.

    Only where nothing beyond the border is needed: `side` is n * scale and a margin of 3 * scale // 2 + k // 2 on either side. As two
    small matrix products, A X A', where A is the blur and then the shrinking of a line.
    """
    with torch.autocast(pixels.device.type, enabled=False):
        taps = _without_dust(kernels).sum(dim=-1) @ _widening(scale, kernels.shape[-1]).to(kernels).T
        (b, count), side = taps.shape, pixels.shape[-1]
        n = (side - count) // scale + 1
        matrix = taps.new_zeros(b, 1, n, side)
        matrix.as_strided((b, n, count), (n * side, side + scale, 1)).copy_(taps[:, None])  # every row `scale` further to the right
        return matrix @ pixels @ matrix.mT


def blur_down_any(pixels: Float[Tensor, "b c side side"], kernels: Float[Tensor, "b k k"], scale: int) -> Float[Tensor, "b c n n"]:
    """`blur_down_separable` for kernels of any kind: as one convolution in steps of `scale`."""
    b, c, side, _ = pixels.shape
    widening = _widening(scale, kernels.shape[-1]).to(kernels)
    with torch.autocast(pixels.device.type, enabled=False), torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        wide = widening @ _without_dust(kernels) @ widening.T
        weights = wide[:, None].expand(-1, c, -1, -1).reshape(b * c, 1, *wide.shape[1:])  # a group for every plane
        level = pixels.mean(dim=(-2, -1), keepdim=True)  # a sum of 900 products errs by 1.7e-6 of white with it, by 2e-7 without
        small = F.conv2d((pixels - level).reshape(1, b * c, side, side), weights, stride=scale, groups=b * c)
        return small[0].unflatten(0, (b, c)) + level * wide.sum(dim=(1, 2))[:, None, None, None]


def _without_dust(weights: Tensor) -> Tensor:
    """Far taps of narrow Gaussians are denormal numbers: they add nothing, and slow the products down up to 13 times."""
    return torch.where(weights.abs() < DUST, 0, weights)


def _bicubic_reach(scale: int) -> int:
    """How far beyond its own `scale` pixels a bicubically shrunk pixel looks, on either side."""
    return 3 * scale // 2


@lru_cache(maxsize=16)
@torch.inference_mode(False)  # what is kept must serve training too
def _widening(scale: int, size: int) -> Float[Tensor, "t k"]:
    """The matrix that convolves a line of `size` taps with the bicubic one: taps of the blur -> taps of blur and shrinking in one."""
    reach = _bicubic_reach(scale)
    bicubic = resize_matrix(8 * scale, 8)[4, 4 * scale - reach : 5 * scale + reach]  # a row from the middle, which no border touches
    matrix = bicubic.new_zeros(len(bicubic) + size - 1, size)
    for tap in range(size):
        matrix[tap : tap + len(bicubic), tap] = bicubic
    return _without_dust(matrix)
