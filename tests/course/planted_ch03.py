"""Wrong answers that learners really give to the exercises of chapter 03; see test_exercises.py."""

import torch
from torch.nn import functional as F


def seen(tap, weight):
    return torch.einsum("oc,bchw->bohw", weight, tap)


def decoder(c, width, biases=True, first=2):
    half, quarter = width // 2, width // 4
    weights = c[0] * width // first + sum(c[1:]) * width + 27 * width**2 + 36 * (width * half + half**2)
    weights += 36 * half**2 + 9 * half * quarter + 27 * quarter
    return weights + biases * (3 * width + half + quarter + 3)


def normalised(x, axes, correction=0, eps=1e-5):
    return (x - x.mean(axes, keepdim=True)) / (x.var(axes, keepdim=True, correction=correction) + eps).sqrt()


def half(a, b):
    return (a.square().mean() + b.square().mean()) / 2


def forwards(layers):
    field = 1
    for kernel, stride in layers:
        field = field * stride + kernel - stride
    return field


def warmed(net, optimizer):
    net.backbone.requires_grad_(True)
    return optimizer


def forgetful(net, optimizer):
    net.requires_grad_(True)
    return torch.optim.Adam(net.parameters(), lr=1e-3)


def cold(net, optimizer):
    optimizer.add_param_group({"params": list(net.backbone.parameters())})
    return optimizer


FOUND = {3: "not initialised", 12: "deprecated", 19: "channels", 20: "channels", 24: "misspelt", 28: "misspelt", 35: "deprecated"}

PLANTED = {
    "3.1": (
        lambda tap, weight, coarser: seen(tap, weight) + F.interpolate(coarser, scale_factor=2, mode="bilinear"),
        lambda tap, weight, coarser: F.interpolate(coarser, scale_factor=2),
        lambda tap, weight, coarser: torch.cat([seen(tap, weight), F.interpolate(coarser, scale_factor=2)], dim=1),
        lambda tap, weight, coarser: seen(tap, weight) + coarser.tile(1, 1, 2, 2),
    ),
    "3.2": (lambda: "EJHIFC", lambda: "EJAHI", lambda: "EDAHIFC", lambda: "EJAHIGC", lambda: "JEAHIFC", lambda: 7, lambda: "EJAHIFZ"),
    "3.3": (
        lambda h, w, a, b, k, s: h * w * a * b * k * k,
        lambda h, w, a, b, k, s: 2 * (h // s) * (w // s) * a * b * k * k,
        lambda h, w, a, b, k, s: (h // s) * (w // s) * a * b * k,
        lambda h, w, a, b, k, s: a * b * k * k,
    ),
    "3.4": (
        lambda c, width: decoder(c, width, biases=False),
        lambda c, width: decoder(c, width, first=1),
        lambda c, width: decoder(c, width) + 4 * width,
        lambda c, width: decoder(c, width) - 36 * (width // 2) ** 2,
    ),
    "3.5": (
        lambda real, fake, m: 2 * half(real - fake.mean() - m, fake - real.mean() + m),
        lambda real, fake, m: half(real - m, fake + m),
        lambda real, fake, m: half(real - real.mean() - m, fake - fake.mean() + m),
        lambda real, fake, m: half(real - fake.mean() + m, fake - real.mean() - m),
        lambda real, fake, m: half(real - fake.mean() - m, fake - real.mean() - m),
    ),
    "3.6": (
        forwards,
        lambda layers: 1 + sum(kernel - 1 for kernel, _ in layers),
        lambda layers: 2 ** sum(stride == 2 for _, stride in layers),
    ),
    "3.7": (warmed, forgetful, cold, lambda net, optimizer: net),
    "3.8": (
        lambda x: normalised(x, (0, 2, 3)),
        lambda x: normalised(x, (1, 2, 3)),
        lambda x: normalised(x, (2, 3), correction=1),
        lambda x: normalised(x, (2, 3), eps=0.0),
        lambda x: x - x.mean((2, 3), keepdim=True),
    ),
    "3.9": (
        lambda: FOUND,
        lambda: FOUND | {14: "channels"},
        lambda: FOUND | {37: "deprecated"},
        lambda: {3: "channels"},
        lambda: {3: "ugly"},
        lambda: {3, 12},
    ),
}
