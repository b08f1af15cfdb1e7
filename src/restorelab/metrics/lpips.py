"""LPIPS: how far apart two pictures are in the features of a network that has learned to see. 0 is equal; lower is better.

"The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", Zhang, Isola, Efros, Shechtman and Wang 2018 (CVPR,
arXiv:1801.03924), version 0.1. The features of every pixel are scaled to length 1; the squared differences are weighted per channel by
the authors' heads, which were fitted to human judgments and come with the package `lpips`; averaged over the picture; and
summed over the layers.

Differs from that package: pictures are in [0, 1], and anything else is refused (fed to it as they are, such pictures scored 3.3 times
too low); the small number against division by zero stands inside the square root, so that the gradient is finite where all
features are zero (theirs is NaN); always evaluation mode, float32, and no autocast.
"""

import hashlib
import io
from importlib.metadata import PackageNotFoundError, distribution

import torch
from jaxtyping import Float
from torch import Tensor

from restorelab.errors import CheckpointError, ParameterError, did_you_mean
from restorelab.metrics.feature_distance import FeatureDistance
from restorelab.trunks import State, Trunk

VERSION = "0.1"

# trunk -> network, the layers compared (all after a ReLU), the shortest side that reaches the last of them
TRUNKS = {
    "alex": ("alexnet", (1, 4, 7, 9, 11), 32),
    "vgg": ("vgg16", (3, 8, 15, 22, 29), 16),
    "squeeze": ("squeezenet1_1", (1, 4, 7, 9, 10, 11, 12), 17),
}
HEADS = {  # sha256 of the package's files
    "alex": "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0",
    "vgg": "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868",
    "squeeze": "4a5350f23600cb79923ce65bb07cbf57dca461329894153e05a1346bd531cf76",
}


class LPIPS(FeatureDistance):
    """lpips(restored, clean) -> one distance per picture.

    `trunk`: "alex" (what papers report), "vgg" or "squeeze". `trunk_state`: the ImageNet weights, see `restorelab.trunks.load_trunk`, which
    is asked when it is None. `stand_in`: a random trunk instead; then `label`, which belongs beside every number, says so.
    """

    def __init__(self, trunk: str = "alex", trunk_state: State | None = None, stand_in: bool = False):
        if trunk not in TRUNKS:
            raise ParameterError(f"LPIPS has no trunk {trunk!r}; there are {', '.join(TRUNKS)}.{did_you_mean(trunk, TRUNKS)}")
        network, taps, min_side = TRUNKS[trunk]
        heads = read_heads(trunk)  # before the trunk, which may be a long download
        label = f"stand-in LPIPS ({trunk}, random trunk: not comparable)" if stand_in else f"LPIPS ({trunk}, v{VERSION})"
        super().__init__(Trunk(network, taps, trunk_state, stand_in), heads, label, min_side)


def read_heads(trunk: str) -> list[Float[Tensor, "1 c 1 1"]]:
    """The channel weights of every layer, none negative, from the package `lpips`, whose code is not run. Raises CheckpointError."""
    try:
        data = distribution("lpips").locate_file(f"lpips/weights/v{VERSION}/{trunk}.pth").read_bytes()
    except (PackageNotFoundError, OSError) as error:
        raise CheckpointError(f"LPIPS needs the heads that come with the package lpips: pip install lpips ({error}).") from error
    if hashlib.sha256(data).hexdigest() != HEADS[trunk]:  # with others, pictures can come out closer than equal
        raise CheckpointError(f"the package lpips holds other heads for {trunk!r} than version {VERSION} published: reinstall lpips 0.1.4.")
    state = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    return [state[f"lin{i}.model.1.weight"] for i in range(len(state))]
