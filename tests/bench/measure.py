"""What the benchmarks share: fair ratios within one run, exact memory by accounting, and one way to print a table."""

import platform
import re
import time
import weakref
from collections.abc import Callable
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def seconds(*functions: Callable, rounds: int = 5, calls: int = 1) -> list[float]:
    """The shortest time of each function; they take turns, so that a busy machine slows all of them alike.

    With `calls`, a turn is one that is not counted and then so many: as where many pictures are judged in a row, the memory it works in
    is that of the call before, not what another function has just given back to the system.
    """
    times = [[] for _ in functions]
    for function in functions:
        function()
    for _ in range(rounds):
        for function, own in zip(functions, times, strict=True):
            if calls > 1:
                function()
            for _ in range(calls):
                start = time.perf_counter()
                function()
                own.append(time.perf_counter() - start)
    return [min(own) for own in times]


class PeakMemory(TorchDispatchMode):
    """Bytes of tensors alive at once, beyond those that existed before: exact, on any device, the meta device included.

    with PeakMemory() as memory: model(image)
    memory.peak

    Every operation is seen; a storage counts from the operation that made it until its last tensor is gone. Memory that a kernel
    uses and frees inside one operation is not seen.
    """

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self._sizes = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        known = {leaf.untyped_storage()._cdata for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)}
        result = function(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._count(leaf.untyped_storage(), known)
        return result

    def _count(self, storage: torch.UntypedStorage, known: set[int]) -> None:
        key = storage._cdata
        if key in known or key in self._sizes:
            return
        self._sizes[key] = storage.nbytes()
        self.live += self._sizes[key]
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, key)

    def _free(self, key: int) -> None:
        self.live -= self._sizes.pop(key, 0)


def machine() -> str:
    """What ratios depend on besides the code. Most of all the cache: whether the tensors of a call fit into it."""
    known, cache = Path("/proc/cpuinfo"), Path("/sys/devices/system/cpu/cpu0/cache/index3/size")  # Linux; elsewhere less is said
    names = re.findall(r"model name\s*: (.+)", known.read_text()) if known.is_file() else []
    facts = [*(names or [platform.processor() or platform.machine()])[:1], torch.backends.cpu.get_cpu_capability()]
    facts += [f"{cache.read_text().strip()} of L3 cache"] if cache.is_file() else []
    return ", ".join([*facts, f"{torch.get_num_threads()} threads", f"torch {torch.__version__}"])


def table(title: str, columns: list[str], rows: list[list]) -> None:
    """Print a table, headed by the machine it was read on."""
    print(f"\n{title}  ({machine()})")
    texts = [columns, *[[f"{value:.3g}" if isinstance(value, float) else str(value) for value in row] for row in rows]]
    widths = [max(len(row[i]) for row in texts) for i in range(len(columns))]
    for row in texts:
        print("  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)))
