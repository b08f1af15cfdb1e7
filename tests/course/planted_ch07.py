"""Wrong answers that learners really give to the exercises of chapter 07; see test_exercises.py."""

import torch
from torch.nn import functional as F


def over(layers):
    """Every place's features, divided by their length."""
    return [layer / layer.norm(dim=0, keepdim=True) for layer in layers]


def layers_apart(a, b, heads, rule):
    return sum(rule(head[:, None, None], x, y) for x, y, head in zip(a, b, heads, strict=True))


def pays(real, fake, of_real, of_fake):
    return sum(of_real(one).mean() for one in real) + sum(of_fake(one).mean() for one in fake)


def pasted(real, fake, rows, columns, into):
    mixed = into.clone()
    mixed[..., rows, columns] = (real if into is fake else fake)[..., rows, columns]
    return mixed


def matched(fake, real, distance):
    return sum(distance(a, b) for a, b in zip(fake, real, strict=True)) / len(fake)


PLANTED = {
    "7.1": (
        lambda height, width, scale: 3 * height * width / scale**2,
        lambda height, width, scale: height * width * (1 - 1 / scale**2),
        lambda height, width, scale: 3 * height * width * (1 - 1 / scale),
        lambda height, width, scale: 1 - 1 / scale**2,
        lambda height, width, scale: 3 * height * width,
    ),
    "7.2": (
        lambda image, small, shrink, enlarge: image + enlarge(shrink(image) - small),
        lambda image, small, shrink, enlarge: enlarge(small),
        lambda image, small, shrink, enlarge: image + enlarge(small),
        lambda image, small, shrink, enlarge: enlarge(small - shrink(image)),
    ),
    "7.3": (
        lambda a, b, heads: layers_apart(a, b, heads, lambda head, x, y: (head * (x - y) ** 2).sum(0).mean()),
        lambda a, b, heads: layers_apart(over(a), over(b), heads, lambda head, x, y: ((x - y) ** 2).sum(0).mean()),
        lambda a, b, heads: layers_apart(over(a), over(b), heads, lambda head, x, y: (head * (x - y) ** 2).mean()),
        lambda a, b, heads: layers_apart(over(a), over(b), heads, lambda head, x, y: (head * (x - y) ** 2).sum()),
        lambda a, b, heads: layers_apart(over(a), over(b), heads, lambda head, x, y: (head * (x - y) ** 2).sum(0).mean()) / len(heads),
    ),
    "7.4": (
        lambda real, fake: pays(real, fake, lambda one: (1 + one).relu(), lambda one: (1 - one).relu()),
        lambda real, fake: pays(real, fake, lambda one: 1 - one, lambda one: 1 + one),
        lambda real, fake: (1 - real[1]).relu().mean() + (1 + fake[1]).relu().mean(),
        lambda real, fake: pays(real, fake, lambda one: (1 - one).relu(), lambda one: (1 + one).relu()) / 2,
        lambda real, fake: sum((1 - one).relu().mean() for one in real),
    ),
    "7.5": (
        lambda real, fake, top, left, rows, columns: pasted(real, fake, slice(top, top + rows), slice(left, left + columns), real),
        lambda real, fake, top, left, rows, columns: pasted(real, fake, slice(left, left + columns), slice(top, top + rows), fake),
        lambda real, fake, top, left, rows, columns: pasted(real, fake, slice(top, rows), slice(left, columns), fake),
        lambda real, fake, top, left, rows, columns: (real + fake) / 2,
    ),
    "7.6": (
        lambda real, fake, mixed, mask: (mixed - mask * fake - (1 - mask) * real).square().mean(),
        lambda real, fake, mixed, mask: (mixed - mask * real).square().mean(),
        lambda real, fake, mixed, mask: (mixed - (real + fake) / 2).square().mean(),
        lambda real, fake, mixed, mask: (mixed - mask * real - (1 - mask) * fake).abs().mean(),
    ),
    "7.7": (
        lambda logits, mask: (1 + logits).relu().mean(),
        lambda logits, mask: (1 - logits).relu().mean(),
        lambda logits, mask: (1 - mask * logits).relu().mean(),
        lambda logits, mask: (1 + (2 * mask - 1) * logits).relu().mean(),
        lambda logits, mask: ((1 + logits).relu() * (1 - mask)).mean(),
    ),
    "7.8": (
        lambda fake, real, delta: matched(fake, real, lambda a, b: F.smooth_l1_loss(a, b.detach(), beta=delta)),
        lambda fake, real, delta: matched(fake, real, lambda a, b: F.huber_loss(a, b, delta=delta)),
        lambda fake, real, delta: matched(fake, real, lambda a, b: F.l1_loss(a, b.detach())),
        lambda fake, real, delta: 3 * matched(fake, real, lambda a, b: F.huber_loss(a, b.detach(), delta=delta)),
        lambda fake, real, delta: matched(fake, real, lambda a, b: F.huber_loss(a.detach(), b.detach(), delta=delta)),
    ),
    "7.9": (
        lambda step, begun: min(0.5, step / 100_000),
        lambda step, begun: min(0.5, (step - begun) / 100_000),
        lambda step, begun: max(0, step - begun) / 100_000,
        lambda step, begun: torch.tensor(0.5),
    ),
    "7.10": (
        lambda psnr_a, psnr_b, distance_a, distance_b: ((psnr_a > psnr_b) != (distance_a > distance_b)).float().mean(),
        lambda psnr_a, psnr_b, distance_a, distance_b: ((psnr_a > psnr_b) != (distance_a < distance_b)).float().sum(),
        lambda psnr_a, psnr_b, distance_a, distance_b: (psnr_a > psnr_b).float().mean(),
        lambda psnr_a, psnr_b, distance_a, distance_b: (distance_a < distance_b).float().mean(),
    ),
}
