"""What is done to two pictures before they are compared. A number without its protocol cannot be checked.

The same pair of pictures gets PSNRs that lie decibels apart under protocols that papers leave unsaid: scoring Y instead
of RGB adds about 3 dB, full-range instead of studio-swing Y takes exactly 20 log10(255/219) = 1.3219 dB away, and
truncating to 8 bits instead of rounding moves it by up to 2.9 dB. So the choices form one frozen object, tables print it, and
results of two different ones are never joined.
"""

import math
from dataclasses import dataclass, field, fields, replace

import numpy as np
import torch
from jaxtyping import Float64
from torch import Tensor

from restorelab.errors import ParameterError

# ITU-R BT.601 luma. The studio row is the first row of MATLAB's rgb2ycbcr and is 219 times the full one: Y = 16 is
# black and Y = 235 is white. All for pixels in 0..255.
LUMA_FULL = np.array([0.299, 0.587, 0.114])
LUMA_STUDIO = np.array([65.481, 128.553, 24.966]) / 255
STUDIO_BLACK = 16.0

CHOICES = {"colour": ("rgb", "y_studio", "y_full"), "rounding": ("8-bit", "none"), "ssim": ("2-D valid",)}
COLOUR_WORDS = {"rgb": "RGB", "y_studio": "Y studio", "y_full": "Y full"}

# A clean picture may leave [0, 1] by what float32 arithmetic does to it, and no more.
RANGE_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Protocol:
    """How pictures are scored. Two protocols are equal if they score alike; the name is only a label.

    Raises `ParameterError` where a choice does not exist or two choices contradict each other.
    """

    name: str = field(compare=False)  # what tables call it
    colour: str = "rgb"  # "rgb"; "y_studio": BT.601 luma in 16..235, as MATLAB's rgb2ycbcr; "y_full": in 0..255, as OpenCV
    rounding: str = "8-bit"  # both pictures, before the colour conversion. "8-bit": clamped, then rounded; "none": only clamped
    round_y: bool = False  # also round Y to 8 bits, as rgb2ycbcr does with a uint8 picture
    border: int = 0  # pixels left out along each side; super-resolution papers leave out `scale` of them
    ssim: str = "2-D valid"  # Wang et al. 2004: 11x11 Gaussian, sigma 1.5, no padding, mean over the channels

    def __post_init__(self) -> None:
        for choice, allowed in CHOICES.items():
            if getattr(self, choice) not in allowed:
                raise ParameterError(f"{choice}={getattr(self, choice)!r} is not known; choose one of {', '.join(map(repr, allowed))}.")
        if self.round_y and (self.colour == "rgb" or self.rounding == "none"):
            raise ParameterError("round_y=True needs a Y colour and rounding='8-bit': MATLAB rounds Y because its input is uint8.")
        if self.border < 0:
            raise ParameterError(f"border={self.border} is negative; it counts the pixels left out along each side.")

    def __str__(self) -> str:
        colour = COLOUR_WORDS[self.colour] + (" rounded" if self.round_y else "")
        rounding = "8-bit" if self.rounding == "8-bit" else "not rounded"
        return f"{self.name}: {colour}, {rounding}, border {self.border}, SSIM {self.ssim}"

    def with_border(self, border: int) -> "Protocol":
        """The same protocol leaving out `border` pixels along each side (super-resolution: the scale factor)."""
        return replace(self, border=border)

    def prepare(self, image: Tensor) -> Float64[np.ndarray, "h w c"]:
        """The pixels that are scored: float64 in units of 0..255, with 3 channels for RGB, 1 for Y or grey.

        `image`: `c h w`, floating point, c = 3 (or 1 under colour="rgb"). What leaves [0, 1] is clamped, as saving it would.
        """
        _check_image(image, "the image")
        return self._scored(image)

    def prepare_pair(self, restored: Tensor, clean: Tensor) -> tuple[Float64[np.ndarray, "h w c"], Float64[np.ndarray, "h w c"]]:
        """`prepare` both, after checking that they can be compared and that `clean` lies in [0, 1].

        `restored` may overshoot: a network's output does, and the clamp is what a viewer would see.
        """
        _check_image(restored, "restored")
        low, high = _check_image(clean, "clean")
        if restored.shape != clean.shape:
            raise ParameterError(f"restored is {_describe(restored)} and clean is {_describe(clean)}; the two must have one size.")
        if low < -RANGE_TOLERANCE or high > 1 + RANGE_TOLERANCE:
            raise ParameterError(f"clean has values from {low:.4g} to {high:.4g}; pictures lie in [0, 1] (divide 8-bit values by 255).")
        return self._scored(restored), self._scored(clean)

    def _scored(self, image: Tensor) -> np.ndarray:
        # float64 first: neither bfloat16 nor float32 may decide on which side of a half a pixel falls.
        pixels = image.detach().to("cpu", torch.float64).clamp(0, 1).mul_(255)  # clamp copies: the caller's tensor stays
        pixels = pixels.permute(1, 2, 0).contiguous().numpy()
        if self.rounding == "8-bit":
            pixels = _round_half_up(pixels)
        return self._cut(self._convert(pixels))

    def _convert(self, pixels: np.ndarray) -> np.ndarray:
        if self.colour == "rgb":
            return pixels
        if pixels.shape[2] != 3:
            raise ParameterError(f"{self.name} scores Y, which needs 3 channels (R, G, B), and the image has {pixels.shape[2]}.")
        luma = pixels @ LUMA_FULL if self.colour == "y_full" else pixels @ LUMA_STUDIO + STUDIO_BLACK
        return (_round_half_up(luma) if self.round_y else luma)[:, :, None]

    def _cut(self, pixels: np.ndarray) -> np.ndarray:
        height, width, _ = pixels.shape
        if 2 * self.border >= min(height, width):
            raise ParameterError(f"A border of {self.border} pixels on each side leaves nothing of a {height}x{width} image.")
        return pixels[self.border : height - self.border, self.border : width - self.border]


