"""What this machine has, and what can and cannot be done on it."""

import importlib.util
import platform
import shutil
from dataclasses import dataclass

import torch

from restorelab.systems import SYSTEMS
from restorelab.train.run import runs_folder

GIB = 2**30


@dataclass(frozen=True)
class Finding:
    subject: str
    value: str
    fine: bool = True
    advice: str = ""  # what to do, when not fine


def examine() -> list[Finding]:
    """Look at the machine; reads only, and asks nothing of the network."""
    return [_python(), _torch(), _gpu(), _memory(), _disk(), *_checkpoints(), _offline()]


def _python() -> Finding:
    version = platform.python_version_tuple()
    fine = ("3", "11") <= version[:2] <= ("3", "13")
    return Finding("Python", platform.python_version(), fine, "" if fine else "restorelab is tested on 3.11 to 3.13")


def _torch() -> Finding:
    return Finding("PyTorch", f"{torch.__version__}, {torch.get_num_threads()} threads")


def _gpu() -> Finding:
    if not torch.cuda.is_available():
        return Finding("GPU", "none that PyTorch can use: smoke presets and course checkpoints run here, lab presets take hours")
    properties = torch.cuda.get_device_properties(0)
    return Finding("GPU", f"{properties.name}, {properties.total_memory / GIB:.0f} GB")


def _memory() -> Finding:
    total, free = memory()
    if not total:
        return Finding("Memory", "cannot be told on this system")
    return Finding("Memory", f"{total / GIB:.0f} GB, {free / GIB:.0f} GB free", free > 3 * GIB, "close other programs before a chapter")


def memory() -> tuple[int, int]:
    """Bytes of memory in all and available now; (0, 0) where the system does not tell."""
    if importlib.util.find_spec("psutil"):  # comes with ipykernel
        import psutil

        found = psutil.virtual_memory()
        return found.total, found.available
    return 0, 0


def _disk() -> Finding:
    place = runs_folder()
    existing = next(folder for folder in (place, *place.resolve().parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    return Finding("Disk", f"{free / GIB:.0f} GB free where runs are written", free > 2 * GIB, "make room before a long run")


def _checkpoints() -> list[Finding]:
    return [
        Finding(f"Course checkpoint {one.name}", "there" if one.path.is_file() else "missing", one.path.is_file(),
                "reinstall restorelab: it ships with the kit")
        for entry in SYSTEMS.values() for one in entry.weights
    ]  # fmt: skip


def _offline() -> Finding:
    return Finding(
        "Offline",
        "everything here works without a network: chapters, photographs, training, course checkpoints. Published weights do not ship.",
    )
