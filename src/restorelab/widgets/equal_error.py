"""Make PSNR lie: spoiled pictures of one mean squared error, and what three measures say of each."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch
import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.metrics import COURSE_RGB, ssim_map
from restorelab.viz import picture_row
from restorelab.widgets.shown import ABSOLUTE, ramp
from restorelab.widgets.static import Pictured, jpeg, source

MOST_PICTURE, MOST_MAP = 60_000, 14_000  # bytes of each, so that six faults make a notebook that can be sent
MOST_BYTES = 800_000  # of all of them; more would make notebooks that nobody can send
SPREAD = 0.5  # dB between pictures that count as equal: rounding to 8 bits moves what was made equal, a brightening most
BRIGHTEST = 4  # times the mean squared error, and above: the brightest of its map
STILL, TEXT = 1.45, 1.25  # inches of a picture's height in the still one, and of what stands above and below


class Scores(NamedTuple):
    """Of one picture."""

    psnr: float  # dB
    ssim: float
    lpips: float


class EqualError(Pictured):
    """Choose a fault, and compare the clean picture with the spoiled one behind a movable edge; maps show where each measure finds it bad.

    All in the browser: it works without a kernel, and as a page. `clean`: `c h w` in [0, 1]. `pictures`: name of a fault -> the
    picture it made, of equal mean squared error, as `restorelab.data.equal_mse` makes them. `scores`: the same names -> (PSNR in dB, SSIM,
    LPIPS). `lpips_label`: what the third number is, in words, such as a network's `label`; it stands beside the number.

    What is displayed went through JPEG, the maps too; numbers and maps are of the pictures as given, rounded to 8 bits.

    Raises `ImageError` for what is not a picture; `ParameterError` for sizes or names that differ, values that cannot be compared,
    PSNRs more than 0.5 dB apart, and pictures too many or too large to live in a notebook.
    """

    _esm = source(".js", "shared", "radios", "split", "ramp", "equal_error")
    _css = source(".css", "shared", "radios", "split", "ramp", "equal_error")

    _size = traitlets.List().tag(sync=True)  # height, width
    _clean = traitlets.Bytes().tag(sync=True)  # JPEG
    _faults = traitlets.List().tag(sync=True)  # {name, psnr, ssim, lpips, picture, ssim_map, error_map}: JPEGs, the maps grey
    _label = traitlets.Unicode().tag(sync=True)  # of the third number
    _brightest = traitlets.Int(BRIGHTEST).tag(sync=True)
    _ramp = traitlets.Bytes().tag(sync=True)  # 256 times red, green, blue: the colours of the maps' greys
    chosen = traitlets.Int(0).tag(sync=True)  # which fault
    view = traitlets.Enum(("picture", "ssim", "error"), "picture").tag(sync=True)  # what the right side shows

    def __init__(
        self,
        clean: Tensor,
        pictures: Mapping[str, Tensor],
        scores: Mapping[str, tuple[float, float, float]],
        lpips_label: str = "LPIPS",
    ):
        self._pictures = dict(pictures)
        _check(clean, self._pictures, scores)
        self.scores = {name: Scores(*map(float, scores[name])) for name in self._pictures}
        _check_equal(self.scores)
        faults = [self._fault(name, picture, clean) for name, picture in self._pictures.items()]
        if sum(len(file) for fault in faults for file in fault.values() if isinstance(file, bytes)) > MOST_BYTES:
            raise ParameterError(f"{len(faults)} pictures of this size are more than {MOST_BYTES / 1000:.0f} kB: crop them, or give fewer.")
        super().__init__(
            _size=list(clean.shape[-2:]),
            _clean=jpeg(clean, MOST_PICTURE),
            _faults=faults,
            _label=lpips_label,
            _ramp=ramp(ABSOLUTE),
        )

    def _fault(self, name: str, picture: Tensor, clean: Tensor) -> dict:
        maps = {"ssim_map": low_ssim(picture, clean), "error_map": squared_error(picture, clean)}
        sent = {kind: jpeg(shown, MOST_MAP) for kind, shown in maps.items()}
        return {"name": name, **self.scores[name]._asdict(), "picture": jpeg(picture, MOST_PICTURE), **sent}

    def __repr__(self) -> str:
        said = "; ".join(f"{name}: {one.ssim:.3f}, {one.lpips:.4f}" for name, one in self.scores.items())
        return f"Equal error: {len(self.scores)} faults, all of PSNR {_mean_psnr(self.scores):.1f} dB. SSIM, {self._label}: {said}"

    def figure(self) -> Figure:
        """The faults in a row, the three numbers under each."""
        height, width = self._size
        question = f"All of these have a PSNR of {_mean_psnr(self.scores):.1f} dB. Which would you rather have?"
        figure = picture_row(self._pictures, question, STILL)
        for axis, one in zip(figure.axes, self.scores.values(), strict=True):
            numbers = f"PSNR {one.psnr:.2f} dB\nSSIM {one.ssim:.3f}\ndistance* {one.lpips:.4f}"
            axis.text(0.5, -0.04, numbers, transform=axis.transAxes, ha="center", va="top", fontsize=9)
        figure.supxlabel(f"* {self._label}. Lower is better; for SSIM, higher is.", fontsize=8)
        figure.set_size_inches(STILL * width / height * len(self._pictures), STILL + TEXT)
        return figure


def low_ssim(picture: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"]) -> Float[Tensor, "1 h2 w2"]:
    """1 - SSIM of every window, mean over the channels: bright where SSIM is low. 5 pixels less on every side."""
    similarity = torch.from_numpy(ssim_map(picture, clean)).float()
    return (1 - similarity.mean(2)).clamp(0, 1)[None]


def squared_error(picture: Float[Tensor, "c h w"], clean: Float[Tensor, "c h w"]) -> Float[Tensor, "1 h w"]:
    """The squared error of every pixel, mean over the channels, 1 being `BRIGHTEST` times its mean or more."""
    a, b = (torch.from_numpy(np.ascontiguousarray(pixels)) for pixels in COURSE_RGB.prepare_pair(picture, clean))
    error = (a - b).square().mean(2)
    return (error / (BRIGHTEST * error.mean())).clamp(0, 1).float()[None]


def _mean_psnr(scores: Mapping[str, Scores]) -> float:
    return float(np.mean([one.psnr for one in scores.values()]))


def _check(clean: Tensor, pictures: dict[str, Tensor], scores: Mapping[str, tuple]) -> None:
    if not pictures:
        raise ParameterError("there are no pictures: give {name of a fault: picture}.")
    check_image(clean, "the clean picture")
    for name, picture in pictures.items():
        check_image(picture, f"the picture {name!r}")
        if picture.shape != clean.shape:
            sizes = " and ".join("x".join(map(str, image.shape)) for image in (picture, clean))
            raise ParameterError(f"{name!r} and the clean picture are {sizes}; a fault must not change the size.")
    if stray := set(pictures) ^ set(scores):
        raise ParameterError(f"pictures and scores need the same names; only one of them has {', '.join(map(repr, sorted(stray)))}.")
    if any(len(three) != 3 for three in scores.values()):
        raise ParameterError("every picture needs three scores: PSNR in dB, SSIM, LPIPS.")


def _check_equal(scores: dict[str, Scores]) -> None:
    if not np.isfinite(list(scores.values())).all():
        raise ParameterError("a score is infinite or not a number: give pictures that differ from the clean one.")
    low, high = (extreme(one.psnr for one in scores.values()) for extreme in (min, max))
    if high - low > SPREAD:
        raise ParameterError(
            f"the PSNRs go from {low:.2f} to {high:.2f} dB: the pictures must have one error; restorelab.data.equal_mse makes such."
        )
