"""Distances between pictures, pixel by pixel.

Both compute in float32 whatever they are given: near convergence, bfloat16 has too few digits for d^2 + epsilon^2.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def mse(restored: Float[Tensor, "*b"], clean: Float[Tensor, "*b"]) -> Float[Tensor, ""]:
    """Mean squared error: its optimum is the mean of all sharp pictures that could have been, hence its softness."""
    return (restored.float() - clean.float()).square().mean()


def charbonnier(restored: Float[Tensor, "*b"], clean: Float[Tensor, "*b"], epsilon: float = 1e-3) -> Float[Tensor, ""]:
    """Mean of sqrt(d^2 + epsilon^2): the absolute error with a rounded tip. (Charbonnier et al. 1994; as used by MPRNet)

    `epsilon` is in image units; identical pictures score `epsilon`, not 0.
    """
    difference = restored.float() - clean.float()
    return torch.sqrt(difference.square() + epsilon**2).mean()
