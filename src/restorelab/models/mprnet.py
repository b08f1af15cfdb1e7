"""MPRNet: restore in stages, and let every stage tell the next what it saw, what it made, and where to look.

Multi-Stage Progressive Image Restoration, Zamir, Arora, Khan, Hayat, Khan, Yang and Shao 2021 (CVPR, arXiv:2102.02808). Chapter 06.

Early stages are U-Nets, which see far and forget detail; the last never leaves the full resolution (ORSNet). Each stage looks at the
degraded picture again and adds a residual to it. The last sees the whole picture, the one before it halves, the one before that quarters.
Between stages go features in two ways: through supervised attention (SAM), which looks at the picture just restored to decide what
to stress, and straight from the U-Net's scales (cross-stage feature fusion, CSFF).

Differs from the paper as the authors' released networks do: the 2x2 downsampling is an average, where the text has a maximum, and one
PReLU slope serves the whole network. Differs from the authors' code: any number of image channels and any row of stages; `stage=` stops
early; 1x1 convolutions come before bilinear doublings instead of after (neither has a bias, so they commute), at a quarter of the work;
what is added after an ORB is added to the wire around it. Ours where the paper is silent: more than three stages go on halving the patches;
an ORSNet has no scales to hand on, so after one there is SAM alone; without SAM, features go on as they are.

Memory: nothing is kept longer than it is needed, and a stage takes a patch through all stages before it, then the next patch. Lists
that are passed on belong to who receives them: they are emptied on the way, so that a tensor dies with its last use. With
gradients on, autograd keeps what it needs anyway; the operations are the same.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.models.mprnet_blocks import CAB, CSFF, SAM, Found, Gate, Region, by_sam, conv1, conv3, enlarge, halve, halves, join
from restorelab.models.restored import Restored

KINDS = ("unet", "orsnet")
SCALES = 3  # resolutions of a U-Net: 1, 1/2, 1/4


@dataclass(frozen=True)
class MPRNetConfig:
    width: int = 96  # feature channels at full resolution (the authors' n_feat)
    unet_growth: int = 48  # channels that a U-Net gains at 1/2, and again at 1/4 (scale_unetfeats)
    orsnet_growth: int = 32  # channels that an ORSNet has on top of `width` (scale_orsnetfeats)
    cabs: int = 8  # attention blocks in each of an ORSNet's three ORBs (num_cab)
    reduction: int = 4  # channel attention decides in 1/reduction of the channels
    channels: int = 3  # image channels: 1 grey, 3 RGB, or any other number
    stages: tuple[str, ...] = ("unet", "unet", "orsnet")  # sub-networks, first to last
    sam: bool = True  # supervised attention between stages; without, features go on as they are
    csff: bool = True  # what the scales of a U-Net hold goes to the stage after it
    pooling_window: int | None = None  # restoring only: attention uses means over so many pixels around, not over the whole (TLC)

    def __post_init__(self):
        if not self.stages or any(kind not in KINDS for kind in self.stages):
            raise ValueError(f'stages is a tuple of "unet" and "orsnet", like ("unet", "unet", "orsnet"); got {self.stages}')
        if min(self.width, self.cabs, self.reduction, self.channels) < 1 or min(self.unet_growth, self.orsnet_growth) < 0:
            raise ValueError(f"width, cabs, reduction and channels are at least 1 and growths at least 0; got {self}")
        if self.width < self.reduction:
            raise ValueError(f"channel attention would be left with no channel: width {self.width} is less than reduction {self.reduction}")
        if self.pooling_window is not None and self.pooling_window < 1:
            raise ValueError(f"pooling_window is a side in pixels, or None for the whole picture; got {self.pooling_window}")

    @property
    def unet_widths(self) -> tuple[int, ...]:
        return tuple(self.width + scale * self.unet_growth for scale in range(SCALES))

    def stage_width(self, number: int) -> int:
        """Channels of the features that stage `number` (from 0) ends with."""
        return self.width + (self.orsnet_growth if self.stages[number] == "orsnet" else 0)

    def grid(self, number: int) -> tuple[int, int]:
        """Rows and columns of the patches that stage `number` (from 0) sees: 1 for the last, before it 2, 4, 8, ..., rows halved first."""
        halvings = max(len(self.stages) - 1 - number, 0)
        return 2 ** math.ceil(halvings / 2), 2 ** (halvings // 2)


DERAIN = MPRNetConfig(width=40, unet_growth=20, orsnet_growth=16)  # 3,637,249 parameters
DENOISE = MPRNetConfig(width=80)  # 15,741,025
DEBLUR = MPRNetConfig()  # 20,127,073
LITE_DEBLUR = MPRNetConfig(width=40, unet_growth=40)  # 6,376,449: of the authors' issues 6, 38 and 55
COURSE = MPRNetConfig(width=32, unet_growth=16, orsnet_growth=0, cabs=1)  # for a CPU: 1,457,665


def attention_block(cfg: MPRNetConfig, width: int, grid: tuple[int, int], scale: int = 0) -> CAB:
    """For patches of `grid` at 1/2**scale of their size. Of the pooling window they get their part, as of the picture."""
    window = cfg.pooling_window and tuple(max(cfg.pooling_window // parts // 2**scale, 1) for parts in grid)
    return CAB(width, cfg.reduction, window)


def csff_paths(cfg: MPRNetConfig, number: int) -> list[tuple[int, ...]]:
    """For each scale of the U-Net before stage `number`, the widths that its features take on the way to that stage."""
    if cfg.stages[number] == "unet":
        return [(width, width) for width in cfg.unet_widths]
    return [(*reversed(cfg.unet_widths[: scale + 1]), cfg.stage_width(number)) for scale in range(SCALES)]


class Stage(nn.Module):
    """What both kinds of stages have: a way in, from the picture and the stage before, and a way out, to a picture."""

    def __init__(self, cfg: MPRNetConfig, number: int):
        super().__init__()
        width, last = cfg.stage_width(number), number == len(cfg.stages) - 1
        before = cfg.stage_width(number - 1) if number else 0
        self.shallow = conv3(cfg.channels, cfg.width)
        self.shallow_cab = attention_block(cfg, cfg.width, cfg.grid(number))
        self.merge = conv3(cfg.width + before, width) if before or width != cfg.width else None
        self.csff = CSFF(csff_paths(cfg, number)) if cfg.csff and number and cfg.stages[number - 1] == "unet" else None
        self.to_image = conv3(width, cfg.channels) if last else conv1(width, cfg.channels)

    def enter(self, picture: Tensor, before: list[Tensor], slope: Tensor) -> Tensor:
        """Empties `before`, the features of the stage before."""
        x = self.shallow_cab(self.shallow(picture), slope)
        if self.merge is None:
            return x
        x = torch.cat([x, *before], dim=1)
        before.clear()
        return self.merge(x)


class UNetStage(Stage):
    """Encodes patches down to 1/4, decodes twice as large ones (of the next stage's grid) back to full resolution."""

    multiple = 2 ** (SCALES - 1)

    def __init__(self, cfg: MPRNetConfig, number: int):
        super().__init__(cfg, number)
        widths, grid, after = cfg.unet_widths, cfg.grid(number), cfg.grid(number + 1)
        self.encoder = nn.ModuleList(nn.ModuleList(attention_block(cfg, widths[i], grid, i) for _ in range(2)) for i in range(SCALES))
        self.downs = nn.ModuleList(conv1(widths[i], widths[i + 1]) for i in range(SCALES - 1))
        self.decoder = nn.ModuleList(nn.ModuleList(attention_block(cfg, widths[i], after, i) for _ in range(2)) for i in range(SCALES))
        self.skips = nn.ModuleList(attention_block(cfg, widths[i], after, i) for i in range(SCALES - 1))
        self.ups = nn.ModuleList(conv1(widths[i + 1], widths[i]) for i in range(SCALES - 1))

    def encode(self, picture: Tensor, before: Found, slope: Tensor) -> list[Tensor]:
        """-> features at 1, 1/2, 1/4."""
        x = self.enter(picture, before.features, slope)
        encoded = []
        for scale, blocks in enumerate(self.encoder):
            if scale:
                x = self.downs[scale - 1](halve(x))
            for block in blocks:
                x = block(x, slope)
            if before.fused:
                x = x + before.fused.pop(0)
            encoded.append(x)
        return encoded

    def decode(self, encoded: list[Tensor], slope: Tensor) -> list[Tensor]:
        """-> features at 1, 1/2, 1/4; the first are what the stage ends with."""
        x, decoded = encoded[-1], []
        for scale in reversed(range(SCALES)):
            if scale < SCALES - 1:
                x = enlarge(self.ups[scale](x)) + self.skips[scale](encoded[scale], slope)
            for block in self.decoder[scale]:
                x = block(x, slope)
            decoded.insert(0, x)
        return decoded


class ORB(nn.Module):
    """Original-resolution block: attention blocks in a row and a convolution, beside a wire that ORSNet lays."""

    def __init__(self, cfg: MPRNetConfig, width: int, grid: tuple[int, int]):
        super().__init__()
        self.blocks = nn.ModuleList(attention_block(cfg, width, grid) for _ in range(cfg.cabs))
        self.gather = conv3(width, width)


class ORSNetStage(Stage):
    """Three ORBs at full resolution; after each comes what one scale of the U-Net before has to add."""

    multiple = 1

    def __init__(self, cfg: MPRNetConfig, number: int):
        super().__init__(cfg, number)
        self.orbs = nn.ModuleList(ORB(cfg, cfg.stage_width(number), cfg.grid(number)) for _ in range(SCALES))

    def encode(self, picture: Tensor, before: Found, slope: Tensor) -> list[Tensor]:
        """-> features at full resolution."""
        x = self.enter(picture, before.features, slope)
        for scale, orb in enumerate(self.orbs):
            # What belongs after the ORB goes onto the wire around it at once: the same sum, and one map less to keep meanwhile.
            wire = x + enlarge(before.fused.pop(0), scale) if before.fused else x
            for block in orb.blocks:
                x = block(x, slope)
            x = orb.gather(x).add_(wire)
        return [x]

    def decode(self, encoded: list[Tensor], slope: Tensor) -> list[Tensor]:
        """An ORSNet is done when it has encoded."""
        return list(encoded)


STAGES = {"unet": UNetStage, "orsnet": ORSNetStage}


@dataclass(frozen=True)
class Call:
    """What was asked for."""

    degraded: Tensor
    last: int  # number of the last stage wanted, from 0
    explain: bool
    overrides: Mapping[int, Gate]  # per SAM, from 1


class MPRNet(nn.Module):
    """Degraded picture in [0, 1] -> restored picture. Sizes must be multiples of `size_multiple`; `restore()` takes any."""

    scale = 1
    condition_channels = 0
    receptive_radius = None  # channel attention looks at all of a patch, and where patches end depends on the size of the picture

    def __init__(self, cfg: MPRNetConfig = DEBLUR):
        super().__init__()
        self.cfg = cfg
        self.slope = nn.Parameter(torch.full((1,), 0.25))
        numbers = range(len(cfg.stages))
        self.stages = nn.ModuleList(STAGES[cfg.stages[number]](cfg, number) for number in numbers)
        self.sams = nn.ModuleList(SAM(cfg.stage_width(number), cfg.channels) for number in numbers[:-1] if cfg.sam)

    @property
    def size_multiple(self) -> tuple[int, int]:
        """(rows, columns): every patch of a U-Net is halved twice."""
        needs = [[side * stage.multiple for side in self.cfg.grid(number)] for number, stage in enumerate(self.stages)]
        return max(rows for rows, _ in needs), max(columns for _, columns in needs)

    @property
    def min_size(self) -> tuple[int, int]:
        return self.size_multiple

    @property
    def stage_count(self) -> int:
        return len(self.cfg.stages)

    @property
    def sam_widths(self) -> tuple[int, ...]:
        """Channels of each SAM's mask; SAM number n works after stage n. Only a model with supervised attention says this."""
        return tuple(sam.gate.out_channels for sam in self.sams)

    def forward(
        self, degraded: Float[Tensor, "b c h w"], explain: bool = False, stage: int | None = None,
        sam_override: Gate | Mapping[int, Gate] | None = None,
    ) -> Restored:  # fmt: skip
        """`stage` stops after so many stages; the later ones cost nothing.

        With `explain`, maps hold `residual`, per stage, what it added to the picture (`b c h w`), and `sam`, per SAM between two stages
        that ran, the mask in (0, 1) (`b width h w`; their mean over the channels is a picture of where it looks).

        `sam_override` asks what a mask is good for: a number takes its place everywhere, a tensor `b c h w` (b and c may be 1) pixel by
        pixel, and a function is given the mask and returns another, for every region by itself (a SAM's region is what its stage
        decodes in one piece: half the picture, say). One of these for all SAMs, or {number of the SAM, from 1: one of these}.
        """
        self._check_size(degraded)
        last = self._last_stage(stage)
        call = Call(degraded, last, explain, by_sam(sam_override, len(self.sams), degraded))
        found = self._restore(self.stage_count - 1, (slice(0, degraded.shape[-2]), slice(0, degraded.shape[-1])), call)
        maps = {"residual": tuple(image - degraded for image in found.images), "sam": tuple(found.masks)} if explain else {}
        return Restored(found.images[-1], tuple(found.images), maps)

    def _restore(self, number: int, region: Region, call: Call) -> Found:
        """All stages up to `number` over a region that this one decodes in one piece. Depth first: a piece goes through all of the
        stages before, then the next piece, so that little is alive at once."""
        dim = -2 + (self.stage_count - number) % 2  # the second last stage halves the rows, the one before it the columns, ...
        pieces = [region] if number == self.stage_count - 1 else halves(region, dim)
        found = join([self._encode(number, piece, call) for piece in pieces], dim)
        if number <= call.last:
            self._decode(number, region, found, call)
        return found

    def _encode(self, number: int, region: Region, call: Call) -> Found:
        found = self._restore(number - 1, region, call) if number else Found()
        if number <= call.last:
            found.encoded = self.stages[number].encode(call.degraded[..., *region], found, self.slope)
        return found

    def _decode(self, number: int, region: Region, found: Found, call: Call) -> None:
        """From what is encoded to a picture, and to what the next stage is told. Empties `found.encoded`."""
        stage = self.stages[number]
        decoded = stage.decode(found.encoded, self.slope)
        image = stage.to_image(decoded[0]) + call.degraded[..., *region]
        found.images.append(image)
        if number < call.last and self.stages[number + 1].csff is not None:
            found.fused = self.stages[number + 1].csff(found.encoded, decoded)
        found.encoded = []
        if number == call.last:
            return
        x = decoded[0]
        decoded.clear()
        if self.cfg.sam:
            override = call.overrides.get(number + 1)
            x, mask = self.sams[number](x, image, override[..., *region] if isinstance(override, Tensor) else override)
            if call.explain:
                found.masks.append(mask)
        found.features = [x]

    def _last_stage(self, stage: int | None) -> int:
        if stage is None:
            return self.stage_count - 1
        if not 1 <= stage <= self.stage_count:
            raise ValueError(f"this MPRNet has {self.stage_count} stage(s), counted from 1; there is no stage {stage}")
        return stage - 1

    def _check_size(self, degraded: Tensor) -> None:
        (h, w), (rows, columns) = degraded.shape[-2:], self.size_multiple
        if not h or not w or h % rows or w % columns:
            raise ValueError(
                f"this MPRNet needs a height in multiples of {rows} and a width in multiples of {columns}, at least one of "
                f"each, got {h}x{w}; restore() pads any size"
            )
