"""DMPHN: blur looks different from place to place, so look at small places first, then at larger ones.

Deep Multi-Patch Hierarchical Network, Zhang, Dai, Li and Koniusz 2019 (CVPR, arXiv:1904.03468). Chapter 05.

The finest level cuts the picture into its smallest patches, and adds what it finds to the picture that the next level, with
larger patches, looks at; level 1 sees the whole. Every level has the full resolution: scale changes, size does not.

Differs from the paper: `global_skip` (off by default) adds the degraded picture to the output and starts near it;
all patches of a level go through its network as one batch; `vee` is our reading of VMPHN, of which neither code nor weights were
ever released: every second hierarchy runs back from level 1 to the finest, stacked by the rule of Stack-DMPHN.
Kept from the authors' released code, against the paper's text: in a stack, the residual handed to level 1 always receives the
output of the *first* stack, not of the previous one; the released weights were trained that way.
"""

import math
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor, nn

from restorelab.models.restored import Restored

OFFSET = 0.5  # the network works on [-0.5, 0.5]


@dataclass(frozen=True)
class DMPHNConfig:
    patches: tuple[int, ...] = (1, 2, 4)  # patches at levels 1, 2, 3, ...; powers of two; the paper's name for the network
    stacks: int = 1  # whole hierarchies in a row, each refining the last one's output: Stack(k)-DMPHN
    width: int = 32  # feature channels at full resolution; twice at 1/2, four times at 1/4
    channels: int = 3  # image channels: 1 grey, 3 RGB
    global_skip: bool = False  # add the degraded picture to the output
    vee: bool = False  # every second hierarchy runs from level 1 down to the finest: VMPHN, with stacks=2, 4, ...

    def __post_init__(self):
        rising = tuple(sorted(self.patches)) == tuple(self.patches)
        powers = all(isinstance(n, int) and n > 0 and n & (n - 1) == 0 for n in self.patches)
        if not self.patches or self.patches[0] != 1 or not rising or not powers:
            raise ValueError(f"patches start at 1 (the whole picture) and rise in powers of two, like (1, 2, 4, 8); got {self.patches}")
        if self.stacks < 1 or self.width < 1 or self.channels < 1:
            raise ValueError(f"stacks, width and channels are at least 1; got {self.stacks}, {self.width}, {self.channels}")
        if self.vee and self.stacks % 2:
            raise ValueError(f"a V has two arms: with vee, stacks must be even, not {self.stacks}")


PAPER_1_2_4 = DMPHNConfig()
PAPER_1_2_4_8 = DMPHNConfig(patches=(1, 2, 4, 8))
PAPER_STACK_4 = DMPHNConfig(stacks=4)
PAPER_VMPHN = DMPHNConfig(stacks=2, vee=True)


