"""What crosses between a judge and a sandbox: plain values, tensors and references to functions, and nothing that could run.

A pickle from a sandbox would be code in the judge's hands. Here a message is JSON followed by the bytes of its tensors, and whoever
reads it accepts the types below alone. A function stays on its side: the other one gets a stand-in that calls across.
"""

import json
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

MOST_BYTES = 32 << 20  # of one message: as float64, in which checks compare, bytes are eight times that
_DTYPES = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.complex64, torch.complex128, torch.bool)
    + (torch.uint8, torch.uint16, torch.int8, torch.int16, torch.int32, torch.int64)
}
_SEQUENCES = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset}


class CannotCross(Exception):
    """A value that no message can carry: a network, a tensor with a history, an object of some class."""


class OtherSideGone(Exception):
    """The other side has ended, or what it sent is no message."""


class OutOfTime(Exception):
    """The other side took too long to answer."""


class Raised(Exception):
    """A function on the other side raised an error: the name of its type, its message, and the learner's line, if it is known."""

    def __init__(self, kind: str, message: str, line: str = ""):
        super().__init__(message)
        self.kind, self.message, self.line = kind, message, line


def encode(value: Any, keep: Callable[[Callable], int]) -> bytes:
    """The message for a value; `keep` gives the number under which a function of this side can be called. Raises CannotCross."""
    blobs: list[bytes] = []
    head = json.dumps(_plain(value, keep, blobs)).encode()
    return struct.pack("<I", len(head)) + head + b"".join(blobs)


def _plain(value: Any, keep: Callable[[Callable], int], blobs: list[bytes]) -> Any:
    if value is None or type(value) in (bool, int, float, str):
        return value
    if value is ...:
        return {"is": "ellipsis"}
    if isinstance(value, (np.ndarray, np.generic)):
        return _plain_tensor(_tensor_of(value), "scalar" if isinstance(value, np.generic) else "array", blobs)
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise CannotCross("a tensor with a history of gradients")
        return _plain_tensor(value, "tensor", blobs)
    if isinstance(value, dict):
        return {"is": "dict", "of": [[_plain(part, keep, blobs) for part in item] for item in value.items()]}
    for name, kind in _SEQUENCES.items():
        if isinstance(value, kind):
            return {"is": name, "of": [_plain(item, keep, blobs) for item in value]}
    if callable(value) and not isinstance(value, (nn.Module, type)):
        return {"is": "function", "number": keep(value)}
    raise CannotCross(f"a value of type {type(value).__name__}")


def _tensor_of(value: np.ndarray | np.generic) -> Tensor:
    try:
        return torch.from_numpy(np.array(value))
    except TypeError as error:  # texts, objects, long doubles
        raise CannotCross(f"an array of {value.dtype}") from error


