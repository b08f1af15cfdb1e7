"""Run a learner's code so that nothing of the session changes: copies of tensors, saved random numbers, bounded output."""

import contextlib
import copy
import functools
import io
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from restorelab.lesson.exercise import NotAttempted

MOST_CHARACTERS = 20_000  # printed by one check before it is stopped


class TooMuchOutput(BaseException):
    """Not an Exception: the `except Exception` of the learner's own code must not swallow it."""


class BoundedOutput(io.StringIO):
    """Takes what is printed, and stops whoever never stops printing."""

    def write(self, text: str) -> int:
        room = MOST_CHARACTERS - self.tell()
        written = super().write(text[: max(room, 0)])
        if len(text) > room:
            raise TooMuchOutput(f"more than {MOST_CHARACTERS:,} characters were printed. Is there a loop that never ends?")
        return written

    def close(self) -> None:
        """Stays open: what was printed is still to be shown, even to one who closes sys.stdout."""


@contextlib.contextmanager
def isolated() -> Iterator[BoundedOutput]:
    """Inside, output is captured and the random numbers start from 0; after it everything is as before."""
    python, numpy = random.getstate(), np.random.get_state()
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else ()
    output = BoundedOutput()
    try:
        with torch.random.fork_rng(devices), contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            random.seed(0)
            np.random.seed(0)
            torch.manual_seed(0)
            yield output
    finally:
        random.setstate(python)
        np.random.set_state(numpy)
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)


def guarded(answer: Any) -> Any:
    """The learner's answer, made safe to use: functions and modules see copies, values are copies themselves."""
    if answer is None or answer is ...:
        raise NotAttempted("there is no answer yet.")
    if isinstance(answer, nn.Module):
        return _guarded_module(answer)
    if callable(answer):
        return _guarded_function(answer)
    return _detached(answer)


def _guarded_function(function: Any) -> Any:
    @functools.wraps(function, updated=())
    def call(*args, **kwargs):
        result = function(*copied(args), **copied(kwargs))
        _refuse_nothing(result, "your function")
        return _guarded_module(result) if isinstance(result, nn.Module) else result

    return call


def _guarded_module(module: nn.Module) -> nn.Module:
    # a copy, so that a check may put it in another mode or call backward()
    module = copy.deepcopy(module)
    module.register_forward_pre_hook(lambda _, args, kwargs: (copied(args), copied(kwargs)), with_kwargs=True)
    module.register_forward_hook(lambda *call: _refuse_nothing(call[-1], "`forward`"))
    return module


def _refuse_nothing(result: Any, who: str) -> None:
    if result is None or result is ...:
        raise NotAttempted(f"{who} returned {result}. If you have written something, is a `return` missing?")


def copied(value: Any) -> Any:
    """The same value with every tensor and array in it copied; gradients still flow through the copies."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if type(value) in (list, tuple):
        return type(value)(copied(item) for item in value)
    if type(value) is dict:
        return {key: copied(item) for key, item in value.items()}
    return value


def _detached(value: Any) -> Any:
    return value.detach().clone() if isinstance(value, Tensor) else copied(value)
