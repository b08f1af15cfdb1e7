"""One process or many: the little that a loop must know when `torchrun` starts it several times."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import nn
from torch.optim.swa_utils import AveragedModel

T = TypeVar("T")


@contextmanager
def process_group() -> Iterator[None]:
    """Join the other processes when torchrun started us, and leave them at the end. Within, "cuda" is the GPU of this process."""
    if "RANK" not in os.environ or dist.is_initialized():
        yield
        return
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", 0)) % torch.cuda.device_count())
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def world_size() -> int:
    return dist.get_world_size() if dist.is_initialized() else 1


def agreed(value: T) -> T:
    """What the first process says, in all of them."""
    said = [value]
    if dist.is_initialized():
        dist.broadcast_object_list(said, src=0)
    return said[0]


def begin_alike(*networks: nn.Module) -> None:
    """Give every process the first one's weights and statistics."""
    if dist.is_initialized():
        for network in networks:
            for value in (*network.parameters(), *network.buffers()):
                dist.broadcast(value.detach(), src=0)


class Copies:
    """For `fit`: every process has the whole network, and so has a single one."""

    def __init__(self, model: nn.Module, average: AveragedModel):
        self._model, self._average = model, average

    def changing(self, optimizer: torch.optim.Optimizer) -> dict:
        """What is kept and taken up again, by name."""
        return {"model": self._model, "optimizer": optimizer, "average": self._average}

    def gradient(self, longest: float) -> torch.Tensor:
        """Make it the mean over all processes, no longer than `longest`; its length before that."""
        average_gradients(self._model)
        return nn.utils.clip_grad_norm_(self._model.parameters(), longest)

    def result(self) -> nn.Module:
        """The averaged network, whole, in every process."""
        return self._average.module


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
