"""A question written down before its answer: what is compared, what is expected, what would matter, when to stop.

It is a file, written once, that lies beside the record of the ablation; what it promised is held against that record.
"""

import dataclasses
import json
import time
from dataclasses import dataclass
from pathlib import Path

from restorelab.errors import DataError, ParameterError, did_you_mean
from restorelab.experiment.ablation import Ablation, write_facts
from restorelab.experiment.cards import Card, Evidence, evidence

FILE = "registration.json"
DIRECTIONS = {"worse": -1, "better": 1}  # what leaving the part out is expected to do


@dataclass(frozen=True)
class Registration:
    """What is promised. Raises ParameterError for a promise that cannot be kept or broken."""

    claim: str
    whole: str  # cases of an ablation
    without: str
    expected: str  # "worse" or "better": the PSNR of `without`
    matters: float  # the smallest change, in dB, that would be worth having
    seeds: tuple[int, ...]
    judged_on: str  # as the record will say it

    def __post_init__(self):
        if self.expected not in DIRECTIONS:
            raise ParameterError(f'expected is "worse" or "better", not {self.expected!r}.{did_you_mean(self.expected, DIRECTIONS)}')
        if not self.claim.strip() or self.whole == self.without or not self.matters > 0 or len(self.seeds) < 2:
            raise ParameterError("a registration needs a claim, two cases that differ, a change above 0 dB that matters, and two seeds.")


def registration_of(card: Card, ablation: Ablation, matters: float) -> Registration:
    """What rerunning a card promises. Where nothing was published, the part is expected to help."""
    expected = "better" if card.direction > 0 else "worse"
    return Registration(card.claim, card.whole, card.without, expected, matters, ablation.seeds, ablation.judged_on)


def register(folder: Path, promise: Registration) -> Path:
    """Write it into the folder of an ablation that has not begun. One that is there already must say the same: DataError otherwise, and
    for a folder that cannot be written to."""
    file = folder / FILE
    if file.is_file():
        if read(folder) != promise:
            raise DataError(f"{file} promises something else, and promises are not changed: name another folder for another question.")
        return file
    if any(folder.glob("record*.json")):
        raise DataError(f"{folder} already holds a record: what is written down now was not written down before.")
    write_facts(file, dataclasses.asdict(promise) | {"written": time.strftime("%Y-%m-%dT%H:%M:%S%z")})
    return file


def read(folder: Path) -> Registration:
    """Raises DataError where there is none."""
    try:
        facts = json.loads((folder / FILE).read_text())
        facts.pop("written")
        return Registration(**facts | {"seeds": tuple(facts["seeds"])})
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{folder / FILE} is no registration ({error!r}): register before you train.") from error


def held_against(promise: Registration, record: dict) -> tuple[str, Evidence]:
    """Yes, no or open, in words, and by what. Raises DataError for a record that was made otherwise than promised."""
    how = record["manifest"]
    if tuple(how.get("seeds", ())) != promise.seeds or how["judged on"] != promise.judged_on:
        raise DataError("the record was made with other seeds, or judged on other pictures, than was promised.")
    found = evidence(Card(promise.claim, "", promise.whole, promise.without), record)
    return _answer(found, DIRECTIONS[promise.expected], promise.matters), found


def _answer(found: Evidence, expected: int, matters: float) -> str:
    if found.sign == 0:
        return "too close to call" if max(-found.low, found.high) >= matters else "no change that matters"
    if found.sign != expected:
        return "the contrary of what was expected"
    least = min(abs(found.low), abs(found.high))
    return "as expected, and it matters" if least >= matters else "as expected; whether it matters is open"
