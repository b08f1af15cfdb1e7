"""MATLAB's bicubic by banded matrices against torch's antialiased bicubic on a padded picture. Ratios measured in one run."""

import pytest
import torch
from bench.measure import seconds, table
from plain_bicubic import shrink_by_interpolating

from restorelab.ops.resize import resize_bicubic


def times(shape: tuple[int, ...], scale: int) -> tuple[list[float], list[float]]:
    """Seconds of interpolate and of matrices, without gradients and with."""
    image = torch.rand(shape, requires_grad=True)
    plain = image.detach()

    def interpolate(image):
        return shrink_by_interpolating(image, scale)

    def matrices(image):
        return resize_bicubic(image, scale=1 / scale)

    torch.testing.assert_close(matrices(plain), interpolate(plain), atol=1e-6, rtol=0)
    alone = seconds(lambda: interpolate(plain), lambda: matrices(plain))
    back = seconds(*(lambda way=way: torch.autograd.grad(way(image).sum(), image) for way in (interpolate, matrices)))
    return alone, back


@pytest.mark.parametrize("shape", [(1, 3, 1356, 2040), (32, 3, 96, 96)])
def test_two_matrices_against_interpolate(shape):
    rows = []
    for scale in (2, 4):
        (slow, fast), (slow_back, fast_back) = times(shape, scale)
        rows.append([f"1/{scale}", 1e3 * slow, 1e3 * fast, slow / fast, slow_back / fast_back])
    columns = ["scale", "interpolate (ms)", "matrices (ms)", "ratio", "ratio with gradient"]
    table(f"bicubic of {'x'.join(map(str, shape))}", columns, rows)
    assert all(row[3] > 2 and row[4] > 1 for row in rows)
