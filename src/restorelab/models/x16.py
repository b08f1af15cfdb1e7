"""x16: sixteen times larger, by letting ESRGAN's network enlarge its own features once more.

CIPLab's generator, Jo, Yang and Kim 2020 (CVPR Workshops: NTIRE 2020 perceptual extreme super-resolution), made of two networks of
ESRGAN, Wang et al. 2018 (ECCV Workshops, arXiv:1809.00219). Chapter 07.

A trunk looks (dense blocks of residual-in-residual, RRDB) at the resolution that comes in, then doubles it with nearest neighbours and a
convolution. Two trunks of x4 make x16. Between them go features: an RGB picture in the middle would squeeze what trunk one knows
into three numbers per pixel.

Differs from the authors' code: nothing at x16, their configuration. x4 is ESRGAN's generator; x2 and x8 have a x2 trunk at the end and are
ours. `small_start` is ESRGAN's initialisation, which CIPLab's code leaves out. Nothing clips the output; `restore()` does.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from restorelab.models.restored import Restored

SLOPE = 0.2  # of every LeakyReLU
RESIDUAL = 0.2  # how much of what a block finds is added to its input
START = 0.1  # ESRGAN's factor on Kaiming's initialisation
DOUBLINGS = {2: (1,), 4: (2,), 8: (2, 1), 16: (2, 2)}  # scale -> how often each trunk doubles the resolution


@dataclass(frozen=True)
class RRDBCascadeConfig:
    scale: int = 16  # 2 or 4: one trunk; 8 or 16: two
    width: int = 64  # feature channels everywhere outside the dense blocks (the authors' nf)
    depth: int = 23  # RRDB blocks per trunk (nb)
    growth: int = 32  # channels that each convolution of a dense block adds (gc)
    channels: int = 3  # image channels: 1 grey, 3 RGB
    small_start: bool = False  # dense blocks start at a tenth of Kaiming's weights, as ESRGAN's; else PyTorch's default, as CIPLab's

    def __post_init__(self):
        if self.scale not in DOUBLINGS:
            raise ValueError(f"the scale is one of {', '.join(map(str, DOUBLINGS))}, not {self.scale}")
        if min(self.width, self.depth, self.growth, self.channels) < 1:
            raise ValueError(
                f"width, depth, growth and channels are at least 1; got {self.width}, {self.depth}, {self.growth}, {self.channels}"
            )


PAPER_X16 = RRDBCascadeConfig()  # 33,392,451 parameters
ESRGAN_X4 = RRDBCascadeConfig(scale=4, small_start=True)  # 16,697,987 parameters
COURSE_X16 = RRDBCascadeConfig(width=24, depth=3, growth=12, small_start=True)  # for a CPU: 650,811 parameters


def convolution(channels_in: int, channels_out: int) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


def leaky(x: Tensor, inplace: bool = True) -> Tensor:
    return F.leaky_relu(x, SLOPE, inplace=inplace)


class DenseBlock(nn.Module):
    """Four convolutions, each of which sees the input and all that was found before it; the fifth makes one answer of everything."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.grow = nn.ModuleList(convolution(width + i * growth, growth) for i in range(4))
        self.fuse = convolution(width + 4 * growth, width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        known = self._grow_for_backward(x) if torch.is_grad_enabled() else self._grow_in_place(x)
        return self.fuse(known).mul_(RESIDUAL).add_(x)

    def _grow_for_backward(self, x: Tensor) -> Tensor:
        for grow in self.grow:
            x = torch.cat([x, leaky(grow(x))], dim=1)
        return x

    def _grow_in_place(self, x: Tensor) -> Tensor:
        """The same without a copy of everything known at each step. Backward would need those copies, so only without gradients."""
        b, end, h, w = x.shape
        known = x.new_empty(b, self.fuse.in_channels, h, w)
        known[:, :end] = x
        for grow in self.grow:
            start, end = end, end + grow.out_channels
            known[:, start:end] = leaky(grow(known[:, :start]))
        return known


class RRDB(nn.Module):
    """Residual in residual: three dense blocks in a row, a wire around each and one around all."""

    def __init__(self, width: int, growth: int):
        super().__init__()
        self.dense = nn.Sequential(*(DenseBlock(width, growth) for _ in range(3)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        return self.dense(x).mul_(RESIDUAL).add_(x)


class Trunk(nn.Module):
    """Features -> features of twice the resolution for each convolution of `ups`. All blocks work at the resolution that comes in."""

    def __init__(self, cfg: RRDBCascadeConfig, doublings: int):
        super().__init__()
        self.blocks = nn.Sequential(*(RRDB(cfg.width, cfg.growth) for _ in range(cfg.depth)))
        self.gather = convolution(cfg.width, cfg.width)
        self.ups = nn.ModuleList(convolution(cfg.width, cfg.width) for _ in range(doublings))
        self.refine = convolution(cfg.width, cfg.width)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
        x = x + self.gather(self.blocks(x))
        for up in self.ups:
            x = leaky(up(F.interpolate(x, scale_factor=2, mode="nearest")))
        return self.refine(x)  # no activation here: the next trunk takes features as they are


class RRDBCascade(nn.Module):
    """Small picture in [0, 1], of any size -> the picture `scale` times as large."""

    size_multiple = min_size = (1, 1)
    stage_count = 1
    condition_channels = 0

    def __init__(self, cfg: RRDBCascadeConfig = PAPER_X16):
        super().__init__()
        self.cfg = cfg
        self.stem = convolution(cfg.channels, cfg.width)
        self.trunks = nn.ModuleList(Trunk(cfg, doublings) for doublings in DOUBLINGS[cfg.scale])
        self.last = convolution(cfg.width, cfg.channels)
        if cfg.small_start:
            self._start_small()

    @property
    def scale(self) -> int:
        return self.cfg.scale

    @property
    def receptive_radius(self) -> int:
        """Input pixels, walking back from one output pixel: a 3x3 convolution reaches 1 further, a doubling halves (rounded up).

        Nothing further away matters at all. What is nearer may hardly matter either: in an untrained ESRGAN_X4 without `small_start`
        (radius 349), 97% of the gradient of an output pixel lies within 3 input pixels of it.
        """
        reach = 1  # last
        for doublings in reversed(DOUBLINGS[self.cfg.scale]):
            reach += 1  # refine
            for _ in range(doublings):
                reach = -(-(reach + 1) // 2)
            reach += 1 + 15 * self.cfg.depth  # gather; 3 dense blocks of 5 convolutions in each RRDB
        return reach + 1  # stem

    def forward(self, degraded: Float[Tensor, "b c h w"], explain: bool = False) -> Restored:
        """With `explain`, maps hold `features`: `b width h w` after each trunk, the resolution growing from one to the next. Channels
        have no given meaning; the last entry is what the picture is made of, one convolution and one LeakyReLU before it."""
        if min(degraded.shape[-2:]) < 1:
            raise ValueError(f"x{self.scale} takes any size in multiples of 1 pixel, but not an empty picture: {tuple(degraded.shape)}")
        features = self.stem(degraded)
        seen = []
        for trunk in self.trunks:
            features = trunk(features)
            if explain:
                seen.append(features)
        image = self.last(leaky(features, inplace=not explain))
        return Restored(image, maps={"features": tuple(seen)} if explain else {})

    @torch.no_grad()
    def _start_small(self) -> None:
        """A dense block that finds little at first leaves the wires in charge, however many blocks there are in a row."""
        for block in self.modules():
            if isinstance(block, DenseBlock):
                for layer in (*block.grow, block.fuse):
                    nn.init.kaiming_normal_(layer.weight)
                    layer.weight.mul_(START)
                    nn.init.zeros_(layer.bias)
