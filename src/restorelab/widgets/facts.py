"""The truth of a degradation, made ready to be looked at: kernels as pictures, paths as points, strengths as numbers."""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from restorelab.degrade import Recipe, degrade
from restorelab.widgets.static import png

THUMB = 96  # pixels, the longer side of a map shown as a picture


def facts(recipe: Recipe, truth: dict) -> list[dict]:
    """Every fact of `truth` in order, each with the number of the step it belongs to and what the page needs to draw it."""
    owners = [(number, name) for number, step in enumerate(recipe.steps) for name in _names(step)]
    return [
        {"step": number, "name": name, "key": key, **_shown(name, fact)}
        for (number, name), (key, fact) in zip(owners, truth.items(), strict=True)
    ]


def _names(step: object) -> list[str]:
    """What this step says of itself; `degrade` numbers the facts of a whole recipe and so forgets whose they are."""
    return list(degrade(torch.full((3, 48, 48), 0.5), Recipe((step,)), np.random.default_rng(0)).truth)


def fact_picture(fact: object) -> Float[Tensor, "c h w"] | None:
    """A kernel (`k k`) or a map (`c h w`) as a picture, white where it is largest; None for what is no picture."""
    if not isinstance(fact, Tensor) or fact.ndim not in (2, 3) or min(fact.shape[-2:]) < 3 or fact.shape[0] == 0:
        return None
    planes = fact if fact.ndim == 3 else fact[None]
    if planes.shape[0] not in (1, 3):
        planes = planes.abs().mean(0, keepdim=True)
    low = 0.0 if fact.ndim == 2 else float(planes.min())  # a kernel's black is no light
    planes = (planes.float() - low) / max(float(planes.max()) - low, 1e-12)
    shrink = THUMB / max(planes.shape[-2:])
    if shrink < 1:
        size = [max(1, round(side * shrink)) for side in planes.shape[-2:]]
        planes = F.interpolate(planes[None], size=size, mode="bilinear", antialias=True)[0]
    return planes.clamp(0, 1)


def _shown(name: str, fact: object) -> dict:
    if not isinstance(fact, Tensor):
        return {"text": f"{_number(fact)} = {_number(255 * fact)}/255" if name == "sigma" else _number(fact)}
    if fact.ndim == 2 and fact.shape[1] == 2:
        return {"text": f"{len(fact)} stops", "path": [[round(float(offset), 3) for offset in stop] for stop in fact]}
    picture = fact_picture(fact)
    if picture is None:
        return {"text": " × ".join(str(side) for side in fact.shape) + " numbers"}
    height, width = fact.shape[-2:]
    low, high = _number(float(fact.min())), _number(float(fact.max()))
    text = f"{width} × {height} pixels" if fact.ndim == 2 else f"{low} (black) to {high} (white)"
    return {"text": text, "side": width, "picture": png(picture)}


def _number(value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"
