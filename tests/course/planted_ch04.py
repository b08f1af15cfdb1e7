"""Wrong answers that learners really give to the exercises of chapter 04; see test_exercises.py."""

import torch
from torch.nn import functional as F


def filtered(image, kernels, mode="replicate"):
    k = kernels.shape[1]
    windows = F.unfold(F.pad(image, (k // 2,) * 4, mode=mode), k).unflatten(1, (image.shape[1], k, k)).unflatten(4, image.shape[-2:])
    return torch.einsum("bcijyx,bijyx->bcyx", windows, kernels)


def stretched(image, code, sigma, first=()):
    h, w = image.shape[-2:]
    maps = [part[:, :, None, None].expand(-1, -1, h, w) for part in (code, sigma[:, None])]
    return torch.cat([maps[i] for i in first] + [image] + [part for i, part in enumerate(maps) if i not in first], dim=1)


def line(s, cubic, shift=0.5, sign=-1):
    place = (torch.arange(s, dtype=torch.float64) + shift) / s - shift
    return cubic(torch.arange(-2, 3, dtype=torch.float64) + sign * place[:, None])


def laid_out(values, *order):
    b, c, s, _, h, w = values.shape
    return values.permute(*order).reshape(b, c, h * s, w * s)


PLANTED = {
    "4.1": (
        lambda kernel, matrix: matrix @ kernel.flatten(),
        lambda kernel, matrix: matrix @ kernel.flip(0, 1).flatten(),
        lambda kernel, matrix: matrix @ (kernel - kernel.mean()).T.flatten(),
        lambda kernel, matrix: kernel,
    ),
    "4.2": (
        lambda image, code, sigma: stretched(image, code, sigma),
        lambda image, code, sigma: stretched(image, code, sigma / 255, first=(1,)),
        lambda image, code, sigma: stretched(image, code, sigma / 255, first=(0, 1)),
        lambda image, code, sigma: stretched(image, code, sigma / 255)[:, :-1],
        lambda image, code, sigma: stretched(image, code[:1].expand(2, -1), sigma[:1].expand(2) / 255),
    ),
    "4.3": (
        lambda image, kernels: filtered(image, kernels.transpose(1, 2)),
        lambda image, kernels: filtered(image, kernels.flip(1, 2)),
        lambda image, kernels: filtered(image, kernels, "constant"),
        lambda image, kernels: filtered(image, kernels).sum(1),
        lambda image, kernels: image,
    ),
    "4.4": (
        lambda b, c, h, w, k: b * c * h * w * k * k,
        lambda b, c, h, w, k: 4 * b * h * w * k * k,
        lambda b, c, h, w, k: 4 * b * c * h * w * k,
        lambda b, c, h, w, k: 4 * b * c * h * w,
    ),
    "4.5": (
        lambda values: laid_out(values, 0, 1, 2, 3, 4, 5),
        lambda values: laid_out(values, 0, 1, 4, 3, 5, 2),
        lambda values: laid_out(values, 0, 1, 2, 4, 3, 5),
        lambda values: values[:, :, 0, 0],
    ),
    "4.6": (
        lambda s, cubic: line(s, cubic, shift=0),
        lambda s, cubic: line(s, cubic, sign=1),
        lambda s, cubic: line(s, cubic).T,
        lambda s, cubic: line(s, lambda x: (1 - x.abs()).clamp(min=0)),
    ),
    "4.7": (
        lambda taps: taps.unflatten(0, (round(len(taps) ** 0.5),) * 2),
        lambda taps: taps.unflatten(0, (round(len(taps) ** 0.5),) * 2).T.flip(0, 1),
        lambda taps: taps.unflatten(0, (round(len(taps) ** 0.5),) * 2).flip(1),
        lambda taps: taps,
    ),
    "4.8": (
        lambda scale, radius, refinements: radius * (1 + refinements),
        lambda scale, radius, refinements: scale * radius * (1 + refinements),
        lambda scale, radius, refinements: scale * radius,
        lambda scale, radius, refinements: 7,
    ),
    "4.9": (
        lambda scale, kernel_size, width: (4 * kernel_size**2, 4 * width),
        lambda scale, kernel_size, width: (scale**2 * kernel_size**2, width // scale**2),
        lambda scale, kernel_size, width: (kernel_size**2, scale**2 * width),
        lambda scale, kernel_size, width: (scale * kernel_size**2, scale**2 * width),
        lambda scale, kernel_size, width: (scale**2 * kernel_size**2, width / scale),
    ),
}
