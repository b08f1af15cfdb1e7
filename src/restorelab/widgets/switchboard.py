"""The convention switchboard to play with: turn five switches and see the score of two untouched pictures move."""

import itertools
import math
import textwrap
from dataclasses import dataclass, field, replace

import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image
from restorelab.metrics import COURSE_RGB, PROTOCOLS, Protocol, psnr, ssim
from restorelab.metrics.conventions import PSNR_VARIANTS
from restorelab.viz import COLOURS
from restorelab.widgets.static import Pictured, jpeg, source

MOST_BYTES = 30_000  # of each picture: they are there to be recognised
TELLING = 0.03  # dB, and less is not worth a row of the still picture
LETTERS = 42  # of a line there


@dataclass(frozen=True)
class Option:
    """One position of a switch."""

    label: str
    about: str  # what it does, or whose numbers follow it
    fields: dict = field(default_factory=dict)  # of the Protocol; PSNR's formulas are none of its business


SWITCHES: dict[str, tuple[Option, ...]] = {
    "colour": (
        Option("RGB", "all three colours"),
        Option("Y 16..235", "luma alone, not rounded: super-resolution since BasicSR", {"colour": "y_studio"}),
        Option("Y 16..235, rounded", "MATLAB's luma of an 8-bit picture: deraining, PIRM", {"colour": "y_studio", "round_y": True}),
        Option("Y 0..255", "luma as OpenCV and Pillow make it, and pyiqa unless told otherwise", {"colour": "y_full"}),
    ),
    "8 bits": (
        Option("rounded", "as a good file holds it"),
        Option("truncated", "the fraction is cut off, as a bare cast does: DeblurGAN-v2", {"rounding": "truncated"}),
        Option("left out", "floating point: SIDD, and scores taken while training", {"rounding": "none"}),
    ),
    "border left out": (
        Option("none", "every pixel counts"),
        Option("4 pixels", "super-resolution ×4, PIRM", {"border": 4}),
        Option("8 pixels", "super-resolution ×8", {"border": 8}),
    ),
    "PSNR's formula": (
        Option("peak 255, one mean", "the mean error of all channels together"),
        *(Option(name, who) for name, who, _ in PSNR_VARIANTS),
    ),
    "SSIM": (
        Option("2-D windows", "Wang et al. 2004: windows inside the picture, channel by channel"),
        Option("MATLAB 3-D", "MATLAB's: colours taken for a volume; GoPro and SIDD since MPRNet", {"ssim": "MATLAB 3-D"}),
    ),
}
Choice = tuple[int, ...]  # the position of every switch, in their order
COURSE: Choice = (0,) * len(SWITCHES)
EVERY = tuple(itertools.product(*(range(len(options)) for options in SWITCHES.values())))

WHY_NOT_ROUNDED = "MATLAB rounds Y because the picture was 8-bit; without 8 bits there is nothing it would round."
WHY_NOT_MEAN = "Y is a single channel: there are no three PSNRs to average."


