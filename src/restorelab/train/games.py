"""What a generator and its discriminator play: who is asked what, and what either side pays.

A game owns the discriminator and everything that must be saved with it. In the discriminator's turn the fakes carry no gradient; the
generator's turn runs inside `frozen(game.discriminator)`. See `adversary.Adversary`, which takes the turns.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.losses import adversarial, mixing
from restorelab.losses.adversarial import PredictionPools
from restorelab.models.discriminators import DoubleScale, UNetDiscriminator, UNetVerdict

Pictures = Float[Tensor, "b c h w"]


@dataclass(frozen=True)
class Turn:
    """The discriminator's."""

    loss: Float[Tensor, ""]
    accuracy: Float[Tensor, ""]  # share of its logits that are on the right side, 0.5 for a guess


class Game(nn.Module):
    """Two turns. What the generator hears comes by name, unweighted."""

    discriminator: nn.Module

    def discriminator_turn(self, fake: Pictures, real: Pictures) -> Turn:
        raise NotImplementedError

    def generator_turn(self, fake: Pictures, real: Pictures) -> dict[str, Float[Tensor, ""]]:
        raise NotImplementedError


class Relativistic(Game):
    """DeblurGAN-v2's: RaGAN-LS at two scales, the mean of both. Real patches should score 1 above the mean fake one.

    pools: take the means from the last 50 scores, as the authors' code does, instead of from the batch (of all processes).
    """

    def __init__(self, width: int = 64, pools: bool = False):
        super().__init__()
        self.discriminator = DoubleScale(width=width)
        self.pools = nn.ModuleList(PredictionPools() for _ in range(2)) if pools else None

    def discriminator_turn(self, fake: Pictures, real: Pictures) -> Turn:
        scales = self._scales(fake, real)
        if self.pools:
            for pool, (of_real, of_fake) in zip(self.pools, scales, strict=True):
                pool.add(of_real, of_fake)
        means = self._means(scales)
        losses = [adversarial.relativistic_discriminator(r, f, m) for (r, f), m in zip(scales, means, strict=True)]
        right = [share_above(r - m[1]) + share_above(m[0] - f) for (r, f), m in zip(scales, means, strict=True)]
        return Turn(sum(losses) / 2, sum(right) / 4)

    def generator_turn(self, fake: Pictures, real: Pictures) -> dict[str, Float[Tensor, ""]]:
        scales = self._scales(fake, real)
        losses = [adversarial.relativistic_generator(r, f, m) for (r, f), m in zip(scales, self._means(scales), strict=True)]
        return {"adversarial": sum(losses) / 2}

    def _scales(self, fake: Pictures, real: Pictures) -> list[tuple[Tensor, Tensor]]:
        """The logits of (real, fake) at each scale."""
        return list(zip(self.discriminator(real), self.discriminator(fake), strict=True))

    def _means(self, scales: list[tuple[Tensor, Tensor]]) -> list[adversarial.Means]:
        if self.pools:
            return [pool.means(*both) for pool, both in zip(self.pools, scales, strict=True)]
        return [adversarial.global_means(real.float(), fake.float()) for real, fake in scales]


class UNetHinge(Game):
    """CIPLab x16's: hinge on both heads of a U-Net, features matched, and CutMix in a share `mix` of the steps.

    In those, real rectangles are pasted into the fakes; the mixed pictures count as fake, and the decoder's answer to them should be
    the mix of its answers. One rectangle per batch, the same in all processes.
    """

    def __init__(self, width: int = 64, mix: float = 0.5, seed: int = 0):
        super().__init__()
        self.discriminator = UNetDiscriminator(width=width)
        self.mix = mix
        self.chance = torch.Generator().manual_seed(seed)

    def discriminator_turn(self, fake: Pictures, real: Pictures) -> Turn:
        of_real, of_fake = heads(self.discriminator(real)), heads(self.discriminator(fake))
        right = [share_above(one) for one in of_real] + [share_above(-one) for one in of_fake]
        if torch.rand((), generator=self.chance) < self.mix:
            mask = mixing.cutmix_mask(*real.shape[-2:], self.chance)
            of_mixed = heads(self.discriminator(mixing.cutmix(real, fake, mask)))
            loss = mixing.cutmix_as_fake(of_real, of_fake, of_mixed, mask)
        else:
            loss = adversarial.hinge_discriminator(of_real, of_fake)
        return Turn(loss, sum(right) / len(right))

    def generator_turn(self, fake: Pictures, real: Pictures) -> dict[str, Float[Tensor, ""]]:
        with torch.no_grad():
            wanted = self.discriminator(real).features
        verdict = self.discriminator(fake)
        return {
            "adversarial": adversarial.hinge_generator(heads(verdict)),
            "features": adversarial.feature_matching(verdict.features, wanted),
        }

    def get_extra_state(self) -> Tensor:
        return self.chance.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        self.chance.set_state(state)


def heads(verdict: UNetVerdict) -> tuple[Tensor, Tensor]:
    return verdict.encoder_map, verdict.decoder_map


def share_above(logits: Tensor) -> Float[Tensor, ""]:
    return (logits.detach() > 0).float().mean()
