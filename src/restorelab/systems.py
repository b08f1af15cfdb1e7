"""The one table of what a user may name: systems, their classes, their course checkpoints."""

from dataclasses import dataclass
from pathlib import Path

from torch import nn

from restorelab.errors import ParameterError, did_you_mean
from restorelab.models.dmphn import DMPHN, DMPHNConfig

WEIGHTS = Path(__file__).parent / "weights"


@dataclass(frozen=True)
class System:
    title: str
    model: type[nn.Module]
    config: type
    tasks: tuple[str, ...]
    chapter: str
    course_checkpoint: Path | None  # small, trained by us, shipped with the kit; None: not trained yet


SYSTEMS = {
    "dmphn": System(
        title="DMPHN, deep multi-patch hierarchical network",
        model=DMPHN,
        config=DMPHNConfig,
        tasks=("deblurring",),
        chapter="05_multi_patch_dmphn",
        course_checkpoint=WEIGHTS / "dmphn_shake.safetensors",
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
