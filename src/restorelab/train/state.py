"""The state of a training, saved so that it can be resumed to the bit after being killed at any moment."""

import io
import pickle
import warnings
from pathlib import Path

import torch

from restorelab.errors import TrainingError
from restorelab.files import sum_file, sum_fits, write_with_sum

KEPT = 2  # if the newest turns out damaged, the one before it still serves


def save_state(folder: Path, step: int, state: dict) -> None:
    """Write `state` (tensors, numbers, strings, lists, dicts) of the training after `step` steps. Raises TrainingError."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_with_sum(folder / f"step-{step:08d}.pt", buffer.getvalue())
    except OSError as error:
        raise TrainingError(f"the training state cannot be saved in {folder}: {error.strerror}. Earlier states there are whole.") from error
    for old in saved_states(folder)[:-KEPT]:
        old.unlink()
        sum_file(old).unlink(missing_ok=True)


def saved_states(folder: Path) -> list[Path]:
    """Oldest first."""
    return sorted(folder.glob("step-*.pt"))


def load_newest(folder: Path) -> dict | None:
    """The newest undamaged state, or None when there is none. A damaged one is passed over with a warning."""
    for file in reversed(saved_states(folder)):
        data = file.read_bytes()
        if sum_fits(file, data):
            return _read(file, data)
        warnings.warn(f"{file.name} is damaged; going on from the state before it", stacklevel=2)
    return None


def _read(file: Path, data: bytes) -> dict:
    try:
        return torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:  # whole, and not one that `save_state` wrote
        raise TrainingError(f"{file} holds more than a training's state, and none of it was run: start a new run.") from error
