"""Adversarial losses and mixed pictures: values by hand, who gets a gradient, and the traps of published code."""

import math

import numpy as np
import pytest
import torch
from processes import under_torchrun
from torch import nn
from torch.nn import functional
from unit import distributed_losses

from restorelab.losses import adversarial, mixing
from restorelab.losses.adversarial import PredictionPools, frozen
from restorelab.losses.pixel import huber


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def randn(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=seeded(seed))


class Judge(nn.Module):
    """A small discriminator: a map of logits, and the features on the way."""

    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 1, 3)

    def features(self, x):
        return (a := self.first(x), self.last(functional.leaky_relu(a, 0.2)))

    def forward(self, x):
        return self.features(x)[-1]


@pytest.fixture
def judge() -> Judge:
    torch.manual_seed(0)
    return Judge()


# Relativistic


def test_relativistic_by_hand():
    real, fake = torch.tensor([1.0, 3.0]), torch.tensor([0.0, -2.0])  # means 2 and -1
    # real - mean fake - 1: 1, 3; fake - mean real + 1: -1, -3
    assert adversarial.relativistic_discriminator(real, fake).item() == (5 + 5) / 2
    # real - mean fake + 1: 3, 5; fake - mean real - 1: -3, -5
    assert adversarial.relativistic_generator(real, fake).item() == (17 + 17) / 2


def test_the_generators_real_term_has_a_gradient_unless_the_means_come_from_a_pool():
    """DeblurGAN-v2's pool takes it away: what is left is the gradient of the fake term alone."""
    real, fake = randn(4, 1, 5, 5), randn(4, 1, 5, 5, seed=1).requires_grad_()
    pools = PredictionPools()
    pools.add(real, fake)

    def gradient(loss):
        return torch.autograd.grad(loss, fake)[0]

    whole = gradient(adversarial.relativistic_generator(real, fake))
    pooled = gradient(adversarial.relativistic_generator(real, fake, pools.means(real, fake)))
    fake_term = gradient((fake - real.mean() - 1).square().mean() / 2)
    torch.testing.assert_close(pooled, fake_term)
    torch.testing.assert_close(whole - fake_term, gradient((real - fake.mean() + 1).square().mean() / 2))
    assert (whole - pooled).norm() > 0.1 * whole.norm()


def test_the_pool_forgets_the_oldest_and_averages_the_rest():
    pools = PredictionPools(size=3)
    for value in (1.0, 2.0, 3.0, 4.0):
        pools.add(torch.full((1, 1, 2, 2), value), torch.full((1, 1, 2, 2), -value))
    assert [mean.item() for mean in pools.means(torch.zeros(1), torch.zeros(1))] == [3, -3]
    pools.add(torch.arange(5.0), torch.zeros(5))  # more at once than it holds
    assert [mean.item() for mean in pools.means(torch.zeros(1), torch.zeros(1))] == [3, 0]


def test_a_pool_half_full_does_not_count_its_empty_places_and_an_empty_one_takes_the_batch():
    pools = PredictionPools(size=50)
    real, fake = torch.tensor([4.0, 6.0], requires_grad=True), torch.tensor([1.0, 1.0], requires_grad=True)
    assert [mean.item() for mean in pools.means(real, fake)] == [5, 1]
    assert not any(mean.requires_grad for mean in pools.means(real, fake))  # as if the batch had been remembered
    pools.add(real, fake)
    assert [mean.item() for mean in pools.means(torch.zeros(2), torch.zeros(2))] == [5, 1]


def test_a_pool_resumes_exactly():
    pools, resumed = PredictionPools(size=5), PredictionPools(size=5)
    for seed in range(3):
        pools.add(randn(2, 1, 3, 3, seed=seed), randn(2, 1, 3, 3, seed=seed + 9))
    resumed.load_state_dict(pools.state_dict())
    for seed in range(2):
        for each in (pools, resumed):
            each.add(randn(2, 1, 3, 3, seed=seed + 20), randn(2, 1, 3, 3, seed=seed + 30))
    assert all(torch.equal(a, b) for a, b in zip(pools.means(*randn(2, 1)), resumed.means(*randn(2, 1)), strict=True))
    assert not torch.equal(PredictionPools(size=5).scores, resumed.scores)


