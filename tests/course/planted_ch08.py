"""Wrong answers that learners really give to the exercises of chapter 08; see test_exercises.py."""

import math

import torch

Z = 1.959964 + 0.841621


def word(low, high, published):
    sign = (low > 0) - (high < 0)
    return "agrees" if sign * published > 0 else "disagrees" if sign else "too close to call"


def both(per_seed, low, high, published):
    return word(low, high, published) if len({one > 0 for one in per_seed}) == 1 else "too close to call"


def sorted_holm(ps):
    order = ps.argsort()
    return order, (ps[order] * torch.arange(len(ps), 0, -1)).clamp(max=1)


def unsorted(order, values):
    out = torch.empty_like(values)
    out[order] = values
    return out


PLANTED = {
    "8.1": (
        lambda whole, without: (whole - without).mean(0),
        lambda whole, without: (without - whole).mean(1),
        lambda whole, without: (without - whole).mean(),
        lambda whole, without: without - whole,
    ),
    "8.2": (
        lambda gaps, picks: torch.quantile(gaps, torch.tensor([0.025, 0.975], dtype=gaps.dtype)),
        lambda gaps, picks: torch.quantile(gaps[picks].mean(1), torch.tensor([0.05, 0.95], dtype=gaps.dtype)),
        lambda gaps, picks: (gaps[picks].mean(1).min(), gaps[picks].mean(1).max()),
        lambda gaps, picks: (gaps.mean() - 1.96 * gaps.std() / len(gaps) ** 0.5, gaps.mean() + 1.96 * gaps.std() / len(gaps) ** 0.5),
    ),
    "8.3": (
        lambda std, effect: (Z * std / effect) ** 2,
        lambda std, effect: math.ceil(abs(Z * std / effect)),
        lambda std, effect: math.ceil((1.959964 * std / effect) ** 2),
        lambda std, effect: math.ceil((Z * effect / std) ** 2),
    ),
    "8.4": (
        lambda gaps, signs: ((signs * gaps).mean(1) <= gaps.mean() + 1e-9).double().mean(),
        lambda gaps, signs: ((signs * gaps).mean(1).abs() > gaps.mean().abs() + 1e-9).double().mean(),
        lambda gaps, signs: ((signs * gaps).mean(1).abs() >= gaps.mean().abs() - 1e-9).sum(),
    ),
    "8.5": (
        lambda ps: (ps * len(ps)).clamp(max=1),
        lambda ps: sorted_holm(ps)[1].cummax(0).values,
        lambda ps: unsorted(*sorted_holm(ps)),
    ),
    "8.6": (
        lambda axes, seeds, minutes: math.prod(axes.values()) * seeds,
        lambda axes, seeds, minutes: math.prod(axes.values()) * minutes,
        lambda axes, seeds, minutes: sum(axes.values()) * seeds * minutes,
    ),
    "8.7": (
        lambda low, high, per_seed, published: word(low, high, published),
        lambda low, high, per_seed, published: "agrees" if high < 0 else "too close to call",
        lambda low, high, per_seed, published: both(per_seed, (low + high) / 2, (low + high) / 2, published),
        lambda low, high, per_seed, published: both(per_seed, low, high, -1.0),
    ),
    "8.8": (
        lambda whole, no_a, no_b, neither: neither - whole,
        lambda whole, no_a, no_b, neither: no_a + no_b - 2 * whole,
        lambda whole, no_a, no_b, neither: no_a + no_b - neither - whole,
        lambda whole, no_a, no_b, neither: neither - no_a - no_b,
    ),
    "8.9": (
        lambda gains, chosen, choices: (gains[choices].mean(1) > gains[chosen].mean() + 1e-9).double().mean(),
        lambda gains, chosen, choices: (gains[choices].mean(1) <= gains[chosen].mean() + 1e-9).double().mean(),
        lambda gains, chosen, choices: (gains < gains[chosen].mean()).double().mean(),
        lambda gains, chosen, choices: gains[chosen].mean() - gains.mean(),
    ),
    "8.10": (lambda: {3, 4}, lambda: {4, 5}, lambda: "4 5 6", lambda: {9}),
}
