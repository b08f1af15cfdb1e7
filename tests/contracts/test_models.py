"""What every model promises, asked of every model in a small configuration."""

import dataclasses
import math

import pytest
import torch

from restorelab import checkpoint
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.models.restored import Restored
from restorelab.models.udvd import UDVD, UDVDConfig
from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig
from restorelab.restore import restore
from restorelab.systems import SYSTEMS

SMALL = {
    "dmphn 1-2-4": (DMPHN, DMPHNConfig(width=4)),
    "dmphn 1-2-4-8": (DMPHN, DMPHNConfig(patches=(1, 2, 4, 8), width=4)),
    "dmphn 1-1-1": (DMPHN, DMPHNConfig(patches=(1, 1, 1), width=4)),
    "dmphn 1-4-16, global skip": (DMPHN, DMPHNConfig(patches=(1, 4, 16), width=4, global_skip=True)),
    "stack(3)-dmphn": (DMPHN, DMPHNConfig(stacks=3, width=4)),
    "vmphn": (DMPHN, DMPHNConfig(width=4, stacks=2, vee=True)),
    "dmphn grey": (DMPHN, DMPHNConfig(width=4, channels=1)),
    "deblurgan-v2 mobilenet": (DeblurGANv2, DeblurGANv2Config(width=8)),
    "deblurgan-v2 mobilenet, stored statistics": (DeblurGANv2, DeblurGANv2Config(width=8, norm_mode="running")),
    "deblurgan-v2 dsc, batch norm": (DeblurGANv2, DeblurGANv2Config(backbone="mobilenet_dsc", width=8, norm="batch")),
    "deblurgan-v2 timm, no norm": (DeblurGANv2, DeblurGANv2Config(backbone="lcnet_050", width=8, norm="none")),
    "mprnet": (MPRNet, MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1)),
    "mprnet grey": (MPRNet, MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1, channels=1)),
    "mprnet one unet": (MPRNet, MPRNetConfig(width=8, unet_growth=4, cabs=1, reduction=1, stages=("unet",))),
    "mprnet one orsnet": (MPRNet, MPRNetConfig(width=8, orsnet_growth=4, cabs=1, reduction=1, stages=("orsnet",))),
    "mprnet bare": (MPRNet, MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1, sam=False, csff=False)),
    "mprnet local pooling": (MPRNet, MPRNetConfig(width=8, unet_growth=4, orsnet_growth=4, cabs=1, reduction=1, pooling_window=16)),
    "udvd x1 DD": (UDVD, UDVDConfig(scale=1, width=8, depth=1, pca=3, blocks="DD", bicubic_start=False)),
    "udvd x2": (UDVD, UDVDConfig(scale=2, width=8, depth=2, pca=3, bicubic_start=False)),
    "udvd x3, told the noise": (UDVD, UDVDConfig(scale=3, width=8, depth=1, pca=0, blocks="UD")),
    "udvd x4 blind grey": (UDVD, UDVDConfig(scale=4, width=8, depth=1, pca=0, noise=False, blocks="U", channels=1)),
    "udvd x2, the write-up's": (
        UDVD,
        UDVDConfig(scale=2, width=8, depth=1, pca=3, border="zeros", alignment="shuffle", bicubic_start=False),
    ),
    "rrdb x2": (RRDBCascade, RRDBCascadeConfig(scale=2, width=4, depth=1, growth=2)),
    "rrdb x4": (RRDBCascade, RRDBCascadeConfig(scale=4, width=4, depth=1, growth=2, channels=1)),
    "x16": (RRDBCascade, RRDBCascadeConfig(width=4, depth=1, growth=2)),
}


@pytest.fixture(params=SMALL)
def model(request):
    kind, config = SMALL[request.param]
    torch.manual_seed(0)
    return kind(config).eval()


