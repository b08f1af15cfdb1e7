"""How sure, how many, how flattering: against scipy, against counting by hand, and against simulation."""

import itertools

import numpy as np
import pytest
from scipy import stats

from restorelab.errors import ParameterError
from restorelab.experiment.inference import flattery, holm, pictures_needed, sign_flip_p


def test_the_exact_sign_flip_is_that_of_scipy():
    gaps = np.random.default_rng(0).normal(0.2, 0.4, 11)
    theirs = stats.permutation_test((gaps,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert sign_flip_p(gaps) == pytest.approx(theirs.pvalue)


def test_sign_flips_by_chance_come_near_the_exact_ones():
    gaps = np.random.default_rng(1).normal(0.1, 0.3, 40)
    assert sign_flip_p(gaps) == pytest.approx(stats.ttest_1samp(gaps, 0).pvalue, abs=0.02)
    assert sign_flip_p(gaps) == sign_flip_p(gaps), "the same draws every time"


def test_nothing_is_found_as_often_as_promised():
    rng = np.random.default_rng(2)
    false = np.mean([sign_flip_p(rng.normal(0, 1, 8)) < 0.05 for _ in range(400)])
    assert 0.02 < false < 0.08


def test_holm_by_hand():
    ps = np.array([0.01, 0.04, 0.03, 0.005])
    assert holm(ps) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def test_so_many_pictures_find_it_as_often_as_asked():
    count, rng = pictures_needed(0.3, 0.15), np.random.default_rng(3)
    assert count == 32
    found = np.mean([stats.ttest_1samp(rng.normal(0.15, 0.3, count), 0).pvalue < 0.05 for _ in range(1000)])
    assert 0.75 < found < 0.83
    with pytest.raises(ParameterError, match="effect must not be 0"):
        pictures_needed(0.3, 0.0)


def test_a_fair_choice_is_one_half_and_the_best_is_near_one():
    gains = np.arange(10.0)
    shares = [flattery(gains, list(one)) for one in itertools.combinations(range(10), 3)]
    assert np.mean(shares) == pytest.approx(0.5)
    assert flattery(gains, [7, 8, 9]) == pytest.approx(1 - 0.5 / 120) and flattery(gains, [0, 1, 2]) == pytest.approx(0.5 / 120)
    many = np.random.default_rng(4).normal(size=60)
    assert flattery(many, np.argsort(many)[-4:].tolist()) > 0.999
    for wrong in ([], [1, 1], [10], list(range(10))):
        with pytest.raises(ParameterError, match="each once, and not all"):
            flattery(gains, wrong)
