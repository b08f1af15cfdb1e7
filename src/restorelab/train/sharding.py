"""One network over many processes: each keeps a part of the weights, of their gradients and of the optimiser's state (FSDP2).

`distributed.average_gradients` gives every process the whole network, which is simpler and faster as long as it fits: Adam alone keeps two
numbers for every weight. Sharded, a block's weights are gathered when the block is about to be used and let go of after it, forward and
backward; what comes out is the same to rounding. This is ZeRO stage 3 (Rajbhandari et al. 2020, arXiv:1910.02054) in PyTorch's
`torch.distributed.fsdp.fully_shard`; it works on CPUs under gloo too, where it can be looked at and tested.

    average = AveragedModel(model)                 # before sharding: a sharded network cannot be copied
    shard(model), shard(average.module)
    optimizer = torch.optim.Adam(model.parameters())    # after it: the parameters are other ones now

`fit` does it with `FitConfig(shard=True)`, by way of `Parts`.
"""

import copy
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.optim import Optimizer
from torch.optim.swa_utils import AveragedModel

from restorelab.models.x16 import RRDB, Trunk
from restorelab.train.distributed import Copies, world_size

WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)


def shard(model: nn.Module, units: tuple[type[nn.Module], ...] = (RRDB, Trunk)) -> nn.Module:
    """Spread the parameters of `model` over all processes, in place; needs a process group, and the model on its device.

    units: modules gathered as one. What is in none of them is gathered with the model; smaller units need less memory and more messages.
    """
    model.to(memory_format=torch.contiguous_format)  # FSDP2 has no other weights
    mesh = init_device_mesh(next(model.parameters()).device.type, (world_size(),))
    for module in reversed(list(model.modules())):  # inner ones first: an outer unit takes what is left
        if isinstance(module, units):
            fully_shard(module, mesh=mesh)
    # Let go after forward, which the outermost does not do by itself: an average only restores, and no backward pass would end that.
    return fully_shard(model, mesh=mesh, reshard_after_forward=True)


class OfTheWhole:
    """What is sharded, kept and taken up by the names of the network that is not. Every process must ask for its state; the first one gets
    it, on the CPU, the others get {}."""

    def __init__(self, get: Callable[..., dict], put: Callable[..., object], *sharded: nn.Module | Optimizer):
        self.state_dict = partial(get, *sharded, options=WHOLE)
        self.load_state_dict = partial(put, *sharded, options=WHOLE)


class Parts(Copies):
    """For `fit`: every process has a part of the network and of its average."""

    def __init__(self, model: nn.Module, average: AveragedModel):
        self._whole = copy.deepcopy(model).cpu()  # for the result: a sharded network cannot be copied
        super().__init__(shard(model), average)
        shard(average.module)

    def changing(self, optimizer: Optimizer) -> dict[str, OfTheWhole]:
        return {
            "model": OfTheWhole(get_model_state_dict, set_model_state_dict, self._model),
            "optimizer": OfTheWhole(get_optimizer_state_dict, set_optimizer_state_dict, self._model, optimizer),
            "average": OfTheWhole(get_model_state_dict, set_model_state_dict, self._average),
        }

    def gradient(self, longest: float) -> Tensor:
        return nn.utils.clip_grad_norm_(self._model.parameters(), longest).full_tensor()  # averaged already, as they came

    def result(self) -> nn.Module:
        weights = get_model_state_dict(self._average.module, options=StateDictOptions(full_state_dict=True))  # in every process
        self._whole.load_state_dict(weights)
        return self._whole
