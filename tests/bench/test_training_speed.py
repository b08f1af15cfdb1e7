"""What a step of a training costs as `fit` takes it, beside plain float32: time and memory, on a GPU where there is one.

The course trains in bfloat16 with channels last on a GPU, and on a processor if it is told to. `compile` takes minutes to begin with,
so it is looked at on a GPU alone.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from bench.measure import PeakMemory, seconds, table

from restorelab import presets
from restorelab.models.mprnet import MPRNet
from restorelab.train.loop import how_networks_run

MIB = 2**20
CUDA = torch.cuda.is_available()
DEVICE = "cuda" if CUDA else "cpu"
# On a GPU the network of the paper at its crop, else that of the course.
PRESET = presets.MPRNET["paper" if CUDA else "lab"]
SIDE, BATCH = (256, 4) if CUDA else (96, 2)


def update(precision: str, layout: torch.memory_format, compiled: bool = False) -> Callable[[], float]:
    """One step on samples that lie ready: forward, backward, Adam. Waits for the GPU."""
    torch.manual_seed(0)
    cfg = replace(PRESET.fit, precision=precision)
    model = MPRNet(PRESET.model).to(DEVICE, memory_format=layout).train()
    net, running = torch.compile(model) if compiled else model, how_networks_run(cfg, DEVICE)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6, fused=True)
    clean = torch.rand(BATCH, 3, SIDE, SIDE, device=DEVICE)
    degraded, objective = clean.contiguous(memory_format=layout), presets.objective(PRESET)

    def step() -> float:
        with running():
            restored = net(degraded)
        loss = objective(restored, clean)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return float(loss.detach())

    return step


def memory_of(step: Callable[[], float]) -> int:
    """Bytes that a step holds at its peak, beyond weights and Adam's moments."""
    if CUDA:
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        step()
        return torch.cuda.max_memory_allocated() - before
    with PeakMemory() as memory:
        step()
    return memory.peak


def native_bfloat16() -> bool:
    """Whether the device computes in bfloat16, instead of emulating it."""
    return torch.cuda.is_bf16_supported(including_emulation=False) if CUDA else torch.cpu._is_avx512_bf16_supported()


@pytest.mark.skipif(not native_bfloat16(), reason="this device has no bfloat16 of its own: a training keeps to float32 there")
@pytest.mark.usefixtures("one_thread")
def test_bfloat16_and_channels_last_pay():
    """Asked of a GPU: twice the steps of plain float32."""
    plain, last = torch.contiguous_format, torch.channels_last
    ways = {
        "float32": ("float32", plain),
        "float32, channels last": ("float32", last),
        "bfloat16": ("bfloat16", plain),
        "bfloat16, channels last: what fit does": ("bfloat16", last),
    }
    if CUDA:
        ways["and compiled"] = ("bfloat16", last, True)
    steps = {way: update(*how) for way, how in ways.items()}
    took = dict(zip(steps, seconds(*steps.values(), rounds=8 if CUDA else 3), strict=True))
    rows = [[way, BATCH / took[way], took["float32"] / took[way], memory_of(steps[way]) / MIB] for way in ways]
    table(f"MPRNet, {BATCH} x {SIDE}x{SIDE}, a step on {DEVICE}", ["way", "samples/s", "times float32", "peak MiB"], rows)
    best = min(took["bfloat16, channels last: what fit does"], took.get("and compiled", float("inf")))
    assert took["float32"] / best > (2.0 if CUDA else 1.2)