class Switchboard(Pictured):
    """Five switches and one readout: PSNR and SSIM of the same two pictures under every combination of conventions that makes sense.

    All combinations are scored when it is made; the rest happens in the browser: it works without a kernel, and as a page.
    `restored`, `clean`: `3 h w`, RGB in [0, 1]; `restored` is clamped. `chosen` holds the positions of the switches, in the order of
    `SWITCHES`.

    Raises `ImageError` for what is not a picture, `ParameterError` where `psnr` and `ssim` do, and where a score is infinite.
    """

    _esm = source(".js", "shared", "radios", "switchboard")
    _css = source(".css", "shared", "radios", "switchboard")

    _switches = traitlets.List().tag(sync=True)  # {name, options: {label, about}}
    _scores = traitlets.Dict().tag(sync=True)  # "0,1,0,0,1" -> [PSNR in dB, SSIM]
    _refused = traitlets.Dict().tag(sync=True)  # "0,1,0,0,1" -> why it makes no sense
    _printed = traitlets.List().tag(sync=True)  # {who, chosen}: the combinations that somebody prints
    _pictures = traitlets.List().tag(sync=True)  # {name, picture}
    chosen = traitlets.List(list(COURSE)).tag(sync=True)

    def __init__(self, restored: Tensor, clean: Tensor):
        check_image(restored, "the restored picture")
        check_image(clean, "the clean picture")
        self._restored, self._clean = restored, clean
        self.scores = score_all(restored, clean)
        if not all(math.isfinite(score) for pair in self.scores.values() for score in pair):
            raise ParameterError("a score is infinite: the pictures are equal, or the clean one is one flat colour. Give others.")
        pictures = {"restored": restored.clamp(0, 1), "clean": clean.clamp(0, 1)}
        super().__init__(
            _switches=[
                {"name": name, "options": [{"label": option.label, "about": option.about} for option in options]}
                for name, options in SWITCHES.items()
            ],
            _scores={_key(choice): list(pair) for choice, pair in self.scores.items()},
            _refused={_key(choice): why for choice in EVERY if (why := refusal(choice))},
            _printed=[{"who": who, "chosen": list(choice)} for choice, who in PRINTED.items()],
            _pictures=[{"name": name, "picture": jpeg(picture, MOST_BYTES)} for name, picture in pictures.items()],
        )

    def __repr__(self) -> str:
        decibels, similarities = zip(*self.scores.values(), strict=True)
        low, high = min(decibels), max(decibels)
        return (
            f"Convention switchboard: one pair of pictures scores from {low:.2f} to {high:.2f} dB, {high - low:.2f} dB apart, "
            f"and an SSIM from {min(similarities):.3f} to {max(similarities):.3f}, under {len(self.scores)} combinations of conventions; "
            f"the course's own: {self.scores[COURSE][0]:.2f} dB, {self.scores[COURSE][1]:.3f}"
        )

    def figure(self) -> Figure:
        """The two pictures, and the most telling combinations in order of PSNR."""
        rows = sorted(((*self.scores[choice], name) for name, choice in self._telling().items()), reverse=True)
        figure = Figure(figsize=(8.6, 0.25 * len(rows) + 0.9), layout="constrained")
        axes = figure.subplot_mosaic([["restored", "dots"], ["clean", "dots"]], width_ratios=[1, 1.6])
        for name, picture in (("restored", self._restored), ("clean", self._clean)):
            axes[name].imshow(picture.clamp(0, 1).permute(1, 2, 0).numpy())
            axes[name].set_title(name, fontsize=9)
            axes[name].set_axis_off()
        _dots(axes["dots"], rows, self.scores[COURSE][0])
        figure.suptitle("The same two pictures, not a pixel touched", fontsize=10)
        return figure

    def _telling(self) -> dict[str, Choice]:
        """What is published, every switch that does something when turned by itself, and the two ends."""
        decibels = {choice: pair[0] for choice, pair in self.scores.items()}
        low, high = min(decibels, key=decibels.get), max(decibels, key=decibels.get)
        single = [choice for choice in self.scores if sum(map(bool, choice)) == 1 and abs(decibels[choice] - decibels[COURSE]) > TELLING]
        named = {choice: named_choice(choice) for choice in single} | PRINTED
        named |= {end: f"{word}: {named_choice(end)}" for end, word in ((low, "lowest"), (high, "highest"))}
        return {name: choice for choice, name in named.items()}


def protocol_of(choice: Choice) -> Protocol:
    """The protocol of these positions; PSNR's formula is none of its business. Raises `ParameterError` where they contradict each other."""
    return replace(COURSE_RGB, name="switchboard", **_fields(choice))


def refusal(choice: Choice) -> str:
    """Why this combination makes no sense; "" if it does."""
    fields = _fields(choice)
    if fields.get("round_y") and fields.get("rounding") == "none":
        return WHY_NOT_ROUNDED
    if "colour" in fields and choice[FORMULA] == MEAN_OF_CHANNELS:
        return WHY_NOT_MEAN
    return ""


