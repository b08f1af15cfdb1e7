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
