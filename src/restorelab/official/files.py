"""From a published file to plain named tensors, without ever running a pickled program.

Authors publish state dicts bare or wrapped (`{"state_dict": ...}`, `{"model": ...}`, `{"params_ema": ...}`), with or without the
`module.` that DataParallel puts before every name.
"""

import pickle
import warnings
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from restorelab.errors import CheckpointError

State = dict[str, Tensor]
WRAPPERS = ("params_ema", "params", "state_dict", "model", "generator")  # the first that is there: averaged weights before raw ones
MODULE = "module."
PICKLES = (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")  # torch's zip, and bare pickles of protocols 2 to 5


def read_state(path: str | Path) -> State:
    """The tensors of a .pth, .pt, .pkl, .h5 (torch's, whatever it is called) or .safetensors file, on the CPU, names unwrapped.

    Raises CheckpointError for a file that is missing, damaged, a pickled program, or without tensors.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"there is no file {path}.")
    content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pickle(path)
    return strip_module(_unwrap(content, path))


def strip_module(state: State) -> State:
    """Without the `module.` of DataParallel, when every name has it."""
    if all(key.startswith(MODULE) for key in state):
        return {key.removeprefix(MODULE): value for key, value in state.items()}
    return state


def _read_safetensors(path: Path) -> State:
    try:
        return load_file(path)
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged or not a safetensors file: {error}.") from error


def _read_pickle(path: Path) -> object:
    try:
        with warnings.catch_warnings(action="ignore"):  # torch remarks on old pickles, at length
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if path.read_bytes()[:2] not in PICKLES:
            raise CheckpointError(f"{path} is not a file of torch.") from error
        raise CheckpointError(
            f"{path} is not a plain table of tensors but a pickled program (a whole module, say), and loading it would run whatever it "
            "holds. If you trust it, load it where its own code is installed and save its state_dict() alone: "
            "torch.save(torch.load(file, weights_only=False).state_dict(), new_file)."
        ) from error
    except Exception as error:  # torch raises a dozen kinds for damage, none of them helpful to a reader
        raise CheckpointError(f"{path} is damaged or not a file of torch ({type(error).__name__}): download it again.") from error


def _unwrap(content: object, path: Path) -> State:
    for name in WRAPPERS:
        if isinstance(content, dict) and isinstance(content.get(name), dict):
            content = content[name]
            break
    tensors = {key: value for key, value in content.items() if isinstance(value, Tensor)} if isinstance(content, dict) else {}
    if not tensors:
        raise CheckpointError(f"{path} holds no table of named tensors.")
    return tensors
