"""Ratios measured in one run, on whatever machine this is: `make bench`. One thread; processor time, which waiting for a core is not in.

The ways take turns in blocks of several calls, the first of which is not counted: as in a training, the memory a call works in is that
of the call before. Call by call, each would pay for memory that the other had just given back to the system.
"""

import statistics
import time

import pytest
import torch
from bench.measure import PeakMemory, table
from bench.reference_filter import filter_by_unfolding

from restorelab.ops.dynamic_filter import dynamic_filter

WAYS = (filter_by_unfolding, dynamic_filter)
BLOCKS, CALLS = 6, 4

pytestmark = pytest.mark.usefixtures("one_thread")


def one_pass(way, image, kernels, grad) -> tuple[float, float]:
    """Seconds of forward, of forward and backward."""
    image.grad = kernels.grad = None
    start = time.thread_time()
    out = way(image, kernels, "zeros")
    middle = time.thread_time()
    out.backward(grad)
    return middle - start, time.thread_time() - start


def calls(way, *tensors) -> list[tuple[float, float]]:
    """Several in a row, without the first."""
    return [one_pass(way, *tensors) for _ in range(CALLS + 1)][1:]


def megabytes(way, image, kernels, grad) -> float:
    """At the peak, beyond the result and the two gradients, which every way makes."""
    image.grad = kernels.grad = None
    with PeakMemory() as memory:
        way(image, kernels, "zeros").backward(grad)
    return (memory.peak - sum(made.nbytes for made in (grad, image.grad, kernels.grad))) / 1e6


@pytest.mark.parametrize("scale, count, size, least", [(1, 1, 256, 4.5), (2, 1, 256, 3.8), (1, 16, 96, 4.5), (2, 16, 48, 2.7)])
def test_shifting_and_adding_against_unfolding(scale, count, size, least):
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(count, 3, size, size, generator=generator, requires_grad=True)
    kernels = torch.rand(count, scale, scale, 5, 5, size, size, generator=generator, requires_grad=True)
    grad = torch.rand(count, 3, size * scale, size * scale, generator=generator)
    torch.testing.assert_close(*(way(image, kernels, "zeros") for way in WAYS), atol=1e-4, rtol=0)
    rounds = [block for _ in range(BLOCKS) for block in zip(*(calls(way, image, kernels, grad) for way in WAYS), strict=True)]
    rows = []
    for what, i in (("forward", 0), ("and backward", 1)):
        slow, fast = ([times[way][i] for times in rounds] for way in (0, 1))
        ratios = sorted(a / b for a, b in zip(slow, fast, strict=True))
        rows.append([what, 1e3 * min(slow), 1e3 * min(fast), min(slow) / min(fast), ratios[0], statistics.median(ratios), ratios[-1]])
    memory = [megabytes(way, image, kernels, grad) for way in WAYS]
    columns = ["", "unfold (ms)", "ours (ms)", "ratio", "lowest", "median", "highest"]
    table(f"dynamic filter 5x5, x{scale}, {count}x3x{size}x{size}; extra memory {memory[0]:.0f} -> {memory[1]:.1f} MB", columns, rows)
    assert memory[1] <= memory[0] / 4
    assert rows[1][3] >= least
