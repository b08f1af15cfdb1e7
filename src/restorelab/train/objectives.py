"""What a system is trained towards: from what a model returns and the clean picture to one number."""

from collections.abc import Callable

from torch import Tensor

from restorelab.losses.edge import edge
from restorelab.losses.pixel import charbonnier, mse
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


def last_stage_charbonnier(restored: Restored, clean: Tensor) -> Tensor:
    """Of the result alone: what inner stages find is nobody's business. For ablations."""
    return charbonnier(restored.image, clean)


OBJECTIVES: dict[str, Objective] = {
    "mse": every_stage_mse,
    "charbonnier": every_stage_charbonnier,
    "charbonnier+edge": every_stage_charbonnier_and_edge,
    "last charbonnier": last_stage_charbonnier,
}
