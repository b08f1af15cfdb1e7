"""Everything that changes in a training, kept and taken up again, so that a resumed one goes on as if it had never stopped."""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import torch

from restorelab.errors import TrainingError
from restorelab.train.run import Run


@runtime_checkable
class Changing(Protocol):
    """A network, an optimiser, an average, an adversary."""

    def state_dict(self) -> dict: ...

    def load_state_dict(self, state: dict) -> object: ...


def keep(run: Run, changing: Mapping[str, Changing], step: int, seconds: float) -> None:
    """Save it all, with torch's random states. Every process must call it: of a sharded network each has a part."""
    state = {name: one.state_dict() for name, one in changing.items()}
    run.save_state(step, state | {"step": step, "seconds": seconds, "torch_rng": torch.get_rng_state(), "cuda_rng": _cuda_states()})


def take_up(run: Run, changing: Mapping[str, Changing]) -> tuple[int, float]:
    """Load the run's newest state, if it has one -> steps done, seconds spent. Raises TrainingError."""
    state = run.newest_state()
    if state is None:
        return 0, 0.0
    try:
        for name, one in changing.items():
            one.load_state_dict(state[name])
    except (RuntimeError, ValueError, KeyError) as error:
        raise TrainingError(
            f"{run.folder} was begun with another network: resume it with the same settings, or start a new run."
        ) from error
    torch.set_rng_state(state["torch_rng"])
    if state.get("cuda_rng"):  # older states have none
        torch.cuda.set_rng_state_all(state["cuda_rng"])
    run.forget_after(state["step"])
    return state["step"], state["seconds"]


def _cuda_states() -> list[torch.Tensor]:
    return torch.cuda.get_rng_state_all() if torch.cuda.is_initialized() else []
