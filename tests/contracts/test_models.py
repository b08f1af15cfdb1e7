"""What every model promises, asked of every model in a small configuration."""

import dataclasses

import pytest
import torch

from restorelab import checkpoint
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.restore import restore
from restorelab.systems import SYSTEMS

SMALL = {
    "dmphn 1-2-4": (DMPHN, DMPHNConfig(width=4)),
    "dmphn 1-2-4-8": (DMPHN, DMPHNConfig(patches=(1, 2, 4, 8), width=4)),
    "dmphn 1-1-1": (DMPHN, DMPHNConfig(patches=(1, 1, 1), width=4)),
    "dmphn 1-4-16, global skip": (DMPHN, DMPHNConfig(patches=(1, 4, 16), width=4, global_skip=True)),
    "stack(3)-dmphn": (DMPHN, DMPHNConfig(stacks=3, width=4)),
    "dmphn grey": (DMPHN, DMPHNConfig(width=4, channels=1)),
    "vmphn": (DMPHN, DMPHNConfig(width=4, stacks=2, vee=True)),
}


@pytest.fixture(params=SMALL)
def model(request):
    kind, config = SMALL[request.param]
    torch.manual_seed(0)
    return kind(config).eval()


def batch(model, count: int = 2, times: int = 2) -> torch.Tensor:
    rows, columns = model.size_multiple
    return torch.rand(count, model.cfg.channels, times * rows, times * columns, generator=torch.Generator().manual_seed(1))


def test_every_system_of_the_table_is_under_contract():
    assert {kind for kind, _ in SMALL.values()} == {entry.model for entry in SYSTEMS.values()}


def test_output_has_the_scale_it_says_and_is_finite(model):
    degraded = batch(model)
    restored = model(degraded)
    assert restored.image.shape[-2:] == tuple(side * model.scale for side in degraded.shape[-2:])
    assert restored.stages[-1] is restored.image
    assert torch.isfinite(restored.image).all()


def test_every_parameter_receives_a_gradient(model):
    restored = model.train()(batch(model))
    sum(stage.square().mean() for stage in restored.stages).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def test_pictures_of_a_batch_do_not_influence_each_other(model):
    degraded = batch(model, count=3)
    with torch.inference_mode():
        together, alone = model(degraded).image, model(degraded[1:2]).image
    torch.testing.assert_close(together[1:2], alone, atol=1e-6, rtol=1e-5)


def test_the_input_is_left_alone(model):
    degraded = batch(model)
    before = degraded.clone()
    model(degraded)
    assert torch.equal(degraded, before)


def test_size_multiples_are_true_and_smallest(model):
    rows, columns = model.size_multiple
    image = batch(model, count=1, times=1)
    assert model(image).image.shape[-2:] == (rows * model.scale, columns * model.scale)
    for bad in (image[..., : rows - 1, :], image[..., : columns - 1], torch.nn.functional.pad(image, (0, 0, 0, max(rows // 2, 1)))):
        with pytest.raises(ValueError, match="multiples of"):
            model(bad)


def test_maps_cost_nothing_unless_asked_for(model):
    assert model(batch(model)).maps == {}
    assert all(isinstance(one, torch.Tensor) for several in model(batch(model), explain=True).maps.values() for one in several)


def test_explaining_changes_nothing(model):
    degraded = batch(model)
    assert torch.equal(model(degraded).image, model(degraded, explain=True).image)


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (33, 50)])
def test_restore_takes_any_size_and_leaves_the_model_as_it_was(model, size):
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    restored = restore(model, torch.rand(model.cfg.channels, *size), explain=True)
    assert restored.image.shape[-2:] == tuple(side * model.scale for side in size)
    assert restored.image.min() >= 0 and restored.image.max() <= 1
    assert model.training and all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_checkpoint_round_trip_keeps_weights_and_configuration(model, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", model, {"note": "hello"})
    found = checkpoint.load(tmp_path / "m.safetensors")
    assert found.model.cfg == model.cfg and found.manifest == {"note": "hello"} and not found.model.training
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), found.model.state_dict().values(), strict=True))


def test_learns_four_patches_by_heart(model):
    """Not a test of quality: a wire that is cut somewhere shows here."""
    clean = batch(model, count=4)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        loss = sum((stage - clean).square().mean() for stage in model(clean).stages)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
    assert losses[-1] < 0.6 * losses[0] or losses[-1] < 1e-3


def test_configurations_are_frozen_and_checked():
    for config in {type(config) for _, config in SMALL.values()}:
        with pytest.raises(dataclasses.FrozenInstanceError):
            config().width = 3
    for bad in ({"patches": (2, 4)}, {"patches": (1, 3)}, {"patches": (1, 4, 2)}, {"patches": ()}, {"stacks": 0}, {"width": 0}):
        with pytest.raises(ValueError):
            DMPHNConfig(**bad)
