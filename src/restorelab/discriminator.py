"""The discriminator that a network was trained against. It restores nothing: it belongs to the training, and shows what that asked for.

It lies beside the checkpoint of its network, NAME_discriminator.safetensors beside NAME.safetensors, and names that file's sha256.
Where the weights kept are those of a network on the way to the trained one, as of x16, it played against the latter.
"""

from dataclasses import dataclass
from pathlib import Path

from restorelab.errors import CheckpointError
from restorelab.files import sha256_of
from restorelab.models.discriminators import UNetDiscriminator
from restorelab.tensor_file import read, write

FORMAT = "restorelab-unet-discriminator-1"
ENTRIES = ("channels", "width", "accuracy", "trained against")


@dataclass(frozen=True)
class Discriminator:
    network: UNetDiscriminator  # eval mode, on the CPU
    accuracy: float  # share of its logits that were on the right side in the last steps of its training; 0.5 is a guess


def file_of(checkpoint: Path) -> Path:
    """Where the discriminator of a checkpoint would lie."""
    return checkpoint.with_name(f"{checkpoint.stem}_discriminator.safetensors")


def save(checkpoint: Path, network: UNetDiscriminator, accuracy: float) -> str:
    """Write it beside the checkpoint of its network, which is there; returns its sha256. Raises CheckpointError."""
    header = {"format": FORMAT, "channels": network.channels, "width": network.width}
    header |= {"accuracy": round(accuracy, 4), "trained against": _sum_of(checkpoint)}
    return write(file_of(checkpoint), network.state_dict(), header, "discriminator")


def load(checkpoint: Path) -> Discriminator | None:
    """None where none lies beside the checkpoint.

    Raises CheckpointError for one that is damaged, or was trained against other weights.
    """
    path = file_of(checkpoint)
    if not path.is_file():
        return None
    state, header = read(path, FORMAT, "discriminator", ENTRIES)
    if header["trained against"] != _sum_of(checkpoint):
        raise CheckpointError(f"{path} was trained against other weights than those of {checkpoint.name}: remove it, or train both again.")
    try:
        network = UNetDiscriminator(header["channels"], header["width"])
        network.load_state_dict(state)
        return Discriminator(network.eval(), float(header["accuracy"]))
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"the tensors of {path} do not fit a U-Net discriminator: {error}") from error


def _sum_of(checkpoint: Path) -> str:
    try:
        return sha256_of(checkpoint.read_bytes())
    except OSError as error:
        raise CheckpointError(f"there is no checkpoint {checkpoint}.") from error
