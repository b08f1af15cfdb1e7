"""Hidden tests of chapter 8. The first line of a docstring is what a student reads when the test fails; nothing else is told."""

import itertools

import numpy as np
import torch

from restorelab.experiment.inference import holm, pictures_needed, sign_flip_p
from restorelab.lesson.exercise import expect, expect_close


def _normal(*shape: int, seed: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def _double(answer) -> torch.Tensor:
    return torch.as_tensor(answer, dtype=torch.float64)


def pairs_of_other_sizes(paired) -> None:
    """Five seeds and two pictures, and a single seed."""
    for seeds in (5, 1):
        change = torch.tensor([-0.4, 0.1], dtype=torch.float64) + _normal(seeds, 2, seed=1)
        whole = 28 + _normal(seeds, 2, seed=2)
        expect_close(paired(whole, whole + change), change.mean(0), "the change")


def interval_by_another_library(interval) -> None:
    """Fewer pictures and fewer draws."""
    gaps, picks = 0.3 + _normal(6, seed=3), torch.randint(6, (90, 6), generator=torch.Generator().manual_seed(4))
    want = np.percentile(gaps.numpy()[picks.numpy()].mean(1), [2.5, 97.5])
    expect_close(_ends(interval(gaps, picks)), torch.from_numpy(want), "the ends", tolerance=1e-4)


def interval_of_equal_draws(interval) -> None:
    """Where every draw took the same picture, nothing scatters."""
    ends = _ends(interval(_normal(4, seed=5), torch.full((50, 4), 2)))
    expect_close(ends, _normal(4, seed=5)[2].expand(2), "the ends")


def _ends(answer) -> torch.Tensor:
    return torch.stack([_double(one) for one in answer])


def pictures_by_the_package(pictures) -> None:
    """Other effects, against the package's own count."""
    for std, effect in ((0.4, 0.2), (0.25, -0.1), (1.0, 0.61), (0.7, 0.33)):
        expect_close(float(pictures(std, effect)), float(pictures_needed(std, effect)), "the count")


def chance_of_other_numbers(p_value) -> None:
    """Seven pictures, and two."""
    for count in (7, 2):
        gaps = 0.4 + _normal(count, seed=count)
        signs = torch.tensor(list(itertools.product((1.0, -1.0), repeat=count)), dtype=torch.float64)
        expect_close(_double(p_value(gaps, signs)), sign_flip_p(gaps.numpy()), "the share")


def chance_of_a_rise(p_value) -> None:
    """A rise is as unlikely as a fall of the same size."""
    gaps, signs = 0.3 + _normal(6, seed=6), torch.tensor(list(itertools.product((-1.0, 1.0), repeat=6)), dtype=torch.float64)
    expect_close(_double(p_value(gaps, signs)), float(_double(p_value(-gaps, signs))), "the share")
    expect_close(_double(p_value(gaps.abs(), signs)), 2 / 64, "the share")


def corrected_up_to_one(adjusted) -> None:
    """p values that are large, so that no correction can leave them as they are."""
    expect_close(adjusted(torch.tensor([0.9, 0.2, 0.7, 0.3], dtype=torch.float64)), torch.tensor([1.0, 0.8, 1.0, 0.9]), "the p values")


def corrected_by_the_package(adjusted) -> None:
    """Lists of other lengths, a single question among them, and questions with the same p."""
    for ps in (torch.rand(8, generator=torch.Generator().manual_seed(7), dtype=torch.float64) / 20, torch.tensor([0.03, 0.01, 0.03])):
        expect_close(adjusted(ps), torch.from_numpy(holm(ps.double().numpy())), "the p values")
    expect_close(adjusted(torch.tensor([0.04])), torch.tensor([0.04]), "the p value")


def cost_without_axes(cost) -> None:
    """A sweep that changes nothing, and an axis of a single value."""
    expect_close(float(cost({}, 4, 2.5)), 10.0, "the minutes")
    expect_close(float(cost({"width": 5, "sam": 1}, 2, 3)), 30.0, "the minutes")


def word_at_the_edge(verdict) -> None:
    """Intervals that end exactly at 0."""
    for given in ((0.0, 0.4, (0.2, 0.1), 0.3), (-0.4, 0.0, (-0.2, -0.1), -0.3)):
        expect(verdict(*given) == "too close to call", "the word")


def word_of_other_seeds(verdict) -> None:
    """One seed, and five of which the last one says the contrary."""
    expect(verdict(0.1, 0.5, (0.3,), 0.1) == "agrees", "the word")
    expect(verdict(0.1, 0.5, (0.3,), -0.1) == "disagrees", "the word")
    expect(verdict(0.1, 0.5, (0.3, 0.4, 0.2, 0.3, -0.1), 0.1) == "too close to call", "the word")


def word_turned_over(verdict) -> None:
    """With every sign turned over, measured and published, the word stays."""
    expect(verdict(0.1, 0.5, (0.3, 0.2), 0.2) == verdict(-0.5, -0.1, (-0.3, -0.2), -0.2) == "agrees", "the word")
    expect(verdict(0.1, 0.5, (0.3, 0.2), -0.2) == verdict(-0.5, -0.1, (-0.3, -0.2), 0.2) == "disagrees", "the word")


def together_of_strangers(together) -> None:
    """Two parts that have nothing to do with each other."""
    whole, a, b = 31 + _normal(7, seed=8), _normal(7, seed=9), _normal(7, seed=10)
    expect_close(together(whole, whole + a, whole + b, whole + a + b), torch.zeros(7), "what the two do together")


def together_of_twins(together) -> None:
    """Two parts that do the same work: without one of them nothing is lost."""
    whole = 31 + _normal(3, seed=11)
    expect_close(together(whole, whole, whole, whole - 0.5), torch.full((3,), -0.5), "what the two do together")


def flattery_of_three(flatters) -> None:
    """Figures of three pictures, and of one."""
    gains = _normal(7, seed=12)
    for count in (3, 1):
        choices = torch.tensor(list(itertools.combinations(range(7), count)))
        shown = choices[4]
        want = np.mean([float(gains[choice].mean()) < float(gains[shown].mean()) - 1e-9 for choice in choices])
        expect_close(_double(flatters(gains, shown, choices)), float(want), "the share")


def flattery_of_equals(flatters) -> None:
    """Where all pictures gain the same, no choice flatters; and no choice is above the best."""
    choices = torch.tensor(list(itertools.combinations(range(5), 3)))
    expect_close(_double(flatters(torch.full((5,), 0.1, dtype=torch.float64), torch.tensor([4, 0, 2]), choices)), 0.0, "the share")
    best = flatters(torch.arange(5.0, dtype=torch.float64), torch.tensor([2, 3, 4]), choices)
    expect_close(_double(best), 0.9, "the share")


HIDDEN = {
    "8.1": (pairs_of_other_sizes,),
    "8.2": (interval_by_another_library, interval_of_equal_draws),
    "8.3": (pictures_by_the_package,),
    "8.4": (chance_of_other_numbers, chance_of_a_rise),
    "8.5": (corrected_up_to_one, corrected_by_the_package),
    "8.6": (cost_without_axes,),
    "8.7": (word_at_the_edge, word_of_other_seeds, word_turned_over),
    "8.8": (together_of_strangers, together_of_twins),
    "8.9": (flattery_of_three, flattery_of_equals),
}
