"""Whose file is this? One entry per system whose authors published weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from restorelab.errors import CheckpointError
from restorelab.official import dmphn
from restorelab.official.files import State, read_state


@dataclass(frozen=True)
class Release:
    """How one system's published files are told from the others and turned into our model."""

    origin: str  # whose release
    recognise: Callable[[State], bool]
    build: Callable[[State], nn.Module]


RELEASES = {
    "dmphn": Release("the authors' DMPHN and Stack-DMPHN folders", dmphn.recognise, dmphn.build),
}


def read_release(path: str | Path) -> tuple[str, State]:
    """A published file, or DMPHN's folder of them -> the system's name and its tensors. Raises CheckpointError."""
    state = dmphn.read_folder(path) if Path(path).is_dir() else read_state(path)
    for name, release in RELEASES.items():
        if release.recognise(state):
            return name, state
    raise CheckpointError(
        f"{path} holds {len(state)} tensors ({', '.join(sorted(state)[:3])}, ...), and they are not those of a release that restorelab "
        f"reads: {'; '.join(release.origin for release in RELEASES.values())}."
    )


def build(name: str, state: State) -> nn.Module:
    """Our model with the released weights. Raises CheckpointError that counts what is missing, unexpected or misshaped."""
    return RELEASES[name].build(state)
