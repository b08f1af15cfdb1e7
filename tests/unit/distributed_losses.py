"""Not a test: what test_adversarial.py runs as one process, and starts as two.

A global batch of 8, divided among the processes; a generator and a discriminator, both one convolution.
"""

from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from restorelab.losses.adversarial import PredictionPools, frozen, relativistic_discriminator, relativistic_generator
from restorelab.train.distributed import process_group


def losses_and_gradients(rank: int = 0, world: int = 1) -> dict[str, Tensor]:
    """The mean losses of the processes, the gradients that the optimisers would see, and the pools' means."""
    several, results = world > 1, {}
    torch.manual_seed(0)
    generator, bare = nn.Conv2d(3, 3, 3), nn.Conv2d(3, 1, 3)
    brightness = torch.linspace(-1, 1, 8).reshape(8, 1, 1, 1)  # no two processes see alike pictures
    degraded, clean = (torch.randn(2, 8, 3, 12, 12) + brightness).chunk(world, dim=1)[rank]
    clean = clean[..., 1:-1, 1:-1]  # the generator's size
    discriminator = bare
    if several:
        generator, discriminator = DistributedDataParallel(generator), DistributedDataParallel(bare)

    def both(judge: nn.Module, fake: Tensor) -> tuple[Tensor, Tensor]:
        return judge(torch.cat([clean, fake])).chunk(2)  # one call: DistributedDataParallel wants one per backward

    def keep(name: str, loss: Tensor, network: nn.Module) -> None:
        network.zero_grad()
        loss.backward()
        value = loss.detach().clone()
        if several:
            dist.all_reduce(value)
        results[name] = value / world
        for key, parameter in network.named_parameters():
            results[f"{name} {key.removeprefix('module.')}"] = parameter.grad.clone()

    real, fake = both(discriminator, generator(degraded).detach())
    keep("discriminator", relativistic_discriminator(real, fake), discriminator)
    real, fake = both(discriminator, generator(degraded).detach())
    keep("own batch only", relativistic_discriminator(real, fake, (real.mean(), fake.mean())), discriminator)
    with frozen(bare):
        keep("generator", relativistic_generator(*both(bare, generator(degraded))), generator)
    pools = PredictionPools(size=12)
    for _ in range(2):
        pools.add(real, fake)
    results["pools"] = torch.stack(pools.means(real, fake))
    return results


def write(folder: Path) -> None:
    """What this process, of several, found."""
    with process_group():
        torch.save(losses_and_gradients(dist.get_rank(), dist.get_world_size()), folder / f"{dist.get_rank()}.pt")
