"""Not a test: what test_sharding.py starts in two processes."""

import json
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig
from restorelab.train.distributed import process_group, rank
from restorelab.train.sharding import load_whole, shard, whole_optimizer, whole_weights

SMALL = RRDBCascadeConfig(width=8, depth=2, growth=4, small_start=True)
STEPS, BATCH = 3, 4


def begin(sharded: bool) -> tuple[nn.Module, torch.optim.Optimizer, AveragedModel]:
    torch.manual_seed(0)
    model = RRDBCascade(SMALL)
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    if sharded:
        shard(model), shard(average.module)
    return model, torch.optim.Adam(model.parameters(), lr=1e-3, fused=True), average


def update(state: tuple[nn.Module, torch.optim.Optimizer, AveragedModel], step: int, own: slice) -> None:
    model, optimizer, average = state
    rng = torch.Generator().manual_seed(step)
    small, large = torch.rand(BATCH, 3, 5, 6, generator=rng)[own], torch.rand(BATCH, 3, 80, 96, generator=rng)[own]
    (model(small).image - large).abs().mean().backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    optimizer.zero_grad()
    average.update_parameters(model)


def apart(one: dict, other: dict) -> float:
    """The largest difference of two state dicts, those of optimisers included."""
    if isinstance(one, dict):
        assert one.keys() == other.keys()
        return max((apart(one[key], other[key]) for key in one if isinstance(one[key], dict | torch.Tensor)), default=0.0)
    return float((one - other).abs().max())


def compare(folder: Path) -> None:
    """Writes what it found, and the state to go on from."""
    with process_group():
        _compare(folder)


def _compare(folder: Path) -> None:
    own = slice(rank() * BATCH // 2, (rank() + 1) * BATCH // 2)
    alone, together = begin(sharded=False), begin(sharded=True)
    for step in range(STEPS):
        if rank() == 0:
            update(alone, step, slice(None))
        update(together, step, own)
        if step == 0:
            torch.save((whole_weights(together[0]), whole_optimizer(*together[:2])), folder / f"state-{rank()}.pt")
    dist.barrier()
    weights, optimizer_state = whole_weights(together[0]), whole_optimizer(*together[:2])
    averaged = whole_weights(together[2].module)

    resumed = begin(sharded=True)
    load_whole(*resumed[:2], *torch.load(folder / "state-0.pt", weights_only=True))
    for step in range(1, STEPS):
        update(resumed, step, own)
    weights_again, optimizer_again = whole_weights(resumed[0]), whole_optimizer(*resumed[:2])
    facts = {"mine": sum(p.to_local().numel() for p in together[0].parameters()), "all": sum(p.numel() for p in alone[0].parameters())}
    if rank() == 0:
        facts |= {
            "weights": apart(alone[0].state_dict(), weights),
            "averaged": apart(alone[2].module.state_dict(), averaged),
            "moved": apart(begin(sharded=False)[0].state_dict(), weights),
            "resumed": max(apart(weights, weights_again), apart(optimizer_state, optimizer_again)),
        }
    (folder / f"facts-{rank()}.json").write_text(json.dumps(facts))
