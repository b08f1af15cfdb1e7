"""What a generator and its discriminator train against each other.

All take what the discriminator answered: a map of logits (no sigmoid), positive for "real". A U-Net discriminator answers several
maps, a tuple of "heads". Everything is computed in float32.

Three families, with what their published code does otherwise:

relativistic  RaGAN-LS (Jolicoeur-Martineau 2018, arXiv:1807.00734; DeblurGAN-v2): a real picture should score 1 above the mean fake.
              The averages run over the batches of all processes, with gradient. DeblurGAN-v2's code takes them from a pool of past
              scores instead: `PredictionPools`.
hinge         CIPLab x16; for one head or several.
Wasserstein   with gradient penalty (Gulrajani et al. 2017, arXiv:1704.00028), and as DeblurGAN-v2's code has it.

In the generator's step, run the discriminator inside `frozen(discriminator)`: its parameters then get no gradient.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import torch
import torch.distributed as dist
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.losses.pixel import huber

Heads = Tensor | Sequence[Tensor]  # one map of logits, or one per head
Means = tuple[Tensor, Tensor]  # the mean logit of real pictures, of fake ones

POOL = 50  # scores that DeblurGAN-v2 remembers
FEATURE_DELTA = 0.01  # CIPLab's delta, also for features


@contextmanager
def frozen(discriminator: nn.Module) -> Iterator[None]:
    """Inside, `discriminator` passes gradients on to its input and keeps none: what is computed here trains the generator alone.

    Under DistributedDataParallel give, and call, the wrapped module (`.module`): the wrapper waits for gradients that will not come.
    """
    held = [parameter for parameter in discriminator.parameters() if parameter.requires_grad]
    for parameter in held:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in held:
            parameter.requires_grad_(True)


# Relativistic average least squares


def relativistic_discriminator(real: Float[Tensor, "..."], fake: Float[Tensor, "..."], means: Means | None = None) -> Float[Tensor, ""]:
    """Half of E(real - mean fake - 1)^2 + E(fake - mean real + 1)^2. `means`: from a pool; None: of all processes' batches."""
    return _relativistic(real, fake, means, 1.0)


def relativistic_generator(real: Float[Tensor, "..."], fake: Float[Tensor, "..."], means: Means | None = None) -> Float[Tensor, ""]:
    """The same with the roles exchanged. The term of the real pictures trains the generator too, through the mean of the fake ones;
    with a pool's means it is a constant, and the generator's gradient is that of the other term alone."""
    return _relativistic(real, fake, means, -1.0)


def _relativistic(real: Tensor, fake: Tensor, means: Means | None, margin: float) -> Tensor:
    real, fake = real.float(), fake.float()
    real_mean, fake_mean = means or global_means(real, fake)
    return ((real - fake_mean - margin).square().mean() + (fake - real_mean + margin).square().mean()) / 2


def global_means(real: Float[Tensor, "..."], fake: Float[Tensor, "..."]) -> Means:
    """Both means over the batches of all processes (of one size), with gradient into every process.

    Each process knowing only its own batch trains another loss: the same scores gave 2.21 as one batch of 8 and 2.84 as 8 of 1.
    """
    means = torch.stack([real.mean(), fake.mean()])
    if dist.is_initialized():
        means = SumOverProcesses.apply(means) / dist.get_world_size()
    return means[0], means[1]


class SumOverProcesses(torch.autograd.Function):
    """Every process's loss depends on every process's share, so the gradients are summed as the values were."""

    @staticmethod
    def forward(context, value: Tensor) -> Tensor:
        value = value.clone()
        dist.all_reduce(value)
        return value

    @staticmethod
    def backward(context, gradient: Tensor) -> Tensor:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient


class PredictionPools(nn.Module):
    """The last `size` mean scores of real and of fake pictures, first in, first out: DeblurGAN-v2's averages, without gradient.

    One per discriminator. In the discriminator's step `add` comes before `means`. A part of the state: save its `state_dict()`, or a
    resumed training takes other steps. Differs from the authors: before the first `add` (a generator that steps first, where their
    code stops) the means are those of the batch at hand, and all processes of a training share one pool.
    """

    def __init__(self, size: int = POOL):
        super().__init__()
        self.register_buffer("scores", torch.zeros(2, size))  # real, fake; the oldest on the left, zero where none is yet
        self.register_buffer("filled", torch.zeros((), dtype=torch.long))

    @torch.no_grad()
    def add(self, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]) -> None:
        """Remember the mean logit of every picture."""
        size = self.scores.shape[1]
        new = _of_all_processes(torch.stack([_of_each(real), _of_each(fake)]))
        self.scores = torch.cat([self.scores, new.to(self.scores)], dim=1)[:, -size:]
        self.filled = (self.filled + new.shape[1]).clamp(max=size)

    @torch.no_grad()
    def means(self, real: Float[Tensor, "b ..."], fake: Float[Tensor, "b ..."]) -> Means:
        """The pools' means, for `relativistic_*(real, fake, means)`."""
        own = torch.stack(global_means(real.float(), fake.float()))
        remembered = self.scores.sum(1) / self.filled.clamp(min=1)
        means = torch.where(self.filled > 0, remembered.to(own), own)
        return means[0], means[1]


