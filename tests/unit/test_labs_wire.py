"""What crosses between a judge and a sandbox, whatever the other side sends."""

import json
import socket
import struct
import threading

import numpy as np
import pytest
import torch

from restorelab.labs.wire import CannotCross, OtherSideGone, OutOfTime, Peer, Raised, decode, encode

VALUES = [
    None, ..., True, 3, -2.5, float("inf"), "ü", (1, [2, {3: "x"}]), {1, 5}, frozenset({2}),
    torch.arange(6.0).reshape(2, 3), torch.tensor(3), torch.empty(0, 4), torch.ones(2, dtype=torch.bfloat16), torch.tensor([1 + 2j]),
    torch.ones(2, 3).T, np.arange(4).reshape(2, 2), np.full((1, 2), 65535, np.uint16), np.float64(0.5), np.zeros((0, 2)),
]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_values_cross_as_they_are(value):
    got = decode(encode(value, lambda function: 0), lambda number: None)
    assert type(got) is type(value)
    if isinstance(value, (torch.Tensor, np.ndarray)):
        assert got.dtype == value.dtype and got.shape == value.shape and bool((got == value).all())
    else:
        assert got == value


@pytest.mark.parametrize(
    "value",
    [object(), torch.nn.Linear(1, 1), torch.ones(1, requires_grad=True), int, np.array(["a"])],
    ids=lambda value: type(value).__name__,
)
def test_what_could_run_or_has_a_history_does_not_cross(value):
    with pytest.raises(CannotCross):
        encode([value], lambda function: 0)


def test_bytes_that_are_no_message_are_refused():
    rng = np.random.default_rng(0)
    good = encode({"a": torch.ones(3), "b": (1, 2)}, lambda function: 0)
    for _ in range(300):
        bad = bytearray(good)
        for place in rng.integers(0, len(bad), 3):
            bad[place] = rng.integers(256)
        try:
            decode(bytes(bad[: rng.integers(1, len(bad) + 1)]), lambda number: None)
        except OtherSideGone:
            continue
    without_bytes = json.dumps({"is": "tensor", "dtype": "uint8", "shape": [10**12], "bytes": 0}).encode()
    endless = json.dumps({"is": "function", "number": float("inf")}).encode()
    for head in (without_bytes, endless):
        with pytest.raises(OtherSideGone):
            decode(struct.pack("<I", len(head)) + head, lambda number: None)
    for bad in (b"", b"\x05\x00\x00\x00", encode(1, len)[:3], b"\x14\x00\x00\x00" + b'{"is": "os.system"}.'):
        with pytest.raises(OtherSideGone):
            decode(bad, lambda number: None)


def test_functions_call_across_both_ways():
    ours, theirs = socket.socketpair()
    judge, learner = Peer(ours), Peer(theirs, lambda error: "line 7")
    learner.keep(lambda step: step(torch.ones(2)) + 1)
    learner.keep(lambda: 1 / 0)
    thread = threading.Thread(target=lambda: [learner.serve() for _ in range(2)])
    thread.start()
    assert judge.stand_in(0)(lambda x: 3 * x).tolist() == [4, 4]
    with pytest.raises(Raised) as caught:
        judge.stand_in(1)()
    assert (caught.value.kind, caught.value.line) == ("ZeroDivisionError", "line 7")
    thread.join()
    judge.deadline = 0.0
    with pytest.raises(OutOfTime):
        judge.receive()
    theirs.close()
    judge.deadline = float("inf")
    with pytest.raises(OtherSideGone):
        judge.receive()
