"""Distances in the features of networks that learned to see, as losses.

Both take pictures in [0, 1]. The clean one is checked; the restored one may overshoot, since a clamp would take away the gradient
that pulls it back. Their networks are frozen, stay in evaluation mode whatever `.train()` says, and hold their constants in
buffers, which follow `.to(device)`.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.losses.pixel import mse
from restorelab.metrics.course_trunk import perceptual_distance
from restorelab.metrics.feature_distance import FeatureDistance, check_range
from restorelab.metrics.lpips import LPIPS
from restorelab.trunks import State, Trunk

CONV3_3 = 14  # of torchvision's VGG19: the convolution itself, before its ReLU


class VGGContent(nn.Module):
    """DeblurGAN-v2's content loss (there with weight 0.006): squared distance of VGG19's conv3_3, before its ReLU.

    Differs from the authors' code: every picture of the batch is normalised for ImageNet, not the first alone, and nothing is
    changed in place, so that a pixel loss beside it sees the pictures. `trunk_state`, `stand_in`: as for `restorelab.trunks.Trunk`.
    """

    def __init__(self, trunk_state: State | None = None, stand_in: bool = False):
        super().__init__()
        self.label = "stand-in VGG19 content (random trunk)" if stand_in else "VGG19 content"
        self.trunk = Trunk("vgg19", (CONV3_3,), trunk_state, stand_in)

    def forward(self, restored: Float[Tensor, "b 3 h w"], clean: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
        check_range(clean, "clean")
        with torch.no_grad():
            (wanted,) = self.trunk(clean)
        (found,) = self.trunk(restored)
        return mse(found, wanted)


class PerceptualLoss(nn.Module):
    """Mean distance of the batch in the features of a network: LPIPS where its trunk is on this machine, else the course trunk.

    `metric`: the distance; None asks `perceptual_distance`, which downloads nothing. `label` says which it is.
    """

    def __init__(self, metric: FeatureDistance | None = None):
        super().__init__()
        self.metric = perceptual_distance() if metric is None else metric
        self.label = self.metric.label

    def forward(self, restored: Float[Tensor, "b 3 h w"], clean: Float[Tensor, "b 3 h w"]) -> Float[Tensor, ""]:
        with torch.no_grad():
            wanted = self.metric.features(clean)
        return self.metric.distance(self.metric.features(restored, check=False), wanted).mean()


class LPIPSLoss(PerceptualLoss):
    """LPIPS and nothing else (CIPLab x16: alex, weight 1e-3). Arguments as for `restorelab.metrics.lpips.LPIPS`."""

    def __init__(self, trunk: str = "alex", trunk_state: State | None = None, stand_in: bool = False):
        super().__init__(LPIPS(trunk, trunk_state, stand_in))
