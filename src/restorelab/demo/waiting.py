"""One place to work and many who want it: who is served when, and who is turned away. Nothing is computed but the clock."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class Served:
    """What came of every visitor, in the order of their coming; NaN where one was refused."""

    waits: Float[np.ndarray, " n"]  # seconds from coming until the work begins
    ready: Float[np.ndarray, " n"]  # when the result is there, seconds on the same clock as the arrivals

    @property
    def refused(self) -> int:
        return int(np.isnan(self.waits).sum())


def serve_in_turn(arrivals: Sequence[float], seconds: float, most_waiting: int | None = None) -> Served:
    """First come, first served, one at a time, `seconds` each. `arrivals` rise; who finds `most_waiting` waiting is refused at once."""
    free, waiting = 0.0, deque()  # when the place is free; when those who were let in begin
    waits, ready = [], []
    for now in arrivals:
        while waiting and waiting[0] <= now:
            waiting.popleft()
        if most_waiting is not None and free > now and len(waiting) >= most_waiting:
            waits.append(np.nan)
            ready.append(np.nan)
            continue
        begin = max(now, free)
        free = begin + seconds
        if begin > now:
            waiting.append(begin)
        waits.append(begin - now)
        ready.append(free)
    return Served(np.array(waits, dtype=np.float64), np.array(ready, dtype=np.float64))


def mean_wait(load: float, seconds: float) -> float:
    """Seconds of waiting in the long run, for visitors who come independently of each other and keep the place busy for the share `load`
    of the time. (Pollaczek and Khinchine, for jobs that all take the same time.)"""
    return load * seconds / (2 * (1 - load))