def grid_of(patches: int) -> tuple[int, int]:
    """Rows and columns of a level's patches: 2 is two halves, top and bottom; 4 is 2x2; 8 is 4x2."""
    halvings = patches.bit_length() - 1
    return 2 ** math.ceil(halvings / 2), 2 ** (halvings // 2)


def split_patches(x: Float[Tensor, "b c h w"], grid: tuple[int, int]) -> Float[Tensor, "n c ph pw"]:
    """Cut every picture of the batch into rows x columns patches, stacked into the batch in reading order."""
    rows, columns = grid
    b, c, h, w = x.shape
    x = x.reshape(b, c, rows, h // rows, columns, w // columns)
    return x.permute(0, 2, 4, 1, 3, 5).reshape(b * rows * columns, c, h // rows, w // columns)


def join_patches(x: Float[Tensor, "n c ph pw"], grid: tuple[int, int]) -> Float[Tensor, "b c h w"]:
    """Put the patches back where `split_patches` took them from."""
    rows, columns = grid
    n, c, ph, pw = x.shape
    x = x.reshape(n // (rows * columns), rows, columns, c, ph, pw)
    return x.permute(0, 3, 1, 4, 2, 5).reshape(-1, c, rows * ph, columns * pw)


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight wire; nothing after the sum."""

    def __init__(self, width: int):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv2(self.conv1(x).relu())


def two_blocks(width: int) -> nn.Sequential:
    return nn.Sequential(ResidualBlock(width), ResidualBlock(width))


class Encoder(nn.Sequential):
    """Picture -> features at a quarter of the resolution and four times the width."""

    def __init__(self, channels: int, width: int):
        super().__init__(
            nn.Conv2d(channels, width, 3, padding=1),
            two_blocks(width),
            nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
            two_blocks(2 * width),
            nn.Conv2d(2 * width, 4 * width, 3, stride=2, padding=1),
            two_blocks(4 * width),
        )


class Decoder(nn.Sequential):
    """Features -> a picture-sized residual. The mirror image of the encoder."""

    def __init__(self, channels: int, width: int):
        super().__init__(
            two_blocks(4 * width),
            nn.ConvTranspose2d(4 * width, 2 * width, 4, stride=2, padding=1),
            two_blocks(2 * width),
            nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1),
            two_blocks(width),
            nn.Conv2d(width, channels, 3, padding=1),
        )


class Level(nn.Module):
    """One level of the hierarchy: sees patches of `grid`, answers on the grid of the level that comes after it."""

    def __init__(self, cfg: DMPHNConfig, patches: int, patches_after: int):
        super().__init__()
        self.grid, self.grid_after = grid_of(patches), grid_of(patches_after)
        self.encoder = Encoder(cfg.channels, cfg.width)
        self.decoder = Decoder(cfg.channels, cfg.width)

    def encode(self, image: Tensor) -> Tensor:
        return join_patches(self.encoder(split_patches(image, self.grid)), self.grid)

    def decode(self, features: Tensor) -> Tensor:
        return join_patches(self.decoder(split_patches(features, self.grid_after)), self.grid_after)


class Hierarchy(nn.Module):
    """All levels, level 1 first in `levels`; in time, the finest first, or last in the second arm of a V."""

    def __init__(self, cfg: DMPHNConfig, downward: bool = False):
        super().__init__()
        numbers = range(len(cfg.patches))
        self.order = tuple(numbers) if downward else tuple(reversed(numbers))
        self.answer = self.order[-1]  # the level whose residual is the hierarchy's output; it answers on its own grid
        after = dict(zip(self.order, (*self.order[1:], self.answer), strict=True))
        self.levels = nn.ModuleList(Level(cfg, cfg.patches[i], cfg.patches[after[i]]) for i in numbers)

    def forward(
        self, image: Tensor, features_before: list[Tensor] | None, first_output: Tensor | None
    ) -> tuple[list[Tensor], list[Tensor]]:
        """-> the residual and the features of every level, level 1 first.

        From the second stack on, `features_before` (of the previous stack) are added level by level, and `first_output`
        goes into the residual that level 1 receives.
        """
        residuals, features = [None] * len(self.levels), [None] * len(self.levels)
        before = None
        for i in self.order:
            features[i] = self.levels[i].encode(image if before is None else image + residuals[before])
            if before is not None:
                features[i] = features[i] + features[before]
            if features_before is not None:
                features[i] = features[i] + features_before[i]
            residuals[i] = self.levels[i].decode(features[i])
            if first_output is not None and i == 1 and self.answer == 0:
                residuals[i] = residuals[i] + first_output
            before = i
        return residuals, features


class DMPHN(nn.Module):
    """Blurred picture in [0, 1] -> sharp picture. Sizes must be multiples of `size_multiple`; `restore()` takes any."""

    scale = 1
    condition_channels = 0
    receptive_radius = None  # where the cuts fall depends on the size of the picture: not local

    def __init__(self, cfg: DMPHNConfig = PAPER_1_2_4):
        super().__init__()
        self.cfg = cfg
        self.stacks = nn.ModuleList(Hierarchy(cfg, downward=cfg.vee and i % 2 == 1) for i in range(cfg.stacks))
        if cfg.global_skip:
            self._start_near_identity()

    @property
    def size_multiple(self) -> tuple[int, int]:
        """(rows, columns): every patch of the finest level is halved twice."""
        rows, columns = grid_of(self.cfg.patches[-1])
        return 4 * rows, 4 * columns

    @property
    def min_size(self) -> tuple[int, int]:
        return self.size_multiple

    @property
    def stage_count(self) -> int:
        return self.cfg.stacks

    def forward(self, degraded: Float[Tensor, "b c h w"], explain: bool = False, stage: int | None = None) -> Restored:
        """`stage` stops after so many stacks. With `explain`, maps hold `residual`: for the last stack computed, what each level
        added, level 1 first; that of level 1 (of the finest, in the second arm of a V) is the output."""
        self._check_size(degraded)
        blurred = image = degraded - OFFSET
        features, outputs = None, []
        for hierarchy in self.stacks[:stage]:
            residuals, features = hierarchy(image, features, outputs[0] if outputs else None)
            answer = residuals[hierarchy.answer]
            image = answer + blurred if self.cfg.global_skip else answer
            outputs.append(image)
        stages = tuple(output + OFFSET for output in outputs)
        return Restored(stages[-1], stages, {"residual": tuple(residuals)} if explain else {})

    def _start_near_identity(self) -> None:
        """With the skip, a small first answer means: begin by returning the picture, instead of by unlearning random noise."""
        for hierarchy in self.stacks:
            last = hierarchy.levels[hierarchy.answer].decoder[-1]
            nn.init.normal_(last.weight, std=1e-3)  # not zero: no gradient would reach the layers before it
            nn.init.zeros_(last.bias)

    def _check_size(self, degraded: Tensor) -> None:
        (h, w), (rows, columns) = degraded.shape[-2:], self.size_multiple
        if h % rows or w % columns:
            raise ValueError(
                f"DMPHN{self.cfg.patches} needs a height in multiples of {rows} and a width in multiples of {columns}, got {h}x{w}; "
                f"restore() pads any size, or crop to {h - h % rows}x{w - w % columns}"
            )
