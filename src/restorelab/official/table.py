"""Whose file is this? One entry per system whose authors published weights."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from restorelab.errors import CheckpointError
from restorelab.official import deblurgan_v2, dmphn, mprnet, udvd, x16
from restorelab.official.files import State, read_state


@dataclass(frozen=True)
class Release:
    """How one system's published files are told from the others and turned into our model."""

    origin: str  # whose release
    recognise: Callable[[State], bool]
    build: Callable[[State], nn.Module]


RELEASES = {
    "deblurgan_v2": Release("DeblurGAN-v2's fpn_mobilenet.h5 and fpn_inception.h5", deblurgan_v2.recognise, deblurgan_v2.build),
    "dmphn": Release("the DMPHN authors' folders of DMPHN and Stack-DMPHN", dmphn.recognise, dmphn.build),
    "mprnet": Release("MPRNet's model_deblurring, model_denoising and model_deraining.pth", mprnet.recognise, mprnet.build),
    "udvd": Release("a public write-up's UDVD for x2", udvd.recognise, udvd.build),
    "x16": Release("ESRGAN's RRDB networks and CIPLab's two in a row", x16.recognise, x16.build),
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
