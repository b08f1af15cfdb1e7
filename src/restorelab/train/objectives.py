"""What a system is trained towards: from what a model returns and the clean picture to one number."""

from collections.abc import Callable

from torch import Tensor

from restorelab.losses.pixel import charbonnier, mse
from restorelab.models.restored import Restored

Objective = Callable[[Restored, Tensor], Tensor]


def every_stage_mse(restored: Restored, clean: Tensor) -> Tensor:
    """Squared error of every stage, summed: DMPHN's objective (a single hierarchy has one stage, its output)."""
    return sum(mse(stage, clean) for stage in restored.stages)


def every_stage_charbonnier(restored: Restored, clean: Tensor) -> Tensor:
    """The same with Charbonnier: less taken with the few largest errors."""
    return sum(charbonnier(stage, clean) for stage in restored.stages)


OBJECTIVES: dict[str, Objective] = {"mse": every_stage_mse, "charbonnier": every_stage_charbonnier}
