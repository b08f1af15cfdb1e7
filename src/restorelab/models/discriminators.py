"""Discriminators: networks that learn to tell restored pictures from real ones, patch by patch or pixel by pixel.

None of them restores anything; a loss listens to them while a restoring network is trained. What they return are logits: higher means
more real, and no sigmoid has been applied.

PatchGAN and DoubleScale: DeblurGAN-v2, Kupyn et al. 2019 (ICCV, arXiv:1908.03826), after Isola et al. 2017 (CVPR, arXiv:1611.07004).
Chapter 03. Kept from the authors' code: padding 2 where pix2pix has 1; a bias before every instance norm, which removes it in training
mode; both scales see the same picture and nothing but it (the paper's figure gives the local one random patches, and calls for the
degraded picture as a condition).

UNetDiscriminator: CIPLab, Jo, Yang and Kim 2020 (CVPR Workshops), after Schönfeld et al. 2020 (CVPR, arXiv:2002.12655). Chapter 07.
Differs from the authors' code: the half of it that never runs (6,142,272 of 12,823,810 parameters: the second convolution, the shortcut and
the second norm of every block) is left out.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

LOCAL, GLOBAL = 3, 5  # depths of DeblurGAN-v2's two scales: 70 and 286 pixels


class PatchGAN(nn.Module):
    """Picture in [0, 1] -> a small map of logits, each of which has seen `receptive_field` x `receptive_field` pixels.

    depth: strided convolutions, each of which halves the resolution; one more and the answer follow. width: channels of the first, at
    most 8 times as many later. The norms are instance norms with running statistics: in training mode they look at the whole picture,
    and it is the convolutions alone that are local.
    """

    def __init__(self, depth: int = LOCAL, channels: int = 3, width: int = 64):
        super().__init__()
        if min(depth, channels, width) < 1:
            raise ValueError(f"depth, channels and width are at least 1; got {depth}, {channels}, {width}")
        self.depth = depth
        widths = [width * min(2**i, 8) for i in range(depth + 1)]
        layers = [nn.Conv2d(channels, width, 4, stride=2, padding=2), nn.LeakyReLU(0.2, inplace=True)]
        for i in range(1, depth + 1):
            layers += [
                nn.Conv2d(widths[i - 1], widths[i], 4, stride=2 if i < depth else 1, padding=2),
                nn.InstanceNorm2d(widths[i], track_running_stats=True),
                nn.LeakyReLU(0.2, inplace=True),
            ]
        self.layers = nn.Sequential(*layers, nn.Conv2d(widths[-1], 1, 4, padding=2))

    @property
    def receptive_field(self) -> int:
        """Side in pixels: 7 for the two last convolutions of 4, and twice as many and 2 more for each strided one."""
        field = 7
        for _ in range(self.depth):
            field = 2 * field + 2
        return field

    def forward(self, image: Float[Tensor, "b c h w"]) -> Float[Tensor, "b 1 h2 w2"]:
        return self.layers(2 * image - 1)  # the authors' network works on [-1, 1]


class DoubleScale(nn.Module):
    """Two PatchGANs that look at the same picture: one judges texture, the other what it is a texture of."""

    def __init__(self, channels: int = 3, width: int = 64):
        super().__init__()
        self.local_scale = PatchGAN(LOCAL, channels, width)
        self.global_scale = PatchGAN(GLOBAL, channels, width)

    def forward(self, image: Float[Tensor, "b c h w"]) -> tuple[Float[Tensor, "b 1 h2 w2"], Float[Tensor, "b 1 h3 w3"]]:
        """-> the local and the global logits."""
        return self.local_scale(image), self.global_scale(image)


@dataclass(frozen=True)
class UNetVerdict:
    """What a U-Net discriminator says of a batch, and what it saw on the way."""

    encoder_map: Float[Tensor, "b 1 h64 w64"]  # logits, one for each 64x64 pixels
    decoder_map: Float[Tensor, "b 1 h w"]  # logits, one for each pixel
    features: tuple[Tensor, ...]  # 6 of the encoder, fine to coarse, then 6 of the decoder, coarse to fine; before the LeakyReLU


def unet_leaky(x: Tensor) -> Tensor:
    """Not in place: what comes in is handed out as a feature."""
    return F.leaky_relu(x, 0.1)


class UNetBlock(nn.Module):
    """[LeakyReLU] -> [twice as large] -> 3x3 convolution -> BatchNorm -> [half as large]."""

    def __init__(self, channels_in: int, channels_out: int, up: bool, first: bool = False):
        super().__init__()
        self.up, self.first = up, first
        self.conv = nn.Conv2d(channels_in, channels_out, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels_out)
        nn.init.kaiming_normal_(self.conv.weight)
        nn.init.zeros_(self.conv.bias)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        if not self.first:
            x = unet_leaky(x)
        if self.up:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        x = self.norm(self.conv(x))
        return x if self.up else F.avg_pool2d(x, 2)


class UNetDiscriminator(nn.Module):
    """Picture in [0, 1], sides in multiples of 64 -> a verdict on the whole and on every pixel.

    width: channels at half resolution; i times as many at 1/2**i. One logit of the encoder has seen 190x190 pixels, one of the decoder
    up to 318x318.
    """

    def __init__(self, channels: int = 3, width: int = 64):
        super().__init__()
        if channels < 1 or width < 2 or width % 2:
            raise ValueError(f"channels is at least 1 and width an even number; got {channels} and {width}")
        self.channels, self.width = channels, width
        down = [channels, *(i * width for i in range(1, 7))]
        up = [*(i * width for i in range(5, 0, -1)), width // 2]
        into = [down[6], *(2 * channels_in for channels_in in up[:-1])]  # from the second block on: the one before and its skip
        self.encoder = nn.ModuleList(UNetBlock(down[i], down[i + 1], up=False, first=i == 0) for i in range(6))
        self.decoder = nn.ModuleList(UNetBlock(into[i], up[i], up=True) for i in range(6))
        self.encoder_out = nn.Conv2d(down[-1], 1, 1)
        self.decoder_out = nn.Conv2d(up[-1], 1, 1)
        for layer in (self.encoder_out, self.decoder_out):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, image: Float[Tensor, "b c h w"]) -> UNetVerdict:
        self._check_size(image)
        encoded, x = [], image
        for block in self.encoder:
            x = block(x)
            encoded.append(x)
        decoded = [self.decoder[0](x)]
        for block, skip in zip(self.decoder[1:], encoded[-2::-1], strict=True):
            decoded.append(block(torch.cat([decoded[-1], skip], dim=1)))
        encoder_map, decoder_map = self.encoder_out(unet_leaky(x)), self.decoder_out(unet_leaky(decoded[-1]))
        return UNetVerdict(encoder_map, decoder_map, (*encoded, *decoded))

    def _check_size(self, image: Tensor) -> None:
        h, w = image.shape[-2:]
        if min(h, w) < 64 or h % 64 or w % 64:
            raise ValueError(
                f"the U-Net discriminator needs sides in multiples of 64, got {h}x{w}; train on crops of {max(h - h % 64, 64)}x"
                f"{max(w - w % 64, 64)}"
            )
