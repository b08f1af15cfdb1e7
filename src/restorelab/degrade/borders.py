"""What lies beyond the border of a picture, and the adjoint of putting it there."""

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional as F

from restorelab.ops.pad import mirror

BORDERS = ("mirror", "replicate", "zeros")


def pad(image: Float[Tensor, "c h w"], margin: int, border: str) -> Float[Tensor, "c h2 w2"]:
    """`margin` more pixels on every side: "mirror" about the edge pixel (c b | a b c), "replicate" it, or "zeros".

    Raises ValueError for another border.
    """
    if border == "zeros":
        return F.pad(image, (margin,) * 4)
    rows, columns = (_sources(side, margin, border).to(image.device) for side in image.shape[1:])
    return image.index_select(1, rows).index_select(2, columns)


def pad_adjoint(padded: Float[Tensor, "c h2 w2"], margin: int, border: str) -> Float[Tensor, "c h w"]:
    """The adjoint of `pad`: every pixel of the border is added to the pixel it was a copy of ("zeros" is cut off)."""
    height, width = (side - 2 * margin for side in padded.shape[1:])
    if border == "zeros":
        return padded[:, margin : margin + height, margin : margin + width].contiguous()
    rows, columns = (_sources(side, margin, border).to(padded.device) for side in (height, width))
    image = padded.new_zeros(padded.shape[0], height, padded.shape[2]).index_add_(1, rows, padded)
    return image.new_zeros(padded.shape[0], height, width).index_add_(2, columns, image)


def _sources(size: int, margin: int, border: str) -> Int[Tensor, " n"]:
    """Of each position of a padded line, the position it copies."""
    positions = torch.arange(-margin, size + margin)
    if border == "mirror":
        return mirror(positions, size)
    if border == "replicate":
        return positions.clamp(0, size - 1)
    raise ValueError(f"border must be one of {', '.join(BORDERS)}, not {border!r}")
