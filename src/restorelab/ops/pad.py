"""Padding by mirror images, for pictures of any size.

`torch.nn.functional.pad` refuses to reflect further than the picture is wide, which a 7x5 picture meets at once. Here a
mirror faces a mirror, so any amount works on any size, down to one pixel.
"""

import torch
from jaxtyping import Float, Int
from torch import Tensor


def mirror(position: Int[Tensor, " n"], size: int, repeat_edge: bool = False) -> Int[Tensor, " n"]:
    """Positions on an endless line of mirrored copies -> positions on the line of `size` pixels itself.

    `repeat_edge=False` mirrors about the edge pixel (c b | a b c), True about its outer side (b a | a b c: MATLAB's "symmetric").
    """
    if size == 1:
        return torch.zeros_like(position)
    period = 2 * size if repeat_edge else 2 * size - 2
    position = position % period
    return torch.where(position < size, position, (2 * size - 1 if repeat_edge else period) - position)


def pad_mirror(
    image: Float[Tensor, "*b c h w"], top: int, bottom: int, left: int, right: int, repeat_edge: bool = False
) -> Float[Tensor, "*b c h2 w2"]:
    """Pad by mirroring; see `mirror` for the two kinds."""
    height, width = image.shape[-2:]
    rows = mirror(torch.arange(-top, height + bottom, device=image.device), height, repeat_edge)
    columns = mirror(torch.arange(-left, width + right, device=image.device), width, repeat_edge)
    return image.index_select(-2, rows).index_select(-1, columns)


def pad_to_multiple(
    image: Float[Tensor, "*b c h w"], multiple: tuple[int, int], at_least: tuple[int, int] = (1, 1)
) -> Float[Tensor, "*b c h2 w2"]:
    """Grow bottom and right to multiples of `multiple` (rows, columns), `at_least` so many; crop with `[..., :h, :w]`."""
    height, width = image.shape[-2:]
    bottom, right = (
        -(-max(side, least) // step) * step - side for side, least, step in zip((height, width), at_least, multiple, strict=True)
    )
    return pad_mirror(image, 0, bottom, 0, right) if bottom or right else image
