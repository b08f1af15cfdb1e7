"""What is done to two pictures before they are compared. A number without its protocol cannot be checked.

The same pair of pictures gets PSNRs that lie decibels apart under protocols that papers leave unsaid: scoring Y instead
of RGB adds about 3 dB, full-range instead of studio-swing Y takes exactly 20 log10(255/219) = 1.3219 dB away, and
truncating to 8 bits instead of rounding moves it by up to 2.9 dB. So the choices form one frozen object, tables print it, and
results of two different ones are never joined. `PROTOCOLS` holds those of published evaluations.
"""

from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from torch import Tensor

from restorelab.errors import ParameterError, did_you_mean
from restorelab.metrics.align import align_homography
from restorelab.metrics.pixels import check_image, check_pair, levels, luma

CHOICES = {
    "colour": ("rgb", "y_studio", "y_full"),
    "rounding": ("8-bit", "truncated", "none"),
    "ssim": ("2-D valid", "MATLAB 3-D", "CW-SSIM"),
    "align": ("none", "homography"),
    "pooling": ("mean of pictures", "pooled error"),
}
COLOUR_WORDS = {"rgb": "RGB", "y_studio": "Y studio", "y_full": "Y full"}
ROUNDING_WORDS = {"8-bit": "8-bit", "truncated": "truncated to 8-bit", "none": "not rounded"}

Pixels = Float64[np.ndarray, "h w c"]


class Compared(NamedTuple):
    """Two pictures as they are scored, in 0..255. Where `mask` is 0 both are 0 and nothing counts; None: all counts."""

    restored: Pixels
    clean: Pixels
    mask: Float64[np.ndarray, "h w 1"] | None


@dataclass(frozen=True)
class Protocol:
    """How pictures are scored. Two protocols are equal if they score alike; the name is only a label.

    Raises `ParameterError` where a choice does not exist or two choices contradict each other.
    """

    name: str = field(compare=False)  # what tables call it
    colour: str = "rgb"  # "rgb"; "y_studio": BT.601 luma in 16..235, as MATLAB's rgb2ycbcr; "y_full": in 0..255, as OpenCV
    # Both are clamped before the colour conversion. "8-bit": and rounded; "truncated": the restored one's fraction is dropped; "none"
    rounding: str = "8-bit"
    round_y: bool = False  # also round Y to 8 bits, as rgb2ycbcr does with a uint8 picture
    crop: int | None = None  # side of the central square that is scored; None: all
    border: int = 0  # pixels left out along each side; super-resolution papers leave out `scale` of them
    align: str = "none"  # "homography": match the brightness and register the restored picture first, and score what both show
    # "2-D valid": Wang et al. 2004, 11x11 Gaussian, sigma 1.5, no padding, mean over the channels. "MATLAB 3-D": its `ssim` of an
    # RGB array, which it takes for a volume. "CW-SSIM": the number that pyssim calls so
    ssim: str = "2-D valid"
    pooling: str = "mean of pictures"  # of a set's PSNRs; "pooled error": the PSNR of the mean squared error, see `dataset_psnr`

    def __post_init__(self) -> None:
        for choice, allowed in CHOICES.items():
            if getattr(self, choice) not in allowed:
                raise ParameterError(f"{choice}={getattr(self, choice)!r} is not known; choose one of {', '.join(map(repr, allowed))}.")
        if self.round_y and (self.colour == "rgb" or self.rounding == "none"):
            raise ParameterError("round_y=True needs a Y colour and rounding='8-bit': MATLAB rounds Y because its input is uint8.")
        if self.border < 0:
            raise ParameterError(f"border={self.border} is negative; it counts the pixels left out along each side.")
        if self.crop is not None and self.crop < 1:
            raise ParameterError(f"crop={self.crop} leaves nothing; it is the side of the square that is scored, or None.")
        if self.align != "none" and (self.colour != "rgb" or self.ssim != "2-D valid"):
            raise ParameterError("align='homography' needs colour='rgb' and ssim='2-D valid', for which its mask is defined.")
        if self.ssim == "CW-SSIM" and (self.colour != "rgb" or self.rounding == "none"):
            raise ParameterError("ssim='CW-SSIM' needs colour='rgb' and 8-bit values: it makes its own grey picture of a file's.")

    def __str__(self) -> str:
        said = [COLOUR_WORDS[self.colour] + (" rounded" if self.round_y else ""), ROUNDING_WORDS[self.rounding]]
        said += ["brightness and homography aligned"] if self.align == "homography" else []
        said += [f"centre {self.crop}x{self.crop}"] if self.crop else []
        said += [f"border {self.border}", f"SSIM {self.ssim}"]
        said += [self.pooling] if self.pooling != "mean of pictures" else []
        return f"{self.name}: {', '.join(said)}"

    def with_border(self, border: int) -> "Protocol":
        """The same protocol leaving out `border` pixels along each side (super-resolution: the scale factor)."""
        return replace(self, border=border)

    def prepare(self, image: Tensor) -> Pixels:
        """The pixels that are scored: float64 in units of 0..255, with 3 channels for RGB, 1 for Y or grey.

        `image`: `c h w`, floating point, c = 3 (or 1 under colour="rgb"). What leaves [0, 1] is clamped, as saving it would.
        Alignment takes two pictures and is left out here.
        """
        check_image(image, "the image")
        return self._cut(self._scored(image, self.rounding))

    def prepare_pair(self, restored: Tensor, clean: Tensor) -> tuple[Pixels, Pixels]:
        """Both as `compare` has them, without the mask."""
        return self.compare(restored, clean)[:2]

    def compare(self, restored: Tensor, clean: Tensor) -> Compared:
        """`prepare` both, after checking that they can be compared and that `clean` lies in [0, 1]; align them if the protocol does.

        `restored` may overshoot: a network's output does, and the clamp is what a viewer would see. `clean` comes from a file, and
        is never truncated.
        """
        check_pair(restored, clean)
        a = self._scored(restored, self.rounding)
        b = self._scored(clean, "none" if self.rounding == "none" else "8-bit")
        if self.align == "none":
            return Compared(self._cut(a), self._cut(b), None)
        return Compared(*(self._cut(part) for part in align_homography(a, b)))

    def _scored(self, image: Tensor, rounding: str) -> Pixels:
        pixels = levels(image, rounding)
        if self.colour != "rgb":
            if pixels.shape[0] != 3:
                raise ParameterError(f"{self.name} scores Y, which needs 3 channels (R, G, B), and the image has {pixels.shape[0]}.")
            pixels = luma(pixels, self.colour, self.round_y)
        return pixels.transpose(1, 2, 0)  # a view: every channel stays one run of memory, which the window filters like

    def _cut(self, pixels: np.ndarray) -> np.ndarray:
        height, width, _ = pixels.shape
        if self.crop:
            if self.crop > min(height, width):
                raise ParameterError(f"{self.name} scores the central {self.crop}x{self.crop} pixels; the picture is {height}x{width}.")
            top, left = (height - self.crop) // 2, (width - self.crop) // 2
            pixels = pixels[top : top + self.crop, left : left + self.crop]
            height = width = self.crop
        if 2 * self.border >= min(height, width):
            raise ParameterError(f"A border of {self.border} pixels on each side leaves nothing of a {height}x{width} image.")
        return pixels[self.border : height - self.border, self.border : width - self.border]


