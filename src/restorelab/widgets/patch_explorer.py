"""The path of a picture through a DMPHN: who sees which patch, what every level finds, and what is left when levels are silenced."""

import math

import traitlets
from matplotlib.figure import Figure
from torch import Tensor, nn

from restorelab.errors import ParameterError
from restorelab.metrics import COURSE_RGB
from restorelab.models.dmphn import grid_of
from restorelab.widgets.patch_still import patch_still
from restorelab.widgets.patch_study import Levels, check_model, cuts, cuts_near, seam_ratio, study
from restorelab.widgets.shown import check_pair, check_weight, decibels, picture_file, scale_of, signed_grey
from restorelab.widgets.static import Pictured, jpeg, page, source
from restorelab.widgets.switching import key, switched

LARGEST = 192  # pixels a side: every way of switching the levels is restored
MOST_PICTURE, MOST_RESIDUAL, MOST_BYTES = 120_000, 20_000, 640_000  # of the picture, of a residual, of everything
VIEWS = ("handed", "found", "result")


class PatchExplorer(Pictured):
    """Walk through the levels of a DMPHN, patch by patch; see what each was handed and found; switch levels off; look for seams.

    All ways of switching the levels are computed at once, so that it works without a kernel, and as a page.

    model: a DMPHN of one hierarchy (`stacks=1`). degraded: `3 h w` in [0, 1], at most 192 pixels a side, both multiples of what the
    model needs, so that nothing is mirrored. clean: if given, the PSNR of every way is shown; without it, a level's worth is how far it
    moves the result. weights: what is loaded, in words; it stands in the page.

    `level` is the one shown (1 sees the whole), `levels` are those that are on, `view` is "handed", "found" or "result", and `lens` the
    place that is enlarged (row, column). `study` holds all results, their PSNR, and the seam ratios.

    Residuals go through JPEG, and the browser adds them to the picture; numbers are of the pictures before that.

    Raises `ImageError` for what is not a picture; `ParameterError` for another model, several stacks, and sizes that do not fit.
    """

    _esm = source(".js", "shared", "radios", "ramp", "levels", "patch_path", "patch_stage", "patch_explorer")
    _css = source(".css", "shared", "radios", "ramp", "levels", "patch_explorer")

    _size = traitlets.List().tag(sync=True)  # height, width
    _degraded = traitlets.Bytes().tag(sync=True)  # PNG or JPEG
    _path = traitlets.List().tag(sync=True)  # of every level, finest first; see `_step`
    _residuals = traitlets.Dict().tag(sync=True)  # "2: 3,4" is level 2 with these finer ones on; see `_residual`
    _end = traitlets.Float().tag(sync=True)  # of all residuals as they are shown: what white stands for, 1 being all the range
    _outcomes = traitlets.Dict().tag(sync=True)  # "1,3", these are on: see `_outcome`
    _skip = traitlets.Bool().tag(sync=True)  # is the picture added to the last residual
    _weights = traitlets.Unicode().tag(sync=True)
    _protocol = traitlets.Unicode().tag(sync=True)
    level = traitlets.Int(1).tag(sync=True)
    levels = traitlets.List(traitlets.Int()).tag(sync=True)
    view = traitlets.Enum(VIEWS, "handed").tag(sync=True)
    lens = traitlets.List(traitlets.Int(), minlen=2, maxlen=2).tag(sync=True)

    def __init__(self, model: nn.Module, degraded: Tensor, clean: Tensor | None = None, *, weights: str):
        _check(model, degraded, clean)
        self.study = study(model, degraded, clean)
        files = {f"{level}: {key(finer)}": self._residual(level, finer) for level, finer in self.study.found}
        picture, size = picture_file(degraded, MOST_PICTURE), list(degraded.shape[-2:])
        check_weight([picture, *(one["file"] for one in files.values())], MOST_BYTES)
        super().__init__(
            _size=size,
            _degraded=picture,
            _path=[self._step(level) for level in reversed(self.study.everyone)],
            _residuals=files,
            _end=scale_of(self.study.found.values()),
            _outcomes={key(on): self._outcome(on) for on in self.study.results},
            _skip=model.cfg.global_skip,
            _weights=weights,
            _protocol=str(COURSE_RGB) if self.study.scores else "",
            level=len(self.study.patches),
            levels=list(self.study.everyone),
            lens=[side // 2 for side in size],  # where cuts cross
        )

    def _residual(self, level: int, finer: Levels) -> dict:
        found = self.study.found[level, finer]
        end = max(float(found.abs().max()), 1 / 255)  # its own: sums are made of it, and must not be cut off
        return {"file": jpeg(signed_grey(found, end), MOST_RESIDUAL), "end": end, "seam": _number(self.study.seams[level, finer])}

    def _step(self, level: int) -> dict:
        """Rows and columns of a level's patches; where its seams are looked for, and the ratio of the picture itself there."""
        rows, columns = grid_of(self.study.patches[level - 1])
        near, picture = cuts_near(self.study.patches, level), self.study.degraded
        places = cuts(picture.shape[-2:], near)
        return {"level": level, "rows": rows, "columns": columns, "cuts": places, "picture": _number(seam_ratio(picture, near))}

    def _outcome(self, on: Levels) -> dict:
        """dB or None; how far the result is from that with all on; by level, how far switching it moves the result."""
        moves = {str(level): self.study.moved(on, switched(on, level)) for level in self.study.everyone}
        return {"psnr": _number(self.study.scores.get(on, math.nan)), "moved": self.study.moved(on, self.study.everyone), "moves": moves}

    @traitlets.validate("level")
    def _known(self, proposal: dict) -> int:
        return min(max(proposal["value"], 1), len(self.study.patches))

    @traitlets.validate("levels")
    def _in_order(self, proposal: dict) -> list[int]:
        if stray := sorted(set(proposal["value"]) - set(self.study.everyone)):
            raise ParameterError(f"the levels are 1 to {len(self.study.patches)}; there is no level {stray[0]}.")
        return sorted(set(proposal["value"]))

    @traitlets.validate("lens")
    def _inside(self, proposal: dict) -> list[int]:
        return [min(max(place, 0), side - 1) for place, side in zip(proposal["value"], self.study.degraded.shape[-2:], strict=True)]

    def __repr__(self) -> str:
        found, everyone = self.study, self.study.everyone
        said = f"Patch explorer, DMPHN {'-'.join(map(str, found.patches))} (weights: {self._weights})"
        if found.scores:
            losses = ", ".join(f"without level {level} {found.change(switched(everyone, level)):+.2f}" for level in reversed(everyone))
            said += f": {decibels(found.scores[everyone])} with all levels, {losses} (PSNR, {COURSE_RGB.name})"
        ratios = {level: found.seam(level) for level in reversed(everyone)}
        told = ", ".join(f"level {level} {ratio:.2f}" for level, ratio in ratios.items() if math.isfinite(ratio))
        return f"{said}. Jumps across the cuts, against those elsewhere: {told}" if told else said

    def to_html(self) -> str:
        """A page of its own, for those without Jupyter: one file that fetches nothing."""
        return page(self, "Patch by patch, level by level")

    def figure(self) -> Figure:
        """Level by level, what each was handed and found; right, the result and what silencing costs."""
        return patch_still(self.study, self._end, self._weights)


def _number(value: float) -> float | None:
    """For JSON, which has no word for what is no number."""
    return value if math.isfinite(value) else None


def _check(model: nn.Module, degraded: Tensor, clean: Tensor | None) -> None:
    check_model(model)
    check_pair(degraded, clean, LARGEST)
    if len(degraded) != 3 or model.cfg.channels != 3:
        raise ParameterError("the picture and the model must both have three channels: red, green and blue.")
    (height, width), (rows, columns) = degraded.shape[-2:], model.size_multiple
    if height % rows or width % columns:
        fits = f"crop it to {height - height % rows}x{width - width % columns}"
        raise ParameterError(f"the degraded picture is {height}x{width}; this model needs multiples of {rows} and {columns}: {fits}.")
