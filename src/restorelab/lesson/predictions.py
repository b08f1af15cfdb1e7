"""`predict` before running, `reveal` after: what counts is having guessed, not having been right."""

import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from restorelab.lesson.cards import Card, show
from restorelab.lesson.progress import Guess, note_guess

NEAR = 0.2  # a guess within this fraction of the truth is close, unless the chapter says otherwise


@dataclass(frozen=True)
class Prediction:
    question: str
    guess: float | str | None
    unit: str


_predictions: dict[str, Prediction] = {}  # by name, for as long as the kernel lives


def predict(
    name: str,
    question: str,
    guess: Any = None,
    unit: str = "",
    choices: Sequence[str] = (),
) -> None:
    """Record a guess under a name and show it. Call it again to change the guess."""
    guess = _plain(guess)
    body = [question]
    if choices:
        body.append("Choose one: " + ", ".join(f'`"{choice}"`' for choice in choices))
    problem = _problem(guess, choices)
    if problem:
        guess = None
    _predictions[name] = Prediction(question, guess, unit)
    if guess is not None:
        note_guess(question, Guess(name, guess, unit))
        body.append(f"Your guess: {number_in_words(guess, unit)}")
        return show(Card("calm", "◇ Prediction noted", name, tuple(body)))
    body.append(problem or "Write your guess as `guess=...` and run the cell again. A wild guess is worth as much as a good one.")
    show(Card("calm", "◇ Your prediction?", name, tuple(body)))


def reveal(name: str, truth: Any, explanation: str = "", tolerance: float | int = NEAR) -> None:
    """Show the truth beside the guess. Within `tolerance`, a fraction of the truth, a number counts as close."""
    truth = _plain(truth)
    prediction = _predictions.get(name)
    unit = prediction.unit if prediction else ""
    body = [f"Measured: {number_in_words(truth, unit)}"]
    guess = prediction.guess if prediction else None
    if prediction:
        body.insert(0, prediction.question)
    if guess is None:
        body.append("No guess this time, which is fine. Guessing first makes the answer stick: try the next one.")
    else:
        body[-1] = f"You guessed {number_in_words(guess, unit)}. Measured: {number_in_words(truth, unit)}."
        verdict = _verdict(guess, truth, tolerance)
        note_guess(prediction.question, Guess(name, guess, unit, truth, verdict))
        body.append(verdict)
    if explanation:
        body.append(explanation)
    made = sum(entry.guess is not None for entry in _predictions.values())
    if guess is not None:
        body.append(f"Predictions made in this chapter so far: {made} of {len(_predictions)}.")
    show(Card("calm", "◆ What it is", name, tuple(body)))


def _plain(value: Any) -> Any:
    """A number of torch or numpy as Python's own; booleans and other things as text."""
    if value is None or value is ...:
        return None
    value = value.item() if hasattr(value, "item") else value
    return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else str(value)


def _problem(guess: float | str | None, choices: Sequence[str]) -> str:
    if guess is None:
        return ""
    if choices and str(guess).casefold() not in {choice.casefold() for choice in choices}:
        return f"`{guess}` is not one of the choices. Write one of them as `guess=...` and run the cell again."
    if isinstance(guess, float) and not math.isfinite(guess):
        return "That guess is not a finite number. Write another one as `guess=...` and run the cell again."
    return ""


def _verdict(guess: float | str, truth: float | str, tolerance: float) -> str:
    if isinstance(guess, str) or isinstance(truth, str):
        if str(guess).casefold() == str(truth).casefold():
            return "As you said."
        return "It came out otherwise. Good: now there is something to explain."
    off = abs(guess - truth)
    if off <= 1e-9 * abs(truth) or number_in_words(guess) == number_in_words(truth):
        return "Spot on."
    if off <= tolerance * abs(truth):
        return "Close."
    if guess * truth > 0:
        factor = max(guess / truth, truth / guess)
        word = "high" if abs(guess) > abs(truth) else "low"
        if factor < 1.995:
            return f"In the right range: {100 * off / abs(truth):.0f} % too {word}."
        return f"Too {word} by a factor of {number_in_words(float(f'{factor:.2g}'))}. Such a gap is worth a minute: what did you assume?"
    return "It came out otherwise. Such a gap is worth a minute: what did you assume?"


def number_in_words(value: float | str, unit: str = "") -> str:
    """With as many digits as mean something: 31.25 dB, 21.7 million parameters, 1,280 px."""
    text = value if isinstance(value, str) else _digits(value)
    return f"{text} {unit}".rstrip()


def _digits(value: float) -> str:
    size = abs(value)
    for limit, word in ((1e9, "billion"), (1e6, "million")):
        if limit <= size < 1e12:
            return f"{value / limit:.3g} {word}"
    if size < 1e6 and (size >= 1e4 or value.is_integer()):
        return f"{value:,.0f}"
    return f"{value:.4g}"
