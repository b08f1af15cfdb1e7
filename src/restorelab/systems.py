"""The one table of what a user may name: systems, their classes, their course checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from restorelab.errors import ParameterError, did_you_mean
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.models.udvd import UDVD, UDVDConfig
from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class CourseWeights:
    """Small weights, trained by us, that ship with the kit."""

    task: str  # of its system's
    name: str  # of the file, without folder and ending
    scale: int = 1  # how many times it enlarges

    @property
    def path(self) -> Path:
        return WEIGHTS / f"{self.name}.safetensors"


@dataclass(frozen=True)
class System:
    title: str
    model: type[nn.Module]
    config: type
    tasks: tuple[str, ...]
    weights: tuple[CourseWeights, ...] = ()  # of several for one task, the first choice stands first

    @property
    def course_checkpoints(self) -> dict[str, Path]:
        """The first choice for every task that has one."""
        first = {}
        for one in self.weights:
            first.setdefault(one.task, one.path)
        return first

    @property
    def course_checkpoint(self) -> Path | None:
        """That of the first task that has one; None: not trained yet."""
        return next(iter(self.course_checkpoints.values()), None)


SYSTEMS = {
    "deblurgan_v2": System(
        title="DeblurGAN-v2, feature pyramid and two discriminators",
        model=DeblurGANv2,
        config=DeblurGANv2Config,
        tasks=("deblurring",),
        weights=(
            CourseWeights("deblurring", "deblurgan_v2_shake"),
            CourseWeights("deblurring", "deblurgan_v2_pixel"),
        ),
    ),
    "udvd": System(
        title="UDVD, unified dynamic convolutions for variational degradations",
        model=UDVD,
        config=UDVDConfig,
        tasks=("super-resolution", "denoising", "deblurring"),
        weights=(CourseWeights("super-resolution", "udvd_x2", scale=2),),
    ),
    "dmphn": System(
        title="DMPHN, deep multi-patch hierarchical network",
        model=DMPHN,
        config=DMPHNConfig,
        tasks=("deblurring",),
        weights=(CourseWeights("deblurring", "dmphn_shake"),),
    ),
    "mprnet": System(
        title="MPRNet, multi-stage progressive restoration",
        model=MPRNet,
        config=MPRNetConfig,
        tasks=("deblurring", "denoising", "deraining"),
        weights=(
            CourseWeights("deblurring", "mprnet_deblur"),
            CourseWeights("denoising", "mprnet_denoise"),
            CourseWeights("deraining", "mprnet_derain"),
        ),
    ),
    "x16": System(
        title="x16, two ESRGAN trunks in cascade (CIPLab, NTIRE 2020)",
        model=RRDBCascade,
        config=RRDBCascadeConfig,
        tasks=("super-resolution",),
        weights=(
            CourseWeights("super-resolution", "x16_perceptual", scale=16),
            CourseWeights("super-resolution", "x16_pixel", scale=16),
        ),
    ),
}


def system(name: str) -> System:
    """Raises ParameterError, naming the closest one, for a system that does not exist."""
    if name not in SYSTEMS:
        raise ParameterError(f"there is no system {name!r}; the systems are {', '.join(SYSTEMS)}.{did_you_mean(name, SYSTEMS)}")
    return SYSTEMS[name]


def name_of(model: nn.Module) -> str:
    """The table's name for a model's class."""
    return next(name for name, entry in SYSTEMS.items() if type(model) is entry.model)
