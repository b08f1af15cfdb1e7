"""Backbones for a feature pyramid: networks made to name things, cut where they show what they saw at five scales.

Every backbone here is called with pictures `b 3 h w` whose sides are multiples of 32, answers with five maps at 1/2, 1/4, 1/8, 1/16
and 1/32 of their size, and says `channels` (of the five maps) and `min_side` (of the smallest picture). Building one touches no network.

MobileNetV2, Sandler et al. 2018 (arXiv:1801.04381), and Inception-ResNet-v2, Szegedy et al. 2016 (arXiv:1602.07261), are cut where the
DeblurGAN-v2 authors cut them, not where timm does; the blocks behind their last cut, which they build and save but never run, are left out.
Any other name is a timm model, cut by timm.
"""

import difflib

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

STRIDES = (2, 4, 8, 16, 32)
TRIAL = 64  # pixels to each side of the picture that a timm model is tried on


class MobileNetV2Taps(nn.Module):
    """torchvision's MobileNetV2, its first 16 blocks."""

    CUTS = (0, 2, 4, 7, 11, 16)  # map i is what blocks CUTS[i] to CUTS[i + 1] end with; 16, the third of 160 channels, is not run
    channels = (16, 24, 32, 64, 160)
    min_side = 32

    def __init__(self):
        super().__init__()
        from torchvision.models import mobilenet_v2  # a slow import, and every command reads the table of systems

        self.features = mobilenet_v2(weights=None).features[: self.CUTS[-1]]

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        taps = []
        for start, stop in zip(self.CUTS, self.CUTS[1:], strict=False):
            x = self.features[start:stop](x)
            taps.append(x)
        return taps


class InceptionResNetV2Taps(nn.Module):
    """timm's Inception-ResNet-v2 up to mixed_7a.

    Its convolutions do not pad, so the maps come out a few pixels small: mirrored edges bring them to size.
    """

    CUTS = (
        ("conv2d_1a",),
        ("conv2d_2a", "conv2d_2b", "maxpool_3a"),
        ("conv2d_3b", "conv2d_4a", "maxpool_5a"),
        ("mixed_5b", "repeat", "mixed_6a"),
        ("repeat_1", "mixed_7a"),
    )
    PADS = ((0, 1, 0, 1), (1, 1, 1, 1), (1, 2, 1, 2), (1, 1, 1, 1), (1, 1, 1, 1))  # left, right, top, bottom
    channels = (32, 64, 192, 1088, 2080)
    min_side = 128  # 96 leaves one pixel at 1/32, which has no neighbour to mirror

    def __init__(self):
        super().__init__()
        import timm  # a slow import, which only its own backbones need

        whole = timm.create_model("inception_resnet_v2", pretrained=False, num_classes=0)
        for names in self.CUTS:
            for name in names:
                self.add_module(name, getattr(whole, name))

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        taps = []
        for names, pads in zip(self.CUTS, self.PADS, strict=True):
            for name in names:
                x = getattr(self, name)(x)
            taps.append(F.pad(x, pads, mode="reflect"))
        return taps


class TimmTaps(nn.Module):
    """Any timm model that shows maps at 1/2 to 1/32 of the picture. Raises ValueError for one that does not."""

    min_side = 32

    def __init__(self, name: str):
        super().__init__()
        import timm

        try:
            self.net = timm.create_model(name, features_only=True, pretrained=False)
            taps = self._try()
        except Exception as error:  # whatever is raised by a model that was not made for this
            raise ValueError(f"timm's {name} cannot be the backbone of a feature pyramid: {error}") from error
        sizes = [TRIAL // tap.shape[-1] if TRIAL % tap.shape[-1] == 0 else None for tap in taps]
        if sizes != list(STRIDES):
            shown = ", ".join("x".join(str(side) for side in tap.shape[-2:]) for tap in taps)
            raise ValueError(
                f"a backbone must show maps at 1/2, 1/4, 1/8, 1/16 and 1/32 of the picture, but of a {TRIAL}x{TRIAL} one timm's {name} "
                f"shows {shown}; resnet18, mobilenetv3_small_050 and efficientnet_b0 are among those that fit"
            )
        self.channels = tuple(tap.shape[1] for tap in taps)

    def _try(self) -> list[Tensor]:
        """The maps of an empty picture: the strides that timm lists are rounded for models whose convolutions do not pad."""
        self.net.eval()
        with torch.no_grad():
            taps = self.net(torch.zeros(1, 3, TRIAL, TRIAL))
        self.net.train()
        return taps

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Tensor]:
        return self.net(x)


def check_name(name: str, own: tuple[str, ...]) -> None:
    """Raises ValueError, with the names that are most like it, when `name` is none of `own` and no timm model."""
    if name in own:
        return
    import timm

    if not timm.is_model(name):
        close = difflib.get_close_matches(name, [*own, *timm.list_models()])
        hint = f"did you mean {' or '.join(close)}?" if close else "timm.list_models() lists the names."
        raise ValueError(f"there is no backbone {name!r}: it is {', '.join(own)}, or the name of a timm model; {hint}")


def build_backbone(name: str) -> nn.Module:
    """The backbone of this name, with random weights. Raises ValueError when it cannot give the five maps."""
    if name == "mobilenet_v2":
        return MobileNetV2Taps()
    return InceptionResNetV2Taps() if name == "inception_resnet_v2" else TimmTaps(name)
