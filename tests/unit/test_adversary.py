"""Adversarial training: what the two sides pay, who learns when, the victory that is noticed, and the same numbers after a stop.

gan_losses.npz: DeblurGAN-v2's relativistic losses of stored logits, from the authors' code.
"""

import numpy as np
import pytest
import torch
from torch import nn

from restorelab.errors import TrainingError
from restorelab.losses import mixing
from restorelab.models.discriminators import UNetVerdict
from restorelab.models.restored import Restored
from restorelab.train.adversary import Adversary
from restorelab.train.forecast import forecast
from restorelab.train.games import Relativistic, UNetHinge
from restorelab.train.loop import FitConfig, fit, how_networks_run
from restorelab.train.objectives import Content, every_stage_mse
from restorelab.train.run import Run
from restorelab.train.saturation import WINDOW, Saturation

WEIGHTS = {"adversarial": 0.01, "features": 0.1}
CFG = FitConfig(steps=6, batch=2, learning_rate=0.01, warmup=2, ema=0.5, save_every=2)


class Gain(nn.Module):
    """restored = weight * degraded + bias, per channel."""

    def __init__(self):
        super().__init__()
        self.backbone = nn.Conv2d(3, 3, 1, groups=3)
        self.last = nn.Conv2d(3, 3, 1)

    def forward(self, degraded):
        return Restored(self.last(self.backbone(degraded)))


class Halved(torch.utils.data.Dataset):
    def __getitem__(self, number: int):
        clean = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(number))
        return clean / 2, clean


class Fixed(nn.Module):
    """A discriminator that answers with what it was given, and knows pictures by their brightness."""

    def __init__(self, real, fake):
        super().__init__()
        self.answers = {1: real, 0: fake}
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, image):
        return self.answers[int(image.mean() > 0.5)]


FAKE, REAL = torch.zeros(1, 3, 64, 64), torch.ones(1, 3, 64, 64)


def game(kind: str, seed: int = 0):
    torch.manual_seed(seed)
    return UNetHinge(width=2, seed=seed) if kind == "unet" else Relativistic(width=2, pools=kind == "pools")


def adversary(kind: str, weights: dict = WEIGHTS, **more) -> Adversary:
    return Adversary(game(kind), weights, **more)


def train(folder, kind: str | None, cfg: FitConfig = CFG, weights: dict = WEIGHTS, **more):
    other = adversary(kind, weights) if kind else None
    torch.manual_seed(0)
    with Run(folder, seed=0) as run:
        return fit(Gain(), every_stage_mse, Halved(), cfg, run, adversary=other, **more), run


