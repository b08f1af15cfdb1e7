"""Shrinking as the super-resolution literature does it: MATLAB's `imresize(image, 1/scale, "bicubic")`.

Bicubic is not one thing. MATLAB's is antialiased (the kernel widens with the scale), has a = -0.5 (Keys 1981), and mirrors
the border including the edge pixel. torch's antialiased one agrees in the interior and crops its kernel at the border, so
the border is supplied here.
"""

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from restorelab.ops.pad import pad_mirror

SUPPORT = 4  # the widened cubic reaches 2 output pixels to each side; 4 keeps the padded grid aligned with room to spare


def downsample_bicubic(image: Float[Tensor, "b c h w"], scale: int) -> Float[Tensor, "b c h2 w2"]:
    """`b c h w` -> `b c h/scale w/scale`; h and w must be multiples of `scale`. Not clipped: a cubic overshoots."""
    height, width = image.shape[-2:]
    if height % scale or width % scale:
        raise ValueError(f"a {height}x{width} picture cannot be shrunk exactly {scale} times; crop it to multiples of {scale}")
    margin = SUPPORT * scale
    padded = pad_mirror(image, margin, margin, margin, margin, repeat_edge=True)
    size = [side // scale for side in padded.shape[-2:]]
    small = F.interpolate(padded, size=size, mode="bicubic", antialias=True, align_corners=False)
    return small[..., SUPPORT:-SUPPORT, SUPPORT:-SUPPORT]
