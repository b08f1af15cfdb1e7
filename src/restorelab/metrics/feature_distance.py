"""How far apart two pictures are in the features of a network: the arithmetic that LPIPS and the course trunk share.

Zhang, Isola, Efros, Shechtman and Wang 2018 (CVPR, arXiv:1801.03924). The features of every pixel are scaled to length 1; the squared
differences are weighted per channel by non-negative heads, averaged over the picture, and summed over the layers.
"""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from restorelab.errors import ParameterError
from restorelab.metrics.pixels import RANGE_TOLERANCE

EPSILON = 1e-10  # added to the squared length of a pixel's features

Features = tuple[Tensor, ...]


class FeatureDistance(nn.Module):
    """distance(restored, clean) -> one number per picture, 0 for equal ones.

    `trunk`: pictures in [0, 1] -> one tensor `b c h w` per layer; `heads`: per layer the weights of its channels, `1 c 1 1`;
    `label`: what stands beside every number; `min_side`: the shortest side that the trunk takes.

    To score several systems on one set, keep `features(clean)` and call `distance(features(restored), kept)`: the clean pictures go
    through the trunk once.
    """

    def __init__(self, trunk: nn.Module, heads: list[Tensor], label: str, min_side: int):
        super().__init__()
        self.trunk, self.label, self.min_side = trunk, label, min_side
        for number, head in enumerate(heads):
            self.register_buffer(f"head{number}", head)

    def forward(self, restored: Tensor, clean: Tensor) -> Float[Tensor, " b"]:
        """Of two batches `b 3 h w`. Raises ParameterError unless both are RGB in [0, 1], finite, of one size and large enough."""
        if restored.shape != clean.shape or restored.ndim != 4 or restored.shape[1] != 3:
            shapes = f"restored is {tuple(restored.shape)} and clean is {tuple(clean.shape)}"
            raise ParameterError(f"{shapes}; {self.label} compares two batches of one shape (b, 3, h, w), with colours.")
        return self.distance(self.features(restored), self.features(clean))

    def features(self, images: Float[Tensor, "b 3 h w"], check: bool = True) -> Features:
        """What `distance` compares: per layer `b c h w`, every pixel of length 1. Raises ParameterError as `forward` does.

        `check=False` lets a network's output overshoot [0, 1], as it does in training.
        """
        height, width = images.shape[-2:]
        if min(height, width) < self.min_side:
            raise ParameterError(f"{self.label} needs sides of at least {self.min_side} pixels; this picture is {height}x{width}.")
        if check:
            check_range(images)
        with torch.autocast(images.device.type, enabled=False):
            return tuple(unit_length(x) for x in self.trunk(images))

    def distance(self, restored: Features, clean: Features) -> Float[Tensor, " b"]:
        """Of two pictures' `features`."""
        with torch.autocast(restored[0].device.type, enabled=False):
            layers = enumerate(zip(restored, clean, strict=True))
            return sum(functional.conv2d((a - b).square(), self.get_buffer(f"head{i}")).mean((1, 2, 3)) for i, (a, b) in layers)

    def local(self, restored: Float[Tensor, "b 3 h w"], clean: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 1 h w"]:
        """The distance place by place: that of every layer, enlarged to the picture's size, added up. Its mean is about the distance.

        Raises ParameterError as `forward` does.
        """
        pairs = zip(self.features(restored), self.features(clean), strict=True)
        layers = (functional.conv2d((a - b).square(), self.get_buffer(f"head{i}")) for i, (a, b) in enumerate(pairs))
        return sum(functional.interpolate(layer, size=clean.shape[-2:], mode="bilinear", align_corners=False) for layer in layers)


def unit_length(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """Every pixel's features, divided by their length; inside the root, the small number keeps the gradient finite where all are 0."""
    return x / (x.square().sum(1, keepdim=True) + EPSILON).sqrt()


def check_range(images: Float[Tensor, "b 3 h w"], name: str = "a picture") -> None:
    """Raise ParameterError unless all values are finite and in [0, 1]."""
    low, high = (float(value) for value in images.detach().aminmax())
    in_range = low >= -RANGE_TOLERANCE and high <= 1 + RANGE_TOLERANCE  # False also when one value is NaN
    if not in_range:
        raise ParameterError(
            f"{name} has values from {low:.4g} to {high:.4g}, but pictures lie in [0, 1]: divide 8-bit values by 255, "
            "map [-1, 1] by (x + 1) / 2, clamp(0, 1) what a network put out."
        )
