"""The dynamic filter the textbook way: unfold, permute, a matrix product per pixel, pixel shuffle. What ours is measured against."""

from torch import Tensor
from torch.nn import functional as F


def filter_by_unfolding(image: Tensor, kernels: Tensor, border: str = "zeros") -> Tensor:
    """The same arguments and result as `restorelab.ops.dynamic_filter`."""
    b, s, _, k, _, h, w = kernels.shape
    channels = image.shape[1]
    padded = F.pad(image, (k // 2,) * 4, mode="constant" if border == "zeros" else border)
    windows = padded.unfold(2, k, 1).unfold(3, k, 1).permute(0, 2, 3, 1, 4, 5).reshape(b, h, w, channels, k * k)
    matrices = kernels.reshape(b, s * s, k * k, h, w).permute(0, 3, 4, 2, 1)
    products = windows @ matrices  # b h w c s*s
    return F.pixel_shuffle(products.permute(0, 3, 4, 1, 2).reshape(b, channels * s * s, h, w), s)