def test_two_processes_compute_the_losses_gradients_and_pools_of_one(tmp_path):
    one = distributed_losses.losses_and_gradients()
    assert under_torchrun(2, distributed_losses.write, tmp_path) == [0, 0]
    for rank in range(2):
        two = torch.load(tmp_path / f"{rank}.pt", weights_only=True)
        for name in one:
            if not name.startswith("own batch only"):
                torch.testing.assert_close(two[name], one[name], atol=1e-5, rtol=1e-5, msg=lambda text, name=name: f"{name}: {text}")
    assert abs(two["own batch only"] - one["own batch only"]) > 0.01  # so the trap would show
    assert one["generator weight"].abs().max() > 0.01


# Hinge


def test_hinge_by_hand_with_one_head_and_with_two():
    encoder, decoder = torch.tensor([2.0, 0.0]), torch.tensor([-3.0, 0.5])
    assert adversarial.hinge_real(encoder).item() == 0.5  # 0 and 1
    assert adversarial.hinge_fake(decoder).item() == 0.75  # 0 and 1.5
    assert adversarial.hinge_real((encoder, decoder)).item() == 0.5 + 2.25
    assert adversarial.hinge_discriminator((encoder,), (decoder,)).item() == 1.25
    assert adversarial.hinge_generator((encoder, decoder)).item() == (0.5 + 2.25) / 2
    assert adversarial.hinge_generator((encoder, decoder), clipped=False).item() == (-1 + 1.25) / 2


def test_a_lone_map_is_one_head_and_not_one_per_picture():
    x = randn(4, 1, 3, 3)
    assert torch.equal(adversarial.hinge_real(x), adversarial.hinge_real((x,)))


def test_the_clipped_generator_stops_pulling_where_the_usual_one_goes_on():
    for clipped, pull in ((True, 0.0), (False, -1.0)):
        fooled = torch.tensor(1.5, requires_grad=True)
        adversarial.hinge_generator(fooled, clipped).backward()
        assert fooled.grad.item() == pull


# Wasserstein


def test_wasserstein_by_hand():
    assert adversarial.wasserstein_discriminator(torch.tensor([3.0]), torch.tensor([1.0])).item() == -2
    assert adversarial.wasserstein_generator(torch.tensor([1.0, 2.0])).item() == -1.5


def slope(x):
    """A map of four logits per picture, each 3 times the sum of its pixels: gradient 3 everywhere when averaged, 12 when summed."""
    return 3 * x.sum((1, 2, 3)).reshape(-1, 1, 1, 1).expand(-1, 1, 2, 2)


def test_the_penalty_takes_one_norm_per_picture_and_the_published_one_a_norm_per_pixel():
    real, fake = randn(2, 3, 4, 4), randn(2, 3, 4, 4, seed=1)
    ours = adversarial.gradient_penalty(slope, real, fake, seeded())
    assert ours.item() == pytest.approx((3 * math.sqrt(48) - 1) ** 2, rel=1e-5)
    published = adversarial.gradient_penalty(slope, real, fake, seeded(), published=True)
    assert published.item() == pytest.approx((12 * math.sqrt(3) - 1) ** 2, rel=1e-5)


def test_the_penalty_looks_at_another_place_for_every_picture_and_the_published_one_at_one():
    real, fake, seen = torch.ones(5, 3, 4, 4), torch.zeros(5, 3, 4, 4), []

    def watch(x):
        seen.append(x.detach()[:, 0, 0, 0])
        return slope(x)

    for published in (False, True):
        adversarial.gradient_penalty(watch, real, fake, seeded(), published)
    assert len(set(seen[0].tolist())) == 5 and len(set(seen[1].tolist())) == 1
    assert all(places.min() >= 0 and places.max() <= 1 for places in seen)


