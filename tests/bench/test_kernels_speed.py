"""Ratios measured in one run, on whatever machine this is: `make bench`. One thread."""

import numpy as np
import pytest
import torch
from bench.measure import seconds, table
from scipy.stats import multivariate_normal

from restorelab.degrade.kernels import covariance_kernels
from restorelab.degrade.srmd import draw_srmd_parameters

SIZE, BATCH, SLOW = 15, 4096, 3

pytestmark = pytest.mark.usefixtures("one_thread")


def pixel_by_pixel(variance_long: float, variance_short: float, angle: float) -> np.ndarray:
    """As KAIR makes a kernel (utils/utils_sisr.py): a covariance, and scipy's density at each pixel."""
    theta = -np.radians(angle)
    axes = np.array([[np.cos(theta), -np.sin(theta)], [np.sin(theta), np.cos(theta)]])
    covariance = axes @ np.diag([variance_long, variance_short]) @ axes.T
    kernel = np.zeros((SIZE, SIZE))
    for y in range(SIZE):
        for x in range(SIZE):
            kernel[y, x] = multivariate_normal.pdf([x - SIZE // 2, y - SIZE // 2], mean=[0, 0], cov=covariance)
    return kernel / kernel.sum()


def test_kernels_a_second():
    lists = draw_srmd_parameters(BATCH, np.random.default_rng(0))
    few = [values[:SLOW] for values in lists]
    singles = [[values[n : n + 1] for values in lists] for n in range(256)]

    def slow():
        return [pixel_by_pixel(*numbers) for numbers in zip(*few, strict=True)]

    def one_at_a_time():
        return [covariance_kernels(*single, SIZE) for single in singles]

    def batch():
        return covariance_kernels(*lists, SIZE)

    for ours in (torch.cat(one_at_a_time()[:SLOW]), batch()[:SLOW]):
        np.testing.assert_allclose(ours, np.stack(slow()), atol=1e-6, rtol=0)
    times = seconds(slow, one_at_a_time, batch, rounds=7)
    rates = [count / time for count, time in zip((SLOW, len(singles), BATCH), times, strict=True)]
    names = ("scipy, pixel by pixel", "one at a time", f"{BATCH} at once")
    table("kernels of 15x15", ["", "per second", "ratio"], [[n, r, r / rates[0]] for n, r in zip(names, rates, strict=True)])
    assert rates[1] >= 500 * rates[0]
    assert rates[2] >= 5000 * rates[0]
