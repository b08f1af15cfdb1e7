"""Expectation cards: what a paper says that a part of a network is worth, and what came of leaving it out here.

Nothing in a card is typed in by hand but the paper's figure: ours are computed from a record.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from restorelab.errors import DataError
from restorelab.evaluate import interval_of_mean

AGREES, OPEN, DISAGREES, NEW = "agrees", "too close to call", "disagrees", "nothing was published"


@dataclass(frozen=True)
class Card:
    """One question to a record: what changes when `without` is trained instead of `whole`."""

    claim: str
    ablation: str  # of ABLATIONS
    whole: str  # cases of it
    without: str
    published: float | None = None  # dB, without minus whole; None: a direction at most
    expected: int = -1  # the sign of that, where only a direction is known; 0: not even that
    source: str = ""  # of what is published: paper, table, data
    others: str = "none known"  # what others measured again, and where that stands

    @property
    def direction(self) -> int:
        return self.expected if self.published is None else int(np.sign(self.published))

    @property
    def said(self) -> str:
        """What was published, in dB or in a word; empty for nothing."""
        return {-1: "worse", 0: "", 1: "better"}[self.expected] if self.published is None else f"{self.published:+.2f}"


@dataclass(frozen=True)
class Evidence:
    """The change in PSNR, paired by picture and seed."""

    mean: float  # dB
    low: float  # of the 95 % interval, from resampling the pictures
    high: float
    per_seed: tuple[float, ...]
    pictures: int

    @property
    def sign(self) -> int:
        """0 where the interval holds zero, or the seeds do not all say the same."""
        if len({int(np.sign(one)) for one in self.per_seed}) > 1:
            return 0
        return int(self.low > 0) - int(self.high < 0)

    def __str__(self) -> str:
        return f"{self.mean:+.3f} dB [{self.low:+.3f}, {self.high:+.3f}]"


def evidence(card: Card, record: dict) -> Evidence:
    """Raises DataError where the record lacks one of the two cases, or they were not judged alike."""
    whole, without = (scores(record, case) for case in (card.whole, card.without))
    if whole.shape != without.shape:
        raise DataError(f"{card.whole!r} and {card.without!r} were not judged with the same seeds on the same pictures.")
    gaps = without - whole
    return Evidence(float(gaps.mean()), *interval_of_mean(gaps.mean(0)), tuple(gaps.mean(1).tolist()), gaps.shape[1])


def verdict(card: Card, found: Evidence) -> str:
    """Of the direction alone: a small training is no measurement of a paper's decibels."""
    if not card.direction:
        return NEW
    return {1: AGREES, 0: OPEN, -1: DISAGREES}[found.sign * card.direction]


def scores(record: dict, case: str) -> Float[np.ndarray, "seeds pictures"]:
    """PSNRs in dB, the pictures in the order of their names. Raises DataError where the record lacks the case."""
    try:
        of_seeds = record["restored_psnr"][case]
        names = sorted(next(iter(of_seeds.values())))
        return np.array([[of_seeds[seed][name] for name in names] for seed in sorted(of_seeds)])
    except (KeyError, StopIteration) as error:
        raise DataError(f"the record has no whole case {case!r}: train it with restorelab ablate.") from error
