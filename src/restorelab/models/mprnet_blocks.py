"""What MPRNet is put together from (`mprnet.py` says how): attention, what goes between stages, and pieces of a picture."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Window = tuple[int, int]  # rows and columns that a mean is taken over
Region = tuple[slice, slice]  # rows and columns of the whole picture, in pixels
Gate = float | Tensor | Callable[[Tensor], Tensor]  # instead of a SAM's mask: a number, another `b c h w`, or what a function makes of it


def conv3(width_in: int, width_out: int) -> nn.Conv2d:
    return nn.Conv2d(width_in, width_out, 3, padding=1, bias=False)


def conv1(width_in: int, width_out: int) -> nn.Conv2d:
    return nn.Conv2d(width_in, width_out, 1, bias=False)


def halve(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2)  # on even sizes, bilinear interpolation to 1/2 is just that


def enlarge(x: Tensor, times: int = 1) -> Tensor:
    """Doubled, `times` times. Twice by 2 is not once by 4."""
    for _ in range(times):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
    return x


def local_mean(x: Float[Tensor, "b c h w"], window: Window) -> Float[Tensor, "b c rows columns"]:
    """The means over all windows that fit into the map, one for each place; of a side that is shorter than the window, the whole.

    Differences of cumulative sums: the work does not depend on the window. In float32, because bfloat16 cannot count that far.
    """
    mean = x.float()
    for dim, length in zip((-2, -1), window, strict=True):
        length = min(length, x.shape[dim])
        places = x.shape[dim] - length + 1
        sums = F.pad(mean, (1, 0) if dim == -1 else (0, 0, 1, 0)).cumsum_(dim)
        mean = (sums.narrow(dim, length, places) - sums.narrow(dim, 0, places)) / length
    return mean.to(x.dtype)


def spread(x: Float[Tensor, "b c rows columns"], height: int, width: int) -> Float[Tensor, "b c height width"]:
    """From the windows that fit to every pixel: each has the window around it, near the border the last one that fits."""
    rows, columns = height - x.shape[-2], width - x.shape[-1]
    return F.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2), mode="replicate")


class ChannelAttention(nn.Module):
    """How much of each channel to let through, in (0, 1), from the means of all of them."""

    def __init__(self, width: int, reduction: int, window: Window | None):
        super().__init__()
        self.window = window
        self.squeeze = conv1(width, width // reduction)
        self.excite = conv1(width // reduction, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c #h #w"]:
        if self.window is None or self.training:
            return self._gate(x.mean((-2, -1), keepdim=True))
        return spread(self._gate(local_mean(x, self.window)), *x.shape[-2:])  # pixel by pixel, so the border can wait

    def _gate(self, mean: Tensor) -> Tensor:
        return self.excite(self.squeeze(mean).relu()).sigmoid()


class CAB(nn.Module):
    """Channel attention block: two convolutions, each channel weighted, beside a straight wire. `slope` is the network's one PReLU."""

    def __init__(self, width: int, reduction: int, window: Window | None):
        super().__init__()
        self.conv1 = conv3(width, width)
        self.conv2 = conv3(width, width)
        self.attention = ChannelAttention(width, reduction, window)

    def forward(self, x: Tensor, slope: Tensor) -> Tensor:
        y = self.conv1(x)
        y = F.prelu(y, slope.to(y.dtype))  # prelu wants one dtype, and y may be bfloat16
        y = self.conv2(y)
        return torch.addcmul(x, y, self.attention(y))


class SAM(nn.Module):
    """Supervised attention: the picture just restored says, pixel by pixel and channel by channel, what of the features to stress."""

    def __init__(self, width: int, channels: int):
        super().__init__()
        self.features = conv1(width, width)
        self.gate = conv1(channels, width)

    def forward(self, x: Tensor, image: Tensor, override: Gate | None) -> tuple[Tensor, Tensor]:
        """-> the features to go on with, and the mask in [0, 1] that they were stressed by."""
        mask = self.gate(image).sigmoid()
        if override is not None:
            other = override(mask) if callable(override) else torch.as_tensor(override)
            mask = other.to(mask).expand_as(mask)
        return torch.addcmul(x, self.features(x), mask), mask


def by_sam(given: Gate | Mapping[int, Gate] | None, count: int, degraded: Tensor) -> Mapping[int, Gate]:
    """What is given for all of `count` SAMs or for some, by their numbers. Raises ValueError for what does not fit."""
    if given is None:
        return {}
    numbers = range(1, count + 1)
    several = given if isinstance(given, Mapping) else dict.fromkeys(numbers, given)
    if not several or not several.keys() <= set(numbers):
        raise ValueError(f"this MPRNet has {count} SAM(s), counted from 1; sam_override is for {sorted(several) or 'none'}")
    for gate in several.values():
        if isinstance(gate, Tensor) and gate.shape[-2:] != degraded.shape[-2:]:
            raise ValueError(f"a tensor in sam_override has the size of the picture, not the shape {tuple(gate.shape)}")
    return several


class CSFF(nn.Module):
    """Cross-stage feature fusion: for each scale of a U-Net, what its encoder and its decoder have for the stage after it, added up.

    A U-Net gets it at the widths of the scales. An ORSNet gets it at its own width and doubles it to full size itself.
    """

    def __init__(self, paths: list[tuple[int, ...]]):
        """For each scale, the widths from the U-Net's own to the receiver's; a 1x1 convolution leads from each to the next."""
        super().__init__()
        self.encoded = nn.ModuleList(self._path(widths) for widths in paths)
        self.decoded = nn.ModuleList(self._path(widths) for widths in paths)

    @staticmethod
    def _path(widths: tuple[int, ...]) -> nn.Sequential:
        return nn.Sequential(*(conv1(*pair) for pair in zip(widths, widths[1:], strict=False)))

    def forward(self, encoded: list[Tensor], decoded: list[Tensor]) -> list[Tensor]:
        """Empties `encoded`."""
        pairs = zip(self.encoded, self.decoded, decoded, strict=True)
        return [from_encoder(encoded.pop(0)).add_(from_decoder(features)) for from_encoder, from_decoder, features in pairs]


@dataclass
class Found:
    """What is known of a region: for the next stage, and to show."""

    encoded: list[Tensor] = field(default_factory=list)  # by the last stage, to be decoded; per scale
    features: list[Tensor] = field(default_factory=list)  # one: for the next stage, out of SAM
    fused: list[Tensor] = field(default_factory=list)  # for the next stage, out of CSFF; per scale
    images: list[Tensor] = field(default_factory=list)  # per stage
    masks: list[Tensor] = field(default_factory=list)  # per SAM


def join(parts: list[Found], dim: int) -> Found:
    """What was found of the pieces, side by side. Empties `parts`."""
    if len(parts) == 1:
        return parts.pop()
    whole = Found()
    for name in (entry.name for entry in fields(Found)):
        pieces = [getattr(part, name) for part in parts]
        while pieces[0]:
            getattr(whole, name).append(torch.cat([piece.pop(0) for piece in pieces], dim))
    return whole


def halves(region: Region, dim: int) -> list[Region]:
    rows, columns = region
    side = region[dim]
    middle = (side.start + side.stop) // 2
    cut = slice(side.start, middle), slice(middle, side.stop)
    return [(half, columns) for half in cut] if dim == -2 else [(rows, half) for half in cut]
