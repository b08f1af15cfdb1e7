"""How sure differences are: a test of one, a correction for many, how many pictures a question needs, and how flattering a choice is."""

import itertools
import math
from statistics import NormalDist

import numpy as np
from jaxtyping import Float

from restorelab.errors import ParameterError

EXACT = 16  # pictures up to which every one of the 2 ** n changes of sign is looked at
AT_ONCE = 1024  # random changes of sign held in memory together


def sign_flip_p(gaps: Float[np.ndarray, " pictures"], draws: int = 20_000, seed: int = 0) -> float:
    """Two-sided p of paired differences: how often a mean as far from 0 comes out when every difference might have had the other sign.

    Exact up to 16 pictures, beyond by `draws` random changes of sign, themselves among them. (Fisher, "The Design of Experiments",
    1935.) It is about pictures: other trainings need seeds.
    """
    count, found = len(gaps), abs(gaps.sum()) * (1 - 1e-12)  # sums in another order round differently
    if count <= EXACT:
        signs = np.array(list(itertools.product((1.0, -1.0), repeat=count)))
        return float((abs(signs @ gaps) >= found).mean())
    rng, as_far = np.random.default_rng(seed), 1
    for begin in range(0, draws, AT_ONCE):
        signs = rng.choice((1.0, -1.0), size=(min(AT_ONCE, draws - begin), count))
        as_far += int((abs(signs @ gaps) >= found).sum())
    return as_far / (draws + 1)


def holm(ps: Float[np.ndarray, " questions"]) -> Float[np.ndarray, " questions"]:
    """p values of several questions, each made so large that the chance of even one false alarm among all stays below what it says.

    (Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 1979.)
    """
    order = np.argsort(ps)
    larger = np.maximum.accumulate(ps[order] * np.arange(len(ps), 0, -1))
    adjusted = np.empty_like(ps)
    adjusted[order] = np.minimum(larger, 1.0)
    return adjusted


def pictures_needed(std: float, effect: float, power: float = 0.8) -> int:
    """Pictures that show a mean difference of `effect` at 5 % with chance `power`, where paired differences have deviation `std`.

    The usual approximation by the normal distribution. Raises ParameterError for an effect of 0, a std below 0, or a power that is none.
    """
    if effect == 0 or std < 0 or not 0 < power < 1:
        raise ParameterError(f"effect must not be 0, std not below 0, power between 0 and 1: {effect}, {std}, {power}.")
    normal = NormalDist()
    return max(2, math.ceil(((normal.inv_cdf(0.975) + normal.inv_cdf(power)) * std / effect) ** 2))


def flattery(gains: Float[np.ndarray, " pictures"], chosen: list[int], draws: int = 20_000, seed: int = 0) -> float:
    """Share of all choices of so many pictures that have a lower mean gain than the `chosen` ones: 0.5 is fair, near 1 flatters.

    Ties count half. Exact where there are at most `draws` choices, else by so many random ones. Raises ParameterError for a choice
    of none, of all, of one twice, or of a picture that is not there.
    """
    count = len(chosen)
    if len(set(chosen)) < count or not 0 < count < len(gains) or not set(chosen) <= set(range(len(gains))):
        raise ParameterError(f"choose some of the pictures 0 to {len(gains) - 1}, each once, and not all; not {chosen}.")
    shown = gains[chosen].mean()
    means = means_of_choices(gains, count, draws, seed)
    same = np.isclose(means, shown, rtol=0, atol=1e-9)
    return float(((means < shown) & ~same).mean() + same.mean() / 2)


def means_of_choices(
    gains: Float[np.ndarray, " pictures"], count: int, draws: int = 20_000, seed: int = 0
) -> Float[np.ndarray, " choices"]:
    """The mean gain of every choice of `count` pictures, or of `draws` random choices where there are more."""
    rng, pictures = np.random.default_rng(seed), len(gains)
    if math.comb(pictures, count) <= draws:
        chosen = list(itertools.combinations(range(pictures), count))
    else:
        chosen = [rng.choice(pictures, count, replace=False) for _ in range(draws)]
    return gains[np.array(chosen)].mean(1)
