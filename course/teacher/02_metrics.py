"""Hidden tests of chapter 2. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import torch
from scipy.stats import kendalltau
from skimage.metrics import structural_similarity

from restorelab.degrade import gaussian_kernel
from restorelab.lesson.exercise import expect_close


def _random(*shape: int, seed: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def psnr_of_a_shift(psnr) -> None:
    """A grey picture, every pixel of which is off by a tenth."""
    clean = 0.5 * _random(1, 9, 4, seed=1)
    expect_close(psnr(clean + 0.1, clean), 20.0, "the PSNR")


def psnr_of_nearly_equal(psnr) -> None:
    """Two pictures that differ by a tenth of an 8-bit step."""
    clean = _random(3, 7, 12, seed=2)
    expect_close(psnr(clean - 0.1 / 255, clean), 68.1308036, "the PSNR", tolerance=1e-4)


def shift_measured(shift) -> None:
    """The PSNR of a picture that was brightened by it."""
    for decibels in (6.0, 33.3, 61.0):
        off = torch.full((3, 5, 8), float(shift(decibels)), dtype=torch.float64)
        expect_close(-10 * off.square().mean().log10(), decibels, "the PSNR")


def ssim_of_another_window(ssim) -> None:
    """The window is the one that is handed over, whatever stands in it."""
    x, window = 255 * _random(14, 12, seed=3), torch.zeros(11, 11, dtype=torch.float64)
    window[5, 5] = 1.0
    y = x / 2
    c = 2.55**2  # a window of one pixel has no variance, which leaves the first factor
    expect_close(ssim(x, y, window), ((2 * x * y + c) / (x**2 + y**2 + c))[5:-5, 5:-5].mean(), "the mean SSIM", tolerance=1e-4)


def ssim_by_another_library(ssim) -> None:
    """A wide picture and its darker copy."""
    x = 255 * _random(16, 40, seed=4)
    y = 0.7 * x + 20 * _random(16, 40, seed=5)
    theirs = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    want = structural_similarity(x.numpy(), y.numpy(), **theirs)
    expect_close(ssim(x, y, gaussian_kernel(1.5, size=11).double()), want, "the mean SSIM", tolerance=1e-4)


def ssim_of_equal(ssim) -> None:
    """A picture and itself, black in one half."""
    x = 255 * _random(18, 15, seed=6)
    x[:9] = 0.0
    expect_close(ssim(x, x, gaussian_kernel(1.5, size=11).double()), 1.0, "the mean SSIM")


def luma_of_primaries(luma) -> None:
    """One pixel each of black, red, green, blue and white."""
    image = torch.eye(5, dtype=torch.float64)[1:4]
    image[:, 4] = 1.0
    expect_close(luma(image[:, None]), torch.tensor([[16.0, 81.481, 144.553, 40.966, 235.0]]), "the luma")


def luma_of_single_precision(luma) -> None:
    """A picture in float32, higher than wide."""
    image = _random(3, 11, 4, seed=7, dtype=torch.float32)
    red, green, blue = image.double()
    expect_close(luma(image), 16 + 65.481 * red + 128.553 * green + 24.966 * blue, "the luma", tolerance=1e-4)


def mean_of_many(mean_psnr) -> None:
    """A set of seven pictures, and a set of one."""
    decibels = torch.tensor([20.0, 41.0, 33.0, 25.0, 28.0, 37.5, 30.0], dtype=torch.float64)
    expect_close(mean_psnr(10 ** (-decibels / 10)), decibels.mean(), "the mean PSNR")
    expect_close(mean_psnr(10 ** (-decibels[:1] / 10)), 20.0, "the mean PSNR")


def reduction_of_a_fall(reduction) -> None:
    """A method that made it worse."""
    expect_close(reduction(32.0, 30.0), 1 - 10**0.1, "the share")


def reduction_in_two_steps(reduction) -> None:
    """What two steps leave is the product of what each leaves."""
    left = (1 - reduction(27.0, 29.5)) * (1 - reduction(29.5, 41.0))
    expect_close(float(1 - reduction(27.0, 41.0)), float(left), "what is left")


def agreement_of_nine(agreement) -> None:
    """Nine pictures, and values of very different size."""
    first, second = _random(9, seed=8), 1e4 * _random(9, seed=9).pow(5)
    expect_close(agreement(first, second), kendalltau(first.numpy(), second.numpy()).statistic, "τ")


def agreement_of_two(agreement) -> None:
    """Two pictures only."""
    expect_close(agreement(torch.tensor([0.3, 0.2]), torch.tensor([5.0, 7.0])), -1.0, "τ")


HIDDEN = {
    "2.1": (psnr_of_a_shift, psnr_of_nearly_equal),
    "2.2": (luma_of_primaries, luma_of_single_precision),
    "2.3": (ssim_of_another_window, ssim_by_another_library, ssim_of_equal),
    "2.4": (shift_measured,),
    "2.5": (reduction_of_a_fall, reduction_in_two_steps),
    "2.6": (mean_of_many,),
    "2.7": (agreement_of_nine, agreement_of_two),
}
