"""Weights with everything needed to use them: the configuration, where they come from, and a sum to trust them by.

A checkpoint is one safetensors file. Its metadata holds the system's name, its configuration and a manifest as JSON; beside it
lies its sha256, because neither safetensors nor torch notices a flipped bit.
"""

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from restorelab.errors import CheckpointError, ParameterError
from restorelab.files import sum_file, sum_fits
from restorelab.systems import System, name_of, system
from restorelab.tensor_file import KEY, unpack, write

FORMAT = "restorelab-checkpoint-1"
LONGEST_HEADER = 100 * 2**20  # bytes; the limit of the format


@dataclass(frozen=True)
class Checkpoint:
    model: nn.Module  # float32, eval mode, on the CPU
    system: str
    manifest: dict  # how the weights were made and what they reached


def save(path: str | Path, model: nn.Module, manifest: dict | None = None, half: bool = False) -> str:
    """Write `model` to `path`, a .safetensors file; returns its sha256. `half` stores float16: half the size, 3 digits.

    Raises CheckpointError when the place cannot be written to; what was there before is kept then.
    """
    header = {
        "format": FORMAT,
        "system": name_of(model),
        "config": dataclasses.asdict(model.cfg),
        "manifest": manifest or {},
    }
    return write(path, model.state_dict(), header, "checkpoint", half)


def load(path: str | Path) -> Checkpoint:
    """Read a checkpoint and build its model. Raises CheckpointError for anything that is not a whole, unaltered one."""
    data = _read(Path(path))
    header = _header(data, path)
    entry = _system(header, path)
    model = entry.model(_config(entry, header, path))
    fill(model, unpack(data), path)
    return Checkpoint(model.eval(), header["system"], header.get("manifest", {}))


def load_course(name: str, task: str = "") -> Checkpoint:
    """The small checkpoint of a system that ships with the kit, for one of its tasks; without, for the first that has one."""
    return load(course_path(name, task))


def course_path(name: str, task: str = "") -> Path:
    """Where it is. Raises CheckpointError for a system, or a task of it, that has none yet."""
    there = system(name).course_checkpoints
    path = there.get(task) if task else system(name).course_checkpoint
    if path is None:
        what = f"{name} for {task}; it has {', '.join(there)}" if task and there else f"{name} yet"
        raise CheckpointError(f"the kit ships no weights for {what}: give your own checkpoint (restorelab convert makes one).")
    return path


def written_by_us(path: str | Path) -> bool:
    """Does the file begin as our checkpoints do? Nothing else of it is read."""
    with open(path, "rb") as file:
        length = file.read(8)
        start = length + file.read(min(int.from_bytes(length, "little"), LONGEST_HEADER))
    try:
        _header(start, path)
    except CheckpointError:
        return False
    return True


def _read(path: Path) -> bytes:
    if not path.is_file():
        raise CheckpointError(f"there is no checkpoint {path}.")
    data = path.read_bytes()
    if not sum_file(path).is_file():
        raise CheckpointError(f"{path} has no {sum_file(path).name} beside it, so damage cannot be told: copy both files.")
    if not sum_fits(path, data):
        raise CheckpointError(f"{path} does not have the sha256 written beside it: it is damaged or half copied. Fetch both files again.")
    return data


def _header(data: bytes, path: str | Path) -> dict:
    try:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(json.loads(data[8 : 8 + length]).get("__metadata__", {}).get(KEY, "{}"))
    except (ValueError, AttributeError) as error:
        raise CheckpointError(f"{path} is not a safetensors file.") from error
    if header.get("format") != FORMAT:
        raise CheckpointError(f"{path} was not written by restorelab (no {FORMAT!r} in its header), so its configuration is unknown.")
    return header


def _system(header: dict, path: str | Path) -> System:
    try:
        return system(header.get("system", ""))
    except ParameterError as error:
        raise CheckpointError(f"{path} is for a newer or unknown system: {error}") from error


def _config(entry: System, header: dict, path: str | Path) -> object:
    try:
        values = {key: tuple(value) if isinstance(value, list) else value for key, value in header["config"].items()}
        return entry.config(**values)
    except (KeyError, AttributeError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} has a configuration that {entry.config.__name__} does not take: {error}.") from error


def fill(model: nn.Module, tensors: dict[str, torch.Tensor], source: str | Path) -> None:
    """Load `tensors` into `model`, all or nothing. Raises CheckpointError that counts what is missing, unexpected or misshaped."""
    wanted = model.state_dict()
    missing, unexpected = wanted.keys() - tensors.keys(), tensors.keys() - wanted.keys()
    misshaped = [key for key in wanted.keys() & tensors.keys() if wanted[key].shape != tensors[key].shape]
    problems = [f"{len(keys)} {what} (such as {min(keys)})" for what, keys in
                (("missing", missing), ("unexpected", unexpected), ("of another shape", misshaped)) if keys]  # fmt: skip
    if problems:
        raise CheckpointError(f"the tensors of {source} do not fit {type(model).__name__}: {', '.join(problems)}.")
    model.load_state_dict(tensors)
