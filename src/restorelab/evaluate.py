"""A model, pairs and a protocol in; one row of figures per picture out, and what may honestly be said about them.

A mean alone hides the picture that came out worse, so an `Evaluation` keeps every row; and two means alone do not say whether the
next set of pictures would rank two models the same way, so `difference` resamples the pictures (paired bootstrap).
"""

import csv
import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, median

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.data.pairs import Pair
from restorelab.errors import DataError, ParameterError
from restorelab.files import write_atomically
from restorelab.metrics import COURSE_RGB, Protocol, dataset_psnr, psnr, same_protocol, ssim
from restorelab.metrics.psnr import gap
from restorelab.ops.resize import resize_bicubic
from restorelab.restore import restore

Restorer = nn.Module | Callable[[Tensor], Tensor]  # one of our models, or any function from a degraded picture to a restored one
Metric = Callable[[Tensor, Tensor], float]  # (restored, clean) -> a number; of a kind that needs no reference, it ignores `clean`


@dataclass(frozen=True)
class Row:
    """One picture: PSNR in dB and SSIM, of the degraded picture (enlarged bicubically where it is smaller) and of the restored one."""

    name: str
    degraded_psnr: float
    restored_psnr: float
    degraded_ssim: float
    restored_ssim: float
    more: Mapping[str, float] = field(default_factory=dict)  # of the restored picture: what `metrics` of `evaluate` gave

    @property
    def gain(self) -> float:
        """dB."""
        return gap(self.restored_psnr, self.degraded_psnr)

    def figure(self, name: str) -> float:
        """A field, `gain`, or one of `more`. Raises ParameterError for anything else."""
        if name in self.more:
            return self.more[name]
        if name not in FIGURES:
            raise ParameterError(f"there is no figure {name!r}; there are {', '.join((*FIGURES, *self.more))}.")
        return getattr(self, name)


FIGURES = ("degraded_psnr", "restored_psnr", "gain", "degraded_ssim", "restored_ssim")


@dataclass(frozen=True)
class Evaluation:
    """Rows under one protocol. `model` and `data` say whose figures these are: model, weights, preset; set and degradation."""

    rows: tuple[Row, ...]
    protocol: Protocol
    model: str = ""
    data: str = ""

    @property
    def figures(self) -> tuple[str, ...]:
        return (*FIGURES, *self.rows[0].more)

    def mean(self, figure: str) -> float:
        """Mean over the pictures of one field of `Row`, of `gain`, or of a further metric; PSNRs are pooled as the protocol says."""
        figures = [row.figure(figure) for row in self.rows]
        return dataset_psnr(figures, self.protocol) if figure.endswith("_psnr") else fmean(figures)

    def median(self, figure: str) -> float:
        return median(row.figure(figure) for row in self.rows)

    @property
    def worst(self) -> Row:
        """The picture that gained least."""
        return self._by_gain[0]

    @property
    def best(self) -> Row:
        """The picture that gained most."""
        return self._by_gain[-1]

    @property
    def typical(self) -> Row:
        """The picture of median gain (of an even number, the lower of the two in the middle)."""
        return self._by_gain[(len(self.rows) - 1) // 2]

    @property
    def _by_gain(self) -> list[Row]:
        return sorted(self.rows, key=lambda row: row.gain)

    def caption(self) -> str:
        """What stands with every table and figure."""
        return ". ".join(part for part in (self.model, self.data, f"Protocol: {self.protocol}") if part)

    def to_json(self) -> str:
        """Model, data, protocol, means and medians, the pictures that gained most and least, and all rows; see `strict_json`."""
        facts = {"model": self.model, "data": self.data, "protocol": asdict(self.protocol)}
        summary = {name: {"mean": self.mean(name), "median": self.median(name)} for name in self.figures}
        names = {"worst": self.worst.name, "median": self.typical.name, "best": self.best.name}
        return strict_json(facts | {"summary": summary, "by gain": names, "rows": [asdict(row) for row in self.rows]}, indent=2)

    @staticmethod
    def from_json(text: str) -> "Evaluation":
        """What `to_json` wrote. Raises DataError for anything else."""
        try:
            value = json.loads(text)
            rows = tuple(_row(row) for row in value["rows"])
            return Evaluation(rows, Protocol(**value["protocol"]), value["model"], value["data"])
        except (ValueError, LookupError, TypeError, AttributeError, ParameterError) as error:
            raise DataError(f"this is not an evaluation that restorelab wrote ({error}); evaluate again.") from error

    def to_csv(self) -> str:
        """One line per picture, the protocol in a comment line on top."""
        out = io.StringIO()
        out.write(f"# {self.caption()}\n")
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["picture", *self.figures])
        writer.writerows([row.name, *(f"{row.figure(name):.6g}" for name in self.figures)] for row in self.rows)
        return out.getvalue()

    def to_markdown(self) -> str:
        """A table per picture with mean and median, and its caption."""
        head = ["picture", *(TITLES.get(name, name) for name in self.figures)]
        body = [[row.name.replace("|", "\\|"), *(_rounded(name, row.figure(name)) for name in self.figures)] for row in self.rows]
        for what, of in (("**mean**", self.mean), ("**median**", self.median)):
            body.append([what, *(_rounded(name, of(name)) for name in self.figures)])
        lines = [head, ["---", *["---:"] * len(self.figures)], *body]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{self.caption()}\n"


