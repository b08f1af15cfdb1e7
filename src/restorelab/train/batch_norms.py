"""What batch norms measure while a network is trained: the whole batch when several processes share it, or nothing any more.

A process that sees a part of the batch would normalise by that part, and train another network. torch's SyncBatchNorm is for GPUs
only; this works everywhere, for every kind of batch norm: they all go through one function of torch, and are met there.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from restorelab.losses.adversarial import SumOverProcesses


@contextmanager
def whole_batch_norms() -> Iterator[None]:
    """Inside, batch norms in training take mean and variance over the (equal) shares of all processes, with gradient into each."""
    if not dist.is_initialized():
        yield
        return
    with _OverProcesses():
        yield


def measure_batches(model: nn.Module, on: bool) -> None:
    """Let the batch norms of a network in training measure each batch, or (False) use the statistics they have stored, and keep them.

    A network that restores with stored statistics was never trained with them: it learned with those of each batch, which differ from
    draw to draw, most of all at the coarse levels, where a batch has few pixels. Held still for the last part of a training,
    they are what the weights are fitted to.
    """
    for module in model.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.train(on)


class _OverProcesses(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.batch_norm:
            func = batch_norm_over_processes
        return func(*args, **(kwargs or {}))


def batch_norm_over_processes(
    input: Tensor, running_mean=None, running_var=None, weight=None, bias=None, training=False, momentum=0.1, eps: float = 1e-5
) -> Tensor:
    """In the place of `F.batch_norm`, whose arguments it takes."""
    if not training:
        return F.batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    x, across = input.float(), [axis for axis in range(input.ndim) if axis != 1]
    shape = [-1 if axis == 1 else 1 for axis in range(input.ndim)]
    mean = _mean_of_all(x.mean(across))
    centred = x - mean.view(shape)
    variance = _mean_of_all(centred.square().mean(across))  # in two passes: E x^2 - mean^2 loses digits
    if running_mean is not None:
        count = x.numel() // x.shape[1] * dist.get_world_size()
        running_mean.lerp_(mean.detach().to(running_mean), momentum)
        running_var.lerp_((variance.detach() * count / max(count - 1, 1)).to(running_var), momentum)
    normal = centred * torch.rsqrt(variance + eps).view(shape)
    if weight is not None:
        normal = normal * weight.view(shape) + bias.view(shape)
    return normal.to(input.dtype)


def _mean_of_all(value: Tensor) -> Tensor:
    return SumOverProcesses.apply(value) / dist.get_world_size()
