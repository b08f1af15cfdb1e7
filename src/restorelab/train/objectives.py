"""What a system is trained towards: from what a model returns and the clean picture to one number."""

from collections.abc import Callable

from torch import Tensor, nn

from restorelab.losses.edge import edge
from restorelab.losses.pixel import charbonnier, huber, mse, negative_psnr
from restorelab.models.restored import Restored

Objective = Callable[[Restored, Tensor], Tensor]


def every_stage_mse(restored: Restored, clean: Tensor) -> Tensor:
    """Squared error of every stage, summed: DMPHN's objective (a single hierarchy has one stage, its output)."""
    return sum(mse(stage, clean) for stage in restored.stages)


def every_stage_charbonnier(restored: Restored, clean: Tensor) -> Tensor:
    """The same with Charbonnier: less taken with the few largest errors."""
    return sum(charbonnier(stage, clean) for stage in restored.stages)


def every_stage_charbonnier_and_edge(restored: Restored, clean: Tensor) -> Tensor:
    """MPRNet's for deblurring and deraining: Charbonnier and 0.05 times the edge loss, summed over the stages."""
    return sum(charbonnier(stage, clean) + 0.05 * edge(stage, clean) for stage in restored.stages)


def every_stage_huber(restored: Restored, clean: Tensor) -> Tensor:
    """Huber with delta 0.01, CIPLab x16's: in effect a hundredth of the absolute error. Mind that when weights stand beside it."""
    return sum(huber(stage, clean) for stage in restored.stages)


def every_stage_psnr(restored: Restored, clean: Tensor) -> Tensor:
    """Minus the PSNR of every stage, summed: a picture that is nearly right already counts as much as one that is far off."""
    return sum(negative_psnr(stage, clean) for stage in restored.stages)


def last_stage_charbonnier(restored: Restored, clean: Tensor) -> Tensor:
    """Of the result alone: what inner stages find is nobody's business. For ablations."""
    return charbonnier(restored.image, clean)


OBJECTIVES: dict[str, Objective] = {
    "mse": every_stage_mse,
    "charbonnier": every_stage_charbonnier,
    "charbonnier+edge": every_stage_charbonnier_and_edge,
    "huber": every_stage_huber,
    "psnr": every_stage_psnr,
    "last charbonnier": last_stage_charbonnier,
}


class Content(nn.Module):
    """An objective of two: the pixels, and what a network that learned to see makes of the result.

    perceptual: (restored, clean), both `b 3 h w` -> a number. The features of the clean picture are computed anew in every step: crops
    are random, and no two of them alike.
    """

    def __init__(self, pixels: Objective, pixel_weight: float, perceptual: nn.Module, perceptual_weight: float):
        super().__init__()
        self.pixels, self.pixel_weight = pixels, pixel_weight
        self.perceptual, self.perceptual_weight = perceptual, perceptual_weight

    def forward(self, restored: Restored, clean: Tensor) -> Tensor:
        return self.pixel_weight * self.pixels(restored, clean) + self.perceptual_weight * self.perceptual(restored.image, clean)