def score_all(restored: Tensor, clean: Tensor) -> dict[Choice, tuple[float, float]]:
    """PSNR in dB and SSIM of every combination that makes sense."""
    scores = {}
    for pixels in itertools.product(*(range(len(SWITCHES[name])) for name in ("colour", "8 bits", "border left out"))):
        if refusal((*pixels, 0, 0)):
            continue
        protocols = [protocol_of((*pixels, 0, kind)) for kind in range(len(SWITCHES["SSIM"]))]
        compared = protocols[0].prepare_pair(restored, clean)
        decibels = [psnr(restored, clean, protocols[0]), *(formula(*compared) for _, _, formula in PSNR_VARIANTS)]
        similarities = [ssim(restored, clean, protocol) for protocol in protocols]
        for ending in itertools.product(range(len(decibels)), range(len(similarities))):
            if not refusal((*pixels, *ending)):
                scores[*pixels, *ending] = (decibels[ending[0]], similarities[ending[1]])
    return scores


def named_choice(choice: Choice) -> str:
    """What differs from the course's, in the switches' words."""
    options = SWITCHES.items()
    turned = [(name, switch[position].label) for (name, switch), position in zip(options, choice, strict=True) if position]
    return ", ".join({"8 bits": f"8 bits {label}", "border left out": f"border of {label}"}.get(name, label) for name, label in turned)


def _fields(choice: Choice) -> dict:
    """Of the Protocol, what differs from the course's."""
    options = (switch[position] for switch, position in zip(SWITCHES.values(), choice, strict=True))
    return {name: value for option in options for name, value in option.fields.items()}


def _key(choice: Choice) -> str:
    return ",".join(map(str, choice))


def _printed() -> dict[Choice, str]:
    """The combinations that somebody prints. A protocol's pooling takes more pictures than one, and does not count."""
    plain = [choice for choice in EVERY if not refusal(choice) and choice[FORMULA] == 0]
    alike = {name: replace(PROTOCOLS[name], pooling=COURSE_RGB.pooling) for name in WORDS}
    return {choice: WORDS[name] for name, protocol in alike.items() for choice in plain if protocol_of(choice) == protocol}


def _dots(axis, rows: list[tuple[float, float, str]], course: float) -> None:
    low, high = rows[-1][0], rows[0][0]
    axis.axvline(course, color="0.6", linewidth=1, zorder=0)
    for height, (decibels, similarity, _) in enumerate(reversed(rows)):
        own = decibels == course
        axis.plot([course, decibels], [height, height], color=COLOURS[0], linewidth=1.5)
        axis.plot(decibels, height, "o", color=COLOURS[0], markerfacecolor="white" if own else COLOURS[0])
        axis.text(1.02, height, f"{decibels:.2f} dB, SSIM {similarity:.3f}", transform=axis.get_yaxis_transform(), va="center", fontsize=8)
    axis.set_yticks(range(len(rows)), [textwrap.fill(name, LETTERS) for *_, name in reversed(rows)], fontsize=8)
    axis.set_xlabel(f"PSNR (dB): {high - low:.1f} dB from end to end; the line is the course's own", fontsize=8)
    axis.tick_params(axis="x", labelsize=8)
    axis.spines[["top", "right", "left"]].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.margins(0.06, 0.04)


WORDS = {  # names of PROTOCOLS that the switches reach -> what the page calls them
    "COURSE_RGB": "this course",
    "GoPro/HIDE": "GoPro and HIDE tables",
    "SIDD/DND": "SIDD and DND tables",
    "deraining": "deraining tables",
    "SR x4": "super-resolution ×4",
    "SR x8": "super-resolution ×8",
    "PIRM": "PIRM 2018",
}
FORMULA = list(SWITCHES).index("PSNR's formula")
MEAN_OF_CHANNELS = 1 + [name for name, *_ in PSNR_VARIANTS].index("mean of the three channels' PSNRs")
PRINTED = _printed()
