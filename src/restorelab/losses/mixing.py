"""Mixed pictures: pasted (CutMix) for a discriminator, blended (MixUp) for a denoiser.

CutMix (Yun et al. 2019, arXiv:1905.04899) pastes a rectangle of a real picture into a fake one. A U-Net discriminator, which
judges every pixel, can be asked where the seam is (U-Net GAN: Schoenfeld et al. 2020, arXiv:2002.12655), and that its answer to the mix
be the mix of its answers. CIPLab x16 kept the second and called the whole mix fake, the pasted real pixels included; both are here.

All chance comes from one `torch.Generator`, on whatever device; masks and weights are then moved to the pictures.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.losses.adversarial import hinge_fake, hinge_real
from restorelab.losses.pixel import mse

BETA = 0.6  # MPRNet's MixUp: most weights lie near 0 or 1

UNet = tuple[Tensor, Tensor]  # logits of the two heads: of the encoder, and of the decoder, one per pixel


def cutmix_mask(height: int, width: int, generator: torch.Generator) -> Float[Tensor, "1 1 h w"]:
    """1 inside one rectangle, 0 outside. Its share of the area is uniform in [0, 1], rounded to whole rows and columns.

    It has the shape of the picture and lies wholly inside: one cut off by the border, as in published code, is smaller than drawn.
    """
    area, down, right = torch.rand(3, generator=generator, device=generator.device).tolist()
    rows, columns = (round(side * math.sqrt(area)) for side in (height, width))
    top, left = int(down * (height - rows + 1)), int(right * (width - columns + 1))
    mask = torch.zeros(1, 1, height, width)
    mask[..., top : top + rows, left : left + columns] = 1
    return mask


def cutmix(real: Float[Tensor, "b c h w"], fake: Float[Tensor, "b c h w"], mask: Float[Tensor, "1 1 h w"]) -> Float[Tensor, "b c h w"]:
    """The real picture where `mask` is 1, the fake one elsewhere."""
    return torch.where(mask.to(real.device) > 0, real, fake)


def cutmix_per_pixel(real: UNet, fake: UNet, mixed: UNet, mask: Float[Tensor, "1 1 h w"]) -> Float[Tensor, ""]:
    """The discriminator's hinge loss with mixed pictures: the decoder is told of every pixel whether it is real.

    The encoder judges whole pictures, and a mixed one is not real. U-Net GAN's idea with this kit's hinge (theirs is cross-entropy).
    """
    mixed_encoder, mixed_decoder = mixed
    return hinge_real(real) + hinge_fake(fake) + hinge_fake(mixed_encoder) + hinge_per_pixel(mixed_decoder, mask)


def cutmix_as_fake(real: UNet, fake: UNet, mixed: UNet, mask: Float[Tensor, "1 1 h w"], detach_target: bool = False) -> Float[Tensor, ""]:
    """CIPLab's: the mixed pictures take the place of the fake ones and count as fake throughout, plus `consistency`, weight 1."""
    return hinge_real(real) + hinge_fake(mixed) + consistency(real[1], fake[1], mixed[1], mask, detach_target)


def hinge_per_pixel(logits: Float[Tensor, "b c h w"], mask: Float[Tensor, "1 1 h w"]) -> Float[Tensor, ""]:
    """E max(0, 1 - logit) where `mask` is 1, E max(0, 1 + logit) where it is 0, averaged over all pixels."""
    label = 2 * mask.to(logits.device) - 1
    return (1 - label * logits.float()).relu().mean()


def consistency(
    real: Float[Tensor, "b c h w"],
    fake: Float[Tensor, "b c h w"],
    mixed: Float[Tensor, "b c h w"],
    mask: Float[Tensor, "1 1 h w"],
    detach_target: bool = False,
) -> Float[Tensor, ""]:
    """Squared distance between the decoder's logits of the mixed picture and the mix of its logits of the two whole ones.

    `detach_target` leaves the whole pictures' logits alone and moves the mixed one's only; CIPLab's code moves all three.
    """
    target = cutmix(real, fake, mask)
    return mse(mixed, target.detach() if detach_target else target)


def mixup(
    pictures: Sequence[Float[Tensor, "b c h w"]], generator: torch.Generator, beta: float = BETA
) -> tuple[Float[Tensor, "b c h w"], ...]:
    """Blend every sample with another of its batch: weight * a + (1 - weight) * b, the weight drawn from Beta(`beta`, `beta`).

    `pictures` are what belongs together, such as (degraded, clean), of one batch size: all get the same weights and partners. A sample
    can be its own partner. Blending two noisy pictures lowers their noise variance to weight^2 + (1 - weight)^2 of what it was.
    """
    count = pictures[0].shape[0]
    # torch draws no Beta from a generator of one's own; numpy does, and its seed comes from ours.
    seed = torch.randint(2**62, (), generator=generator, device=generator.device).item()
    partner = torch.randperm(count, generator=generator, device=generator.device)
    weight = torch.from_numpy(np.random.default_rng(seed).beta(beta, beta, (count, 1, 1, 1)))
    return tuple(_blend(x, weight.to(x.device, x.dtype), partner.to(x.device)) for x in pictures)


def _blend(x: Tensor, weight: Tensor, partner: Tensor) -> Tensor:
    return weight * x + (1 - weight) * x[partner]
