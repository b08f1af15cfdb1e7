"""Slips that a visible check lets through and a hidden test does not: exercise -> such an answer.

Learners write them while they look at one example: its sizes stand in the code, or a case that it does not have is missing.
"""

import functools
import math
import operator

import torch
from skimage.metrics import structural_similarity
from torch.nn import functional as F

from restorelab.losses.edge import WEIGHTS
from restorelab.ops.bicubic_kernels import keys_cubic
from restorelab.ops.resize import downsample_bicubic, resize_bicubic


def own_ssim(x, y, window):
    theirs = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    return structural_similarity(x.numpy(), y.numpy(), **theirs)


def elementwise(real, fake, margin):
    return ((real - fake.mean() - margin) ** 2 + (fake - real.mean() + margin) ** 2).mean() / 2


def field(layers):
    side = layers[-1][0]
    for kernel, stride in reversed(layers[:-1]):
        side = (side - 1) * stride + kernel
    return side


def normalised(x):
    pixels = x.reshape(2, 3, 20)
    mean, var = pixels.mean(2), pixels.var(2, correction=0)
    return (x - mean.view(2, 3, 1, 1)) / (var.view(2, 3, 1, 1) + 1e-5).sqrt()


def told(image, code, sigma):
    h, w = image.shape[-2:]
    return torch.cat([image, code[:, :, None, None].expand(-1, -1, h, w), sigma.view(2, 1, 1, 1).expand(-1, -1, h, w) / 255], dim=1)


