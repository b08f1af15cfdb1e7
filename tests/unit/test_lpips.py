"""LPIPS with random trunks: what holds for any weights. That the numbers are the authors', the oracle tests show."""

import pytest
import torch

from restorelab.errors import CheckpointError, ParameterError
from restorelab.losses.perceptual import LPIPSLoss, VGGContent
from restorelab.metrics import lpips
from restorelab.metrics.feature_distance import unit_length
from restorelab.metrics.lpips import LPIPS, read_heads
from restorelab.trunks import FILES, TrunkFile


@pytest.fixture(scope="module")
def metric() -> LPIPS:
    return LPIPS("alex", stand_in=True)


def pictures(count: int = 2, side: int = 48, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_zero_for_equal_pictures_and_growing_with_the_noise(metric):
    clean, noise = pictures(), pictures(seed=1)
    distances = [metric(clean + weight * (noise - clean), clean).mean().item() for weight in (0.0, 0.1, 0.3, 1.0)]
    assert distances[0] == 0 and distances == sorted(set(distances))


def test_pictures_of_a_batch_do_not_influence_each_other(metric):
    restored, clean = pictures(3), pictures(3, seed=1)
    alone = torch.cat([metric(restored[i : i + 1], clean[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(metric(restored, clean), alone)


def test_kept_features_give_the_same_number(metric):
    restored, clean = pictures(), pictures(seed=1)
    assert torch.equal(metric.distance(metric.features(restored), metric.features(clean)), metric(restored, clean))


@pytest.mark.parametrize("wrong", [pictures() * 2 - 1, pictures() * 255, pictures() / 0, torch.full((2, 3, 48, 48), torch.nan)])
def test_another_range_is_refused(metric, wrong):
    for pair in ((wrong, pictures()), (pictures(), wrong)):
        with pytest.raises(ParameterError, match=r"\[0, 1\]"):
            metric(*pair)


@pytest.mark.parametrize("trunk, side", [("alex", 32), ("squeeze", 17), ("vgg", 16)])
def test_the_smallest_side_works_and_one_pixel_less_is_refused(trunk, side):
    metric = LPIPS(trunk, stand_in=True)
    clean = pictures(1, side)
    assert metric(1 - clean, clean).isfinite().all()
    with pytest.raises(ParameterError, match=f"at least {side} pixels"):
        metric(clean[..., 1:], clean[..., 1:])


def test_two_shapes_and_an_unknown_trunk_are_answered_with_a_sentence(metric):
    with pytest.raises(ParameterError, match="one shape"):
        metric(pictures(), pictures(side=64))
    with pytest.raises(ParameterError, match="with colours"):
        metric(pictures()[:, :1], pictures()[:, :1])
    with pytest.raises(ParameterError, match="Did you mean alex"):
        LPIPS("alexx", stand_in=True)


def test_a_stand_in_says_so_and_a_real_one_does_not(metric):
    assert "stand-in" in metric.label
    assert "stand-in" in LPIPSLoss(stand_in=True).label and "stand-in" in VGGContent(stand_in=True).label
    state = {f"features.{key}": value for key, value in metric.trunk.features.state_dict().items()}
    assert LPIPS("alex", state).label == "LPIPS (alex, v0.1)"


def test_without_weights_and_network_it_is_an_error_and_no_stand_in(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("restorelab.trunks.SOURCE", tmp_path.as_uri() + "/nowhere/")
    monkeypatch.setitem(FILES, "alexnet", TrunkFile("alexnet.pth", "0" * 64, 1.0))
    with pytest.raises(CheckpointError, match="put it into"):
        LPIPS()


def test_the_heads_weigh_and_never_reward(monkeypatch):
    for trunk, (_, taps, _) in lpips.TRUNKS.items():
        heads = read_heads(trunk)
        assert len(heads) == len(taps) and all(head.min() >= 0 for head in heads)
    monkeypatch.setitem(lpips.HEADS, "alex", "0" * 64)
    with pytest.raises(CheckpointError, match="other heads"):
        read_heads("alex")


def test_gradient_is_finite_where_all_features_are_zero(metric):
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    unit_length(x).sum().backward()
    assert x.grad.isfinite().all()
    dead = LPIPS("squeeze", stand_in=True)
    torch.nn.init.constant_(dead.trunk.features[0].bias, -100.0)  # after the first ReLU nothing is left
    restored = pictures().requires_grad_()
    value = LPIPSLoss(stand_in=True)
    value.metric = dead
    value(restored, pictures(seed=1)).backward()
    assert restored.grad.isfinite().all()


def test_train_changes_nothing(metric):
    restored, clean = pictures(), pictures(seed=1)
    before = metric(restored, clean)
    assert torch.equal(metric.train()(restored, clean), before)
    assert not any(module.training for module in metric.trunk.modules())


def test_float32_under_autocast_and_with_bfloat16_pictures(metric):
    restored, clean = pictures().bfloat16(), pictures(seed=1).bfloat16()
    exact = metric(restored.float(), clean.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(metric(restored, clean), exact)


LOSSES = [lambda: LPIPSLoss("squeeze", stand_in=True), lambda: VGGContent(stand_in=True)]


@pytest.mark.parametrize("make", LOSSES, ids=["lpips", "vgg content"])
def test_a_loss_pulls_back_what_overshoots_and_trains_nothing_of_its_own(make):
    loss = make()
    clean = pictures()
    restored = (clean * 1.3 - 0.15).requires_grad_()  # leaves [0, 1] on both sides
    loss(restored, clean).backward()
    outside = (restored < 0) | (restored > 1)
    assert outside.any() and (restored.grad[outside] != 0).float().mean() > 0.9
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in loss.parameters())
    with pytest.raises(ParameterError, match="clean has|a picture has"):
        loss(restored, clean * 2 - 1)


@pytest.mark.parametrize("make", LOSSES, ids=["lpips", "vgg content"])
def test_a_loss_of_a_batch_is_the_mean_over_its_pictures(make):
    """The published content loss of a batch of 2 depends on which picture comes first: only that one was normalised."""
    loss, restored, clean = make(), pictures(), pictures(seed=1)
    alone = [loss(restored[i : i + 1], clean[i : i + 1]) for i in range(2)]
    torch.testing.assert_close(loss(restored, clean), (alone[0] + alone[1]) / 2)
    torch.testing.assert_close(loss(restored.flip(0), clean.flip(0)), loss(restored, clean))


def test_the_content_loss_compares_conv3_3_before_its_relu():
    loss = VGGContent(stand_in=True)
    (features,) = loss.trunk(pictures(1))
    assert features.shape == (1, 256, 12, 12) and features.min() < 0
    assert [type(layer).__name__ for layer in loss.trunk.features].count("Conv2d") == 7


def test_published_normalisation_of_the_first_picture_alone_would_be_caught():
    """What goes in has the spread of a normalised picture (about 1.3 for uniform noise), for the second picture as for the first."""
    loss, seen = VGGContent(stand_in=True), []
    loss.trunk.features[0].register_forward_pre_hook(lambda layer, inputs: seen.append(inputs[0]))
    loss(pictures(2, 64), pictures(2, 64, seed=1))
    spreads = [picture.std().item() for batch in seen for picture in batch]
    assert len(spreads) == 4 and spreads == pytest.approx([1.29] * 4, rel=0.05)
