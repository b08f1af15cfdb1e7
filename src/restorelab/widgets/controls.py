"""From a degradation step to what a person moves: each field of the dataclass becomes a slider, a switch or a map to paint.

The steps are read, not named: a step that joins `STEPS` appears in the playground by itself. Until its fields get a line in `RANGES`,
their sliders reach from 0 to four times the default.
"""

import dataclasses
import inspect
import types
import typing
from dataclasses import asdict, dataclass

import torch

from restorelab.degrade.recipe import STEPS
from restorelab.degrade.varying import spread


@dataclass(frozen=True)
class Range:
    """How far a slider goes, and what its number means."""

    words: str  # the number in plain words
    low: float  # of the number shown
    high: float
    step: float
    unit: str = ""
    times: float = 1.0  # the number shown is the field times this


LEVELS = 255.0  # sigma is shown in 8-bit levels, as papers print it
WINDOW = Range("side of the square that holds the kernel", 3, 31, 2, "px")

RANGES: dict[str, dict[str, Range]] = {
    "gaussian_blur": {
        "std": Range("blur along the long axis (one standard deviation)", 0.2, 8, 0.1, "px"),
        "ratio": Range("short axis over long axis; 1 is round", 0.1, 1, 0.05),
        "angle": Range("direction of the long axis; 0 points right, 90 up", 0, 180, 1, "°"),
    },
    "srmd_blur": {
        "variance": Range("the squared blur is drawn between these two", 0.1, 16, 0.1, "px²"),
        "size": WINDOW,
    },
    "isotropic_blur": {
        "std": Range("the blur (one standard deviation) is drawn between these two", 0.2, 6, 0.1, "px"),
        "size": WINDOW,
    },
    "varying_blur": {"stds": Range("the blur there (one standard deviation)", 0.2, 6, 0.1, "px")},
    "camera_shake": {
        "length": Range("way the picture travels while the shutter is open", 0, 40, 0.5, "px"),
        "smoothness": Range("share of the exposure over which the hand keeps its direction", 0.05, 1, 0.05),
        "frames": Range("frames averaged; a few show ghosts", 1, 24, 1),
    },
    "gaussian_noise": {"sigma": Range("strength of the noise (one standard deviation)", 0, 60, 1, "/ 255", LEVELS)},
    "camera_noise": {
        "full_well": Range("electrons that make a pixel white; fewer is noisier", 100, 10000, 100, "e⁻"),
        "read": Range("noise of reading the sensor out (one standard deviation)", 0, 40, 0.5, "e⁻"),
    },
    "downsample": {"scale": Range("clean pixels, along one side, to one degraded pixel", 2, 16, 1, "×")},
    "jpeg": {"quality": Range("quality of the file; 100 is best", 1, 100, 1)},
    "rain": {
        "density": Range("streaks in 1000 pixels", 0, 12, 0.2),
        "length": Range("length of the nearest streaks", 1, 120, 1, "px"),
        "width": Range("width of the nearest streaks", 0.5, 10, 0.5, "px"),
        "depth": Range("distance of the farthest rain over that of the nearest", 1, 10, 0.5, "×"),
        "angle": Range("slant; positive falls to the right", -60, 60, 1, "°"),
        "opacity": Range("how much the nearest streaks hide; 1 is all", 0, 1, 0.05),
        "brightness": Range("light of a drop; 1 is white", 0, 1, 0.05),
    },
}
SWITCHES = {"linear_light": "compute in light, as a sensor does (off: in display values)"}
OPEN = {"frames": "as many as it takes to look smooth"}  # what None means
MAP = (6, 8)  # rows and columns of a map to paint on


def kinds() -> list[dict]:
    """Every step of the package as the page needs it: its name, what it is, the one that "Add" adds, and its controls."""
    return [_kind(kind, step) for kind, step in STEPS.items()]


def _kind(kind: str, step: type) -> dict:
    first, hints = first_of(step), typing.get_type_hints(step)
    controls = [control(kind, field.name, hints[field.name], getattr(first, field.name)) for field in dataclasses.fields(step)]
    return {"kind": kind, "title": _title(kind), "about": _about(step), "first": {"kind": kind, **asdict(first)}, "controls": controls}


def first_of(step: type) -> object:
    """The step with its defaults, a map refined to as many places as one wants to paint."""
    first, hints = step(), typing.get_type_hints(step)
    maps = {field.name: _refined(getattr(first, field.name)) for field in dataclasses.fields(step) if _is_map(hints[field.name])}
    return dataclasses.replace(first, **maps) if maps else first


def control(kind: str, name: str, hint: object, first: object) -> dict:
    """One field as a control. Its `type` is one of:

    "switch" (bool), "slider" (a number), "open" (a number or None), "pair" (two numbers to draw between, where that is the default),
    "map" (rows of numbers), "choice" (a Literal), and "fixed" for what has no control: its `words` say so.
    """
    known = RANGES.get(kind, {}).get(name)
    union = isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union
    options = typing.get_args(hint) if union else (hint,)
    if bool in options:
        return {"name": name, "type": "switch", "words": SWITCHES.get(name, _spoken(name))}
    if _is_map(hint):
        return {"name": name, "type": "map", **asdict(known or Range(_spoken(name), 0, 6, 0.1))}
    if int in options or float in options:
        reach = asdict(known or _guess(name, first, whole=float not in options))
        if type(None) in options:
            return {"name": name, "type": "open", "open": OPEN.get(name, "left open"), **reach}
        return {"name": name, "type": "pair" if isinstance(first, tuple) else "slider", **reach}
    if typing.get_origin(hint) is typing.Literal:
        return {"name": name, "type": "choice", "words": _spoken(name), "choices": list(typing.get_args(hint))}
    return {"name": name, "type": "fixed", "words": f"{_spoken(name)}: is set in code"}


def drawn_fields(step: object) -> list[str]:
    """The fields that hold pairs to draw from and have no control for a pair."""
    first, hints = first_of(type(step)), typing.get_type_hints(type(step))
    found = []
    for field in dataclasses.fields(step):
        value = getattr(step, field.name)
        if _is_map(hints[field.name]):
            pairs = any(isinstance(cell, tuple) for row in value for cell in row)
        else:
            pairs = isinstance(value, tuple) and not isinstance(getattr(first, field.name), tuple)
        found += [field.name] if pairs else []
    return found


def _is_map(hint: object) -> bool:
    """tuple[tuple[..., ...], ...]: rows."""
    inside = typing.get_args(hint)
    return typing.get_origin(hint) is tuple and bool(inside) and typing.get_origin(inside[0]) is tuple


def _refined(rows: tuple[tuple[float, ...], ...]) -> tuple[tuple[float, ...], ...]:
    fine = spread(torch.tensor(rows), *MAP)[0].tolist()
    return tuple(tuple(round(value, 1) for value in row) for row in fine)


def _guess(name: str, first: object, whole: bool) -> Range:
    most = first[1] if isinstance(first, tuple) else first
    high = 4 * abs(most) if most else 1
    return Range(_spoken(name), 0, max(round(high), 1) if whole else high, 1 if whole else high / 100)


def _title(kind: str) -> str:
    words = [word.upper() if word in ("jpeg", "srmd") else word for word in kind.split("_")]
    return " ".join([words[0][0].upper() + words[0][1:], *words[1:]])


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _about(step: type) -> str:
    """The first paragraph of the step's docstring, without what is for programmers."""
    paragraph = (inspect.getdoc(step) or "").split("\n\n")[0].replace("\n", " ")
    return paragraph.partition(" Truth:")[0].replace("`", "")
