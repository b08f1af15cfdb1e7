"""What one update sees, and how it comes from what the workers made."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.data.online import BlurDownNoise, synthesise
from restorelab.degrade.kernel_code import KernelCode
from restorelab.models.restored import Restored


@dataclass(frozen=True)
class Batch:
    """On the device that trains."""

    degraded: Float[Tensor, "b c h w"]
    clean: Float[Tensor, "b c h2 w2"]
    condition: Float[Tensor, "b n 1 1"] | None = None  # what a non-blind network is told

    def parts(self, count: int) -> list["Batch"]:
        """The same samples in `count` equal parts, for gradients that are gathered one part after the other."""
        given = (self.degraded, self.clean) if self.condition is None else (self.degraded, self.clean, self.condition)
        return [Batch(*part) for part in zip(*(one.chunk(count) for one in given), strict=True)]


Prepare = Callable[[object, str], Batch]  # (samples as DataLoader collates them, device) -> Batch


def pairs(samples: Sequence[Tensor], device: str) -> Batch:
    """Of samples that are (degraded, clean)."""
    degraded, clean = samples
    return Batch(degraded.to(device, memory_format=torch.channels_last), clean.to(device))


def degraded_online(law: BlurDownNoise, code: KernelCode) -> Prepare:
    """Of samples of `OnlineCrops`: degraded here, on the training device, and the network is told how."""

    def prepare(samples: object, device: str) -> Batch:
        made = synthesise(samples, law, code, device)
        return Batch(made.lr.contiguous(memory_format=torch.channels_last), made.hr, made.condition[..., None, None])

    return prepare


def restored(net: nn.Module, batch: Batch) -> Restored:
    return net(batch.degraded) if batch.condition is None else net(batch.degraded, condition=batch.condition)
