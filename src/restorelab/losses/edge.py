"""The distance between the edges of two pictures.

A pixel loss of small value can hide a blurred edge: few pixels lie on it. So MPRNet adds 0.05 times the Charbonnier distance
of what a high-pass filter leaves of both pictures (Zamir et al. 2021, CVPR, arXiv:2102.02808). The paper calls its filter a
Laplacian; the released code has something else, and both are here.

"official"   x minus one level of a Burt-Adelson pyramid: blur, keep every second row and column, spread them out again with zeros
             between, blur. Its gain saturates: 0.82 at 1/4 cycle per pixel, 1 at 1/2. Two defects were trained with and are kept:
             - it depends on the place: an impulse answers 0.891, 0.918 or 0.938 at its centre, by the parity of its position;
             - the zeros between meet the padding at the border, so that a constant picture of 1 does not give 0 there: rows at the
               border get 0.5 and the next 0.1 (minus at the top and left, plus at the bottom and right of even sizes), a corner
               1.25. A picture that is only too bright is punished along its border.
"laplacian"  the 3x3 one, the same at every place, 0 for a constant picture. Its gain grows with the square of the frequency: 2 at 1/4
             cycle per pixel and 4 at 1/2, where noise lives.

Both are linear, so the filter runs once, on the difference, which gives the same number. The official one is separable too, its border
included: a matrix on either side of the picture, which at the size of training crops is faster than convolutions. Nothing has to
follow a `.to(device)`, and any number of channels goes.
"""

from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from restorelab.errors import ParameterError, did_you_mean
from restorelab.losses.pixel import charbonnier_of

WEIGHTS = (0.05, 0.25, 0.4, 0.25, 0.05)  # Burt and Adelson's


def edge(restored: Float[Tensor, "b c h w"], clean: Float[Tensor, "b c h w"], kind: str = "official") -> Float[Tensor, ""]:
    """Charbonnier distance (epsilon 1e-3) of the two pictures' edges, in float32; `kind`: "official" or "laplacian".

    Identical pictures score 1e-3. Raises ParameterError for another kind.
    """
    if kind not in KINDS:
        raise ParameterError(f"{kind!r} is no kind of edge loss; there are {', '.join(KINDS)}.{did_you_mean(kind, KINDS)}")
    return charbonnier_of(KINDS[kind](restored.float() - clean.float()))


def pyramid_detail(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """What one level of the pyramid takes away: MPRNet's filter, its border included."""
    down, across = (_blurred_twice(size, x.device) for size in x.shape[-2:])
    with _no_autocast(x.device.type):
        return x - down @ x @ across.T


def laplacian(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
    """The four neighbours minus four times the pixel; the border is repeated outwards."""
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    inside = slice(1, -1)
    neighbours = x[..., :-2, inside] + x[..., 2:, inside] + x[..., inside, :-2] + x[..., inside, 2:]
    return neighbours - 4 * x[..., inside, inside]


KINDS = {"official": pyramid_detail, "laplacian": laplacian}


@lru_cache(maxsize=16)
def _blurred_twice(size: int, device: torch.device) -> Float[Tensor, "n n"]:
    """The matrix that blurs a line of `size` pixels, keeps every second one, spreads them out with zeros between, and blurs again."""
    padded = np.arange(-2, size + 2).clip(0, size - 1)  # the border, repeated outwards
    taken = np.eye(size)[padded]
    blur = sum(weight * taken[k : k + size] for k, weight in enumerate(WEIGHTS))
    twice = 2 * blur[:, ::2] @ blur[::2]  # 2: every second pixel is zero
    with torch.inference_mode(False):  # kept for later calls, which may be of training
        return torch.tensor(twice, dtype=torch.float32, device=device)


def _no_autocast(device_type: str) -> AbstractContextManager:
    """Autocast would round what is multiplied; the meta device has none to switch off."""
    return torch.autocast(device_type, enabled=False) if torch.amp.is_autocast_available(device_type) else nullcontext()
