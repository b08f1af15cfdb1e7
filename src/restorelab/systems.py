"""The one table of what a user may name: systems, their classes, their course checkpoints."""

from collections.abc import Mapping
from dataclasses import dataclass, field
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
class System:
    title: str
    model: type[nn.Module]
    config: type
    tasks: tuple[str, ...]
    course_checkpoints: Mapping[str, Path] = field(default_factory=dict)  # task -> small weights, trained by us, shipped with the kit

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
    ),
    "udvd": System(
        title="UDVD, unified dynamic convolutions for variational degradations",
        model=UDVD,
        config=UDVDConfig,
        tasks=("super-resolution", "denoising", "deblurring"),
        course_checkpoints={"super-resolution": WEIGHTS / "udvd_x2.safetensors"},
    ),
    "dmphn": System(
        title="DMPHN, deep multi-patch hierarchical network",
        model=DMPHN,
        config=DMPHNConfig,
        tasks=("deblurring",),
        course_checkpoints={"deblurring": WEIGHTS / "dmphn_shake.safetensors"},
    ),
    "mprnet": System(
        title="MPRNet, multi-stage progressive restoration",
        model=MPRNet,
        config=MPRNetConfig,
        tasks=("deblurring", "denoising", "deraining"),
        course_checkpoints={
            "deblurring": WEIGHTS / "mprnet_deblur.safetensors",
            "denoising": WEIGHTS / "mprnet_denoise.safetensors",
            "deraining": WEIGHTS / "mprnet_derain.safetensors",
        },
    ),
    "x16": System(
        title="x16, two ESRGAN trunks in cascade (CIPLab, NTIRE 2020)",
        model=RRDBCascade,
        config=RRDBCascadeConfig,
        tasks=("super-resolution",),
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
