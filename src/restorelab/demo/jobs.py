"""One job at a time on one device: measured beforehand, watched while it runs, and stopped when it is told to.

A network is a row of convolutions. Before each of them a hook looks whether the job shall go on and says how far it is, so that a job
stops in the middle of a picture, without threads being killed and without the network knowing. How long a convolution takes, and how
much memory all of them need, is measured once on a small picture: both grow with the number of pixels.
"""

import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from restorelab.demo.words import say
from restorelab.errors import RestorelabError
from restorelab.ops.pad import pad_to_multiple

LOOK = 0.1  # seconds between two looks of a waiting job
REHEARSED = 256  # pixels along a side of the small picture's result
Report = Callable[[float], None]  # share done


@dataclass(frozen=True)
class Limits:
    """What a visitor may ask for."""

    input_pixels: int = 4_000_000
    output_pixels: int = 16_000_000
    least_side: int = 16  # pixels
    seconds: float = 300.0  # for one job
    file_bytes: int = 32 * 2**20
    folder_bytes: int = 2**30  # of the temporary folder
    waiting: int = 16  # in the queue


class Refused(RestorelabError):
    """A job that is not done, with the reason by its key in `WORDS`."""

    def __init__(self, key: str, **facts: object):
        super().__init__(say(key, **facts))
        self.key, self.facts = key, facts


class Job:
    """Raises Refused from `check` as soon as it was stopped or its time is over."""

    def __init__(self, limit: float, most: str):
        self._stopped, self._limit, self._most = threading.Event(), limit, most
        self.begin()

    def begin(self) -> None:
        """Its time is counted from now."""
        self._end = time.monotonic() + self._limit

    def stop(self) -> None:
        self._stopped.set()

    def check_stopped(self) -> None:
        if self._stopped.is_set():
            raise Refused("stopped")

    def check(self) -> None:
        self.check_stopped()
        if time.monotonic() > self._end:
            raise Refused("ran_out", most=self._most)


class Desk:
    """The device's one place to work. `session` is whoever asked, who alone can stop the job."""

    def __init__(self, device: str, limits: Limits):
        self.device, self.limits = device, limits
        self._place, self._counting = threading.Lock(), threading.Lock()
        self._jobs: dict[str, set[Job]] = {}
        self.at_work = self.most_at_work = self.done = 0

    @property
    def queue(self) -> str:
        """The name of the one queue of everything that computes here."""
        return f"work on {self.device}"

    @contextmanager
    def job(self, session: str) -> Iterator[Job]:
        """Waits for the place, and yields the job to be watched. Raises Refused if it was stopped while it waited."""
        job = Job(self.limits.seconds, f"{self.limits.seconds:.0f} s")
        with self._known(session, job):
            while not self._place.acquire(timeout=LOOK):
                job.check_stopped()
            try:
                with self._counting:
                    self.at_work += 1
                    self.most_at_work = max(self.most_at_work, self.at_work)
                job.begin()
                yield job
            finally:
                with self._counting:
                    self.at_work -= 1
                    self.done += 1
                self._place.release()

    @contextmanager
    def _known(self, session: str, job: Job) -> Iterator[None]:
        with self._counting:
            self._jobs.setdefault(session, set()).add(job)
        try:
            yield
        finally:
            with self._counting:
                self._jobs[session].discard(job)
                if not self._jobs[session]:
                    del self._jobs[session]

    def stop(self, session: str) -> bool:
        """Stop this session's jobs, those that wait for the place too; whether there was one."""
        with self._counting:
            jobs = list(self._jobs.get(session, ()))
        for job in jobs:
            job.stop()
        return bool(jobs)


@dataclass(frozen=True)
class Rehearsal:
    """What a network costs, from a small picture; times and memory in proportion to its input pixels."""

    marks: tuple[float, ...]  # share of the time that is over before each convolution
    seconds: float  # per input pixel
    memory: float  # bytes per input pixel


@contextmanager
def watched(model: nn.Module, before_each: Callable[[], None]) -> Iterator[None]:
    """`before_each()` is called before every convolution."""
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)]
    hooks = [layer.register_forward_pre_hook(lambda *_: before_each()) for layer in layers]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def going_on(job: Job, rehearsal: Rehearsal, report: Report, tiles: int = 1) -> tuple[Callable[[], None], Callable[[int, int], None]]:
    """(what `watched` calls, what `restore(progress=)` calls): checks the job, and reports the share that is done of so many tiles."""
    count, done, told = 0, 0, 0.0

    def before_each() -> None:
        nonlocal count, told
        job.check()
        share = (done + rehearsal.marks[count % len(rehearsal.marks)]) / tiles
        told = max(told, min(share, 1.0))  # a picture that had to be begun anew, in smaller tiles, does not go back
        report(told)
        count += 1

    def after_tile(so_far: int, of: int) -> None:
        nonlocal tiles, done, count
        tiles, done, count = of, so_far, 0

    return before_each, after_tile


@torch.inference_mode()
def rehearse(model: nn.Module, stage: int | None, device: str, job: Job) -> Rehearsal:
    """Run `model` twice on a small picture: the first time its memory is counted, the second time the clock."""
    side = max(REHEARSED // (2 * model.scale), 16)
    picture = pad_to_multiple(torch.full((3, side, side), 0.5), model.size_multiple, model.min_size)[None].to(device)
    words = {"condition": torch.zeros(1, model.condition_channels, 1, 1, device=device)} if model.condition_channels else {}
    words |= {"stage": stage} if stage and model.stage_count > 1 else {}
    pixels = picture.shape[-2] * picture.shape[-1]
    with LiveBytes() as live, watched(model, job.check):
        model(picture, **words)
    times = []

    def note() -> None:
        job.check()
        _wait(device)
        times.append(time.perf_counter())

    start = time.perf_counter()
    with watched(model, note):
        model(picture, **words)
    _wait(device)
    took = time.perf_counter() - start
    return Rehearsal(tuple((moment - start) / took for moment in times), took / pixels, live.most / pixels)


def _wait(device: str) -> None:
    if device.startswith("cuda"):
        torch.cuda.synchronize(device)


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of all tensors made inside of it and still alive; `most` is their largest sum. Scratch memory inside an operation
    is not seen."""

    def __init__(self):
        super().__init__()
        self.now = self.most = 0
        self._known = weakref.WeakValueDictionary()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        result = operation(*args, **(kwargs or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self._add(tensor.untyped_storage())
        return result

    def _add(self, storage: torch.UntypedStorage) -> None:
        if storage._cdata in self._known:
            return
        self._known[storage._cdata] = storage
        size = storage.nbytes()
        self.now += size
        self.most = max(self.most, self.now)
        weakref.finalize(storage, self._gone, size)

    def _gone(self, size: int) -> None:
        self.now -= size
