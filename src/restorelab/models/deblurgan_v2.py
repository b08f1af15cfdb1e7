"""DeblurGAN-v2, the generator: look at the blurred picture at five scales, and let what is seen in the small correct the large.

Kupyn, Martyniuk, Wu and Wang 2019 (ICCV, arXiv:1908.03826). Chapter 03. A feature pyramid network (Lin et al. 2017): a backbone
trained to name things shows five maps; from the coarsest down, each is doubled and added to the next finer one; small heads bring
four of them to 1/4 of the size, where they are joined, and the fifth comes in at 1/2. What comes out is added to the picture.

Any backbone fits that shows those five: `DeblurGANv2Config(backbone="mobilenetv3_small_050")`.

Ours, and in the course network alone: `gated_blocks` at 1/2, where the fine map meets what the coarse ones found out. How a pixel is
to be mended depends on the shake, which only coarse maps see; a block multiplies one half of its channels by the other (the simple gate
of NAFNet, Chen et al. 2022, ECCV, arXiv:2204.04676), so that one half can decide how much of the other passes.

Differs from the paper: the clamp to the range of a picture, the authors' last step, is left to `restore()`, because a clamped pixel
teaches nothing; `mobilenet_dsc` is our reading of MobileNet-DSC, of which no code was ever released: MobileNetV2, and every 3x3
convolution around it depthwise-separable. Kept from the authors' code: the backbone sees [-1, 1] rather than ImageNet's mean and
deviation, and the biases before instance norms, which those cancel when they measure.
Statistics: the authors restore with the network in *training* mode, so that every norm measures the very picture it works on (and the
result depends on the pictures beside it, and every call changes the network). `norm_mode="instance"` measures too, but each picture
by itself and without a trace; `norm_mode="running"` uses what was stored in training, which makes the network local and tiles exact.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from restorelab.models.fpn_backbones import build_backbone, check_name
from restorelab.models.restored import Restored

BACKBONES = ("mobilenet_v2", "inception_resnet_v2", "mobilenet_dsc")  # the authors'; any other is a timm model
NORMS = ("instance", "batch", "none")
NORM_MODES = ("running", "instance")
MULTIPLE = 32  # the backbone halves five times
MOBILENET_RADIUS = 283  # pixels, with stored statistics: 252 to one side, 283 to the other (strides are not symmetric)
BLOCK_RADIUS = 4  # pixels that a gated block adds: two 3x3 convolutions at 1/2


@dataclass(frozen=True)
class DeblurGANv2Config:
    backbone: str = "mobilenet_v2"  # or inception_resnet_v2, mobilenet_dsc, or a timm model with maps at 1/2 ... 1/32
    width: int = 128  # feature channels of the pyramid; half in the heads, a quarter before the output
    norm: str = "instance"  # in the decoder: "instance", "batch" or "none"; a backbone keeps its own
    norm_mode: str = "instance"  # what norms use outside of training: "running" (stored) or "instance" (this picture's) statistics
    channels: int = 3  # image channels: backbones see colour
    gated_blocks: int = 0  # before the output, at 1/2; not the authors'

    def __post_init__(self):
        if self.width < 4 or self.width % 4:
            raise ValueError(f"width is halved twice on the way to the output: a multiple of 4, not {self.width}")
        if self.norm not in NORMS:
            raise ValueError(f"norm is one of {', '.join(NORMS)}, not {self.norm!r}")
        check_norm_mode(self.norm_mode)
        if self.channels != 3:
            raise ValueError(f"backbones see colour: channels is 3, not {self.channels}; repeat a grey picture three times")
        if self.gated_blocks < 0:
            raise ValueError(f"gated_blocks is their number, 0 or more, not {self.gated_blocks}")
        check_name(self.backbone, BACKBONES)

    @property
    def separable(self) -> bool:
        return self.backbone == "mobilenet_dsc"

    @property
    def backbone_name(self) -> str:
        """What stands in the middle, whatever stands around it."""
        return "mobilenet_v2" if self.separable else self.backbone


def check_norm_mode(norm_mode: str) -> None:
    if norm_mode not in NORM_MODES:
        raise ValueError(f"norm_mode is one of {', '.join(NORM_MODES)}, not {norm_mode!r}")


PAPER_MOBILENET = DeblurGANv2Config()
PAPER_INCEPTION = DeblurGANv2Config(backbone="inception_resnet_v2", width=256)
PAPER_MOBILENET_DSC = DeblurGANv2Config(backbone="mobilenet_dsc")
# The paper's with MobileNet (2,106,627 parameters, 2.71 G multiply-accumulates at 256x256) but for three things. Its decoder has no norms:
# of two runs of 400 steps from random weights that one was 0.2 dB ahead. (The card `deblurgan-norms`: two seeds of three.) The norms of its
# backbone use what they stored in training: on whole photographs that was better, and a pixel's result does not depend on what is far
# away. And it has gated blocks. Without them it had come to +1.82 dB on the bundled test photographs (four draws of the course's shakes),
# where 2200 further steps changed nothing; 5000 steps from there with three new blocks came to +2.14, with five plain residual blocks,
# which cost as much, to +1.99: one run each. (The card `deblurgan-gates`, smaller networks from random weights: two seeds of three.)
COURSE_MOBILENET = DeblurGANv2Config(norm="none", norm_mode="running", gated_blocks=3)


class OwnStatistics(TorchFunctionMode):
    """Within it, batch and instance norms of this thread normalise every picture by its own mean and variance, and store nothing.

    The norms sit deep inside other people's backbones; here they are met where they all go through, in two functions of torch.
    """

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in (F.batch_norm, F.instance_norm):
            func = normalise_by_itself
        return func(*args, **(kwargs or {}))


def normalise_by_itself(
    input: Tensor, running_mean=None, running_var=None, weight=None, bias=None, measure=True, momentum=0.1, eps: float = 1e-5, **_
) -> Tensor:
    """In the place of `F.batch_norm` and `F.instance_norm`, whose arguments it takes: what is stored is neither used nor changed."""
    # torch.nn.functional's refuses a map of one pixel (a 32x32 picture at 1/32); its deviation is 0, and it becomes the bias.
    return torch.group_norm(input, input.shape[1], weight, bias, eps)


class SeparableConv(nn.Sequential):
    """A 3x3 convolution in two steps: every channel by itself, then every pixel by itself."""

    def __init__(self, width_in: int, width_out: int, bias: bool):
        super().__init__(
            nn.Conv2d(width_in, width_in, 3, padding=1, groups=width_in, bias=False),
            nn.Conv2d(width_in, width_out, 1, bias=bias),
        )


def conv(cfg: DeblurGANv2Config, width_in: int, width_out: int, bias: bool = True) -> nn.Module:
    return SeparableConv(width_in, width_out, bias) if cfg.separable else nn.Conv2d(width_in, width_out, 3, padding=1, bias=bias)


def smoothing(cfg: DeblurGANv2Config, width_in: int, width_out: int) -> nn.Sequential:
    """What follows every addition or joining of maps: it mends the steps that doubling by repetition leaves."""
    if cfg.norm == "none":
        norm = nn.Identity()
    elif cfg.norm == "batch":
        norm = nn.BatchNorm2d(width_out)
    else:
        norm = nn.InstanceNorm2d(width_out, affine=False, track_running_stats=True)
    return nn.Sequential(conv(cfg, width_in, width_out), norm, nn.ReLU())


def head(cfg: DeblurGANv2Config) -> nn.Sequential:
    """A map of the pyramid -> what the output needs of it. No norm."""
    width = cfg.width // 2
    return nn.Sequential(conv(cfg, cfg.width, width, bias=False), nn.ReLU(), conv(cfg, width, width, bias=False), nn.ReLU())


class GatedBlock(nn.Module):
    """Two convolutions beside a straight wire; between them one half of the channels multiplies the other.

    The second begins with zeros: a new block changes nothing, and weights that were trained without it can be gone on with.
    """

    def __init__(self, cfg: DeblurGANv2Config, width: int):
        super().__init__()
        self.conv1 = conv(cfg, width, 2 * width)
        self.conv2 = conv(cfg, width, width)
        *_, last = self.conv2.modules()
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)

    def forward(self, x: Tensor) -> Tensor:
        gate, passing = self.conv1(x).chunk(2, dim=1)
        return x + self.conv2(gate * passing)


def join(several: list[Restored]) -> Restored:
    """One picture each -> one batch. A measuring network works on one at a time: with few pixels at 1/32, its norms make so much of the
    rounding that depends on the size of a batch that it would show in the output."""
    maps = {name: tuple(torch.cat(parts) for parts in zip(*(one.maps[name] for one in several), strict=True)) for name in several[0].maps}
    return Restored(torch.cat([one.image for one in several]), maps=maps)


def enlarge(x: Tensor, times: int = 2) -> Tensor:
    return F.interpolate(x, scale_factor=times, mode="nearest")


class DeblurGANv2(nn.Module):
    """Blurred picture in [0, 1] -> sharp picture. Sizes must be multiples of 32; `restore()` takes any."""

    scale = 1
    stage_count = 1
    condition_channels = 0
    size_multiple = (MULTIPLE, MULTIPLE)

    def __init__(self, cfg: DeblurGANv2Config = PAPER_MOBILENET):
        super().__init__()
        self.cfg = cfg
        width = cfg.width
        self.backbone = build_backbone(cfg.backbone_name)
        finest, *coarser = self.backbone.channels
        laterals = [(finest, width // 2), *((channels, width) for channels in coarser)]
        self.laterals = nn.ModuleList(nn.Conv2d(channels, out, 1, bias=False) for channels, out in laterals)
        self.top_down = nn.ModuleList(smoothing(cfg, width, width) for _ in range(3))  # at 1/16, 1/8, 1/4
        self.heads = nn.ModuleList(head(cfg) for _ in range(4))  # for the maps at 1/4, 1/8, 1/16, 1/32
        self.smooth = smoothing(cfg, 4 * (width // 2), width // 2)
        self.refine = nn.Sequential(*(GatedBlock(cfg, width // 2) for _ in range(cfg.gated_blocks)))
        self.smooth2 = smoothing(cfg, width // 2, width // 4)
        self.final = conv(cfg, width // 4, cfg.channels)

    @property
    def min_size(self) -> tuple[int, int]:
        return self.backbone.min_side, self.backbone.min_side

    @property
    def receptive_radius(self) -> int | None:
        """None where the network is not local (it measures the whole picture), or where nobody has worked it out (other backbones)."""
        local = self.cfg.norm_mode == "running" and self.cfg.backbone_name == "mobilenet_v2"
        return MOBILENET_RADIUS + self.cfg.gated_blocks * BLOCK_RADIUS if local else None

    def forward(self, degraded: Float[Tensor, "b c h w"], explain: bool = False, norm_mode: str | None = None) -> Restored:
        """`norm_mode` replaces the configured one for this call; while training, norms do as they always do.

        With `explain`, maps hold `pyramid` (at 1/2, 1/4, 1/8, 1/16, 1/32 of the size) and `residual` (what was added to the picture).
        """
        self._check_size(degraded)
        norm_mode = self.cfg.norm_mode if norm_mode is None else norm_mode
        check_norm_mode(norm_mode)
        if self.training or norm_mode == "running":
            return self._restore(degraded, explain)
        with OwnStatistics():
            return join([self._restore(one, explain) for one in degraded.split(1)])

    def freeze_backbone(self) -> None:
        """Train the decoder alone, as the paper does for 3 epochs. In training the backbone's stored statistics go on moving, there too."""
        self.backbone.requires_grad_(False)

    def unfreeze(self) -> None:
        """Train everything. An optimizer that was given the trainable parameters alone must be given the others now."""
        self.backbone.requires_grad_(True)

    def _restore(self, degraded: Tensor, explain: bool) -> Restored:
        pyramid = self._pyramid(2 * degraded - 1)
        residual = torch.tanh(self._decode(pyramid)) / 2  # on [-1, 1] the authors add all of it
        return Restored(degraded + residual, maps={"pyramid": pyramid, "residual": (residual,)} if explain else {})

    def _pyramid(self, picture: Tensor) -> tuple[Tensor, ...]:
        """The picture on [-1, 1] -> five maps, fine to coarse; all but the first know of every coarser one."""
        *finer, coarsest = (lateral(tap) for lateral, tap in zip(self.laterals, self.backbone(picture), strict=True))
        maps = [coarsest]
        for lateral, smooth in zip(reversed(finer[1:]), self.top_down, strict=True):
            maps.insert(0, smooth(lateral + enlarge(maps[0])))
        return finer[0], *maps

    def _decode(self, pyramid: tuple[Tensor, ...]) -> Tensor:
        finest, *maps = pyramid
        answers = [enlarge(head(one), 2**i) for i, (head, one) in enumerate(zip(self.heads, maps, strict=True))]
        joined = self.smooth(torch.cat(answers[::-1], dim=1))  # coarse to fine
        return self.final(enlarge(self.smooth2(self.refine(enlarge(joined) + finest))))

    def _check_size(self, degraded: Tensor) -> None:
        (h, w), least = degraded.shape[-2:], self.backbone.min_side
        if h % MULTIPLE or w % MULTIPLE:
            raise ValueError(
                f"DeblurGAN-v2 needs a height and a width in multiples of {MULTIPLE}, got {h}x{w}; "
                f"restore() pads any size, or crop to {h - h % MULTIPLE}x{w - w % MULTIPLE}"
            )
        if min(h, w) < least:
            raise ValueError(
                f"DeblurGAN-v2 with {self.cfg.backbone} needs at least {least}x{least} pixels, got {h}x{w}; pad it by mirroring"
            )