def strict_json(value: object, indent: int | None = None) -> str:
    """JSON that every reader takes. It has no infinity, which the PSNR of equal pictures is, nor NaN: they are the strings "inf",
    "-inf" and "nan", which `float` reads in most languages. (json.dumps writes Infinity by itself, which only Python reads.)"""
    return json.dumps(_finite(value), indent=indent, allow_nan=False)


def _finite(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return str(float(value)) if isinstance(value, float) and not math.isfinite(value) else value


def _row(value: Mapping) -> Row:
    """Of JSON: "inf" as it is written now, or Infinity as it was. Raises what a wrong type or a missing key raises."""
    more = {name: float(number) for name, number in value.get("more", {}).items()}
    figures = {key: float(number) for key, number in value.items() if key not in ("name", "more")}
    return Row(name=value["name"], more=more, **figures)


TITLES = {
    "degraded_psnr": "input PSNR (dB)", "restored_psnr": "PSNR (dB)", "gain": "gain (dB)",
    "degraded_ssim": "input SSIM", "restored_ssim": "SSIM",
}  # fmt: skip


def evaluate(
    model: Restorer, pairs: Sequence[Pair], protocol: Protocol = COURSE_RGB, progress: Callable[[int, int], None] | None = None, *,
    metrics: Mapping[str, Metric] | None = None, condition: Callable[[Pair], Tensor] | None = None,
    named: tuple[str, str] = ("", ""), journal: Path | None = None,
) -> Evaluation:  # fmt: skip
    """Restore every degraded picture and score it; `progress(done, all)` is called after each.

    metrics: further ones, name -> function of (restored, clean). condition: what a non-blind model is told about a pair.
    named: (model, data) for the caption. journal: a file that keeps every row as it is made; an evaluation that was interrupted goes on
    after the last one in it. It must be of the same model, data, metrics and protocol: ParameterError otherwise.
    """
    if not len(pairs):
        raise ParameterError("there is no pair to evaluate on.")
    begun = _Journal(journal, {"model": named[0], "data": named[1], "protocol": asdict(protocol), "metrics": sorted(metrics or {})})
    rows = begun.rows[: len(pairs)]
    for number in range(len(rows), len(pairs)):
        pair = pairs[number]
        rows.append(_score(model, pair, protocol, metrics or {}, condition))
        begun.add(rows[-1])
        if progress:
            progress(len(rows), len(pairs))
    return Evaluation(tuple(rows), protocol, *named)


def restore_pair(model: Restorer, pair: Pair, condition: Callable[[Pair], Tensor] | None = None) -> Tensor:
    """The restored picture of a pair, by a model or by a function."""
    if not isinstance(model, nn.Module):
        return model(pair.degraded)
    return restore(model, pair.degraded, condition=condition(pair) if condition else None).image


def as_input(pair: Pair) -> Tensor:
    """The degraded picture at the size of the clean one: bicubic enlargement is the baseline of super-resolution."""
    if pair.degraded.shape == pair.clean.shape:
        return pair.degraded
    return resize_bicubic(pair.degraded[None], tuple(pair.clean.shape[-2:]))[0].clamp(0, 1)


def _score(model: Restorer, pair: Pair, protocol: Protocol, metrics: Mapping[str, Metric], condition: Callable | None) -> Row:
    restored, given = restore_pair(model, pair, condition), as_input(pair)
    if restored.shape != pair.clean.shape:
        sizes = f"{tuple(restored.shape[-2:])} and {tuple(pair.clean.shape[-2:])}"
        raise ParameterError(f"{pair.name}: the restored and the clean picture have sizes {sizes}: is this a model of another scale?")
    scores = (metric(image, pair.clean, protocol) for metric in (psnr, ssim) for image in (given, restored))
    return Row(pair.name, *scores, {name: float(metric(restored, pair.clean)) for name, metric in metrics.items()})


class _Journal:
    """The rows of an evaluation on the disk, one JSON line each after a first line that says what they are of."""

    def __init__(self, path: Path | None, facts: dict):
        self.path, self.rows = path, []
        if path is None:
            return
        lines = list(self._lines())
        if not lines:
            write_atomically(path, (strict_json(facts) + "\n").encode())
        elif lines[0] != facts:
            raise ParameterError(f"{path} holds an evaluation of another model, data set or protocol: give another --out, or delete it.")
        try:
            self.rows = [_row(line) for line in lines[1:]]
        except (LookupError, ValueError, TypeError, AttributeError) as error:
            raise self._damaged(error) from error

    def _lines(self) -> Iterator[dict]:
        if not self.path.is_file():
            return
        text = self.path.read_text()
        whole = text[: text.rfind("\n") + 1]  # a line without its end was being written when the process was killed
        if whole != text:
            write_atomically(self.path, whole.encode())
        try:
            yield from map(json.loads, whole.splitlines())
        except ValueError as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"{self.path} is damaged ({error}): delete it, and evaluate again.")

    def add(self, row: Row) -> None:
        if self.path:
            with open(self.path, "a") as file:
                file.write(strict_json(asdict(row)) + "\n")


