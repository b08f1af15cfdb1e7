"""Processes of tests that need torch: forks of one that has imported it, for importing takes each of them seconds anew."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess

from torch.distributed import TCPStore

PRELOADED = ["restorelab.train.loop", "torch._dynamo"]  # the first optimiser of a process imports the latter, for seconds
PATIENCE = 300  # seconds


@contextmanager
def running(*works: tuple) -> Iterator[list[BaseProcess]]:
    """Functions with their arguments, begun all at once, and killed at the end if they are not done."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    processes = [context.Process(target=_alone, args=work) for work in works]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def in_processes(*works: tuple) -> list[int]:
    """The same to the end: exit statuses, minus the signal's number where one ended it."""
    with running(*works) as processes:
        for process in processes:
            process.join(PATIENCE)
        return [process.exitcode for process in processes]


def _alone(work: Callable, *words) -> None:
    import torch

    torch.set_num_threads(1)
    work(*words)


def under_torchrun(count: int, work: Callable, *words) -> list[int]:
    """The same function in so many processes, told of one another as torchrun tells its own."""
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)  # on a port that is free
    ranks = [{"RANK": str(rank), "WORLD_SIZE": str(count)} for rank in range(count)]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(store.port), "TORCHELASTIC_USE_AGENT_STORE": "True"}
    place["CUDA_VISIBLE_DEVICES"] = ""  # on a machine with one GPU they would both take it
    return in_processes(*((_as_rank, place | rank, work, *words) for rank in ranks))


def _as_rank(environment: dict[str, str], work: Callable, *words) -> None:
    os.environ.update(environment)
    work(*words)