def _round_half_up(values: np.ndarray) -> np.ndarray:
    """Halves go up, as in MATLAB; numpy's own `round` sends them to the even neighbour."""
    values = values + 0.5
    return np.floor(values, out=values)


def _describe(image: Tensor) -> str:
    """Size in words for a message."""
    return "x".join(map(str, image.shape))


def _check_image(image: Tensor, name: str) -> tuple[float, float]:
    """The lowest and highest value; raises `ParameterError` unless this is one finite picture `c h w`, c = 1 or 3.

    Checked here and not by the annotation: shapes in annotations are checked in tests only.
    """
    if image.ndim == 4:
        raise ParameterError(f"{name} is a batch ({_describe(image)}); score one image `c h w` at a time and average the numbers.")
    if image.ndim != 3 or image.shape[0] not in (1, 3) or image.numel() == 0:
        raise ParameterError(f"{name} has the shape {tuple(image.shape)}; a picture is `c h w` with 1 or 3 channels first.")
    if not image.is_floating_point():
        raise ParameterError(f"{name} holds {image.dtype}; pictures are floating point in [0, 1] (divide 8-bit values by 255).")
    low, high = (value.item() for value in image.detach().aminmax())
    if not math.isfinite(low + high):  # one NaN makes both NaN
        raise ParameterError(f"{name} contains NaN or infinity; no number describes it. Look for the step that produced it.")
    return low, high


def same_protocol(a: Protocol, b: Protocol) -> None:
    """Raise `ParameterError`, naming what differs, unless numbers scored under `a` and `b` may stand in one table."""
    differing = [f.name for f in fields(Protocol) if f.compare and getattr(a, f.name) != getattr(b, f.name)]
    if differing:
        said = "; ".join(f"{name}: {getattr(a, name)!r} and {getattr(b, name)!r}" for name in differing)
        raise ParameterError(f"Results of {a.name} and {b.name} cannot be compared, they differ in {said}. Score both under one protocol.")


# What the chapters print: what a viewer sees, all three colours of an 8-bit file.
COURSE_RGB = Protocol("COURSE_RGB")

# What deraining and super-resolution papers print: MATLAB's rgb2ycbcr on uint8, whose Y is rounded again.
# Super-resolution: `MATLAB_Y.with_border(scale)`. BasicSR's variant keeps Y unrounded: `replace(MATLAB_Y, round_y=False)`.
MATLAB_Y = Protocol("MATLAB_Y", colour="y_studio", round_y=True)
