"""The feature pyramid of a DeblurGAN-v2: switch the scales at which it looks on and off, and see what each is good for.

A scale is switched off where it enters, at its lateral: nothing the backbone shows there gets in, neither through the scale's own head
nor by way of the finer maps, into which coarser ones are added. So a map with its own scale off still shows what coarser ones told it.
"""

import itertools
from collections.abc import Collection, Iterable

import traitlets
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor, nn

from restorelab.errors import ParameterError
from restorelab.image import to_uint8
from restorelab.metrics import COURSE_RGB, psnr
from restorelab.models.deblurgan_v2 import DeblurGANv2
from restorelab.restore import RestoredImage, restore
from restorelab.viz import signed
from restorelab.widgets.shown import ABSOLUTE, check_pair, check_weight, decibels, picture_file, ramp, scale_of, signed_grey
from restorelab.widgets.static import Pictured, jpeg, page, png, source
from restorelab.widgets.switching import Remembered, Silent, key, switched, with_parts

LEVELS = (2, 4, 8, 16, 32)  # the map of level 8 is at 1/8 of the size
EVERY = [tuple(chosen) for count in range(6) for chosen in itertools.combinations(LEVELS, count)]  # all 32 ways, none to all
LARGEST = 256  # pixels a side of the picture, or 32 of them do not fit into a notebook
MOST_BYTES, MOST_RESIDUAL, MOST_PICTURE = 760_000, 14_000, 150_000  # of everything, of a residual, of a picture
MAP_SIDE = 64  # pixels a side of a map in the page: finer ones are shrunk


def without_levels(model: nn.Module, degraded: Float[Tensor, "c h w"], levels: Iterable[int]) -> RestoredImage:
    """What the model restores, with its maps, when it is not shown the scales 1/2, 1/4, ... of `levels` (of 2, 4, 8, 16, 32).

    The model is left as it is; nothing is trained anew, so a level that the others could have learned to replace looks dear. Raises
    `ParameterError` for another model or another level, `ImageError` for what is not a picture.
    """
    if not isinstance(model, DeblurGANv2):
        raise ParameterError(f"this looks into the pyramid of a DeblurGANv2; a {type(model).__name__} has none.")
    off = set(levels)
    if stray := off - set(LEVELS):
        raise ParameterError(f"levels are 2, 4, 8, 16 and 32, as in 1/32 of the size; there is no {', '.join(map(str, sorted(stray)))}.")
    laterals = [Silent(one) if level in off else one for level, one in zip(LEVELS, model.laterals, strict=True)]
    return restore(with_parts(model, laterals=nn.ModuleList(laterals)), degraded, explain=True)


def every_combination(model: nn.Module, degraded: Float[Tensor, "c h w"]) -> dict[tuple[int, ...], RestoredImage]:
    """Levels that are on -> what comes out, for all 32 ways; the backbone, of which they all see the same, works once."""
    if not isinstance(model, DeblurGANv2):
        raise ParameterError(f"this looks into the pyramid of a DeblurGANv2; a {type(model).__name__} has none.")
    backbone = Remembered(model.backbone)
    backbone.min_side = model.backbone.min_side
    once = with_parts(model, backbone=backbone)
    return {on: without_levels(once, degraded, set(LEVELS) - set(on)) for on in EVERY}


def activation(one: Float[Tensor, "k h w"]) -> Float[Tensor, "1 h w"]:
    """A map as one picture: the mean absolute value of its channels, 1 where it is largest; black if all of it is zero."""
    strength = one.abs().mean(0, keepdim=True)
    return strength / strength.max().clamp_min(1e-12)


