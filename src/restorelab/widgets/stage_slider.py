"""Coarse to fine: what a network had after each of its stages, and what was still wrong."""

from collections.abc import Sequence

import torch
import traitlets
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.errors import ParameterError
from restorelab.image import check_image, to_uint8
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.widgets.shown import (
    ABSOLUTE,
    SIGNED,
    at_size,
    check_weight,
    decibels,
    error_maps,
    exact,
    picture_file,
    ramp,
    scale_of,
    signed_grey,
)
from restorelab.widgets.static import Pictured, jpeg, page, source

MOST_BYTES = 640_000  # of everything; more would make notebooks that nobody can send
MOST_PICTURES, MOST_MAPS = 420_000, 160_000  # bytes that pictures and maps may have together until they go as (worse) JPEG
STILL, INCHES = 5, 1.7  # stages in the still picture, and their height
VIEWS = ("signed", "absolute", "clean")


class StageSlider(Pictured):
    """A slider from the degraded picture over every stage to the result. All in the browser: it works without a kernel, and as a page.

    degraded: `c h w` in [0, 1]; a whole number of times smaller than the stages, it is enlarged bicubically. stages: `c h w` each, coarse
    to fine, such as `RestoredImage.stages`. clean: if given, the error map of every stage is beside it (one colour scale for all), and its
    PSNR below; `scores` holds them in dB, the input's first. names: of the stages, "stage 1", ... by default. milliseconds: until each
    stage was there, counted from the start.

    Pictures are shown without loss if they are small, as JPEG if not, maps always as JPEG; the numbers are of the pictures as given.
    `chosen` is the stage shown (0: the input), `view` what is beside it.

    Raises `ImageError` for what is not a picture; `ParameterError` for sizes or counts that do not fit, times that go back, and
    pictures too many or too large to live in a notebook.
    """

    _esm = source(".js", "shared", "radios", "ramp", "stage_slider")
    _css = source(".css", "shared", "radios", "ramp", "stage_slider")

    _size = traitlets.List().tag(sync=True)  # height, width
    _stages = traitlets.List().tag(sync=True)  # {name, psnr, milliseconds, picture, signed, absolute}, the input first; maps are grey
    _clean = traitlets.Bytes(b"").tag(sync=True)
    _end = traitlets.Float(0.0).tag(sync=True)  # of the colour scales, in 1/255
    _ramps = traitlets.Dict().tag(sync=True)  # view -> 256 times red, green, blue
    _notes = traitlets.Unicode().tag(sync=True)
    chosen = traitlets.Int(0).tag(sync=True)
    view = traitlets.Enum(VIEWS, "signed").tag(sync=True)

    def __init__(
        self, degraded: Tensor, stages: Sequence[Tensor], clean: Tensor | None = None, *,
        names: Sequence[str] | None = None, milliseconds: Sequence[float] | None = None,
    ):  # fmt: skip
        names = [f"stage {number}" for number in range(1, len(stages) + 1)] if names is None else list(names)
        _check(stages, names, milliseconds)
        enlarged = degraded.shape != stages[-1].shape
        pictures = [at_size(degraded, stages[-1], "the degraded picture"), *stages]
        self._pictures = dict(zip(["input, enlarged" if enlarged else "input", *names], pictures, strict=True))
        self.scores = [] if clean is None else [psnr(picture, clean) for picture in pictures]
        self._errors = [] if clean is None else [error_maps(picture, clean) for picture in pictures]
        end = scale_of(absolute for _, absolute in self._errors) if self._errors else 0.0
        files, clean_file = self._files(end), b"" if clean is None else picture_file(clean, MOST_PICTURES // (len(pictures) + 1))
        shown = [clean_file, *(file["picture"] for file in files)]
        check_weight([clean_file, *(part for file in files for part in file.values())], MOST_BYTES)
        times = [None, *map(float, milliseconds)] if milliseconds is not None else [None] * len(pictures)
        said = zip(self._pictures, map(decibels, self.scores) if self.scores else [""] * len(pictures), times, files, strict=True)
        super().__init__(
            _size=list(stages[-1].shape[-2:]),
            _stages=[{"name": name, "psnr": score, "milliseconds": time, **file} for name, score, time, file in said],
            _clean=clean_file,
            _end=255 * end,
            _ramps={"signed": ramp(SIGNED), "absolute": ramp(ABSOLUTE)} if self.scores else {},
            _notes=_notes(bool(self.scores), exact(filter(None, shown))),
            chosen=len(stages),
        )

    def _files(self, end: float) -> list[dict[str, bytes]]:
        """Of the input and every stage, what the browser gets."""
        pictures = list(self._pictures.values())
        most, most_map = MOST_PICTURES // (len(pictures) + 1), MOST_MAPS // (2 * len(pictures))
        files = [{"picture": picture_file(picture, most)} for picture in pictures]
        for file, (signed, absolute) in zip(files, self._errors, strict=False):  # none without a clean picture
            file |= {"signed": jpeg(signed_grey(signed, end), most_map), "absolute": jpeg((absolute / end).clamp(0, 1), most_map)}
        return files

    def __repr__(self) -> str:
        said = ", ".join(" ".join(filter(None, (stage["name"], stage["psnr"], _time(stage)))) for stage in self._stages)
        return f"Stages, coarse to fine: {said}{f' (PSNR, {COURSE_RGB.name})' if self.scores else ''}"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Stages, coarse to fine")

    def figure(self) -> Figure:
        """The input and a few stages, the last among them, and under each its absolute error."""
        count = len(self._pictures)
        shown = sorted({round(number * (count - 1) / (STILL - 1)) for number in range(STILL)})
        rows = 2 if self._errors else 1
        height, width = self._size
        figure = Figure(figsize=(INCHES * width / height * len(shown), (INCHES - 0.1) * rows + 0.5), layout="constrained")
        axes = figure.subplots(rows, len(shown), squeeze=False)
        names, pictures = list(self._pictures), list(self._pictures.values())
        for column, number in zip(axes.T, shown, strict=True):
            column[0].imshow(to_uint8(pictures[number].expand(3, -1, -1)))
            column[0].set_title("\n".join(filter(None, (names[number], self._stages[number]["psnr"]))), fontsize=9)
            if self._errors:
                map_shown = column[1].imshow(255 * self._errors[number][1][0].numpy(), cmap=ABSOLUTE, vmin=0, vmax=self._end)
            for axis in column:
                axis.set_axis_off()
        if self._errors:
            figure.colorbar(map_shown, ax=axes[1], shrink=0.8, label="absolute error / 255")
        return figure


def _time(stage: dict) -> str:
    return "" if stage["milliseconds"] is None else f"after {stage['milliseconds']:.0f} ms"


def _notes(scored: bool, lossless: bool) -> str:
    said = [f"PSNR against the clean picture: {COURSE_RGB}."] if scored else []
    said += ["Errors are means over the channels, in grey levels of 255."] if scored else []
    return " ".join(said + ([] if lossless else ["Pictures are shown as JPEG; numbers and maps are of the pictures before that."]))


def _check(stages: Sequence[Tensor], names: list[str], milliseconds: Sequence[float] | None) -> None:
    if not len(stages):
        raise ParameterError("there are no stages: give the pictures from coarse to fine, such as restore(...).stages.")
    for name, stage in zip(names, stages, strict=False):
        check_image(stage, f"{name!r}")
    if len({stage.shape for stage in stages}) > 1:
        raise ParameterError("the stages are of different sizes; every one must show the whole picture at the size of the result.")
    if len(names) != len(stages) or len(set(names)) < len(names) or {"input", "input, enlarged"} & set(names):
        raise ParameterError(f'there are {len(stages)} stages: give as many different names, none of them "input"; got {names}.')
    if milliseconds is not None and (len(milliseconds) != len(stages) or not torch.tensor([0.0, *milliseconds]).diff().ge(0).all()):
        raise ParameterError(
            f"milliseconds count from the start to each of the {len(stages)} stages and never go back; got {list(milliseconds)}."
        )
