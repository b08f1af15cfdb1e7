"""Exercises of chapter 9 about pieces and turns: tiles, how far a network sees, the time it takes, and the queue."""

from collections.abc import Sequence

import torch
from torch import Tensor

from restorelab.demo.waiting import serve_in_turn
from restorelab.lesson.exercise import Exercise, Wrong, expect, expect_close


def check_starts(starts) -> None:
    for length, tile, overlap in ((130, 40, 10), (100, 40, 10), (101, 40, 10), (41, 40, 8), (40, 40, 10), (30, 40, 10)):
        step = tile - overlap
        want = [*range(0, length - tile, step), length - tile] if length > tile else [0]
        twice = [*range(0, length - tile + 1, step), length - tile]
        expect_close(
            _numbers(starts(length, tile, overlap)),
            _row(want),
            f"the beginnings for {length} pixels, tiles of {tile}, overlap {overlap}",
            mistakes=[
                ("These tiles only touch: go on by tile - overlap.", _row([*range(0, max(length - tile, 0), tile), max(length - tile, 0)])),
                (
                    "The last tile looks over the edge of the picture: move it back, so that it ends where the picture ends.",
                    _row(range(0, length, step)),
                ),
                (
                    "The right edge of the picture is in no tile: add one that ends with it.",
                    _row(range(0, max(length - tile, 0) + 1, step)),
                ),
                ("The picture is shorter than a tile, and the tile begins before it: one tile, from 0.", _row([length - tile])),
                ("The last tile stands there twice: it ended with the picture by itself.", _row(twice)),
            ],
        )


def _row(numbers: Sequence[int]) -> Tensor:
    return torch.tensor([float(number) for number in numbers])


def _numbers(answer: object) -> Tensor:
    expect(isinstance(answer, (list, tuple, range)), "Return a list of whole numbers.")
    expect(all(isinstance(one, int) for one in answer), "All of them should be whole numbers (int).")
    return _row(answer)


def check_share(share) -> None:
    for tile, overlap in ((12, 4), (20, 6)):
        shares = [_share_of(share, tile, overlap, first, last) for first, last in ((True, False), (False, False), (False, True))]
        step = tile - overlap
        total = torch.zeros(2 * step + tile, dtype=torch.float64)
        for number, one in enumerate(shares):
            total[number * step : number * step + tile] += one
        _check_total(total, tile, overlap)
        middle = shares[1][:overlap]
        expect((middle.diff() > -1e-6).all(), "It is upside down: a tile counts least at its own edge, where it knows least.")
        expect(middle.diff().max() < 0.99, "The shares sum to 1 and jump: that is a cut, and shows as a seam. Let them rise slowly.")


def _share_of(share, tile: int, overlap: int, first: bool, last: bool) -> Tensor:
    answer = share(tile, overlap, first, last)
    expect(isinstance(answer, Tensor) and answer.shape == (tile,), f"Return a tensor of {tile} numbers, one for each pixel of the tile.")
    expect(answer.min() >= 0 and answer.max() <= 1 + 1e-6, "A share is a number from 0 to 1.")
    return answer.double()


def _check_total(total: Tensor, tile: int, overlap: int) -> None:
    edge, alone, shared = total[0], total[overlap : tile - overlap], total[tile - overlap : tile]
    if abs(edge - 1) > 1e-5:
        raise Wrong(
            f"At the edge of the picture the shares sum to {edge:.2f}: nobody else is there. Leave the ramp out for first and last tiles."
        )
    if (alone - 1).abs().max() > 1e-5:
        raise Wrong("Where a tile is alone its share must be 1: ramps are as long as the overlap.")
    if (shared - 2).abs().max() < 1e-5:
        raise Wrong("Where two tiles overlap the shares sum to 2, and the picture is twice as bright there: let each rise and fall.")
    if shared.max() - shared.min() < 1e-5 and abs(shared[0] - 1) > 1e-5:
        raise Wrong(f"In the overlap the shares sum to {shared[0]:.2f}, not 1: begin half a step in, (n + 0.5) / overlap.")
    if (total - 1).abs().max() > 1e-5:
        raise Wrong("In the overlap the shares do not sum to 1: what one tile gives up the other must take. Turn the rise around.")


