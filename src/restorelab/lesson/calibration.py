"""How predictions came out, all of them together: guesses over what was measured, on an axis of factors."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from restorelab.lesson.predictions import NEAR, number_in_words
from restorelab.lesson.progress import Guess

_WIDTH, _MARGIN, _RADIUS = 480, 36, 9  # of the picture, in its own units
_LIMITS = {10: (1 / 10, 1 / 3, 1, 3, 10), 100: (1 / 100, 1 / 10, 1, 10, 100), 1000: (1 / 1000, 1 / 30, 1, 30, 1000)}  # end -> ticks
_BLUE = "#2a72ad"  # white can be read on it, and it can be seen on white and on black
_CLOSE = ("Spot on.", "Close.")


@dataclass(frozen=True)
class Calibration:
    """Predictions that were revealed, in the order in which they were made."""

    questions: tuple[str, ...]
    guesses: tuple[Guess, ...]

    @cached_property
    def ratios(self) -> dict[int, float]:
        """Place among the guesses -> guess / truth, where both are numbers that can be divided so."""
        found = {place: _ratio(guess) for place, guess in enumerate(self.guesses)}
        return {place: ratio for place, ratio in found.items() if ratio is not None}

    def __str__(self) -> str:
        """All of it in two sentences; empty when nothing was revealed."""
        choices = [guess for guess in self.guesses if _is_choice(guess)]
        numbers = len(self.guesses) - len(choices)
        sentences = [self._of_numbers(numbers)] if numbers else []
        if choices:
            right = sum(guess.verdict == "As you said." for guess in choices)
            sentences.append(f"{_count(len(choices), 'choice')}: {right} right.")
        return " ".join(sentences)

    def _of_numbers(self, numbers: int) -> str:
        off = [ratio for place, ratio in self.ratios.items() if self.guesses[place].verdict not in _CLOSE]
        close, low = len(self.ratios) - len(off), sum(ratio < 1 for ratio in off)
        words = f"{_count(numbers, 'number')} guessed: {close} close, {low} too low, {len(off) - low} too high"
        words += f", {numbers - len(self.ratios)} zero or of another sign" if numbers > len(self.ratios) else ""
        if not self.ratios:
            return f"{words}."
        middle = statistics.median(max(ratio, 1 / ratio) for ratio in self.ratios.values())
        return f"{words}. The middle one is off by a factor of {number_in_words(float(f'{middle:.2g}'))}."

    def svg(self) -> str:
        """A dot for every number, filled when it was close, with its place in the table; empty without numbers."""
        if not self.ratios:
            return ""
        furthest = max(max(ratio, 1 / ratio) for ratio in self.ratios.values())
        limit = next((limit for limit in _LIMITS if furthest <= limit), max(_LIMITS))
        stacks = _stacked({place: _across(ratio, limit) for place, ratio in self.ratios.items()})
        ground = 2 * _RADIUS * max(level + 1 for _, level in stacks.values()) + 24
        dots = "".join(_dot(place, x, ground - _RADIUS * (2 * level + 1) - 2, self.guesses[place]) for place, (x, level) in stacks.items())
        words = f"Guess divided by truth, on a logarithmic axis from 1/{limit} to {limit}. {self}"
        size = f'viewBox="0 0 {_WIDTH} {ground + 44}" style="max-width: {_WIDTH}px; width: 100%"'
        return f'<svg role="img" aria-label="{words}" {size} font-size="12" fill="currentColor">{_axis(limit, ground)}{dots}</svg>'


def calibrate(guesses: Mapping[str, Guess]) -> Calibration:
    """From guesses by question."""
    revealed = {question: guess for question, guess in guesses.items() if guess.truth is not None}
    return Calibration(tuple(revealed), tuple(revealed.values()))


def _is_choice(guess: Guess) -> bool:
    return isinstance(guess.guess, str) or isinstance(guess.truth, str)


def _ratio(guess: Guess) -> float | None:
    if _is_choice(guess):
        return None
    if guess.guess == guess.truth:
        return 1.0
    usable = math.isfinite(guess.guess) and math.isfinite(guess.truth) and guess.guess * guess.truth > 0
    return guess.guess / guess.truth if usable else None


def _across(ratio: float, limit: float) -> float:
    """Where a factor stands on the axis; those beyond its ends stand at them."""
    share = max(-1.0, min(1.0, math.log(ratio) / math.log(limit)))
    return _WIDTH / 2 + share * (_WIDTH / 2 - _MARGIN)


def _stacked(places: dict[int, float]) -> dict[int, tuple[float, int]]:
    """Each dot at its place, on the lowest level on which it touches no other."""
    done: dict[int, tuple[float, int]] = {}
    for place, x in places.items():
        level = 0
        while any(level == other and abs(x - there) < 2 * _RADIUS for there, other in done.values()):
            level += 1
        done[place] = (x, level)
    return done


def _dot(place: int, x: float, y: float, guess: Guess) -> str:
    close = guess.verdict in _CLOSE
    fill = _BLUE if close else "none"
    ink = "white" if close else "currentColor"
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_RADIUS - 1}" fill="{fill}" stroke="{_BLUE}" stroke-width="2"/>'
        f'<text x="{x:.1f}" y="{y + 3.5:.1f}" font-size="10" text-anchor="middle" fill="{ink}">{place + 1}</text>'
    )


def _axis(limit: int, ground: float) -> str:
    left, right = (_across(1 + side * NEAR, limit) for side in (-1, 1))
    band = f'<rect x="{left:.1f}" y="14" width="{right - left:.1f}" height="{ground - 14}" fill-opacity="0.12"/>'
    line = f'<path d="M{_MARGIN} {ground}H{_WIDTH - _MARGIN}" stroke="currentColor" stroke-opacity="0.6"/>'
    ticks = "".join(_tick(_across(ratio, limit), ground, _factor(ratio)) for ratio in _LIMITS[limit])
    ends = _word(_MARGIN, 12, "too low", "start") + _word(_WIDTH - _MARGIN, 12, "too high", "end")
    below = _word(_WIDTH / 2, ground + 36, f"guess / truth; the band is {100 * NEAR:.0f} % to either side", "middle")
    return band + line + ticks + ends + below


def _tick(x: float, ground: float, words: str) -> str:
    return f'<path d="M{x:.1f} {ground}v5" stroke="currentColor" stroke-opacity="0.6"/>' + _word(x, ground + 18, words, "middle")


def _word(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{words}</text>'


def _factor(ratio: float) -> str:
    return f"{ratio:.0f}" if ratio >= 1 else f"1/{1 / ratio:.0f}"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
