"""What statistics do, how far the network sees, which backbones fit, where their weights come from. The oracle tests show that the
numbers are the authors'."""

import socket

import pytest
import timm
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import mobilenet_v2

from restorelab.errors import CheckpointError
from restorelab.models.deblurgan_v2 import (
    BLOCK_RADIUS,
    COURSE_MOBILENET,
    DeblurGANv2,
    DeblurGANv2Config,
    OwnStatistics,
)
from restorelab.official import backbone as imagenet
from restorelab.official.backbone import start_from_imagenet

SMALL = DeblurGANv2Config(width=8)
TIMM = "mobilenetv3_small_050"


def build(**changes) -> DeblurGANv2:
    torch.manual_seed(0)
    return DeblurGANv2(DeblurGANv2Config(**{"width": 8} | changes)).eval()


def pictures(count: int = 1, height: int = 64, width: int = 64) -> torch.Tensor:
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1))


def stored(model: nn.Module) -> dict[str, torch.Tensor]:
    return {key: value.clone() for key, value in model.named_buffers()}


def moved(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {key for key, value in model.named_buffers() if not torch.equal(value, before[key])}


def test_maps_are_the_pyramid_fine_to_coarse_and_what_was_added():
    degraded = pictures(2, 64, 96)
    restored = build()(degraded, explain=True)
    shapes = [tuple(one.shape) for one in restored.maps["pyramid"]]
    assert shapes == [(2, 4, 32, 48), (2, 8, 16, 24), (2, 8, 8, 12), (2, 8, 4, 6), (2, 8, 2, 3)]
    (residual,) = restored.maps["residual"]
    assert torch.equal(restored.image, degraded + residual) and residual.abs().max() <= 0.5


@pytest.mark.parametrize("backbone", ["mobilenet_v2", TIMM])
@pytest.mark.parametrize("norm", ["instance", "batch"])
def test_measured_statistics_are_those_of_training_on_this_one_picture(backbone, norm):
    """Dropout apart, which these two do not have in what is used of them."""
    model = build(backbone=backbone, norm=norm)
    with torch.no_grad():
        measured = model(pictures(), norm_mode="instance").image
        in_training = model.train()(pictures()).image
    torch.testing.assert_close(measured, in_training, atol=1e-4, rtol=0)
    assert (measured - model.eval()(pictures(), norm_mode="running").image).abs().max() > 1e-3


@pytest.mark.parametrize("norm_mode", ["running", "instance"])
def test_restoring_leaves_no_trace_and_training_does(norm_mode):
    model = build(norm_mode=norm_mode)
    before = stored(model)
    with torch.no_grad():
        model(pictures(2))
        assert not moved(model, before)
        model.train()(pictures(2))
    assert {key for key in before if "running" in key} <= moved(model, before)


def test_the_pictures_of_a_batch_are_strangers_to_the_bit_when_measured():
    model = build()
    batch = pictures(3)
    with torch.no_grad():
        together = model(batch, explain=True)
        alone = model(batch[1:2], explain=True)
        beside_others = model(torch.cat([batch[1:2], 0.1 * batch[:1]])).image
    assert torch.equal(together.image[1:2], alone.image) and torch.equal(beside_others[:1], alone.image)
    assert all(torch.equal(a[1:2], b) for a, b in zip(together.maps["pyramid"], alone.maps["pyramid"], strict=True))


def test_norm_mode_of_a_call_wins_over_the_configured_one():
    stores, measures = build(norm_mode="running"), build(norm_mode="instance")
    x = pictures()
    with torch.no_grad():
        assert torch.equal(stores(x).image, measures(x, norm_mode="running").image)
        assert torch.equal(stores(x, norm_mode="instance").image, measures(x).image)
    assert stores(x).image.requires_grad and measures(x).image.requires_grad
    with pytest.raises(ValueError, match="running, instance"):
        stores(x, norm_mode="batch")


def test_own_statistics_are_mean_and_variance_of_every_map_and_end_with_their_block():
    x = 3 * pictures(2, 5, 7) + 1
    norm = nn.BatchNorm2d(3).eval()
    nn.init.constant_(norm.weight, 2.0)
    nn.init.constant_(norm.bias, 0.5)
    with OwnStatistics():
        measured = norm(x)
    by_hand = (x - x.mean((2, 3), keepdim=True)) / (x.var((2, 3), correction=0, keepdim=True) + norm.eps).sqrt()
    torch.testing.assert_close(measured, 2 * by_hand + 0.5)
    torch.testing.assert_close(norm(x), F.batch_norm(x, torch.zeros(3), torch.ones(3), norm.weight, norm.bias))


def test_a_map_of_one_pixel_becomes_the_bias():
    """32x32 pictures: the authors' inference raises there."""
    norm = nn.BatchNorm2d(3).eval()
    nn.init.constant_(norm.bias, 0.5)
    with OwnStatistics():
        torch.testing.assert_close(norm(pictures(1, 1, 1)), torch.full((1, 3, 1, 1), 0.5), atol=1e-4, rtol=0)
    assert torch.isfinite(build()(pictures(1, 32, 32)).image).all()


@pytest.mark.parametrize("backbone, blocks", [("mobilenet_v2", 0), ("mobilenet_dsc", 0), ("mobilenet_v2", 3), ("mobilenet_dsc", 3)])
def test_radius_is_the_true_one(backbone, blocks):
    """A pixel that is not a number makes everything that depends on it not a number; where it lies between the strides matters."""
    model = build(backbone=backbone, norm_mode="running", width=4, gated_blocks=blocks).double()
    reaches = []
    for row in (288 + 11, 288 + 21):
        x = pictures(1, 640, 32).double()
        x[..., row, 5] = float("nan")
        with torch.inference_mode():
            rows = model(x).image.isnan().any(dim=(0, 1, 3)).nonzero()
        reaches.append((row - int(rows.min()), int(rows.max()) - row))
    further = blocks * BLOCK_RADIUS
    assert reaches == [(242 + further, 283 + further), (252 + further, 273 + further)]
    assert model.receptive_radius == 283 + 4 * blocks


@pytest.mark.parametrize("backbone", ["mobilenet_v2", "mobilenet_dsc"])
def test_a_new_gated_block_changes_nothing_and_can_learn(backbone):
    plain, gated = (build(backbone=backbone, norm_mode="running", width=8, gated_blocks=blocks) for blocks in (0, 2))
    absent = gated.load_state_dict(plain.state_dict(), strict=False)
    assert not absent.unexpected_keys and {key.split(".")[0] for key in absent.missing_keys} == {"refine"}
    assert torch.equal(gated(pictures(1, 64, 64)).image, plain(pictures(1, 64, 64)).image)
    gated(pictures(1, 64, 64)).image.square().sum().backward()
    assert all(max(float(p.grad.abs().max()) for p in block.conv2.parameters()) > 0 for block in gated.refine)


def test_a_gated_block_multiplies_one_half_by_the_other():
    block = build(width=4, gated_blocks=1).refine[0]
    for p in block.conv2.parameters():
        nn.init.normal_(p)
    x = pictures(1, 6, 6)[:, :2]
    gate, passing = block.conv1(x).split(2, dim=1)
    torch.testing.assert_close(block(x), x + block.conv2(gate * passing))


def test_fewer_than_no_gated_blocks_are_refused():
    with pytest.raises(ValueError, match="gated_blocks is their number"):
        DeblurGANv2Config(gated_blocks=-1)


def test_a_network_that_measures_is_not_local():
    assert build(norm_mode="instance").receptive_radius is None
    assert build(backbone=TIMM, norm_mode="running").receptive_radius is None


def test_everything_around_the_backbone_is_separable_in_dsc():
    model = build(backbone="mobilenet_dsc")
    around = [m for name, m in model.named_modules() if isinstance(m, nn.Conv2d) and not name.startswith("backbone")]
    wide = [m for m in around if m.kernel_size != (1, 1)]
    assert len(wide) == 14 and all(m.groups == m.in_channels for m in wide)
    assert not any(m.groups > 1 for name, m in build().named_modules() if isinstance(m, nn.Conv2d) and not name.startswith("backbone"))


def test_course_network_has_the_size_it_says():
    with torch.device("meta"):
        assert sum(p.numel() for p in DeblurGANv2(COURSE_MOBILENET).parameters()) == 2_438_979


def test_trying_a_backbone_leaves_no_trace():
    fresh = timm.create_model(TIMM, features_only=True, pretrained=False)
    model = DeblurGANv2(DeblurGANv2Config(backbone=TIMM, width=8))
    assert model.backbone.net.training and not moved(model.backbone.net, stored(fresh))


@pytest.mark.parametrize("name, sizes", [("convnext_atto", "16x16, 8x8"), ("vgg11", "64x64, 32x32"), ("legacy_xception", "29x29, 15x15")])
def test_a_backbone_with_other_maps_is_refused_with_the_sizes_it_shows(name, sizes):
    with torch.device("meta"), pytest.raises(ValueError, match=f"1/32 of the picture, but .* shows {sizes}"):
        DeblurGANv2(DeblurGANv2Config(backbone=name))


def test_a_backbone_that_breaks_is_refused_in_words():
    with torch.device("meta"), pytest.raises(ValueError, match="vit_tiny_patch16_224 cannot be the backbone of a feature pyramid"):
        DeblurGANv2(DeblurGANv2Config(backbone="vit_tiny_patch16_224"))


@pytest.mark.parametrize(
    "name, hint", [("resnet81", "did you mean resnet18"), ("mobilenet-v2", "did you mean mobilenet_v2"), ("?", "list_models")]
)
def test_an_unknown_backbone_is_answered_with_close_names(name, hint):
    with pytest.raises(ValueError, match=hint):
        DeblurGANv2Config(backbone=name)


@pytest.mark.parametrize("bad", [{"width": 6}, {"width": 0}, {"norm": "layer"}, {"norm_mode": "train"}, {"channels": 1}])
def test_configurations_are_checked(bad):
    with pytest.raises(ValueError):
        DeblurGANv2Config(**bad)


@pytest.mark.parametrize("backbone, size, message", [
    ("mobilenet_v2", (48, 70), "multiples of 32, got 48x70; .* crop to 32x64"),
    ("inception_resnet_v2", (96, 160), "at least 128x128"),
])  # fmt: skip
def test_a_size_that_does_not_fit_is_answered_with_what_to_do(backbone, size, message):
    with torch.device("meta"):
        model = DeblurGANv2(DeblurGANv2Config(backbone=backbone, width=8))
        with pytest.raises(ValueError, match=message):
            model(torch.empty(1, 3, *size))


def test_smallest_inception_picture():
    with torch.device("meta"):
        model = DeblurGANv2(DeblurGANv2Config(backbone="inception_resnet_v2", width=8)).eval()
        restored = model(torch.empty(1, 3, *model.min_size), explain=True)
    assert model.min_size == (128, 128) and restored.image.shape == (1, 3, 128, 128)
    assert [one.shape[-1] for one in restored.maps["pyramid"]] == [64, 32, 16, 8, 4]


def test_a_frozen_backbone_gets_no_gradient_until_it_thaws():
    model = build().train()
    model.freeze_backbone()
    model(pictures(2)).image.square().mean().backward()
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.grad is None} == {"backbone"}
    assert all(p.grad is not None for name, p in model.named_parameters() if not name.startswith("backbone"))
    model.unfreeze()
    model(pictures(2)).image.square().mean().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_construction_touches_no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    build()
    build(backbone=TIMM)


