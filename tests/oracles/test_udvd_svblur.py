"""Spatially varying blur against stored answers, both ways.

`udvd_svblur.npz`, float64: one channel 20x20, a Gaussian whose std goes from 0.3 to 2.5 along the columns, 15x15 taps; `gather_*` of
`img` with two borders, and `scatter_of_y`, the adjoint of the replicate one. Made with unfold and autograd, not with this package.
"""

import numpy as np
import pytest
import torch

from restorelab.degrade.varying import gather, gather_basis, gather_gaussian, gaussian_kernels, scatter, scatter_gaussian

RADIUS = 7
EXACT = {"atol": 1e-10, "rtol": 0}


@pytest.fixture(scope="module")
def stored(request):
    with np.load(request.path.parents[1] / "fixtures" / "udvd_svblur.npz") as file:
        return {name: torch.from_numpy(value).squeeze(0) if value.ndim == 4 else torch.from_numpy(value) for name, value in file.items()}


@pytest.fixture(scope="module")
def std(stored):
    return stored["sigma"].expand(20, 20)


@pytest.mark.parametrize("border", ["replicate", "zeros"])
def test_three_ways_to_gather(stored, std, border):
    want, kernels = stored[f"gather_{border}"], gaussian_kernels(std, RADIUS)
    torch.testing.assert_close(gather(stored["img"], kernels, border), want, **EXACT)
    torch.testing.assert_close(gather_gaussian(stored["img"], std, RADIUS, border), want, **EXACT)
    columns = kernels[:, :, 0].flatten(0, 1).T  # 20 kernels: the basis of all their mixtures is no larger
    basis = torch.linalg.svd(columns).Vh[:20]
    maps = (basis @ columns.T)[:, None].expand(20, 20, 20)
    torch.testing.assert_close(gather_basis(stored["img"], basis.unflatten(1, (15, 15)), maps, border), want, **EXACT)


def test_two_ways_to_scatter(stored, std):
    want = stored["scatter_of_y"]
    torch.testing.assert_close(scatter(stored["y"], gaussian_kernels(std, RADIUS), "replicate"), want, **EXACT)
    torch.testing.assert_close(scatter_gaussian(stored["y"], std, RADIUS, "replicate"), want, **EXACT)


def test_the_stored_answers_are_adjoint(stored):
    left, right = (stored["gather_replicate"] * stored["y"]).sum(), (stored["img"] * stored["scatter_of_y"]).sum()
    assert float(left - right) == pytest.approx(0, abs=1e-10)