def _of_each(logits: Float[Tensor, "b ..."]) -> Float[Tensor, " b"]:
    """The mean of every picture's map."""
    return logits.float().reshape(logits.shape[0], -1).mean(1)


def _of_all_processes(values: Float[Tensor, "k b"]) -> Float[Tensor, "k n"]:
    if not dist.is_initialized():
        return values
    parts = [torch.empty_like(values) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, values)
    return torch.cat(parts, dim=1)


# Hinge


def hinge_real(heads: Heads) -> Float[Tensor, ""]:
    """Sum over the heads of E max(0, 1 - logit): what the discriminator pays for real pictures."""
    return sum((1 - head.float()).relu().mean() for head in _each(heads))


def hinge_fake(heads: Heads) -> Float[Tensor, ""]:
    """Sum over the heads of E max(0, 1 + logit): what the discriminator pays for fake pictures."""
    return sum((1 + head.float()).relu().mean() for head in _each(heads))


def hinge_discriminator(real: Heads, fake: Heads) -> Float[Tensor, ""]:
    return hinge_real(real) + hinge_fake(fake)


def hinge_generator(fake: Heads, clipped: bool = True) -> Float[Tensor, ""]:
    """Mean over the heads of E max(0, 1 - logit), CIPLab's; it has no gradient once the discriminator is fooled by 1.

    `clipped=False`: of -E logit, the usual one, which never stops pulling.
    """
    terms = [(1 - head.float()).relu().mean() if clipped else -head.float().mean() for head in _each(fake)]
    return sum(terms) / len(terms)


def _each(heads: Heads) -> Sequence[Tensor]:
    return (heads,) if isinstance(heads, Tensor) else heads  # a lone map would be taken apart along its batch


# Wasserstein with gradient penalty


def wasserstein_discriminator(real: Float[Tensor, "..."], fake: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Add 10 times `gradient_penalty`."""
    return fake.float().mean() - real.float().mean()


def wasserstein_generator(fake: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    return -fake.float().mean()


def gradient_penalty(
    discriminator: Callable[[Tensor], Tensor],
    real: Float[Tensor, "b c h w"],
    fake: Float[Tensor, "b c h w"],
    generator: torch.Generator,
    published: bool = False,
) -> Float[Tensor, ""]:
    """Mean of (|gradient of the score| - 1)^2 at random places between real and fake pictures, in float32 under autocast too.

    Every picture has its own place, its score is the mean of its map of logits, its norm runs over all its pixels. `published` is
    what DeblurGAN-v2's code computes: one place for the whole batch, the maps summed, and a norm over the channels of each pixel; on
    the same networks that gave 0.927, and the norm per picture 0.995 with the mean of the map, 95.9 with its sum.
    """
    alpha = torch.rand(1 if published else real.shape[0], 1, 1, 1, generator=generator, device=generator.device).to(real.device)
    with torch.autocast(real.device.type, enabled=False):
        between = (alpha * real.detach().float() + (1 - alpha) * fake.detach().float()).requires_grad_()
        logits = discriminator(between)
        score = logits.sum() if published else _of_each(logits).sum()
        (gradient,) = torch.autograd.grad(score, between, create_graph=True)
        norm = gradient.norm(dim=1) if published else gradient.flatten(1).norm(dim=1)
        return (norm - 1).square().mean()


# Feature matching


def feature_matching(fake: Sequence[Tensor], real: Sequence[Tensor], delta: float = FEATURE_DELTA) -> Float[Tensor, ""]:
    """Mean over the feature maps of Huber(fake, real), for the generator: look to the discriminator as the real picture does.

    The real maps are taken as constants; compute them under `torch.no_grad()` to save their memory, and the fake ones inside
    `frozen(discriminator)`. Published code does neither: the discriminator receives gradients in the generator's step.
    """
    distances = [huber(a, b.detach(), delta) for a, b in zip(fake, real, strict=True)]
    return sum(distances) / len(distances)
