"""How much the chapters compute that train nothing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """How much chapter 01 computes; it trains nothing."""

    kernels: int  # of SRMD's family, that the code is fitted to
    basis: int  # eigen-kernels that a blur over the whole picture is mixed from
    side: int  # of the moving scene, pixels
    frames: int  # that make its smooth exposure
    repeats: int  # batches timed


DEGRADATION = {
    "smoke": Sizes(kernels=2000, basis=8, side=224, frames=96, repeats=6),
    "lab": Sizes(kernels=10_000, basis=8, side=384, frames=192, repeats=40),
    "paper": Sizes(kernels=10_000, basis=15, side=512, frames=384, repeats=40),
}


@dataclass(frozen=True)
class Judged:
    """What chapter 02 scores."""

    crop: int  # side of the square of a photograph, pixels


METRICS = {"smoke": Judged(crop=224), "lab": Judged(crop=280), "paper": Judged(crop=280)}


@dataclass(frozen=True)
class Studio:
    """How much of an ablation chapter 08 trains itself, and what it judges."""

    steps: int  # of every training; 0: those of the record, `times` so many
    times: int
    seeds: tuple[int, ...]
    crop: int  # side of the photographs' middle that five networks restore, pixels
    judged: int  # of what its own trainings are judged on, at most


STUDIO = {
    "smoke": Studio(steps=8, times=1, seeds=(0, 1), crop=96, judged=80),
    "lab": Studio(steps=0, times=1, seeds=(0, 1, 2), crop=256, judged=256),
    "paper": Studio(steps=0, times=10, seeds=(0, 1, 2, 3, 4), crop=256, judged=256),
}


@dataclass(frozen=True)
class Shown:
    """What chapter 09 restores."""

    rows: int  # of the picture that is sent and cut into tiles, pixels; multiples of 64
    columns: int
    sides: tuple[int, int, int]  # of the squares that are timed: two to foretell from, and one to be foretold


DEMO = {
    "smoke": Shown(rows=128, columns=192, sides=(64, 160, 320)),
    "lab": Shown(rows=256, columns=384, sides=(64, 256, 640)),
    "paper": Shown(rows=256, columns=448, sides=(64, 256, 720)),
}