@dataclass(frozen=True)
class Difference:
    """How much one evaluation is above another on the same pictures, and how sure the pictures make us of it."""

    figure: str
    mean: float  # of second minus first
    low: float  # ends of the 95 % interval
    high: float
    pictures: int

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out. It speaks of other pictures of this kind, not of other trainings: those need seeds."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        word = "clear" if self.clear else "too close to call"
        interval = f"{self.mean:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"
        return f"{TITLES.get(self.figure, self.figure)}: {interval}, {self.pictures} pictures, {word}"


def interval_of_mean(gaps: Float[np.ndarray, " pictures"], draws: int = 10_000, seed: int = 0) -> tuple[float, float]:
    """The 95 % percentile interval of a mean, from resampling the pictures (Efron and Tibshirani, "An Introduction to the Bootstrap",
    1993)."""
    picks = np.random.default_rng(seed).integers(len(gaps), size=(draws, len(gaps)))
    low, high = np.percentile(gaps[picks].mean(1), [2.5, 97.5])
    return float(low), float(high)


def difference(first: Evaluation, second: Evaluation, figure: str = "restored_psnr", draws: int = 10_000, seed: int = 0) -> Difference:
    """Mean of `figure` of second minus first, with its interval (paired bootstrap, see `interval_of_mean`).

    Paired, because pictures differ from one another far more than two models do on the same one. Raises ParameterError unless protocol
    and pictures are the same.
    """
    same_protocol(first.protocol, second.protocol)
    if [row.name for row in first.rows] != [row.name for row in second.rows] or first.data != second.data:
        raise ParameterError("the two evaluations are of different pictures; evaluate both models on the same set.")
    gaps = np.array([gap(b.figure(figure), a.figure(figure)) for a, b in zip(first.rows, second.rows, strict=True)])
    return Difference(figure, float(gaps.mean()), *interval_of_mean(gaps, draws, seed), len(gaps))


def _rounded(figure: str, value: float) -> str:
    return f"{value:.2f}" if figure.endswith("psnr") or figure == "gain" else f"{value:.4f}"
