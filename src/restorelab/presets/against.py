"""The adversarial half of a preset: what a generator is trained towards and against, with the weights of all terms."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from restorelab.errors import ParameterError, did_you_mean
from restorelab.losses.perceptual import PerceptualLoss, VGGContent
from restorelab.metrics.course_trunk import COURSE, perceptual_distance
from restorelab.train.adversary import Adversary
from restorelab.train.games import Game, Relativistic, UNetHinge
from restorelab.train.objectives import OBJECTIVES, Content, Objective
from restorelab.trunks import FILES

GAMES: dict[str, Callable[["Against", int], Game]] = {
    "relativistic": lambda against, seed: Relativistic(against.discriminator_width),
    "relativistic, pools": lambda against, seed: Relativistic(against.discriminator_width, pools=True),
    "unet hinge": lambda against, seed: UNetHinge(against.discriminator_width, against.mix, seed),
}
NETWORKS = ("vgg19", "lpips", "course")


@dataclass(frozen=True)
class Against:
    """A discriminator, and the weights of everything that the generator minds."""

    game: str  # of GAMES
    pixel_weight: float  # of the preset's objective
    perceptual_weight: float  # of the distance in the features of `perceptual_network`
    adversarial_weight: float
    feature_weight: float = 0.0  # of the discriminator's features, for a game that matches them
    perceptual_network: str = "lpips"  # "vgg19" (conv3_3) or "lpips" (alex), where its file lies on this machine; else the course trunk
    course_factor: float = 1.0  # how many times perceptual_weight the course trunk's distance counts, in the place of the other's
    discriminator_width: int = 64  # channels of its first convolution
    discriminator_rate: float = 1e-4  # Adam's, at its peak; it follows the generator's schedule
    mix: float = 0.5  # share of the steps with CutMix, in "unet hinge"

    def __post_init__(self):
        if self.game not in GAMES:
            raise ParameterError(f"there is no game {self.game!r}; there are {', '.join(GAMES)}.{did_you_mean(self.game, GAMES)}")
        if self.perceptual_network not in NETWORKS:
            raise ParameterError(f"perceptual_network is one of {', '.join(NETWORKS)}, not {self.perceptual_network!r}.")
        if min(self.pixel_weight, self.perceptual_weight, self.adversarial_weight, self.feature_weight) < 0:
            raise ParameterError(f"weights must not be negative: {self}")
        if not (self.discriminator_rate > 0 and 0 <= self.mix <= 1):
            raise ParameterError(f"discriminator_rate must be above 0 and mix a share from 0 to 1: {self}")


def adversary(against: Against, clip: float, seed: int) -> Adversary:
    """The discriminator's weights are drawn by `seed`; torch's random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        game = GAMES[against.game](against, seed)
    weights = {"adversarial": against.adversarial_weight, "features": against.feature_weight}
    return Adversary(game, weights, against.discriminator_rate, clip)


def content(against: Against, pixels: str) -> Objective:
    """Without the discriminator's terms: those are the adversary's."""
    loss, factor = perceptual_loss(against)
    return Content(OBJECTIVES[pixels], against.pixel_weight, loss, against.perceptual_weight * factor)


def perceptual_loss(against: Against) -> tuple[nn.Module, float]:
    """The network that `against` asks for where its file is on this machine, else the course trunk -> loss with `label`, factor."""
    if against.perceptual_network == "vgg19" and (Path(torch.hub.get_dir()) / "checkpoints" / FILES["vgg19"].name).is_file():
        return VGGContent(), 1.0
    metric = perceptual_distance("alex" if against.perceptual_network == "lpips" else COURSE)
    return PerceptualLoss(metric), 1.0 if metric.label.startswith("LPIPS") else against.course_factor


def describe(against: Against) -> dict:
    """For a manifest: which network the perceptual term really is of, and its weight, belong to it."""
    loss, factor = perceptual_loss(against)
    return {"perceptual_label": loss.label, "perceptual_weight_taken": against.perceptual_weight * factor}