def test_imagenet_weights_from_a_file_of_torchvision(tmp_path):
    classifier, model = mobilenet_v2(weights=None), build()
    torch.save(classifier.state_dict(), tmp_path / "mobilenet_v2.pth")
    decoder = model.final.weight.clone()
    start_from_imagenet(model, tmp_path / "mobilenet_v2.pth")
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, classifier.state_dict()[key])
    assert torch.equal(model.final.weight, decoder)


def test_imagenet_weights_from_a_file_of_timm(tmp_path):
    """ghostnet's blocks have other names once timm has cut it."""
    classifier, model = timm.create_model("ghostnet_050", pretrained=False), build(backbone="ghostnet_050")
    torch.save(classifier.state_dict(), tmp_path / "weights.pth")
    start_from_imagenet(model, tmp_path / "weights.pth")
    for key, value in model.backbone.state_dict().items():
        assert torch.equal(value, classifier.state_dict()[key.removeprefix("net.").replace("blocks_", "blocks.")])


@pytest.mark.parametrize("backbone", ["mobilenet_v2", TIMM])
def test_a_file_of_another_network_is_refused_and_changes_nothing(backbone, tmp_path):
    torch.save(timm.create_model("lcnet_050", pretrained=False).state_dict(), tmp_path / "other.pth")
    model = build(backbone=backbone)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    with pytest.raises(CheckpointError):
        start_from_imagenet(model, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="no file"):
        start_from_imagenet(model, tmp_path / "nowhere.pth")
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


@pytest.mark.parametrize(
    "backbone, address", [("mobilenet_v2", "mobilenet_v2-b0353104.pth"), (TIMM, "huggingface.co/timm/mobilenetv3_small_050")]
)
def test_without_internet_it_says_what_to_fetch_and_how_to_give_it(backbone, address, monkeypatch):
    model = build(backbone=backbone)

    def fail(*args, **kwargs):
        raise OSError("Name or service not known")

    monkeypatch.setattr(type(imagenet.MOBILENET), "get_state_dict", fail)
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(CheckpointError, match=rf"not known\).*{address}.*file="):
        start_from_imagenet(model)