def _plain_tensor(tensor: Tensor, kind: str, blobs: list[bytes]) -> dict:
    tensor = tensor.detach().to("cpu").to_dense().resolve_conj().resolve_neg().contiguous()
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in _DTYPES:
        raise CannotCross(f"a tensor of {name}")
    blobs.append(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return {"is": kind, "dtype": name, "shape": list(tensor.shape), "bytes": len(blobs[-1])}


def decode(message: bytes, stand_in: Callable[[int], Callable]) -> Any:
    """The value of a message; raises OtherSideGone for bytes that are none."""
    try:
        (length,) = struct.unpack_from("<I", message)
        blobs = memoryview(message)[4 + length :]
        return _Reader(blobs, stand_in).value(json.loads(message[4 : 4 + length]))
    except (struct.error, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RuntimeError, MemoryError) as error:
        raise OtherSideGone("what was sent is no message") from error


class _Reader:
    def __init__(self, blobs: memoryview, stand_in: Callable[[int], Callable]):
        self._blobs, self._stand_in = blobs, stand_in

    def value(self, plain: Any) -> Any:
        if not isinstance(plain, (dict, list)):
            return plain
        kind = plain["is"]
        if kind == "ellipsis":
            return ...
        if kind == "function":
            return self._stand_in(int(plain["number"]))
        if kind == "dict":
            return {self.value(key): self.value(item) for key, item in plain["of"]}
        if kind in _SEQUENCES:
            return _SEQUENCES[kind](self.value(item) for item in plain["of"])
        tensor = self._tensor(plain)
        return tensor if kind == "tensor" else tensor.numpy() if kind == "array" else tensor.numpy()[()]

    def _tensor(self, plain: dict) -> Tensor:
        dtype, shape = _DTYPES[plain["dtype"]], [int(side) for side in plain["shape"]]
        data, self._blobs = self._blobs[: plain["bytes"]], self._blobs[plain["bytes"] :]
        if not data:
            if 0 not in shape:
                raise ValueError("a tensor without its bytes")
            return torch.empty(shape, dtype=dtype)
        return torch.frombuffer(bytearray(data), dtype=torch.uint8).view(dtype).reshape(shape)


class Peer:
    """One side of the conversation: it calls functions of the other side, and answers when its own are called meanwhile."""

    def __init__(self, link: socket.socket, locate: Callable[[BaseException], str] = lambda error: ""):
        self._link, self._locate = link, locate
        self._kept: list[Callable] = []
        self.deadline = float("inf")  # of time.monotonic()

    def keep(self, function: Callable) -> int:
        self._kept.append(function)
        return len(self._kept) - 1

    def stand_in(self, number: int) -> Callable:
        def call(*args, **kwargs):
            self.send("call", number, args, kwargs)
            return self.answer()

        return call

    def answer(self) -> Any:
        """What the other side returns; its calls are served until then. Raises Raised, OtherSideGone, OutOfTime."""
        while True:
            match self.receive():
                case ("call", int() as number, tuple() as args, dict() as kwargs):
                    self._serve(number, args, kwargs)
                case ("return", value):
                    return value
                case ("raise", str() as kind, str() as message, str() as line):
                    raise Raised(kind, message, line)
                case _:
                    raise OtherSideGone("what was sent is no message")

    def serve(self) -> None:
        """Answer one call; raises OtherSideGone when no more will come."""
        match self.receive():
            case ("call", int() as number, tuple() as args, dict() as kwargs):
                self._serve(number, args, kwargs)

    def _serve(self, number: int, args: tuple, kwargs: dict) -> None:
        try:
            if not 0 <= number < len(self._kept):
                raise IndexError(f"there is no function {number}")
            self.send("return", self._kept[number](*args, **kwargs))
        except (OtherSideGone, OutOfTime):
            raise
        except Raised as error:  # it came from the other side in the first place
            self.send("raise", error.kind, error.message, error.line)
        except BaseException as error:
            self.send("raise", type(error).__name__, _words(error), self._locate(error))

    def send(self, *message: Any) -> None:
        data = encode(message, self.keep)
        if len(data) > MOST_BYTES:
            raise CannotCross(f"{len(data) >> 20} MB")
        try:
            self._link.settimeout(self._left())
            self._link.sendall(struct.pack("<I", len(data)) + data)
        except TimeoutError as error:
            raise OutOfTime from error
        except OSError as error:
            raise OtherSideGone("it has ended") from error

    def receive(self) -> Any:
        (length,) = struct.unpack("<I", self._exactly(4))
        if length > MOST_BYTES:
            raise OtherSideGone("what was sent is too long")
        return decode(self._exactly(length), self.stand_in)

    def _exactly(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            try:
                self._link.settimeout(self._left())
                part = self._link.recv(min(count - len(data), 1 << 20))
            except TimeoutError as error:
                raise OutOfTime from error
            except OSError as error:
                raise OtherSideGone("it has ended") from error
            if not part:
                raise OtherSideGone("it has ended")
            data += part
        return bytes(data)

    def _left(self) -> float | None:
        if self.deadline == float("inf"):
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTime
        return left


def _words(error: BaseException) -> str:
    try:
        return str(error)[:2000]
    except BaseException:
        return ""