def test_the_penalty_trains_the_discriminator_alone_and_ignores_autocast(judge):
    real, fake = randn(2, 3, 8, 8), randn(2, 3, 8, 8, seed=1).requires_grad_()
    exact = adversarial.gradient_penalty(judge, real, fake, seeded())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        value = adversarial.gradient_penalty(judge, real, fake, seeded())
    assert torch.equal(value, exact) and value.dtype == torch.float32
    value.backward()
    assert judge.first.weight.grad.abs().max() > 0 and fake.grad is None


def test_the_penalty_of_a_constant_discriminator_is_one_with_a_finite_gradient(judge):
    nn.init.zeros_(judge.last.weight)
    value = adversarial.gradient_penalty(judge, randn(2, 3, 8, 8), randn(2, 3, 8, 8, seed=1), seeded())
    value.backward()
    assert value.item() == 1 and judge.last.weight.grad.isfinite().all()


# Feature matching, and who is trained


def test_feature_matching_by_hand_and_with_another_number_of_maps():
    fake, real = (torch.zeros(1, 2), torch.zeros(3)), (torch.full((1, 2), 0.5), torch.zeros(3))
    assert adversarial.feature_matching(fake, real).item() == pytest.approx(0.01 * (0.5 - 0.005) / 2)
    with pytest.raises(ValueError):
        adversarial.feature_matching(fake, real[:1])


def test_feature_matching_trains_the_generator_and_not_the_discriminator(judge):
    restored, clean = randn(2, 3, 8, 8).requires_grad_(), randn(2, 3, 8, 8, seed=1).requires_grad_()
    with frozen(judge):
        adversarial.feature_matching(judge.features(restored), judge.features(clean)).backward()
    assert restored.grad.abs().max() > 0
    assert clean.grad is None  # the real branch is a constant
    assert all(parameter.grad is None and parameter.requires_grad for parameter in judge.parameters())


def test_frozen_gives_back_what_it_found_even_after_an_error(judge):
    judge.first.weight.requires_grad_(False)
    with pytest.raises(RuntimeError), frozen(judge):
        assert not any(parameter.requires_grad for parameter in judge.parameters())
        raise RuntimeError
    assert not judge.first.weight.requires_grad and judge.last.weight.requires_grad


# Mixing


def test_the_boxes_share_of_the_area_is_uniform_and_every_pixel_gets_its_turn():
    generator = seeded()
    masks = torch.cat([mixing.cutmix_mask(40, 60, generator) for _ in range(2000)])
    shares = masks.mean((1, 2, 3)).sort().values
    uniform = (torch.arange(2000) + 0.5) / 2000
    assert (shares - uniform).abs().max() < 0.04  # clipped at the border, as published, they would lie lower by far more
    corners = masks[:, 0, [0, 0, -1, -1], [0, -1, 0, -1]].mean(0)
    assert corners.min() > 0 and corners.max() / corners.min() < 1.3


def test_a_box_is_one_rectangle_of_the_pictures_shape():
    for seed in range(20):
        mask = mixing.cutmix_mask(40, 60, seeded(seed))[0, 0]
        rows, columns = mask.amax(1).sum(), mask.amax(0).sum()
        assert rows * columns == mask.sum() and abs(columns * 40 - rows * 60) <= 50
        assert torch.equal(mask, mixing.cutmix_mask(40, 60, seeded(seed))[0, 0])


def test_cutmix_pastes_the_real_picture_into_the_fake_one():
    mask = torch.tensor([[1.0, 0.0]]).reshape(1, 1, 1, 2)
    mixed = mixing.cutmix(torch.full((2, 3, 1, 2), 7.0), torch.full((2, 3, 1, 2), torch.nan), mask)
    assert (mixed[..., 0] == 7).all() and mixed[..., 1].isnan().all()


def test_per_pixel_targets_know_the_pasted_pixels_and_ciplabs_call_them_fake():
    mask = torch.tensor([[1.0, 0.0]]).reshape(1, 1, 1, 2)
    right = torch.tensor([[5.0, -5.0]]).reshape(1, 1, 1, 2)  # a decoder that sees the seam
    real, fake = (
        (torch.full((1, 1, 1, 1), 5.0), torch.full((1, 1, 1, 2), 5.0)),
        (torch.full((1, 1, 1, 1), -5.0), -torch.ones(1, 1, 1, 2) * 5),
    )
    mixed = (torch.full((1, 1, 1, 1), -5.0), right)
    assert mixing.hinge_per_pixel(right, mask).item() == 0 and mixing.hinge_per_pixel(-right, mask).item() == 6
    assert mixing.cutmix_per_pixel(real, fake, mixed, mask).item() == 0
    assert mixing.cutmix_as_fake(real, fake, mixed, mask).item() == 3  # the pasted pixel: (1 + 5) / 2; the answers are consistent


