"""A perceptual distance that comes with the kit: LPIPS's arithmetic on the features of a small network of our own.

LPIPS's networks were trained on ImageNet and are fetched from the web. The course trunk was trained without labels, in minutes, on
photographs spoiled in known ways (`course/course_trunk.py`): Zhang et al. 2018 (arXiv:1801.03924) found the features of
self-supervised networks nearly as good as those of supervised ones. What it reached on rankings whose answer is known stands in its
manifest (`read_manifest`). Its numbers are not LPIPS, whatever they are multiplied by, and its label says so.

It was taught to forgive a little brightness, contrast and motion: as a loss it needs a pixel loss beside it, to hold these.
"""

import math
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from restorelab.errors import CheckpointError, ParameterError, did_you_mean
from restorelab.metrics.feature_distance import FeatureDistance
from restorelab.metrics.lpips import LPIPS, TRUNKS
from restorelab.tensor_file import read
from restorelab.trunks import FILES, State, load_trunk

LABEL = "course trunk, not LPIPS"
WEIGHTS = Path(__file__).parents[1] / "weights" / "course_trunk.safetensors"
FORMAT = "restorelab-course-trunk-1"
COURSE = "course"  # what `perceptual_distance` calls it

WIDTHS = (16, 32, 64, 96, 128)  # channels of the stages; each sees half the resolution of the one before
CONVOLUTIONS = 2  # per stage
MIN_SIDE = 2 ** (len(WIDTHS) - 1)  # one pixel is left for the last stage


class CourseTrunk(nn.Module):
    """Pictures `b 3 h w` in [0, 1] -> the features after the last ReLU of each stage, `b c h/2^n w/2^n`, n = 0 to 4.

    VGG's layout (Simonyan and Zisserman 2015, arXiv:1409.1556), thinner. Differs from it: stages are joined by averaging 2x2 pixels and
    not by their maximum, which makes the features jump less when the picture moves by one.
    """

    def __init__(self):
        super().__init__()
        before = (3, *WIDTHS[:-1])
        self.stages = nn.ModuleList(_stage(*pair, first=n == 0) for n, pair in enumerate(zip(before, WIDTHS, strict=True)))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> tuple[Tensor, ...]:
        x, found = 4 * (images.float() - 0.5), []  # mean about 0 and spread about 1
        for stage in self.stages:
            x = stage(x)
            found.append(x)
        return tuple(found)


def _stage(channels: int, width: int, first: bool) -> nn.Sequential:
    layers = [] if first else [nn.AvgPool2d(2)]
    for number in range(CONVOLUTIONS):
        layers += [nn.Conv2d(width if number else channels, width, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers)


class CourseDistance(FeatureDistance):
    """distance(restored, clean) -> one number per picture; used as `restorelab.metrics.lpips.LPIPS` is.

    `state`: the trunk's weights and the heads, see `load_course_trunk`, which is asked when it is None. The network is frozen and
    computes in float32. Raises CheckpointError for a state that does not fit.
    """

    def __init__(self, state: State | None = None, label: str = LABEL):
        super().__init__(CourseTrunk(), [torch.ones(1, width, 1, 1) for width in WIDTHS], label, MIN_SIDE)
        state = load_course_trunk() if state is None else state
        _check_fit(state, self.state_dict())
        self.load_state_dict(state)
        self.requires_grad_(False).eval()


def random_state(seed: int) -> State:
    """Weights that have learned nothing, to compare with: normal ones that keep the variance through a ReLU (He et al. 2015,
    arXiv:1502.01852), no biases, and every channel weighted alike."""
    generator = torch.Generator().manual_seed(seed)
    state = {f"head{number}": torch.full((1, width, 1, 1), 1 / len(WIDTHS)) for number, width in enumerate(WIDTHS)}
    for key, value in CourseTrunk().state_dict().items():
        std = math.sqrt(2 / value[0].numel()) if value.ndim > 1 else 0.0
        state[f"trunk.{key}"] = torch.randn(value.shape, generator=generator) * std
    return state


def perceptual_distance(prefer: str = "alex", path: str | Path | None = None) -> FeatureDistance:
    """LPIPS where its trunk is on this machine, else the course trunk; `.label` says which, and belongs beside every number.

    `prefer`: "alex", "vgg" or "squeeze", whose file is looked for at `path`, or in PyTorch's cache folder; nothing is downloaded.
    "course": the course trunk, whatever lies there, for numbers that are the same on every machine.

    Raises ParameterError for another name, CheckpointError for a `path` that is missing or a file that is damaged.
    """
    if prefer == COURSE:
        return CourseDistance()
    if prefer not in TRUNKS:
        names = (*TRUNKS, COURSE)
        raise ParameterError(f"there is no trunk {prefer!r}; there are {', '.join(names)}.{did_you_mean(prefer, names)}")
    network = TRUNKS[prefer][0]
    if path is None and not (Path(torch.hub.get_dir()) / "checkpoints" / FILES[network].name).is_file():
        return CourseDistance()
    return LPIPS(prefer, load_trunk(network, path))


def load_course_trunk(path: str | Path = WEIGHTS) -> State:
    """The weights, float32. Raises CheckpointError for a file that is missing, damaged or of another kind."""
    return read(Path(path), FORMAT, "course trunk", ["manifest"])[0]


def read_manifest(path: str | Path = WEIGHTS) -> dict:
    """How the weights were made, from what, and what they reached. Raises CheckpointError."""
    return read(Path(path), FORMAT, "course trunk", ["manifest"])[1]["manifest"]


def _check_fit(state: State, wanted: State) -> None:
    wrong = [key for key in wanted.keys() | state.keys() if key not in state or key not in wanted or state[key].shape != wanted[key].shape]
    if wrong:
        raise CheckpointError(f"these are not weights of the course trunk: {len(wrong)} tensors do not fit, such as {min(wrong)}.")
    if any((state[key] < 0).any() for key in wanted if key.startswith("head")):
        raise CheckpointError("a head of these weights is negative: pictures could come out closer than equal.")