def batch(model, count: int = 2, least: int = 8) -> torch.Tensor:
    """Pictures of the smallest size that is not too small to learn from."""
    sides = (max(small, -(-least // step) * step) for small, step in zip(model.min_size, model.size_multiple, strict=True))
    return torch.rand(count, model.cfg.channels, *sides, generator=torch.Generator().manual_seed(1))


def condition_of(model, count: int) -> torch.Tensor:
    return torch.rand(count, model.condition_channels, generator=torch.Generator().manual_seed(2))


def call(model, degraded, **words) -> Restored:
    """The model, told something of the degradation if it wants to be."""
    if model.condition_channels:
        words["condition"] = condition_of(model, len(degraded))[:, :, None, None]
    return model(degraded, **words)


def restore_with(model, image, **words):
    return restore(model, image, condition=condition_of(model, 1)[0] if model.condition_channels else None, **words)


def test_every_system_of_the_table_is_under_contract():
    assert {kind for kind, _ in SMALL.values()} == {entry.model for entry in SYSTEMS.values()}


def test_output_has_the_scale_it_says_and_is_finite(model):
    degraded = batch(model)
    restored = call(model, degraded)
    assert restored.image.shape == (2, model.cfg.channels, *(side * model.scale for side in degraded.shape[-2:]))
    assert restored.stages[-1] is restored.image and len(restored.stages) == model.stage_count
    assert all(torch.isfinite(stage).all() for stage in restored.stages)


def test_every_parameter_receives_a_gradient(model):
    model.train()
    degraded = batch(model, least=16)
    restored = call(model, degraded)
    sum((stage - target).square().mean() for stage, target in with_targets(restored, degraded)).backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert not silent


def with_targets(restored: Restored, degraded: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Every stage with something easy to come near to: the degraded picture, darker, at the stage's size."""
    sizes = [stage.shape[-2:] for stage in restored.stages]
    targets = [0.6 * torch.nn.functional.interpolate(degraded, size=size) for size in sizes]
    return list(zip(restored.stages, targets, strict=True))


def test_pictures_of_a_batch_do_not_influence_each_other(model):
    degraded = batch(model, count=3)
    with torch.inference_mode():
        together = call(model, degraded).image
        words = {"condition": condition_of(model, 3)[1:2, :, None, None]} if model.condition_channels else {}
        alone = model(degraded[1:2], **words).image
    torch.testing.assert_close(together[1:2], alone, atol=2e-6, rtol=1e-5)


def test_the_input_is_left_alone(model):
    degraded = batch(model)
    before = degraded.clone()
    call(model, degraded)
    with torch.inference_mode():
        call(model, degraded)
    assert torch.equal(degraded, before)


def test_gradients_or_none_give_the_same_picture(model):
    """A lean path for inference must be the same network."""
    degraded = batch(model)
    with torch.inference_mode():
        lean = call(model, degraded)
    for one, other in zip(call(model, degraded).stages, lean.stages, strict=True):
        torch.testing.assert_close(one.detach(), other, atol=1e-5, rtol=1e-5)


def test_size_multiples_are_true_and_smallest(model):
    rows, columns = model.size_multiple
    (least_rows, least_columns), image = model.min_size, batch(model, count=1, least=1)
    assert least_rows % rows == 0 and least_columns % columns == 0
    assert call(model, image).image.shape[-2:] == (least_rows * model.scale, least_columns * model.scale)
    bad = [image[..., : least_rows - 1, :]] if rows > 1 else []
    bad += [image[..., : least_columns - 1]] if columns > 1 else []
    bad += [torch.nn.functional.pad(image, (0, 0, 0, rows // 2))] if rows > 1 else []
    for one in bad:
        with pytest.raises(ValueError, match="multiples of"):
            call(model, one)


def test_maps_cost_nothing_unless_asked_for(model):
    assert call(model, batch(model)).maps == {}
    maps = call(model, batch(model), explain=True).maps
    assert maps and all(isinstance(one, torch.Tensor) for several in maps.values() for one in several)


def test_explaining_changes_nothing(model):
    degraded = batch(model)
    for mode in (torch.enable_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(call(model, degraded).image, call(model, degraded, explain=True).image, atol=1e-6, rtol=0)


def test_stopping_early_gives_the_stage_that_the_whole_run_gives(model):
    degraded = batch(model)
    whole = call(model, degraded).stages
    for stage in range(1, model.stage_count + 1) if model.stage_count > 1 else ():
        early = call(model, degraded, stage=stage)
        assert len(early.stages) == stage and early.image is early.stages[-1]
        torch.testing.assert_close(early.image, whole[stage - 1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("size", [(7, 5), (1, 1), (33, 50)])
def test_restore_takes_any_size_and_leaves_the_model_as_it_was(model, size):
    model.train()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    restored = restore_with(model, torch.rand(model.cfg.channels, *size), explain=True)
    assert restored.image.shape[-2:] == tuple(side * model.scale for side in size)
    assert restored.image.min() >= 0 and restored.image.max() <= 1
    assert model.training and all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def test_tiles_are_exact_or_say_that_they_are_not(model):
    """The halo is the network's radius: a tile of one multiple must still be right at every pixel."""
    image = torch.rand(model.cfg.channels, 44, 72, generator=torch.Generator().manual_seed(3))
    whole, tiled = restore_with(model, image), restore_with(model, image, tile=24)
    if model.receptive_radius is None:
        assert not tiled.tiling.exact and tiled.tiling.largest_difference > 0
    else:
        assert tiled.tiling.exact and tiled.tiling.tiles > 1
        torch.testing.assert_close(tiled.image, whole.image, atol=1e-5, rtol=0)


def test_bfloat16_stays_near_float32(model):
    """45 dB and more to the float32 output, on a CPU; a norm that measures maps of 2x2 pixels magnifies the rounding, though."""
    least = 20 if getattr(model.cfg, "norm_mode", None) == "instance" else 45
    image = batch(model, count=1, least=64)[0]
    full, half = restore_with(model, image), restore_with(model, image, precision="bfloat16")
    assert 10 * math.log10(1 / max(float((full.image - half.image).square().mean()), 1e-12)) > least


def test_checkpoint_round_trip_keeps_weights_and_configuration(model, tmp_path):
    checkpoint.save(tmp_path / "m.safetensors", model, {"note": "hello"})
    found = checkpoint.load(tmp_path / "m.safetensors")
    assert found.model.cfg == model.cfg and found.manifest == {"note": "hello"} and not found.model.training
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), found.model.state_dict().values(), strict=True))


def test_learns_four_patches_by_heart(model):
    """Not a test of quality: a wire that is cut somewhere shows here."""
    degraded = batch(model, count=4, least=16)
    optimizer = torch.optim.Adam(model.train().parameters(), lr=3e-3)
    losses = []
    for _ in range(40):
        loss = sum((stage - target).square().mean() for stage, target in with_targets(call(model, degraded), degraded))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0] or losses[-1] < 1e-3


def test_configurations_are_frozen():
    for config in {type(config) for _, config in SMALL.values()}:
        with pytest.raises(dataclasses.FrozenInstanceError):
            config().channels = 3


@pytest.mark.parametrize(
    "kind, bad",
    [
        (DMPHNConfig, {"patches": (2, 4)}),
        (DMPHNConfig, {"patches": (1, 3)}),
        (DMPHNConfig, {"patches": (1, 4, 2)}),
        (DMPHNConfig, {"patches": ()}),
        (DMPHNConfig, {"stacks": 0}),
        (DMPHNConfig, {"width": 0}),
        (DMPHNConfig, {"vee": True, "stacks": 3}),
        (DeblurGANv2Config, {"backbone": "mobilnet_v2"}),
        (DeblurGANv2Config, {"width": 6}),
        (DeblurGANv2Config, {"norm_mode": "train"}),
        (DeblurGANv2Config, {"channels": 1}),
        (MPRNetConfig, {"stages": ()}),
        (MPRNetConfig, {"stages": ("unet", "resnet")}),
        (MPRNetConfig, {"width": 2}),
        (UDVDConfig, {"scale": 5}),
        (UDVDConfig, {"blocks": "DU"}),
        (UDVDConfig, {"kernel_size": 4}),
        (RRDBCascadeConfig, {"scale": 3}),
        (RRDBCascadeConfig, {"depth": 0}),
    ],
)
def test_configurations_refuse_what_makes_no_network(kind, bad):
    with pytest.raises(ValueError):
        kind(**bad)
