"""Ratios measured in one run, on whatever machine this is: `make bench`."""

import platform
import time

import torch

from restorelab.models.dmphn import DMPHN, DMPHNConfig, Level, join_patches, split_patches


def best(function, rounds: int = 5) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def patch_by_patch(level: Level, image: torch.Tensor) -> torch.Tensor:
    """What the authors' scripts do: one call of the encoder for every patch."""
    return join_patches(torch.cat([level.encoder(patch) for patch in split_patches(image, level.grid).split(1)]), level.grid)


@torch.inference_mode()
def test_one_batch_of_patches_against_a_loop_over_them():
    print(f"\n{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    print(f"{'level':>8} {'loop (ms)':>10} {'batch (ms)':>11} {'ratio':>6}")
    net = DMPHN(DMPHNConfig(patches=(1, 2, 4, 8), width=16)).eval()
    image = torch.rand(1, 3, 64, 64)
    for level in net.stacks[0].levels:
        torch.testing.assert_close(level.encode(image), patch_by_patch(level, image), atol=1e-5, rtol=1e-4)
        loop, batch = best(lambda level=level: patch_by_patch(level, image)), best(lambda level=level: level.encode(image))
        patches = level.grid[0] * level.grid[1]
        print(f"{patches:>8} {1e3 * loop:>10.2f} {1e3 * batch:>11.2f} {loop / batch:>6.2f}")
    assert loop / batch > 0.9  # eight small patches: batching must never cost
