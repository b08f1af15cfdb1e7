"""Ratios measured in one run, on whatever machine this is: `make bench`."""

import torch
from bench.measure import seconds, table
from torch import Tensor
from torch.nn import functional

from restorelab.losses.edge import edge
from restorelab.losses.pixel import charbonnier
from restorelab.metrics.lpips import LPIPS


def convolved_edges(x: Tensor) -> Tensor:
    """The same filter the usual way: a 5x5 convolution, decimation, zeros between, the convolution again."""
    weights = torch.tensor([0.05, 0.25, 0.4, 0.25, 0.05])
    kernel = torch.outer(weights, weights).expand(x.shape[1], 1, 5, 5)

    def blur(image: Tensor) -> Tensor:
        return functional.conv2d(functional.pad(image, (2, 2, 2, 2), mode="replicate"), kernel, groups=image.shape[1])

    spread = torch.zeros_like(x)
    spread[..., ::2, ::2] = 4 * blur(x)[..., ::2, ::2]
    return x - blur(spread)


def usual_edge(restored: Tensor, clean: Tensor) -> Tensor:
    return charbonnier(convolved_edges(restored), convolved_edges(clean))


def test_edges_of_the_difference_against_the_difference_of_convolved_edges():
    torch.manual_seed(0)
    rows = []
    for batch, side in ((8, 64), (4, 256), (1, 720)):
        restored, clean = torch.rand(batch, 3, side, side, requires_grad=True), torch.rand(batch, 3, side, side)
        torch.testing.assert_close(edge(restored, clean), usual_edge(restored, clean))

        def step(loss, restored=restored, clean=clean):
            return torch.autograd.grad(loss(restored, clean), restored)

        usual, ours = seconds(lambda step=step: step(usual_edge), lambda step=step: step(edge))
        rows.append([f"{batch}x3x{side}x{side}", 1e3 * usual, 1e3 * ours, usual / ours])
    table("Edge loss, forward and backward", ["pictures", "usual (ms)", "ours (ms)", "ratio"], rows)
    assert min(row[-1] for row in rows) > 1.2 and rows[0][-1] > 3  # at the size of training crops


@torch.inference_mode()
def test_lpips_with_kept_features_of_the_clean_pictures():
    torch.manual_seed(0)
    restored, clean = torch.rand(2, 1, 3, 256, 256)
    rows = []
    for trunk in ("alex", "squeeze", "vgg"):
        metric = LPIPS(trunk, stand_in=True)
        kept = metric.features(clean)
        whole, cached = seconds(
            lambda metric=metric: metric(restored, clean),
            lambda metric=metric, kept=kept: metric.distance(metric.features(restored), kept),
        )
        megabytes = sum(x.numel() * x.element_size() for x in kept) / 1e6
        rows.append([trunk, 1e3 * whole, 1e3 * cached, whole / cached, megabytes])
    table("LPIPS of a 256x256 picture", ["trunk", "both (ms)", "kept (ms)", "ratio", "kept (MB)"], rows)
    assert min(row[3] for row in rows) > 1.3
