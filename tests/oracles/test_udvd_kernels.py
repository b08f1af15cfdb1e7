"""Our kernels and their PCA are SRMD's: against values made without this kit.

`udvd_kernels.npz`: kernels of the formula in KAIR's sampler, one scipy density per pixel, for rows (theta, variance, variance); theta
in radians from right to down. `udvd_pca.npz`: the PCA of 10,000 kernels of SRMD's law, seed 0, in float64; only what does not depend
on the signs of eigenvectors.
"""

import numpy as np
import pytest
import torch

from restorelab.degrade.kernel_code import KernelCode
from restorelab.degrade.kernels import covariance_kernels, isotropic_kernels
from restorelab.degrade.srmd import draw_srmd_parameters


@pytest.fixture(scope="module")
def kernels(request):
    with np.load(request.path.parents[1] / "fixtures" / "udvd_kernels.npz") as file:
        return dict(file)


@pytest.fixture(scope="module")
def pca(request):
    with np.load(request.path.parents[1] / "fixtures" / "udvd_pca.npz") as file:
        return dict(file)


@pytest.mark.parametrize("name, size", [("aniso15", 15), ("aniso21", 21)])
def test_elongated_kernels(kernels, name, size):
    want = kernels[name]
    theta, long, short = kernels["params"][: len(want)].T
    got = covariance_kernels(long, short, -np.degrees(theta), size, torch.float64)
    np.testing.assert_allclose(got, want, atol=2e-16, rtol=0)


def test_round_kernels(kernels):
    np.testing.assert_allclose(isotropic_kernels(kernels["iso_sigma"], 15), kernels["iso15"], atol=3e-8, rtol=0)  # float32
    variance = kernels["iso_sigma"] ** 2
    got = covariance_kernels(variance, variance, np.zeros(len(variance)), 15, torch.float64)
    np.testing.assert_allclose(got, kernels["iso15"], atol=1e-16, rtol=0)


def test_the_law_draws_the_same_numbers():
    rng = np.random.default_rng(0)
    long = 0.1 + 9.9 * rng.random(10_000)
    short = 0.1 + (long - 0.1) * rng.random(10_000)
    theta = np.pi * rng.random(10_000)
    got = draw_srmd_parameters(10_000, np.random.default_rng(0))
    for ours, want in zip(got, (long, short, -np.degrees(theta)), strict=True):
        np.testing.assert_allclose(ours, want, atol=0, rtol=1e-14)


@pytest.mark.parametrize("subtract_mean, energy, at_15", [(False, "energy_nomean", 0.99802), (True, "energy_mean", 0.99640)])
def test_energy_of_the_eigen_kernels(pca, subtract_mean, energy, at_15):
    code = KernelCode.fit_srmd(dims=40, subtract_mean=subtract_mean)
    np.testing.assert_allclose(code.energy, pca[energy], atol=1e-12, rtol=0)
    assert float(code.energy[14]) == pytest.approx(at_15, abs=5e-6)


@pytest.mark.parametrize("subtract_mean, name", [(False, "recon15"), (True, "recon15_mean")])
def test_kernels_decoded_from_fifteen_numbers(kernels, pca, subtract_mean, name):
    code = KernelCode.fit_srmd(subtract_mean=subtract_mean)
    codes = code.encode(torch.from_numpy(kernels["aniso15"]))
    np.testing.assert_allclose(code.decode(codes), pca[name], atol=1e-12, rtol=0)
    if subtract_mean:
        np.testing.assert_allclose(code.mean, pca["mean_kernel"], atol=1e-14, rtol=0)
    else:
        np.testing.assert_allclose(codes.norm(dim=1), pca["code_norm"], atol=1e-13, rtol=0)