def check_radius(radius) -> None:
    plain = [(3, 1, 1)] * 4
    for layers in (plain, [(7, 1, 1), *plain], [(3, 1, 1), (3, 1, 4), (3, 1, 8)], [(3, 2, 1), (3, 2, 1), (5, 1, 1)], [(1, 1, 1)]):
        want = _radius(layers)
        expect_close(
            radius(layers),
            float(want),
            f"the radius of {layers}",
            mistakes=[
                ("That is the width of all it sees. The radius is what it sees to *one* side.", 2.0 * want + 1),
                ("Spread taps (dilation) see further: kernel // 2 times the dilation.", float(_radius([(k, s, 1) for k, s, _ in layers]))),
                (
                    "After a stride, a step on the small grid is several pixels of the picture.",
                    float(_radius([(k, 1, d) for k, _, d in layers])),
                ),
                ("A stride counts for the layers *after* it: add first, multiply then.", float(_radius(layers, before=True))),
                ("A kernel of k pixels sees k // 2 to one side, not k.", float(sum(_radius([(2 * k, 1, 1)]) for k, _, _ in layers))),
                ("That is how many layers there are. A layer sees kernel // 2 further.", float(len(layers))),
            ],
        )


def _radius(layers: Sequence[tuple[int, int, int]], before: bool = False) -> int:
    reach, step = 0, 1
    for kernel, stride, dilation in layers:
        step *= stride if before else 1
        reach += kernel // 2 * dilation * step
        step *= 1 if before else stride
    return reach


def check_forecast(forecast) -> None:
    for small, large, pixels in (((10_000, 0.5), (40_000, 1.4), 1_000_000), ((4_096, 0.2), (65_536, 1.2), 300_000)):
        (p1, s1), (p2, s2) = small, large
        slope = (s2 - s1) / (p2 - p1)
        roots = [p**0.5 for p in (p1, p2, pixels)]
        expect_close(
            forecast(small, large, pixels),
            s1 + slope * (pixels - p1),
            f"the seconds for {pixels:,} pixels",
            mistakes=[
                (
                    "In proportion to the large one: then what every picture costs, whatever its size, is paid again and again.",
                    s2 / p2 * pixels,
                ),
                (
                    "In proportion to the small one: there the fixed cost is the larger part, and it would be paid many times.",
                    s1 / p1 * pixels,
                ),
                ("The fixed cost is missing: the line does not begin at 0.", slope * pixels),
                ("The line begins at 0 pixels, not at the small picture: add the slope times the *further* pixels.", s1 + slope * pixels),
                (
                    "That is a line over the side of the picture. The work grows with the number of pixels.",
                    s1 + (s2 - s1) / (roots[1] - roots[0]) * (roots[2] - roots[0]),
                ),
            ],
        )


def check_waits(waits) -> None:
    for arrivals, seconds in (([0.0, 0.0, 0.0], 4.0), ([0.0, 1.0, 2.0, 30.0, 31.0], 5.0), ([2.0, 12.0, 13.0], 3.0)):
        served = serve_in_turn(arrivals, seconds)
        never_idle = [n * seconds - now for n, now in enumerate(arrivals)]
        expect_close(
            _list(waits(arrivals, seconds)),
            torch.from_numpy(served.waits),
            f"the waits of those who come at {arrivals}",
            mistakes=[
                (
                    "Those are the moments when the results are there. Waiting ends when one's own work *begins*.",
                    torch.from_numpy(served.ready),
                ),
                ("The own work is in it: waiting ends when it begins.", torch.from_numpy(served.waits) + seconds),
                (
                    "Those are the moments when the work begins. Waiting counts from one's own coming.",
                    torch.from_numpy(served.ready) - seconds,
                ),
                ("As if all had come at once: after a pause nobody waits.", _row_of([n * seconds for n in range(len(arrivals))])),
                ("As if the place were never empty: nobody waits a negative time. Begin at `max(now, free)`.", _row_of(never_idle)),
                (
                    "As if the place were never empty: whoever comes after a pause begins when they come. Take `max(now, free)`.",
                    _row_of([max(one, 0.0) for one in never_idle]),
                ),
            ],
        )


