"""Structural similarity as a loss: 0 for equal pictures, whatever their brightness or contrast.

Its pitfall is precision, not mathematics: see `restorelab.metrics.ssim_batch`, which computes it, in float32 always. Many losses pad with
zeros, which moves SSIM by up to 0.019 where measured; here windows stay inside, so that what is trained is what is scored.
"""

from jaxtyping import Float
from torch import Tensor

from restorelab.metrics.feature_distance import check_range
from restorelab.metrics.ssim_batch import ssim_batch


def ssim_loss(restored: Float[Tensor, "b c h w"], clean: Float[Tensor, "b c h w"]) -> Float[Tensor, ""]:
    """1 minus the mean SSIM of the batch. Pictures in [0, 1]; `restored` may overshoot, and is pulled back.

    Raises ParameterError for two shapes, pictures smaller than 11x11, or `clean` outside [0, 1].
    """
    check_range(clean, "clean")
    return 1 - ssim_batch(restored, clean).mean()
