"""An exercise, and the few tools its check is written with.

A check takes the learner's objects, returns None when they are right, and otherwise raises `Wrong` with a sentence
that names the likely mistake. Write the mistakes down as values: `expect_close` recognises them.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Number = float | int


class Wrong(Exception):
    """The answer is not right; the message is the sentence that the learner reads."""


class NotAttempted(Exception):
    """There is nothing to check yet; the message says how that was seen."""


@dataclass(frozen=True)
class Exercise:
    """One exercise of a chapter."""

    id: str  # chapter and number: "5.1"
    title: str
    stars: int  # difficulty, 1 to 5
    minutes: int  # what a learner should plan
    check: Callable[..., None]  # takes the learner's objects, raises Wrong
    hints: tuple[str, ...]  # two or three, each saying more than the one before

    def __post_init__(self) -> None:
        if not re.fullmatch(r"\d+\.\d+", self.id):
            raise ValueError(f"an exercise id is chapter.number, as in 5.1; {self.id!r} is not")
        if not 1 <= self.stars <= 5:
            raise ValueError(f"exercise {self.id}: stars go from 1 to 5, not {self.stars}")
        if not 2 <= len(self.hints) <= 3:
            raise ValueError(f"exercise {self.id}: two or three hints, not {len(self.hints)}")


def expect(condition: object, sentence: str) -> None:
    """Raise Wrong with this sentence unless the condition holds."""
    if not condition:
        raise Wrong(sentence)


def expect_close(
    got: Any,
    want: Number | Tensor,
    what: str,
    mistakes: Sequence[tuple[str, Number | Tensor]] = (),
    tolerance: float = 1e-5,
) -> None:
    """Raise Wrong unless `got` equals `want`, with the most helpful sentence there is.

    `what` names the quantity ("the mean colour"). Each of `mistakes` is (sentence, the answer that this mistake gives).
    `tolerance` is both absolute and relative.
    """
    wanted, answer = _as_tensor(want), _as_tensor(got)
    if answer is None:
        raise Wrong(f"{_capital(what)} should be {_kind(want)}; yours is {_article(type(got).__name__)}.")
    if _same(answer, wanted, tolerance):
        return
    for sentence, value in mistakes:
        if _same(answer, _as_tensor(value), tolerance):
            raise Wrong(sentence)
    if answer.shape != wanted.shape:
        raise Wrong(f"{_capital(what)} should have shape {_shape(wanted)}; yours has {_shape(answer)}.")
    raise Wrong(_how_far(answer, wanted, what))


def _as_tensor(value: Any) -> Tensor | None:
    """As float64 on the CPU, or None when it is no tensor, array or number."""
    if isinstance(value, (Tensor, np.ndarray, np.generic, int, float)):
        return torch.as_tensor(value).detach().to("cpu", torch.float64)
    return None


def _same(a: Tensor, b: Tensor, tolerance: float) -> bool:
    return a.shape == b.shape and torch.allclose(a, b, rtol=tolerance, atol=tolerance)


def _how_far(answer: Tensor, wanted: Tensor, what: str) -> str:
    bad = ~torch.isfinite(answer)
    if bad.any() and torch.isfinite(wanted).all():
        return f"{_capital(what)} contains NaN or infinity in {int(bad.sum())} of {answer.numel()} places. Is something divided by zero?"
    if answer.ndim == 0:
        return f"{_capital(what)} should be {wanted.item():.4g}; yours is {answer.item():.4g}."
    distance = (answer - wanted).abs()
    # the first of those about as far off as the furthest: rounding must not choose between them
    place = tuple(torch.nonzero(distance >= 0.99 * distance.max())[0].tolist())
    return (
        f"{_capital(what)} has the right shape, and other values: it is furthest off at {list(place)}, "
        f"where {wanted[place].item():.4g} was expected and yours is {answer[place].item():.4g}."
    )


def _shape(tensor: Tensor) -> str:
    return "(), a single number" if tensor.ndim == 0 else str(tuple(tensor.shape))


def _kind(value: Number | Tensor) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) and value.ndim else "a number"


def _article(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
