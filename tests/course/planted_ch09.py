"""Wrong answers that learners really give to the exercises of chapter 09; see test_exercises.py."""

import torch

FIELDS = ("data", "terms", "degradation", "limits", "licence")


def refusal(width, height, most_in=4e6, most_out=16e6, least=16, scale=1, said="{} x {} pixels do not fit: give another picture."):
    bad = width * height > most_in or width * height * scale > most_out or min(width, height) < least
    return said.format(width, height) if bad else ""


def picture(samples, background, white=None, alpha=True, turn=False, repeat=3):
    x = torch.from_numpy(samples.astype("float32")) / (white or 256**samples.dtype.itemsize - 1)
    x = x.permute(2, 0, 1)
    if len(x) in (2, 4):
        a = 1 - x[-1:] if turn else x[-1:]
        x = x[:-1] * a + background * (1 - a) if alpha else x[:-1]
    return x.expand(repeat, -1, -1) if len(x) == 1 else x


def ramps(tile, overlap, first, last, rise):
    weight = torch.ones(tile)
    if not first:
        weight[:overlap] = rise
    if not last:
        weight[-overlap:] = rise.flip(0)
    return weight


def half(overlap):
    return (torch.arange(overlap) + 0.5) / overlap


def reach(layers, dilate=True, stride_first=False, strides=True):
    seen, step = 0, 1
    for kernel, stride, dilation in layers:
        step *= stride if stride_first else 1
        seen += kernel // 2 * (dilation if dilate else 1) * step
        step *= stride if strides and not stride_first else 1
    return seen


def let_in(arrivals, seconds, most, at_work=0, refused_cost=False, forever=False):
    begins, answers = [], []
    for now in arrivals:
        free = begins[-1] + seconds if begins else 0.0
        waiting = len(begins) if forever else sum(begin > now - at_work * seconds for begin in begins)
        enters = waiting < most if forever or at_work else free <= now or waiting < most
        answers.append(enters)
        if enters or refused_cost:
            begins.append(max(now, free))
    return answers


def lacking(card, blank=True, figures=all, keys=("protocol", "on"), empty=True):
    missing = {name for name in FIELDS if (not card.get(name, "").strip() if blank else name not in card)}
    several = card.get("figures", [])
    bad = several and not figures(all(one.get(key) for key in keys) for one in several)
    return missing | ({"figures"} if bad or (empty and not several) else set())


PLANTED = {
    "9.2": (
        lambda w, h, scale: refusal(w, h),
        lambda w, h, scale: refusal(w, h, scale=scale**2, most_in=3_999_999),
        lambda w, h, scale: refusal(w, h, scale=scale**2, least=1),
        lambda w, h, scale: refusal(w, h, scale=scale**2, most_in=16e6),
        lambda w, h, scale: refusal(w, h, scale=scale**2, said="This picture does not fit: give another one."),
        lambda w, h, scale: refusal(w, h, scale=scale**2, said="E_SIZE {} {}"),
        lambda w, h, scale: bool(refusal(w, h, scale=scale**2)),
    ),
    "9.1": (
        lambda samples, background: picture(samples, background, white=255),
        lambda samples, background: picture(samples, background, white=256),
        lambda samples, background: picture(samples, background, alpha=False),
        lambda samples, background: picture(samples, 0.0),
        lambda samples, background: picture(samples, background, turn=True),
        lambda samples, background: picture(samples, background, repeat=1),
        lambda samples, background: picture(samples, background).permute(1, 2, 0),
        lambda samples, background: picture(samples, background).double(),
    ),
    "9.3": (
        lambda length, tile, overlap: list(range(0, length, tile - overlap)),
        lambda length, tile, overlap: list(range(0, max(length - tile, 0) + 1, tile - overlap)),
        lambda length, tile, overlap: [*range(0, max(length - tile, 0), tile), max(length - tile, 0)],
        lambda length, tile, overlap: [*range(0, length - tile + 1, tile - overlap), length - tile],
        lambda length, tile, overlap: [*range(0, length - tile, tile - overlap), length - tile],
        lambda length, tile, overlap: length // tile,
    ),
    "9.5": (
        lambda tile, overlap, first, last: torch.ones(tile),
        lambda tile, overlap, first, last: ramps(tile, overlap, False, False, half(overlap)),
        lambda tile, overlap, first, last: ramps(tile, overlap, first, last, torch.arange(overlap) / overlap),
        lambda tile, overlap, first, last: ramps(tile, overlap, first, last, half(overlap).flip(0)),
        lambda tile, overlap, first, last: ramps(tile, overlap, first, last, (torch.arange(overlap) >= overlap // 2).float()),
        lambda tile, overlap, first, last: ramps(tile, overlap, first, last, half(overlap) ** 2),
        lambda tile, overlap, first, last: ramps(tile, tile // 2, first, last, half(tile // 2)),
        lambda tile, overlap, first, last: half(overlap),
    ),
    "9.4": (
        lambda layers: 2 * reach(layers) + 1,
        lambda layers: reach(layers, dilate=False),
        lambda layers: reach(layers, strides=False),
        lambda layers: reach(layers, stride_first=True),
        lambda layers: sum(kernel for kernel, _, _ in layers),
    ),
    "9.6": (
        lambda small, large, pixels: large[1] / large[0] * pixels,
        lambda small, large, pixels: small[1] / small[0] * pixels,
        lambda small, large, pixels: (large[1] - small[1]) / (large[0] - small[0]) * pixels,
        lambda small, large, pixels: small[1] + (large[1] - small[1]) / (large[0] - small[0]) * pixels,
        lambda small, large, pixels: large[1],
    ),
    "9.7": (
        lambda arrivals, seconds: [n * seconds for n in range(len(arrivals))],
        lambda arrivals, seconds: [n * seconds - now for n, now in enumerate(arrivals)],
        lambda arrivals, seconds: [max(n * seconds - now, 0.0) for n, now in enumerate(arrivals)],
        lambda arrivals, seconds: [(n + 1) * seconds for n in range(len(arrivals))],
        lambda arrivals, seconds: len(arrivals) * seconds,
    ),
    "9.8": (
        lambda arrivals, seconds, most: let_in(arrivals, seconds, most, at_work=1),
        lambda arrivals, seconds, most: let_in(arrivals, seconds, most, refused_cost=True),
        lambda arrivals, seconds, most: let_in(arrivals, seconds, most + 1, forever=True),
        lambda arrivals, seconds, most: [True] * len(arrivals),
        lambda arrivals, seconds, most: sum(let_in(arrivals, seconds, most)),
    ),
    "9.9": (
        lambda image, white: (image.clamp(0, 1) * white).floor(),
        lambda image, white: (image * white).round(),
        lambda image, white: (image * white).round() % (white + 1),
        lambda image, white: (image.clamp(0, 1) * (white + 1)).round(),
        lambda image, white: image.clamp(0, 1) * white,
    ),
    "9.10": (
        lambda card: lacking(card, blank=False),
        lambda card: lacking(card, figures=any),
        lambda card: lacking(card, keys=("protocol",)),
        lambda card: lacking(card, empty=False),
        lambda card: set(),
        lambda card: sorted(lacking(card)),
    ),
}