def same_protocol(a: Protocol, b: Protocol) -> None:
    """Raise `ParameterError`, naming what differs, unless numbers scored under `a` and `b` may stand in one table."""
    differing = [f.name for f in fields(Protocol) if f.compare and getattr(a, f.name) != getattr(b, f.name)]
    if differing:
        said = "; ".join(f"{name}: {getattr(a, name)!r} and {getattr(b, name)!r}" for name in differing)
        raise ParameterError(f"Results of {a.name} and {b.name} cannot be compared, they differ in {said}. Score both under one protocol.")


# What the chapters print: what a viewer sees, all three colours of an 8-bit file.
COURSE_RGB = Protocol("COURSE_RGB")

# What deraining papers print: MATLAB's rgb2ycbcr on uint8, whose Y is rounded again.
MATLAB_Y = Protocol("MATLAB_Y", colour="y_studio", round_y=True)

# Super-resolution: Y stays unrounded and `scale` pixels of border are left out (BasicSR's calculate_psnr with test_y_channel).
SR = Protocol("SR", colour="y_studio")


def _table(*protocols: Protocol) -> MappingProxyType[str, Protocol]:
    return MappingProxyType({protocol.name: protocol for protocol in protocols})


PROTOCOLS = _table(
    COURSE_RGB,
    MATLAB_Y,
    # MPRNet (swz30/MPRNet, Deblurring/evaluate_GOPRO_HIDE.m); NAFNet's and Restormer's tables follow it
    Protocol("GoPro/HIDE", ssim="MATLAB 3-D"),
    # MPRNet, Deblurring/evaluate_RealBlur.py, after the evaluation of Koehler et al.
    Protocol("RealBlur", align="homography"),
    # MPRNet, Denoising/evaluate_SIDD.m: `single` pictures, never rounded; a picture is a block of 256x256. DND's server is fed the same
    Protocol("SIDD/DND", rounding="none", ssim="MATLAB 3-D"),
    # MPRNet, Deraining/evaluate_PSNR_SSIM.m. The average that papers print is the mean of the five sets' means
    replace(MATLAB_Y, name="deraining"),
    # Set5 and the other sets of super-resolution
    *(replace(SR, name=f"SR x{scale}", border=scale) for scale in (2, 3, 4, 8)),
    # NTIRE 2020 perceptual extreme super-resolution, as RFB-ESRGAN's Table 2 scores DIV8K; its SSIM's windows are not published
    Protocol("NTIRE x16", crop=1000),
    # DeblurGAN-v2's table: test_metrics.py casts to uint8 and calls pyssim's cw_ssim_value
    Protocol("DeblurGAN-v2", rounding="truncated", ssim="CW-SSIM"),
    # PIRM 2018 (roimehrez/PIRM2018): its RMSE is `rmse_of_psnr` of the pooled PSNR
    replace(MATLAB_Y, name="PIRM", border=4, pooling="pooled error"),
)


def find_protocol(name: str) -> Protocol:
    """The protocol of `PROTOCOLS` of that name. Raises ParameterError for another."""
    if name not in PROTOCOLS:
        raise ParameterError(f"There is no protocol {name!r}; there are {', '.join(PROTOCOLS)}.{did_you_mean(name, PROTOCOLS)}")
    return PROTOCOLS[name]
