"""Wrong answers that learners really give to the exercises of chapter 06; see test_exercises.py."""

import torch


def gated(x, squeeze, excite, pool="mean", hidden=torch.relu, last=torch.sigmoid):
    pooled = x.mean((2, 3)) if pool == "mean" else x.amax((2, 3))
    return x * last(hidden(pooled @ squeeze.T) @ excite.T)[:, :, None, None]


def by_pixel(matrix, x):
    return torch.einsum("oc,bchw->bohw", matrix, x)


def attended(x, degraded, features, to_image, gate, seen="image", wire=True, squash=torch.sigmoid):
    residual = by_pixel(to_image, x)
    image = residual + degraded
    looked_at = {"image": image, "residual": residual, "degraded": degraded}[seen]
    return wire * x + by_pixel(features, x) * squash(by_pixel(gate, looked_at)), image


def lacks(height, width, rows, columns):
    return -height % rows, -width % columns


def spread(line, blur, factor=2):
    wide = torch.zeros_like(line)
    wide[::2] = factor * blur(line)[::2]
    return wide


PLANTED = {
    "6.1": (
        lambda x, squeeze, excite: gated(x, squeeze, excite, pool="max"),
        lambda x, squeeze, excite: gated(x, squeeze, excite, hidden=lambda y: y),
        lambda x, squeeze, excite: gated(x, squeeze, excite, last=lambda y: y.softmax(1)),
        lambda x, squeeze, excite: gated(torch.ones_like(x), squeeze, excite),
        lambda x, squeeze, excite: gated(x, squeeze, excite) / x,
    ),
    "6.2": (
        lambda *given: attended(*given, seen="residual"),
        lambda *given: attended(*given, seen="degraded"),
        lambda *given: attended(*given, wire=False),
        lambda *given: attended(*given, squash=lambda y: y),
        lambda *given: attended(*given)[::-1],
        lambda *given: attended(*given)[0],
    ),
    "6.3": (
        lambda height, width, unets: (8 - height % 8, 8 - width % 8),
        lambda height, width, unets: lacks(height, width, 4, 4),
        lambda height, width, unets: lacks(height, width, 4 * 2 ** (unets // 2), 4 * 2 ** ((unets + 1) // 2)),
        lambda height, width, unets: lacks(height, width, 8, 8),
        lambda height, width, unets: lacks(height, width, 8.0, 8.0),
    ),
    "6.4": (
        lambda restored, clean, epsilon: ((restored - clean) ** 2 + epsilon).sqrt().mean(),
        lambda restored, clean, epsilon: ((restored - clean) ** 2 + epsilon**2).mean().sqrt(),
        lambda restored, clean, epsilon: ((restored - clean) ** 2 + epsilon**2).sqrt().sum(),
        lambda restored, clean, epsilon: (restored - clean).abs().mean() + epsilon,
        lambda restored, clean, epsilon: (restored - clean).abs().mean(),
    ),
    "6.5": (
        lambda d, epsilon: d.sign(),
        lambda d, epsilon: d / epsilon,
        lambda d, epsilon: 0.5 / (d**2 + epsilon**2).sqrt(),
        lambda d, epsilon: (d**2 + epsilon**2).sqrt(),
        lambda d, epsilon: 2 * d / (d**2 + epsilon**2).sqrt(),
    ),
    "6.6": (
        lambda line, blur: line - blur(spread(line, blur, factor=1)),
        lambda line, blur: line - blur(blur(line)),
        lambda line, blur: line - blur(blur(line)[::2].repeat_interleave(2)),
        lambda line, blur: line - spread(line, blur),
        lambda line, blur: blur(spread(line, blur)),
        lambda line, blur: line - blur(line),
    ),
    "6.7": (
        lambda stages, clean, distance: distance(stages[-1], clean),
        lambda stages, clean, distance: torch.tensor([distance(stage, clean) for stage in stages]).sum().requires_grad_(),
        lambda stages, clean, distance: sum(distance(stage, clean) for stage in stages) / len(stages),
        lambda stages, clean, distance: sum(distance(stage, clean) for stage in stages).item(),
        lambda stages, clean, distance: distance(stages[0], clean) + sum(distance(stage.detach(), clean) for stage in stages[1:]),
        lambda stages, clean, distance: torch.sum([distance(stage, clean) for stage in stages]),
    ),
    "6.8": (
        lambda milliseconds, psnrs, budget: sum(clock <= budget for clock in milliseconds),
        lambda milliseconds, psnrs, budget: 1 + psnrs.index(max(psnrs)),
        lambda milliseconds, psnrs, budget: sum(sum(milliseconds[: n + 1]) <= budget for n in range(3)),
        lambda milliseconds, psnrs, budget: max((n for n in range(3) if milliseconds[n] <= budget), key=psnrs.__getitem__, default=-1),
    ),
    "6.9": (
        lambda gate, order: gate.mean((1, 2), keepdim=True).expand_as(gate),
        lambda gate, order: gate.flatten(1)[:, order.argsort()].view_as(gate),
        lambda gate, order: torch.stack([one.flatten()[order.roll(n)].view_as(one) for n, one in enumerate(gate)]),
        lambda gate, order: gate.flatten(1)[:, order],
        lambda gate, order: gate,
    ),
    "6.10": (
        lambda iterations, epochs, batch: iterations / epochs,
        lambda iterations, epochs, batch: iterations * batch,
        lambda iterations, epochs, batch: iterations / epochs / batch,
        lambda iterations, epochs, batch: epochs * batch / iterations,
    ),
}
