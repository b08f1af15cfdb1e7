"""Tensors with a header of ours in one safetensors file, its sha256 beside it.

Neither safetensors nor torch notices a flipped bit. `checkpoint` writes a system's weights so, and reads them with more questions.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import safetensors
from safetensors.torch import load, save  # of bytes
from torch import Tensor

from restorelab.errors import CheckpointError
from restorelab.files import sum_fits, write_with_sum

# One entry of metadata for everything: safetensors writes several in random order, and equal weights are to be equal files.
KEY = "restorelab"


def write(path: str | Path, tensors: Mapping[str, Tensor], header: Mapping[str, object], what: str, half: bool = True) -> str:
    """Returns the sha256. half: floating point numbers as float16, half the size, 3 digits. what: for messages.

    Raises CheckpointError where it cannot be written; what was there before is kept then.
    """
    packed = {key: (value.half() if half and value.is_floating_point() else value).cpu().contiguous() for key, value in tensors.items()}
    try:
        return write_with_sum(path, save(packed, {KEY: json.dumps(header)}))
    except OSError as error:
        raise CheckpointError(f"the {what} cannot be written to {path}: {error.strerror}.") from error


def read(path: Path, format: str, what: str, entries: Iterable[str]) -> tuple[dict[str, Tensor], dict]:
    """-> (the tensors, floating point ones as float32; the header, whose "format" is this one, with all of these entries).

    what: for messages. Raises CheckpointError for a file that is missing, damaged or of another kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"the {what} {path} cannot be read: {error.strerror}. Install restorelab again.") from error
    if not sum_fits(path, data):
        raise CheckpointError(f"{path} does not have the sha256 written beside it: it is damaged or half copied. Install restorelab again.")
    header = _header(path)
    if not isinstance(header, dict) or header.get("format") != format or not header.keys() >= set(entries):
        raise CheckpointError(f"{path} holds no {what} (no {format!r} in its header).")
    return unpack(data), header


def unpack(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file, floating point ones as float32."""
    return {key: value.float() if value.is_floating_point() else value for key, value in load(data).items()}


def _header(path: Path) -> object:
    try:
        with safetensors.safe_open(path, "pt") as file:
            return json.loads((file.metadata() or {}).get(KEY, "{}"))
    except safetensors.SafetensorError as error:
        raise CheckpointError(f"{path} is not a safetensors file.") from error
    except ValueError:
        return None