def test_the_fake_terms_are_replaced_by_the_mixed_ones_in_ciplabs_and_kept_in_the_other():
    heads = [(randn(2, 1, 1, 1, seed=s), randn(2, 1, 8, 8, seed=s + 9)) for s in range(3)]
    mask = mixing.cutmix_mask(8, 8, seeded(3))
    real, fake, mixed = heads
    want = adversarial.hinge_discriminator(real, mixed) + mixing.consistency(real[1], fake[1], mixed[1], mask)
    torch.testing.assert_close(mixing.cutmix_as_fake(real, fake, mixed, mask), want)
    rest = mixing.cutmix_per_pixel(real, fake, mixed, mask) - adversarial.hinge_discriminator(real, fake)
    torch.testing.assert_close(rest, adversarial.hinge_fake(mixed[0]) + mixing.hinge_per_pixel(mixed[1], mask))


@pytest.mark.parametrize("detach", [True, False])
def test_consistency_moves_the_target_only_when_asked(detach):
    real, fake, mixed = (randn(1, 1, 4, 4, seed=s).requires_grad_() for s in range(3))
    mask, before = torch.ones(1, 1, 4, 4), real.detach().clone()
    mixing.consistency(real, fake, mixed, mask, detach).backward()
    torch.testing.assert_close(mixed.grad, (mixed - real).detach() / 8)
    assert (real.grad is None) == detach
    assert torch.equal(real, before)  # CIPLab's code writes the mix into one of its inputs


def test_mixup_gives_what_belongs_together_one_weight_and_one_partner():
    clean = torch.arange(64.0).reshape(64, 1, 1, 1).expand(64, 3, 2, 2)
    degraded, blended = mixing.mixup((clean + 100, clean), seeded())
    torch.testing.assert_close(degraded, blended + 100)
    assert len(set(blended[:, 0, 0, 0].tolist())) > 50
    again = mixing.mixup((clean + 100, clean), seeded())[1]
    assert torch.equal(again, blended) and not torch.equal(mixing.mixup((clean,), seeded(1))[0], blended)


def test_mixups_weights_follow_beta():
    """Blending 0 and 1 shows the weight itself."""
    half = torch.cat([torch.zeros(5000), torch.ones(5000)]).reshape(-1, 1, 1, 1)
    (blended,) = mixing.mixup((half,), seeded())
    weights = blended[(blended > 0) & (blended < 1)]
    assert len(weights) > 4000
    assert weights.mean().item() == pytest.approx(0.5, abs=0.02)
    assert (weights - 0.5).square().mean().item() == pytest.approx(1 / 8.8, rel=0.05)  # 1 / (4 (2 beta + 1)); uniform: 1 / 12
    assert (weights - 0.5).pow(4).mean().item() == pytest.approx(3 / (16 * 2.2 * 4.2), rel=0.05)


def test_mixup_keeps_the_kind_of_number():
    assert mixing.mixup((torch.rand(2, 3, 4, 4).bfloat16(),), seeded())[0].dtype == torch.bfloat16


def test_huber_and_smooth_l1_differ_by_delta():
    """Libraries' "smooth L1" with beta 0.01 is the Huber loss of delta 0.01 divided by 0.01."""
    a, b = randn(100), randn(100, seed=1)
    difference = (a - b).double().numpy()
    by_hand = np.where(abs(difference) < 0.01, difference**2 / 2, 0.01 * (abs(difference) - 0.005)).mean()
    assert huber(a, b, delta=0.01).item() == pytest.approx(by_hand, rel=1e-5)
    assert functional.smooth_l1_loss(a, b, beta=0.01).item() == pytest.approx(100 * by_hand, rel=1e-5)
