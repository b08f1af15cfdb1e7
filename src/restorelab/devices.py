"""Which processor to use."""

import torch

from restorelab.errors import ParameterError


def choose_device(name: str = "auto") -> str:
    """ "auto" is the GPU if PyTorch can use one, else "cpu". Raises ParameterError for a device that is not here."""
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        kind = torch.device(name).type
    except RuntimeError as error:
        raise ParameterError(f"device is auto, cpu or cuda, not {name!r}.") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise ParameterError("PyTorch finds no GPU here: use --device cpu, or see `restorelab doctor`.")
    if kind not in ("cpu", "cuda"):
        raise ParameterError(f"device is auto, cpu or cuda, not {name!r}.")
    return name
