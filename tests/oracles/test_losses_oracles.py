"""Our losses are the authors': values their code gave, and the package `lpips` under the same weights.

mprnet_losses.json: outputs of MPRNet's loss classes on x = default_rng(0).random((2, 3, 64, 96)), y = default_rng(1)..., float32;
the odd size is default_rng(2).random((1, 3, 33, 47)).
gan_losses.npz: DeblurGAN-v2's relativistic losses of stored logits (its first call, when the pool holds these alone) and CIPLab's
Huber loss of two random pictures 1x3x8x8.
"""

import json
import warnings

import numpy as np
import pytest
import torch

from restorelab.losses.adversarial import PredictionPools, relativistic_discriminator, relativistic_generator
from restorelab.losses.edge import edge, laplacian, pyramid_detail
from restorelab.losses.pixel import charbonnier, huber
from restorelab.metrics.lpips import LPIPS


def picture(seed: int, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).random(shape, dtype=np.float32))


@pytest.fixture
def mprnet(fixtures):
    return json.loads((fixtures / "mprnet_losses.json").read_text())


@pytest.fixture
def gan(fixtures):
    return {key: torch.from_numpy(value) for key, value in np.load(fixtures / "gan_losses.npz").items()}


@pytest.mark.parametrize("loss, name", [(charbonnier, "charbonnier_eps1e-3"), (edge, "edge")])
def test_value_and_gradient_equal_mprnets(loss, name, mprnet):
    x, y = (picture(seed, (2, 3, 64, 96)) for seed in (0, 1))
    x.requires_grad_()
    value = loss(x, y)
    value.backward()
    assert value.item() == pytest.approx(mprnet[name]["value"], abs=1e-6)
    assert x.grad.abs().sum().item() == pytest.approx(mprnet[name]["grad_abs_sum"], abs=1e-6)
    assert loss(y, y).item() == pytest.approx(mprnet[name]["zero_diff_value"], abs=1e-9)


def test_the_official_edge_filter_equals_mprnets(mprnet):
    want = mprnet["edge_operator"]
    found = pyramid_detail(picture(1, (2, 3, 64, 96)))
    assert found.mean().item() == pytest.approx(want["mean"], abs=1e-6)
    assert found.std().item() == pytest.approx(want["std"], abs=1e-6)
    np.testing.assert_allclose(found[0, :, 31, 47], want["at[0,:,31,47]"], atol=1e-6)
    np.testing.assert_allclose(found[0, :, 0, 0], want["at corner [0,:,0,0]"], atol=1e-6)


def test_the_official_edge_filter_equals_mprnets_at_an_odd_size(mprnet):
    want = mprnet["edge_operator_odd_33x47"]
    found = pyramid_detail(picture(2, (1, 3, 33, 47)))
    assert found.std().item() == pytest.approx(want["std"], abs=1e-6)
    np.testing.assert_allclose(found[0, :, 16, 20], want["at[0,:,16,20]"], atol=1e-6)


def test_impulses_and_waves_pass_as_measured_in_mprnet(mprnet):
    for (row, column), centre, length in mprnet["impulse (centre value, L1 norm) -> shift-variant"][0:3]:
        impulse = torch.zeros(1, 1, 33, 33)
        impulse[..., row, column] = 1
        found = pyramid_detail(impulse)
        assert found[0, 0, row, column].item() == pytest.approx(centre, abs=1e-4)
        assert found.abs().sum().item() == pytest.approx(length, abs=1e-3)
    for name, gains in mprnet["rms gain at horizontal frequency (cycles/px): [code operator, 3x3 laplacian]"].items():
        frequency = float(name)
        if 0 < frequency < 0.5:
            wave = torch.cos(2 * torch.pi * frequency * torch.arange(256)).expand(1, 1, 64, 256)
            inside = (..., slice(16, -16), slice(16, -16))
            measured = [(f(wave)[inside].square().mean() / wave[inside].square().mean()).sqrt().item() for f in (pyramid_detail, laplacian)]
            assert measured == pytest.approx(gains, rel=0.02), frequency


def test_the_relativistic_losses_equal_deblurganv2s(gan):
    real, fake = gan["ragan_pred_real"], gan["ragan_pred_fake"]
    pools = PredictionPools()
    pools.add(real, fake)
    for means in (None, pools.means(real, fake)):
        assert relativistic_discriminator(real, fake, means).item() == pytest.approx(gan["raganls_d"].item(), abs=1e-6)
        assert relativistic_generator(real, fake, means).item() == pytest.approx(gan["raganls_g"].item(), abs=1e-6)


def test_huber_equals_ciplabs(gan):
    assert huber(picture(1, (1, 3, 8, 8)), picture(2, (1, 3, 8, 8)), 0.01).item() == pytest.approx(gan["huber_d001"].item(), abs=1e-8)


def lpips_package(name: str):
    import lpips  # takes a second; here and not above, so that the other tests need not wait

    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision as one did years ago
        return lpips.LPIPS(net=name, pnet_rand=True, verbose=False)


@pytest.mark.parametrize("name", ["alex", "vgg", "squeeze"])
def test_lpips_equals_the_package_under_the_same_weights(name):
    theirs = lpips_package(name)
    ours = LPIPS(name, {f"features.{key.split('.', 1)[1]}": value for key, value in theirs.net.state_dict().items()})
    clean = picture(0, (2, 3, 64, 80))
    for restored in (picture(1, (2, 3, 64, 80)), (0.98 * clean + 0.02 * picture(1, clean.shape))):
        with torch.inference_mode():
            want = theirs(restored, clean, normalize=True).flatten()
            found = ours(restored, clean)
        assert want.min() > 5e-5  # far from the tolerance
        torch.testing.assert_close(found, want, atol=1e-7, rtol=1e-5)


def test_the_packages_gradient_is_nan_where_ours_is_finite():
    """Why the small number stands inside the square root."""
    import lpips

    theirs, ours = (torch.zeros(1, 4, 2, 2, requires_grad=True) for _ in range(2))
    lpips.normalize_tensor(theirs).sum().backward()
    assert theirs.grad.isnan().all()
    from restorelab.metrics.feature_distance import unit_length

    unit_length(ours).sum().backward()
    assert ours.grad.isfinite().all()