def _list(answer: object) -> Tensor:
    expect(isinstance(answer, (list, tuple)), "Return a list of seconds, one for each visitor.")
    return _row_of(answer)


def _row_of(numbers: Sequence[float]) -> Tensor:
    return torch.tensor([float(number) for number in numbers], dtype=torch.float64)


def check_admitted(admitted) -> None:
    cases = (
        ([0.0] * 4, 5.0, 2, "four come at once and two may wait", "One is at work and does not wait: three come in."),
        ([0.0, 6.0, 12.0], 5.0, 1, "they come far apart", "Who was served is not in the queue any more: the place is free each time."),
        ([0.0, 0.5, 1.0, 1.5, 10.5], 5.0, 1, "some were refused", "Whoever is refused takes no time: at 10.5 s the place is free."),
        ([0.0, 1.0, 2.0, 6.0], 5.0, 1, "a place in the queue becomes free", "At 6 s the one who waited has begun, so one may wait again."),
        ([0.0, 1.0, 2.0, 5.5], 5.0, 0, "nobody may wait", "At 5.5 s the place is free: whoever comes then need not wait."),
        ([0.0, 5.0, 10.0], 5.0, 0, "one comes when another leaves", "Work of 5 s that began at 0 is over at 5: the place is free then."),
    )
    for arrivals, seconds, most, when, sentence in cases:
        said = admitted(arrivals, seconds, most)
        expect(isinstance(said, (list, tuple)) and len(said) == len(arrivals), "Return a list with True or False for every visitor.")
        want = [bool(wait == wait) for wait in serve_in_turn(arrivals, seconds, most).waits]
        expect([bool(one) for one in said] == want, f"When {when}: {sentence} Expected {want}; yours is {[bool(one) for one in said]}.")


EXERCISES = (
    Exercise(
        id="9.3",
        title="Where the tiles begin",
        stars=2,
        minutes=6,
        check=check_starts,
        hints=(
            "All but the last are a `range` with the step tile - overlap. Where does the last one begin, so that it ends at `length`?",
            "`[*range(0, length - tile, tile - overlap), length - tile]`, and `[0]` when the picture is no longer than a tile.",
        ),
    ),
    Exercise(
        id="9.4",
        title="How far a network sees",
        stars=2,
        minutes=8,
        check=check_radius,
        hints=(
            "A layer sees `kernel // 2 * dilation` steps further. How many pixels of the picture is a step there?",
            "Carry two numbers along: `reach += kernel // 2 * dilation * step`, and after it `step *= stride`.",
        ),
    ),
    Exercise(
        id="9.5",
        title="Shares that sum to one",
        stars=3,
        minutes=12,
        check=check_share,
        hints=(
            "Begin with ones. A rising ramp over the first `overlap` pixels, its mirror image over the last: where there is a neighbour.",
            "The ramp is `(torch.arange(overlap) + 0.5) / overlap`; the same, `.flip(0)`, falls. Which of the two has the first tile?",
        ),
    ),
    Exercise(
        id="9.6",
        title="Time from two measurements",
        stars=2,
        minutes=6,
        check=check_forecast,
        hints=(
            "Seconds = something fixed + something for every pixel. Two measurements, two unknowns.",
            "`slope = (s2 - s1) / (p2 - p1)`, and from the small picture on: `s1 + slope * (pixels - p1)`.",
        ),
    ),
    Exercise(
        id="9.7",
        title="When it is my turn",
        stars=1,
        minutes=5,
        check=check_waits,
        hints=(
            "Carry along when the place will be free. Two cases: it is free when somebody comes, or it is not.",
            "`begin = max(now, free)`; the wait is `begin - now`; afterwards `free = begin + seconds`.",
        ),
    ),
    Exercise(
        id="9.8",
        title="Let in, or refuse",
        stars=3,
        minutes=10,
        check=check_admitted,
        hints=(
            "Keep a list of when those who were let in begin. Who of them is still waiting now? Is the place free now?",
            "In when the last one is over (`begins[-1] + seconds <= now`) or `sum(begin > now for begin in begins) < most_waiting`.",
        ),
    ),
)
