"""The grid of a sweep: a chapter, the parameters that vary, those that do not, and the seeds."""

import hashlib
import itertools
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from restorelab.errors import ParameterError

Value = bool | int | float | str
FORMAT = "restorelab-sweep-1"
LONGEST_NAME = 120  # characters; file systems allow 255 bytes


@dataclass(frozen=True)
class Point:
    """One run of a sweep: its folder's name, which says its values, and everything the chapter is given."""

    name: str
    parameters: Mapping[str, Value]


@dataclass(frozen=True)
class Sweep:
    """A grid over one chapter. Raises ParameterError for one that is empty, repeats a value, or sets a parameter twice."""

    chapter: str
    axes: Mapping[str, tuple[Value, ...]]  # the last one varies fastest, and the seed faster still
    fixed: Mapping[str, Value] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()  # empty: the chapter's own

    def __post_init__(self):
        if not self._all_axes:
            raise ParameterError("a sweep varies something: give --over NAME=VALUE,VALUE.")
        for name, values in self._all_axes.items():
            if not values or len(set(values)) < len(values):
                raise ParameterError(f"{name} needs values that differ from one another, not {', '.join(map(str, values)) or 'none'}.")
        twice = self.fixed.keys() & self._all_axes.keys() | ({"seed"} & self.axes.keys() if self.seeds else set())
        if twice:
            raise ParameterError(f"{', '.join(sorted(twice))} cannot be both swept over and fixed.")

    @property
    def _all_axes(self) -> dict[str, tuple[Value, ...]]:
        return dict(self.axes) | ({"seed": self.seeds} if self.seeds else {})

    def points(self) -> list[Point]:
        grid = [dict(zip(self._all_axes, values, strict=True)) for values in itertools.product(*self._all_axes.values())]
        return [Point(name_of(chosen), dict(self.fixed) | chosen) for chosen in grid]

    def to_json(self) -> str:
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2)

    @staticmethod
    def from_json(text: str) -> "Sweep":
        """Raises ParameterError for text that is no sweep."""
        try:
            facts = json.loads(text)
            if facts.pop("format") != FORMAT:
                raise ValueError("another format")
            axes = {name: tuple(values) for name, values in facts.pop("axes").items()}
            return Sweep(axes=axes, seeds=tuple(facts.pop("seeds")), **facts)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ParameterError(f"this is not a sweep that restorelab wrote ({error}): start a new one.") from error


def name_of(chosen: Mapping[str, Value]) -> str:
    """{"learning_rate": 0.001, "seed": 2} -> "learning_rate=0.001,seed=2".

    Where characters had to be replaced or cut off, a hash of the exact values keeps names apart.
    """
    exact = ",".join(f"{name}={as_text(value)}" for name, value in chosen.items())
    safe = re.sub(r"[^A-Za-z0-9._+=,-]", "-", exact)[:LONGEST_NAME]
    return safe if safe == exact else f"{safe}-{hashlib.sha256(exact.encode()).hexdigest()[:8]}"


def as_text(value: Value) -> str:
    """As it would be typed after `-p NAME=`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