def of_three_colours(image, kernels):
    (b, _, h, w), k = image.shape, kernels.shape[1]
    windows = F.unfold(F.pad(image, (k // 2,) * 4, mode="replicate"), k).reshape(b, 3, k, k, h, w)
    return torch.einsum("bcijyx,bijyx->bcyx", windows, kernels)


def laid_out(values):
    b, _, s, _, h, w = values.shape
    return values.permute(0, 1, 4, 2, 5, 3).reshape(b, 3, h * s, w * s)


def own_curve(s, cubic):
    return keys_cubic(torch.arange(-2.0, 3.0, dtype=torch.float64) - ((torch.arange(s, dtype=torch.float64) + 0.5) / s - 0.5)[:, None])


def attended(x, squeeze, excite):
    return x * torch.sigmoid(torch.relu(x.mean((2, 3)).squeeze() @ squeeze.T) @ excite.T)[:, :, None, None]


def of_four_channels(x, degraded, features, to_image, gate):
    image = degraded + F.conv2d(x, to_image.view(3, 4, 1, 1))
    return x + F.conv2d(x, features.view(4, 4, 1, 1)) * F.conv2d(image, gate.view(4, 3, 1, 1)).sigmoid(), image


def own_blur(line, blur):
    def blurred(values):
        padded = F.pad(values[None, None], (2, 2), mode="replicate")
        return F.conv1d(padded, torch.tensor(WEIGHTS, dtype=values.dtype)[None, None])[0, 0]

    spread = torch.zeros_like(line)
    spread[::2] = 2 * blurred(line)[::2]
    return line - blurred(spread)


def without_guard(a, b, heads):
    a, b = ([layer / layer.norm(dim=0, keepdim=True) for layer in layers] for layers in (a, b))
    return sum((head[:, None, None] * (x - y) ** 2).sum(0).mean() for x, y, head in zip(a, b, heads, strict=True))


def of_one_size(real, fake, top, left, rows, columns):
    mask = torch.zeros(6, 8)
    mask[top : top + rows, left : left + columns] = 1
    return mask * real + (1 - mask) * fake


def unclamped(ps):
    order, out = ps.argsort(), torch.empty_like(ps)
    out[order] = (ps[order] * torch.arange(len(ps), 0, -1)).cummax(0).values
    return out


def word(low, high, per_seed, published):
    if low * high < 0 or len({one > 0 for one in per_seed}) > 1:
        return "too close to call"
    return "agrees" if (low + high) * published > 0 else "disagrees"


def of_bright_files(samples, background):
    x = torch.from_numpy(samples.astype("float32") / (65535 if samples.max() > 255 else 255)).permute(2, 0, 1)
    return (x[:-1] * x[-1:] + background * (1 - x[-1:]) if len(x) in (2, 4) else x).expand(3, -1, -1)


def no_long_sides(width, height, scale):
    bad = width * height > 4e6 or width * height * scale**2 > 16e6 or min(width, height) < 16 or max(width, height) > 4000
    return f"{width} x {height} pixels do not fit: give another picture." if bad else ""


def reach(layers):
    seen, step = 0, 1
    for kernel, stride, dilation in layers:
        seen += kernel // 2 * max(dilation, step)
        step *= stride
    return seen


def never_both(tile, overlap, first, last):
    weight, ramp = torch.ones(tile), (torch.arange(overlap) + 0.5) / overlap
    if first:
        weight[-overlap:] = ramp.flip(0)
    elif last:
        weight[:overlap] = ramp
    else:
        weight[:overlap], weight[-overlap:] = ramp, ramp.flip(0)
    return weight


def waits(arrivals, seconds):
    free, found = arrivals[0] + seconds, [0.0]
    for now in arrivals[1:]:
        found.append(max(free - now, 0.0))
        free = max(now, free) + seconds
    return found


def still_waiting(arrivals, seconds, most):
    begins, answers = [], []
    for now in arrivals:
        free = begins[-1] + seconds if begins else now
        answers.append(free <= now or sum(begin >= now for begin in begins[1:]) < most)
        begins += [max(now, free)] * answers[-1]
    return answers


def lacking(card):
    missing = {name for name in ("data", "terms", "degradation", "limits", "licence") if not card.get(name, "").strip()}
    figures = card.get("figures", [])
    return missing | (set() if figures and all("protocol" in one and "on" in one for one in figures) else {"figures"})


SLIPS = {
    "2.1": lambda restored, clean: -10 * ((restored - clean).square().mean() + 1e-8).log10(),
    "2.2": lambda image: 16 + torch.einsum("c,chw->hw", torch.tensor([65.481, 128.553, 24.966], dtype=torch.float64), image),
    "2.3": own_ssim,
    "2.5": lambda old, new: max(0.0, 1 - 10 ** ((old - new) / 20)),
    "2.6": lambda mses: (-10 * mses.log10()).sum() / 3,
    "2.7": lambda a, b: (torch.sign(a[:, None] - a) * torch.sign(b[:, None] - b)).sum() / 30,
    "3.1": lambda tap, weight, coarser: torch.einsum("oc,bchw->bohw", weight, tap) + F.interpolate(coarser, size=(6, 8)),
    "3.5": elementwise,
    "3.6": field,
    "3.8": normalised,
    "4.1": lambda kernel, matrix: matrix @ kernel.T.reshape(25),
    "4.2": told,
    "4.3": of_three_colours,
    "4.5": laid_out,
    "4.6": own_curve,
    "4.7": lambda taps: taps.reshape(3, 3).T if len(taps) == 9 else taps.reshape(5, 5).T,
    "6.1": attended,
    "6.2": of_four_channels,
    "6.3": lambda height, width, unets: (-height % (8 * ((unets + 1) // 2)), -width % (4 * max(1, 2 * (unets // 2)))),
    "6.4": lambda restored, clean, epsilon: ((restored - clean) ** 2 + epsilon**2).sqrt().mean((1, 2, 3)).mean(),
    "6.5": lambda d, epsilon: torch.tensor([float(one) / (float(one) ** 2 + epsilon**2) ** 0.5 for one in d]),
    "6.6": own_blur,
    "6.8": lambda clocks, psnrs, budget: max((n for n in (1, 2, 3) if clocks[n - 1] <= budget), key=lambda n: psnrs[n - 1], default=0),
    "6.9": lambda gate, order: gate.reshape(3, 20)[:, order].reshape(3, 4, 5),
    "7.2": lambda image, small, shrink, enlarge: image + resize_bicubic((small - downsample_bicubic(image[None], 4)[0])[None], scale=4)[0],
    "7.3": without_guard,
    "7.4": lambda real, fake: sum((F.relu(1 - one) + F.relu(1 + other)).mean() for one, other in zip(real, fake, strict=True)),
    "7.5": of_one_size,
    "7.6": lambda real, fake, mixed, mask: (mixed - mask[0] * real - (1 - mask[0]) * fake).square().mean(),
    "7.7": lambda logits, mask: F.relu(1 - (2 * mask[0] - 1) * logits).mean(),
    "7.8": lambda fake, real, delta: sum(F.huber_loss(a, b.detach(), delta=delta) for a, b in zip(fake, real, strict=True)) / 3,
    "7.9": lambda step, begun: min(0.5, max(0, step - 75_000) / 100_000),
    "7.10": lambda psnr_a, psnr_b, distance_a, distance_b: ((psnr_a > psnr_b) != (distance_a < distance_b)).sum() / 5,
    "8.1": lambda whole, without: (without - whole).sum(0) / 3,
    "8.2": lambda gaps, picks: gaps[picks.flatten()].view(500, 9).mean(1).quantile(torch.tensor([0.025, 0.975], dtype=gaps.dtype)),
    "8.3": lambda std, effect: round(((1.959964 + 0.841621) * std / effect) ** 2),
    "8.4": lambda gaps, signs: ((signs * gaps).mean(1).abs() >= gaps.mean().abs() - 1e-9).sum() / 32,
    "8.5": unclamped,
    "8.6": lambda axes, seeds, minutes: functools.reduce(operator.mul, axes.values()) * seeds * minutes,
    "8.7": word,
    "8.9": lambda gains, chosen, choices: (gains[choices[:, 0]] + gains[choices[:, 1]] < 2 * gains[chosen].mean() - 1e-9).double().mean(),
    "9.1": of_bright_files,
    "9.2": no_long_sides,
    "9.3": lambda length, tile, overlap: [max(0, min(n, length - tile)) for n in range(0, length - overlap, tile - overlap)],
    "9.4": reach,
    "9.5": never_both,
    "9.6": lambda small, large, pixels: max(small[1], small[1] + (large[1] - small[1]) / (large[0] - small[0]) * (pixels - small[0])),
    "9.7": waits,
    "9.8": still_waiting,
    "9.9": lambda image, white: torch.tensor([math.floor(min(max(float(one), 0.0), 1.0) * white + 0.5) for one in image]),
    "9.10": lacking,
}
