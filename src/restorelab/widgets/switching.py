"""Parts of a network switched off, and the network left as it is: what the explorers of levels share."""

import copy
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn


class Silent(nn.Module):
    """Answers zero where another would have answered something."""

    def __init__(self, part: nn.Module):
        super().__init__()
        self.part = part

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(self.part(x))


class Remembered(nn.Module):
    """Answers what it was asked before without working again."""

    def __init__(self, part: nn.Module):
        super().__init__()
        self.part, self.asked = part, []

    def forward(self, x: Tensor) -> Tensor | Sequence[Tensor]:
        for known, answer in self.asked:
            if torch.equal(known, x):
                return answer
        self.asked.append((x, self.part(x)))
        return self.asked[-1][1]


def with_parts(model: nn.Module, **parts: nn.Module) -> nn.Module:
    """The model with other parts: a shallow copy, which shares all the rest with it."""
    changed = copy.copy(model)
    changed._modules = {**model._modules, **parts}  # a dictionary of its own: setting an attribute would change the model too
    return changed


def switched(on: Iterable[int], level: int) -> tuple[int, ...]:
    """The levels that are on after this one was switched."""
    return tuple(sorted(set(on) ^ {level}))


def key(on: Iterable[int]) -> str:
    """The levels that are on as the page names them: "2,8"."""
    return ",".join(map(str, on))