class PyramidExplorer(Pictured):
    """Switch the five levels of the pyramid on and off: the result, what was added to the picture, and what every level is worth.

    All 32 ways are computed at once (seconds to a minute, by backbone), so that it works without a kernel, and as a page.

    model: a DeblurGANv2. degraded: `3 h w` in [0, 1], at most 256 pixels a side. clean: if given, a level's worth is counted in dB of
    PSNR, and `scores` holds them: levels that are on, such as (2, 4, 8, 16, 32) -> dB; without it, in how much it moves the result.
    `levels` are those that are on; `results` has what `without_levels` says of every way.

    The residual goes through JPEG, and the result is put together from it in the browser; numbers are of the pictures before that.

    Raises `ImageError` for what is not a picture; `ParameterError` for another model, a picture too large, or a clean one of another size.
    """

    _esm = source(".js", "shared", "split", "ramp", "levels", "pyramid_explorer")
    _css = source(".css", "shared", "split", "ramp", "levels", "pyramid_explorer")

    _size = traitlets.List().tag(sync=True)  # height, width
    _degraded = traitlets.Bytes().tag(sync=True)  # PNG or JPEG
    _residuals = traitlets.Dict().tag(sync=True)  # "2,8": JPEG, mid-grey is zero
    _end = traitlets.Float().tag(sync=True)  # of the residuals: what white stands for, 1 being all the range
    _maps = traitlets.Dict().tag(sync=True)  # "8: 8,32": grey PNG of the map of level 8 with these of the levels 8, 16, 32 on
    _scores = traitlets.Dict().tag(sync=True)  # "2,8": dB
    _moves = traitlets.Dict().tag(sync=True)  # "2,8": {"4": by how much switching 4 moves the result, RMS of 255}
    _ramp = traitlets.Bytes().tag(sync=True)  # 256 times red, green, blue
    _protocol = traitlets.Unicode().tag(sync=True)
    levels = traitlets.List(traitlets.Enum(LEVELS), list(LEVELS)).tag(sync=True)

    def __init__(self, model: nn.Module, degraded: Tensor, clean: Tensor | None = None):
        check_pair(degraded, clean, LARGEST)
        self.results = every_combination(model, degraded)
        residuals = {on: result.maps["residual"][0] for on, result in self.results.items()}
        self.scores = {} if clean is None else {on: psnr(result.image, clean) for on, result in self.results.items()}
        self._shown = degraded
        end = scale_of(residuals.values())
        files = {key(on): jpeg(signed_grey(residual, end), MOST_RESIDUAL) for on, residual in residuals.items()}
        maps, picture = self._map_files(), picture_file(degraded, MOST_PICTURE)
        check_weight([picture, *files.values(), *maps.values()], MOST_BYTES)
        super().__init__(
            _size=list(degraded.shape[-2:]),
            _degraded=picture,
            _residuals=files,
            _end=end,
            _maps=maps,
            _scores={key(on): score for on, score in self.scores.items()},
            _moves={key(on): {str(level): self._moved(on, level) for level in LEVELS} for on in EVERY},
            _ramp=ramp(ABSOLUTE),
            _protocol=str(COURSE_RGB) if self.scores else "",
        )

    @traitlets.validate("levels")
    def _in_order(self, proposal: dict) -> list[int]:
        return sorted(set(proposal["value"]))

    def _moved(self, on: tuple[int, ...], level: int) -> float:
        """By how much switching this level moves the result, as root mean square in grey levels of 255."""
        difference = self.results[on].image - self.results[switched(on, level)].image
        return 255 * float(difference.square().mean().sqrt())

    def _map_files(self) -> dict[str, bytes]:
        """A map depends on its own level and the coarser ones alone: 31 pictures, with those of 1/2."""
        files = {}
        for on, result in self.results.items():
            for index, (level, one) in enumerate(zip(LEVELS, result.maps["pyramid"], strict=True)):
                known = (level,) if level == 2 else LEVELS[index:]  # the map at 1/2 takes from no other
                name = f"{level}: {key(other for other in on if other in known)}"
                if name not in files:
                    files[name] = png(_small(activation(one)))
        return files

    def __repr__(self) -> str:
        said = f"Pyramid with the levels {_words(self.levels)}"
        if not self.scores:
            return said
        every = self.scores[LEVELS]
        losses = ", ".join(f"without 1/{level} {self.scores[switched(LEVELS, level)] - every:+.2f}" for level in LEVELS)
        return f"{said}: {decibels(self.scores[tuple(self.levels)])}; all {decibels(every)}, {losses} (PSNR, {COURSE_RGB.name})"

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "The feature pyramid, level by level")

    def figure(self) -> Figure:
        """The five maps, and under each what is added to the picture without it; left, the picture and the result."""
        every = self.results[LEVELS]
        height, width = self._size
        figure = Figure(figsize=(1.35 * width / height * 6, 3.3), layout="constrained")
        first, *columns = figure.subplots(2, 6).T
        _show(first, (("input", self._shown), (_title("all levels", self.scores.get(LEVELS)), every.image)))
        for column, level, one in zip(columns, LEVELS, every.maps["pyramid"], strict=True):
            on = switched(LEVELS, level)
            residual = signed(self.results[on].maps["residual"][0], 0.5 / self._end)
            _show(column, ((f"map at 1/{level}", activation(one)), (_title(f"added without 1/{level}", self.scores.get(on)), residual)))
        return figure


def _words(on: Collection[int]) -> str:
    return ", ".join(f"1/{level}" for level in on) or "none"


def _title(words: str, score: float | None) -> str:
    return words if score is None else f"{words}\n{decibels(score)}"


def _show(axes: Iterable, pictures: Iterable[tuple[str, Tensor]]) -> None:
    for axis, (title, picture) in zip(axes, pictures, strict=True):
        grey = {"cmap": ABSOLUTE, "vmin": 0, "vmax": 1} if picture.shape[0] == 1 else {}
        axis.imshow(picture[0].numpy() if grey else to_uint8(picture), **grey)
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()


def _small(strength: Float[Tensor, "1 h w"]) -> Float[Tensor, "1 h2 w2"]:
    """At most `MAP_SIDE` pixels a side, each the mean of those it stands for."""
    times = -(-max(strength.shape[-2:]) // MAP_SIDE)
    return nn.functional.avg_pool2d(strength, times, ceil_mode=True) if times > 1 else strength
