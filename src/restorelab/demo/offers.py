"""What the page can offer: which network for which task, of the checkpoints that are there.

A course checkpoint of `systems.SYSTEMS` appears when its file is there. Others are named on the command line alone, as TASK=FILE: what a
visitor types is looked up in this table, and never opened as a path.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from restorelab import checkpoint
from restorelab.errors import ParameterError, did_you_mean
from restorelab.systems import SYSTEMS, WEIGHTS, CourseWeights

TASKS = ("deblur", "denoise", "derain", "x2", "x3", "x4", "x16")
CALLED = {"deblurring": "deblur", "denoising": "denoise", "deraining": "derain"}  # a system's task -> the page's
# In the order in which the networks of a task are offered.
SHORT = {"dmphn": "DMPHN", "udvd": "UDVD", "mprnet": "MPRNet", "deblurgan_v2": "DeblurGAN-v2", "x16": "x16"}


@dataclass(frozen=True)
class Offer:
    """One network with weights, for one task."""

    name: str  # what the page and the API call it
    task: str  # of TASKS
    system: str  # of SYSTEMS
    path: Path

    @property
    def title(self) -> str:
        return f"{SHORT[self.system]} ({self.name})"

    @property
    def scale(self) -> int:
        return int(self.task[1:]) if self.task.startswith("x") else 1


def offers(own: Sequence[str] = (), folder: Path = WEIGHTS) -> dict[str, Offer]:
    """By name: the course checkpoints that are in `folder`, then those given as TASK=FILE. Raises ParameterError for another form."""
    found = {offer.name: offer for offer in planned(folder) if offer.path.is_file()}
    for text in own:
        offer = _own(text)
        if offer.name in found:
            raise ParameterError(f"there are two checkpoints called {offer.name}: rename {offer.path}.")
        found[offer.name] = offer
    if not found:
        raise ParameterError(f"there is no checkpoint in {folder}, so there is nothing to demonstrate: give one as TASK=FILE.")
    return found


def planned(folder: Path = WEIGHTS) -> list[Offer]:
    """Every course checkpoint, those in training too, in the order of the page; the first choice for a task stands first."""
    every = [Offer(one.name, _task(one), system, folder / one.path.name) for system in SHORT for one in SYSTEMS[system].weights]
    return sorted(every, key=lambda offer: TASKS.index(offer.task))


def _task(one: CourseWeights) -> str:
    return CALLED.get(one.task, f"x{one.scale}")


def _own(text: str) -> Offer:
    task, _, file = text.partition("=")
    if task not in TASKS or not file:
        hint = did_you_mean(task, TASKS)
        raise ParameterError(f"own weights are given as TASK=FILE with a task of {', '.join(TASKS)}; not {text!r}.{hint}")
    found = checkpoint.load(file)
    offer = Offer(Path(file).stem, task, found.system, Path(file))
    if found.model.scale != offer.scale:
        raise ParameterError(f"{file} enlarges {found.model.scale} times, so it is not for the task {task}.")
    return offer
