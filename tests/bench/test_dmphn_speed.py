"""Ratios measured in one run, on whatever machine this is: `make bench`."""

import torch
from bench.measure import seconds, table

from restorelab.models.dmphn import DMPHN, DMPHNConfig, Level, join_patches, split_patches


def patch_by_patch(level: Level, image: torch.Tensor) -> torch.Tensor:
    """What the authors' scripts do: one call of the encoder for every patch."""
    return join_patches(torch.cat([level.encoder(patch) for patch in split_patches(image, level.grid).split(1)]), level.grid)


@torch.inference_mode()
def test_one_batch_of_patches_against_a_loop_over_them():
    net = DMPHN(DMPHNConfig(patches=(1, 2, 4, 8), width=16)).eval()
    image = torch.rand(1, 3, 64, 64)
    rows = []
    for level in net.stacks[0].levels:
        torch.testing.assert_close(level.encode(image), patch_by_patch(level, image), atol=1e-5, rtol=1e-4)
        loop, batch = seconds(lambda level=level: patch_by_patch(level, image), lambda level=level: level.encode(image))
        rows.append([level.grid[0] * level.grid[1], 1e3 * loop, 1e3 * batch, loop / batch])
    table("DMPHN's encoder over the patches of a 64x64 picture", ["patches", "loop (ms)", "batch (ms)", "ratio"], rows)
    assert rows[-1][-1] > 0.9  # eight small patches: batching must never cost