def equal(a: nn.Module, b: nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


# What either side pays


@pytest.mark.parametrize("pools", [False, True])
def test_relativistic_turns_equal_the_authors_losses_of_the_same_logits(fixtures, pools):
    stored = {key: torch.from_numpy(value) for key, value in np.load(fixtures / "gan_losses.npz").items()}
    played = Relativistic(width=2, pools=pools)
    real, fake = stored["ragan_pred_real"], stored["ragan_pred_fake"]
    played.discriminator = Fixed((real, real), (fake, fake))  # both scales answer alike, and their mean is either's
    turn = played.discriminator_turn(FAKE, REAL)
    torch.testing.assert_close(turn.loss, stored["raganls_d"])
    torch.testing.assert_close(played.generator_turn(FAKE, REAL)["adversarial"], stored["raganls_g"])
    right = (real > fake.mean()).float().mean() + (fake < real.mean()).float().mean()
    torch.testing.assert_close(turn.accuracy, right / 2)


def test_hinge_turns_by_hand():
    def verdict(logit):
        return UNetVerdict(torch.full((1, 1, 1, 1), logit), torch.full((1, 1, 64, 64), logit), (torch.full((2,), logit),))

    played = UNetHinge(width=2, mix=0.0)
    played.discriminator = Fixed(verdict(0.25), verdict(0.5))
    turn = played.discriminator_turn(FAKE, REAL)
    assert turn.loss.item() == 2 * (0.75 + 1.5) and turn.accuracy.item() == 0.5  # of real and of fake, by two heads
    heard = played.generator_turn(FAKE, REAL)
    assert heard["adversarial"].item() == 0.5
    assert heard["features"].item() == pytest.approx(0.01 * (0.25 - 0.005))  # Huber beyond its delta of 0.01


def test_cutmix_takes_the_place_of_the_fakes_and_its_rectangle_comes_from_the_games_own_generator():
    played, other = game("unet"), game("unet")
    played.mix, (_, real) = 1.0, Halved()[0]
    real, fake = real[None], real[None] / 2
    loss = played.discriminator_turn(fake, real).loss
    other.chance.manual_seed(0)
    torch.rand((), generator=other.chance)
    mask = mixing.cutmix_mask(64, 64, other.chance)
    verdicts = [other.discriminator(picture) for picture in (real, fake, mixing.cutmix(real, fake, mask))]
    torch.testing.assert_close(loss, mixing.cutmix_as_fake(*((v.encoder_map, v.decoder_map) for v in verdicts), mask))


def test_content_is_the_weighted_sum():
    clean = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    content = Content(every_stage_mse, 0.5, nn.L1Loss(), 0.25)
    assert content(Restored(clean + 0.1), clean).item() == pytest.approx(0.5 * 0.01 + 0.25 * 0.1)


# Who learns when


@pytest.mark.parametrize("kind", ["relativistic", "pools", "unet"])
def test_the_generators_turn_leaves_the_discriminator_without_gradients_and_the_other_turn_the_generator(kind):
    both, (degraded, clean) = adversary(kind), Halved()[0]
    both.begin("cpu")
    running, net = how_networks_run(CFG, "cpu"), Gain()
    fake = net(degraded[None]).image
    before = [parameter.clone() for parameter in both.game.parameters()]
    both.learn(fake.detach(), clean[None], 1.0, running)
    assert all(parameter.grad is None for parameter in net.parameters())
    after = [parameter.clone() for parameter in both.game.parameters()]
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    both.terms(fake, clean[None], running).backward()
    assert all(parameter.grad is None for parameter in both.game.parameters())
    assert all(parameter.requires_grad for parameter in both.game.parameters())
    assert all(torch.equal(a, b) for a, b in zip(after, both.game.parameters(), strict=True))
    assert any(parameter.grad.abs().max() > 0 for parameter in net.parameters())


def test_a_discriminator_that_nobody_minds_changes_nothing_of_a_supervised_training(tmp_path):
    plain, _ = train(tmp_path / "plain", None)
    ignored, run = train(tmp_path / "ignored", "unet", weights={"adversarial": 0.0, "features": 0.0})
    minded, _ = train(tmp_path / "minded", "unet")
    assert equal(plain, ignored) and not equal(plain, minded)
    assert run.rows()[0].keys() >= {"discriminator_loss", "discriminator_accuracy", "adversarial", "features"}


def test_the_discriminators_rate_follows_the_generators_schedule(tmp_path):
    both = adversary("relativistic", learning_rate=0.5)
    both.begin("cpu")
    both.learn(torch.rand(1, 3, 64, 64), torch.rand(1, 3, 64, 64), 0.25, how_networks_run(CFG, "cpu"))
    assert both.optimizer.param_groups[0]["lr"] == 0.125


# The victory


def test_a_victory_is_told_once_for_every_stretch():
    watch = Saturation()
    told = [watch.add(1.0) for _ in range(3 * WINDOW)]
    assert [bool(one) for one in told].index(True) == WINDOW - 1 and sum(map(bool, told)) == 1
    assert "100.0%" in told[WINDOW - 1] and "discriminator_rate" in told[WINDOW - 1]
    assert not any(watch.add(0.985) for _ in range(WINDOW))  # the same stretch
    assert not any(watch.add(0.6) for _ in range(WINDOW))
    assert sum(bool(watch.add(1.0)) for _ in range(WINDOW)) == 1


def test_a_healthy_discriminator_is_not_told_of():
    chance = np.random.default_rng(0)
    watch = Saturation()
    assert not any(watch.add(chance.uniform(0.7, 1.0)) for _ in range(5 * WINDOW))


class Knows(nn.Module):
    """Knows real pictures, which are twice as bright, without fail; or guesses."""

    def __init__(self, sure: bool):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(50.0), requires_grad=True)
        self.sure = sure

    def forward(self, image):
        level = image.mean((1, 2, 3)) - 0.375 if self.sure else image[:, 0, 0, 0] - image[:, 1, 1, 1]
        return self.scale * level, self.scale * level


