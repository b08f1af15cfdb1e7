"""Distances between pictures, pixel by pixel.

All compute in float32 whatever they are given: near convergence, bfloat16 has too few digits for d^2 + epsilon^2.
"""

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


def mse(restored: Float[Tensor, "*b"], clean: Float[Tensor, "*b"]) -> Float[Tensor, ""]:
    """Mean squared error: its optimum is the mean of all sharp pictures that could have been, hence its softness."""
    return (restored.float() - clean.float()).square().mean()


def charbonnier(restored: Float[Tensor, "*b"], clean: Float[Tensor, "*b"], epsilon: float = 1e-3) -> Float[Tensor, ""]:
    """Mean of sqrt(d^2 + epsilon^2): the absolute error with a rounded tip. (Charbonnier et al. 1994; as used by MPRNet)

    `epsilon` is in image units; identical pictures score `epsilon`, not 0.
    """
    return charbonnier_of(restored.float() - clean.float(), epsilon)


def charbonnier_of(difference: Float[Tensor, "*b"], epsilon: float = 1e-3) -> Float[Tensor, ""]:
    """The same, of a difference already taken; in float32 when that is."""
    return torch.sqrt(difference.square() + epsilon**2).mean()


def huber(restored: Float[Tensor, "*b"], clean: Float[Tensor, "*b"], delta: float = 0.01) -> Float[Tensor, ""]:
    """Mean of d^2/2 up to |d| = delta and of delta (|d| - delta/2) beyond. (Huber 1964; CIPLab x16 has delta 0.01)

    `delta` is in image units and scales the loss: on pictures, delta 0.01 is in effect 0.01 times the mean absolute error. That is
    not what libraries call "smooth L1": theirs is divided by delta, 100 times larger here. Mind that before comparing weights.
    """
    return functional.huber_loss(restored.float(), clean.float(), delta=delta)


def negative_psnr(restored: Float[Tensor, "b c h w"], clean: Float[Tensor, "b c h w"], epsilon: float = 1e-8) -> Float[Tensor, ""]:
    """Minus the PSNR in dB (peak 1) of each picture, averaged over the batch. (NAFNet's loss: Chen et al. 2022)

    The squared error of a batch is that of its few worst pictures; a logarithm makes all count alike, the nearly right ones too.
    `epsilon` is added to the squared error: identical pictures score -80.
    """
    error = (restored.float() - clean.float()).square().mean(dim=(1, 2, 3))
    return 10 * (error + epsilon).log10().mean()
