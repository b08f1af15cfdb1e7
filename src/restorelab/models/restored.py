"""What every model promises, and what it returns.

A model is built from its frozen config, `Model(Config())`, without touching the network, and called as
`model(degraded, explain=False)` with pictures in [0, 1]. It says of itself, as attributes or properties:

scale               how many times larger the output is
size_multiple       (rows, columns) its input sizes must be multiples of; `restore()` pads
min_size            (rows, columns) of the smallest input, itself a multiple
receptive_radius    input pixels to each side that one output pixel can depend on, or None: not local, so tiles change the result
stage_count         results on the way, the last one included; more than 1: `model(..., stage=k)` computes the first k alone
condition_channels  channels of `model(..., condition=)`, what a non-blind model is told of the degradation; 0: it is told nothing
"""

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
