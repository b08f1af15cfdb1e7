"""UDVD: when every picture, and every place in it, is blurred otherwise, let the network write a filter for every pixel.

Unified Dynamic Convolutional Network for Variational Degradations, Xu, Tseng, Tseng, Kuo and Tsai 2020 (CVPR, arXiv:2004.06965).
Chapter 04.

It is told the degradation, as SRMD is: the code of the blur kernel (its PCA coefficients) and the noise level, as numbers or as
maps, lie beside the picture's colours as further channels. Features of these go to a chain of dynamic blocks. Each predicts a filter for
every pixel and a residual: its picture is the filtered picture of the block before plus the residual. "U" enlarges, "D" refines at the
output size; the paper's best chain is UDD, and every block's picture is a result that training may compare with the clean one.

There is no code, and no weights, by the authors. What a public write-up of the network chose, and what we do instead:
  bicubic_start  the filters begin as bicubic ones and the residuals as 0, so that training starts at bicubic enlargement and not at noise
  alignment      how features of the input's size reach the output's. The paper says "sub-pixel convolution". "expand": one 1x1 convolution
                 to s*s times the channels, then a pixel shuffle, shared by all D blocks; any scale. "shuffle", the write-up's: shuffle
                 first (channels become s*s times fewer), then a 1x1 convolution in every D block; the width must be a multiple of s*s
  border         beyond the border the filtered picture goes on as its edge; the write-up's zeros darken its borders
  residual_scale the write-up damps every residual block of the features by 0.1, of which the part of the paper we could read says nothing
The paper's parameter counts are not known to us. Ours: x2 4,893,599, x3 5,271,564, x4 5,800,715, COURSE 249,183; the write-up's at x2:
4,835,999.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from restorelab.models.restored import Restored
from restorelab.ops.bicubic_kernels import bicubic_kernels
from restorelab.ops.dynamic_filter import BORDERS, dynamic_filter

IMAGE_WIDTHS = (16, 16, 32)  # channels of a block's look at its picture
RESIDUAL_WIDTH = 16  # channels of a block's residual before the last convolution
ALMOST_ZERO = 1e-8  # standard deviation of the last weights with bicubic_start; 0 would keep gradients from the layers before


@dataclass(frozen=True)
class UDVDConfig:
    scale: int = 2  # output size / input size: 1, 2, 3 or 4
    width: int = 128  # feature channels
    depth: int = 15  # residual blocks of the features
    kernel_size: int = 5  # of the predicted filters, odd
    pca: int = 15  # coefficients of the blur kernel that the network is told; 0: none
    noise: bool = True  # is it told the noise level
    blocks: str = "UDD"  # the chain: at most one U, first; at scales above 1 it is needed
    channels: int = 3  # image channels: 1 grey, 3 RGB
    residual_scale: float = 1.0  # what a residual block of the features adds is multiplied by this
    border: str = "replicate"  # of the filtered pictures: "replicate" or "zeros"
    bicubic_start: bool = True  # begin as bicubic enlargement
    alignment: str = "expand"  # "expand" or "shuffle", see above

    def __post_init__(self):
        if self.scale not in (1, 2, 3, 4):
            raise ValueError(f"scale must be 1, 2, 3 or 4, not {self.scale}")
        if min(self.width, self.depth, self.channels) < 1 or self.pca < 0:
            raise ValueError(f"width, depth and channels must be at least 1 and pca at least 0; got {self}")
        if self.kernel_size % 2 == 0 or self.kernel_size < 1:
            raise ValueError(f"kernel_size must be odd, so that one tap is in the middle; got {self.kernel_size}")
        if not self.blocks or set(self.blocks[1:]) - {"D"} or self.blocks[0] not in "UD" or (self.blocks[0] == "D" and self.scale > 1):
            raise ValueError(f"blocks must be U, UD, UDD, ..., or at scale 1 also D, DD, ...; got {self.blocks!r} at scale {self.scale}")
        if self.border not in BORDERS:
            raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {self.border!r}")
        if self.alignment not in ("expand", "shuffle"):
            raise ValueError(f"alignment must be expand or shuffle, not {self.alignment!r}")
        if self.alignment == "shuffle" and self.width % self.scale**2:
            raise ValueError(f"alignment shuffle needs a width in multiples of {self.scale**2}, not {self.width}; expand takes any")
        if self.bicubic_start and self.scale > 1 and self.kernel_size < 5:
            raise ValueError(f"a bicubic kernel needs kernel_size 5 or more, not {self.kernel_size}; or say bicubic_start=False")


PAPER_X2 = UDVDConfig(scale=2)
PAPER_X3 = UDVDConfig(scale=3)
PAPER_X4 = UDVDConfig(scale=4)
COURSE = UDVDConfig(scale=2, width=32, depth=4)


def kernel_at(maps: dict[str, tuple[Tensor, ...]], block: int, row: int, column: int) -> Float[Tensor, "*b k k"]:
    """The filter that made output pixel (row, column) in a block, as rows and columns of weights, from `maps` with or without batch.

    Its middle lies on the pixel (row, column) of the block's input, for U on (row // scale, column // scale).
    """
    taps = maps["kernels"][block][..., row, column]
    size = round(taps.shape[-1] ** 0.5)
    return taps.unflatten(-1, (size, size))


class ResidualBlock(nn.Module):
    """Two convolutions beside a straight wire; nothing after the sum, no normalisation."""

    def __init__(self, width: int, residual_scale: float):
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.residual_scale = residual_scale

    def forward(self, x: Tensor) -> Tensor:
        return x + self.residual_scale * self.conv2(self.conv1(x).relu())


class ImageFeatures(nn.Sequential):
    """A block's own look at the picture it is to improve."""

    def __init__(self, channels: int):
        first, second, third = IMAGE_WIDTHS
        super().__init__(
            nn.Conv2d(channels, first, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(first, second, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(second, third, 3, padding=1),
        )


class DynamicBlock(nn.Module):
    """Picture and features of one size -> a picture `scale` times as large, with the filters and the residual that made it."""

    def __init__(self, cfg: UDVDConfig, scale: int, project: nn.Module):
        super().__init__()
        self.scale, self.kernel_size, self.border = scale, cfg.kernel_size, cfg.border
        width = IMAGE_WIDTHS[-1] + cfg.width
        self.image_features = ImageFeatures(cfg.channels)
        self.project = project
        self.to_kernels = nn.Conv2d(width, scale**2 * cfg.kernel_size**2, 3, padding=1)
        self.to_residual = nn.Sequential(
            nn.Conv2d(width, scale**2 * RESIDUAL_WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.PixelShuffle(scale),
            nn.Conv2d(RESIDUAL_WIDTH, cfg.channels, 3, padding=1),
        )
        if cfg.bicubic_start:
            self._start_bicubic()

    def forward(self, image: Tensor, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """-> picture, kernels `b s s k k h w`, residual."""
        together = torch.cat([self.image_features(image), self.project(features)], dim=1)
        s, k = self.scale, self.kernel_size
        kernels = self.to_kernels(together).unflatten(1, (s, s, k, k))
        residual = self.to_residual(together)
        return dynamic_filter(image, kernels, self.border) + residual, kernels, residual

    def _start_bicubic(self) -> None:
        """With a bias that is the bicubic filter and almost no weights, the block enlarges whatever its features say."""
        last = self.to_residual[-1]
        nn.init.normal_(self.to_kernels.weight, std=ALMOST_ZERO)
        nn.init.normal_(last.weight, std=ALMOST_ZERO)
        nn.init.zeros_(last.bias)
        with torch.no_grad():
            self.to_kernels.bias.copy_(bicubic_kernels(self.scale, self.kernel_size).flatten())


class UDVD(nn.Module):
    """Degraded picture in [0, 1], and what is known of its degradation -> restored picture, `scale` times as large. Any size."""

    size_multiple = (1, 1)
    min_size = (1, 1)

    def __init__(self, cfg: UDVDConfig = PAPER_X2):
        super().__init__()
        self.cfg = cfg
        self.scale = cfg.scale
        self.stage_count = len(cfg.blocks)
        self.condition_channels = cfg.pca + cfg.noise
        self.head = nn.Conv2d(cfg.channels + self.condition_channels, cfg.width, 3, padding=1)
        self.body = nn.Sequential(*(ResidualBlock(cfg.width, cfg.residual_scale) for _ in range(cfg.depth)))
        self.align = self._alignment()
        self.blocks = nn.ModuleList(self._block(kind) for kind in cfg.blocks)

    @property
    def receptive_radius(self) -> int:
        """Input pixels. Features, then the chain; what a D block reaches counts in output pixels, rounded up together."""
        radius = self.cfg.kernel_size // 2
        features = 1 + 2 * self.cfg.depth
        refine = max(len(IMAGE_WIDTHS) + 2, radius)  # one D block: its look, two convolutions on top; or its filter
        count = self.cfg.blocks.count("D")
        if self.cfg.blocks[0] == "D":
            return max(features + 2 + (count - 1) * refine, count * refine)
        by_residual = features + 1 + -(-(count * refine + 1) // self.scale)  # its last convolution works at the output's size
        return max(by_residual, radius + -(-count * refine // self.scale))

    def forward(
        self,
        degraded: Float[Tensor, "b c h w"],
        condition: Float[Tensor, "n p y x"] | None = None,
        explain: bool = False,
        stage: int | None = None,
    ) -> Restored:
        """`condition` is `b p h w`, or `b p 1 1` for the same everywhere: the PCA coefficients of the blur kernel (`cfg.pca` channels),
        then the noise sigma in [0, 1] (if `cfg.noise`). `stage` stops after so many blocks.

        With `explain`, maps hold for each block computed `kernels` (`b k*k H W`: the filter of every output pixel, tap rows first; see
        `kernel_at`) and `residual` (`b c H W`). Raises ValueError for a condition that does not fit, or a stage that does not exist.
        """
        if stage is not None and not 1 <= stage <= self.stage_count:
            raise ValueError(f"this UDVD has stages 1 to {self.stage_count}, not {stage}")
        head = self.head(self._with_condition(degraded, condition))
        features = self.body(head) + head
        image, aligned = degraded, None
        stages, maps = [], {"kernels": [], "residual": []}
        for block, kind in zip(self.blocks[:stage], self.cfg.blocks, strict=False):
            if kind == "D" and aligned is None:
                aligned = self.align(features)
            image, kernels, residual = block(image, features if kind == "U" else aligned)
            stages.append(image)
            if explain:
                maps["kernels"].append(_one_kernel_per_pixel(kernels))
                maps["residual"].append(residual)
        return Restored(image, tuple(stages), {name: tuple(several) for name, several in maps.items()} if explain else {})

    def _alignment(self) -> nn.Module:
        """Features of the input's size -> features of the output's."""
        cfg, times = self.cfg, self.scale**2
        if self.scale == 1 or "D" not in cfg.blocks:
            return nn.Identity()
        if cfg.alignment == "shuffle":
            return nn.PixelShuffle(self.scale)
        return nn.Sequential(nn.Conv2d(cfg.width, cfg.width * times, 1), nn.PixelShuffle(self.scale))

    def _block(self, kind: str) -> DynamicBlock:
        cfg = self.cfg
        if kind == "U":
            return DynamicBlock(cfg, self.scale, nn.Identity())
        shuffled = cfg.alignment == "shuffle" and self.scale > 1
        return DynamicBlock(cfg, 1, nn.Conv2d(cfg.width // self.scale**2, cfg.width, 1) if shuffled else nn.Identity())

    def _with_condition(self, degraded: Tensor, condition: Tensor | None) -> Tensor:
        """The picture's channels, then the condition's."""
        (b, _, h, w), wanted = degraded.shape, self.condition_channels
        if not wanted:
            if condition is not None:
                raise ValueError("this UDVD is blind (pca=0, noise=False): call it without a condition")
            return degraded
        told = [f"the {self.cfg.pca} PCA coefficients of the blur kernel"] * bool(self.cfg.pca) + ["the noise sigma"] * self.cfg.noise
        if condition is None or condition.shape not in ((b, wanted, h, w), (b, wanted, 1, 1)):
            got = "none" if condition is None else f"one of shape {tuple(condition.shape)}"
            raise ValueError(
                f"this UDVD is told the degradation: give condition=, {' and then '.join(told)}, as numbers of shape ({b}, {wanted}, 1, 1) "
                f"or as maps of shape ({b}, {wanted}, {h}, {w}); got {got}"
            )
        return torch.cat([degraded, condition.expand(b, wanted, h, w)], dim=1)


def _one_kernel_per_pixel(kernels: Float[Tensor, "b s s k k h w"]) -> Float[Tensor, "b k*k h*s w*s"]:
    """Every output pixel's own filter at that pixel, taps in the channels."""
    return F.pixel_shuffle(kernels.flatten(3, 4).flatten(1, 2).transpose(1, 2).flatten(1, 2), kernels.shape[1])
