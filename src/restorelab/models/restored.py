"""What every model returns."""

from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True)
class Restored:
    """A restored batch, with what there is to see on the way to it."""

    image: Float[Tensor, "b c h w"]  # not clamped: a loss needs the overshoot, `restore()` cuts it
    stages: tuple[Tensor, ...] = ()  # coarse to fine, the last one is `image`; each could be shown as a result
    maps: dict[str, tuple[Tensor, ...]] = field(default_factory=dict)  # filled with explain=True only

    def __post_init__(self):
        if not self.stages:
            object.__setattr__(self, "stages", (self.image,))
