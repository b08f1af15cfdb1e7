"""One process or many: the little that a loop must know when `torchrun` starts it several times."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import nn


@contextmanager
def process_group() -> Iterator[None]:
    """Join the other processes when torchrun started us, and leave them at the end."""
    if "RANK" not in os.environ or dist.is_initialized():
        yield
        return
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def begin_alike(*networks: nn.Module) -> None:
    """Give every process the first one's weights and statistics."""
    if dist.is_initialized():
        for network in networks:
            for value in (*network.parameters(), *network.buffers()):
                dist.broadcast(value.detach(), src=0)


def average_gradients(network: nn.Module) -> None:
    """Give every process the mean of all gradients, in one message.

    DistributedDataParallel sends them while others are still being computed, which is faster; but it must know beforehand which
    parameters take part and how often a network runs before `backward`, and here that changes (a frozen backbone, a discriminator that
    sees two pictures, a batch in parts).
    """
    _average([parameter.grad for parameter in network.parameters() if parameter.grad is not None])


def average_statistics(network: nn.Module) -> None:
    """Of norms: what every process stored of its own share of the batch becomes what one process would have stored of the whole.

    Exact for instance norms, whose stored statistics are means over pictures; for batch norms inside `whole_batch_norms`.
    """
    _average([buffer for buffer in network.buffers() if buffer.is_floating_point()])


def _average(tensors: list[torch.Tensor]) -> None:
    if not dist.is_initialized() or not tensors:
        return
    together = mean_over_processes(torch.cat([one.flatten() for one in tensors]))
    for one, mean in zip(tensors, together.split([one.numel() for one in tensors]), strict=True):
        one.copy_(mean.view(one.shape))


def mean_over_processes(value: torch.Tensor) -> torch.Tensor:
    if dist.is_initialized():
        dist.all_reduce(value)
        value = value / world_size()
    return value