@pytest.mark.parametrize("sure", [True, False])
def test_the_watcher_and_the_log_hear_of_a_victory_and_of_nothing_else(tmp_path, sure):
    won = adversary("relativistic", {"adversarial": 0.0})
    won.game.discriminator = Knows(sure)
    won = Adversary(won.game, {"adversarial": 0.0}, learning_rate=1e-6)
    won.saturation = Saturation(window=5)
    seen = []
    net = Gain()
    for layer in (net.backbone, net.last):
        nn.init.dirac_(layer.weight, groups=layer.groups)
        nn.init.zeros_(layer.bias)
    with Run(tmp_path, seed=0) as run:
        cfg = FitConfig(steps=12, batch=4, learning_rate=1e-6)
        fit(net, every_stage_mse, Halved(), cfg, run, adversary=won, watch=lambda progress: seen.append(progress.notice))
        noticed = [row["step"] for row in run.rows() if "notice" in row]
    assert noticed == ([5] if sure else [])
    assert [number for number, notice in enumerate(seen, 1) if notice] == noticed


# The same numbers after a stop


@pytest.mark.parametrize("kind, workers", [("pools", 0), ("unet", 0), ("unet", 2)])
def test_a_stopped_training_ends_with_the_same_networks_to_the_bit(tmp_path, kind, workers):
    cfg = FitConfig(**{**vars(CFG), "workers": workers})

    def stop(progress):
        if progress.step == 5:
            raise KeyboardInterrupt

    straight, whole = train(tmp_path / "straight", kind)
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", kind, cfg, watch=stop)
    resumed, run = train(tmp_path / "stopped", kind, cfg)
    assert equal(straight, resumed)
    first, second = (each.newest_state() for each in (whole, run))
    for name, value in first["adversary"]["game"].items():
        assert torch.equal(value, second["adversary"]["game"][name]), name
    assert first["adversary"]["saturation"] == second["adversary"]["saturation"]
    timeless = [[{k: v for k, v in row.items() if k != "seconds"} for row in each.rows()] for each in (whole, run)]
    assert timeless[0] == timeless[1]


def test_what_a_network_draws_in_training_is_drawn_again_after_a_stop(tmp_path):
    """Dropout takes from torch's own random state, which making a loader must leave alone."""

    def train_dropping(folder, watch=None):
        torch.manual_seed(0)
        net = Gain()
        net.last = nn.Sequential(nn.Dropout(0.5), net.last)
        with Run(folder, seed=0) as run:
            return fit(net, every_stage_mse, Halved(), CFG, run, watch=watch)

    def stop(progress):
        if progress.step == 3:
            raise KeyboardInterrupt

    straight = train_dropping(tmp_path / "straight")
    with pytest.raises(KeyboardInterrupt):
        train_dropping(tmp_path / "stopped", stop)
    assert equal(straight, train_dropping(tmp_path / "stopped"))


def test_a_run_without_a_discriminator_is_not_taken_up_with_one(tmp_path):
    train(tmp_path, None)
    with pytest.raises(TrainingError, match="same settings"):
        train(tmp_path, "unet")


# What cannot go on


def test_a_gradient_that_is_none_stops_either_side(tmp_path):
    class Poisoned(Halved):
        def __getitem__(self, number):
            degraded, clean = super().__getitem__(number)
            return (degraded * float("nan") if number == 8 else degraded), clean

    both = adversary("relativistic")
    with Run(tmp_path, seed=0) as run, pytest.raises(TrainingError, match="discriminator's gradient.*last saved state"):
        fit(Gain(), every_stage_mse, Poisoned(), CFG, run, adversary=both)
    state = run.newest_state()
    assert state["step"] == 4 and all(torch.isfinite(value).all() for value in state["model"].values())
    assert all(torch.isfinite(parameter).all() for parameter in both.game.parameters())


def test_a_discriminator_judges_whole_batches(tmp_path):
    with pytest.raises(TrainingError, match="whole batches"):
        train(tmp_path, "unet", FitConfig(**{**vars(CFG), "accumulate": 2}))


# Forecast


def test_a_forecast_plays_on_copies(tmp_path):
    both, net = adversary("unet"), Gain()
    before = {name: value.clone() for name, value in both.game.state_dict().items()}
    found = forecast(net, every_stage_mse, Halved(), CFG, adversary=both)
    assert found.seconds > 0 and both.figures == {}
    assert all(torch.equal(value, before[name]) for name, value in both.game.state_dict().items())
