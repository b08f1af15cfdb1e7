"""How far each logit sees, and what of. The oracle tests show that the numbers are the authors'."""

import dataclasses

import pytest
import torch

from restorelab.models.discriminators import GLOBAL, LOCAL, DoubleScale, PatchGAN, UNetDiscriminator


def transparent(model: torch.nn.Module) -> torch.nn.Module:
    """With positive weights nothing cancels, so the gradient is above 0 exactly where a logit looks."""
    for parameter in model.parameters():
        torch.nn.init.constant_(parameter, 0.1)
    return model.double().eval()


def seen_by(logit: torch.Tensor, image: torch.Tensor) -> tuple[int, int]:
    """Rows and columns of the input that have a gradient."""
    (gradient,) = torch.autograd.grad(logit, image, retain_graph=True)
    places = gradient[0, 0].nonzero()
    return tuple((places.max(0).values - places.min(0).values + 1).tolist())


def ones(side: int) -> torch.Tensor:
    return torch.ones(1, 1, side, side, dtype=torch.double, requires_grad=True)


@pytest.mark.parametrize("depth, field", [(LOCAL, 70), (GLOBAL, 286), (1, 16)])
def test_a_patch_logit_sees_the_published_patch(depth, field):
    model, image = transparent(PatchGAN(depth, channels=1, width=1)), ones(2 * field)
    logits = model(image)
    middle = logits.shape[-1] // 2
    assert seen_by(logits[0, 0, middle, middle], image) == (field, field) == (model.receptive_field,) * 2


@pytest.mark.parametrize("depth, spatial", [(LOCAL, [129, 65, 33, 34, 35]), (GLOBAL, [129, 65, 33, 17, 9, 10, 11])])
def test_resolution_after_each_convolution(depth, spatial):
    sides, x = [], torch.rand(1, 3, 256, 256)
    for layer in PatchGAN(depth, width=1).layers:
        x = layer(x)
        sides += [x.shape[-1]] * isinstance(layer, torch.nn.Conv2d)
    assert sides == spatial


def test_widths_double_up_to_eight_times_the_first():
    widths = [layer.out_channels for layer in PatchGAN(GLOBAL, width=4).layers if isinstance(layer, torch.nn.Conv2d)]
    assert widths == [4, 8, 16, 32, 32, 32, 1]


def test_in_training_a_patch_logit_sees_the_statistics_of_the_whole_picture():
    torch.manual_seed(0)
    model, image = PatchGAN(LOCAL, channels=1, width=2).double(), torch.rand(1, 1, 160, 160, dtype=torch.double, requires_grad=True)
    side = model.eval()(image).shape[-1]
    assert seen_by(model(image)[0, 0, side // 2, side // 2], image) == (70, 70)
    assert seen_by(model.train()(image)[0, 0, side // 2, side // 2], image) == (160, 160)


def test_both_scales_look_at_the_same_picture():
    torch.manual_seed(0)
    model, image = DoubleScale(width=2).eval(), torch.rand(2, 3, 64, 96)
    local_logits, global_logits = model(image)
    assert torch.equal(local_logits, model.local_scale(image)) and torch.equal(global_logits, model.global_scale(image))
    assert model.local_scale.receptive_field == 70 and model.global_scale.receptive_field == 286
    assert local_logits.shape == (2, 1, 11, 15) and global_logits.shape == (2, 1, 5, 6)


def test_the_encoder_sees_190_pixels_and_the_decoder_up_to_318():
    model, image = transparent(UNetDiscriminator(channels=1, width=2)), ones(512)
    verdict = model(image)
    assert seen_by(verdict.encoder_map[0, 0, 3, 3], image) == (190, 190)
    assert seen_by(verdict.decoder_map[0, 0, 200, 230], image) == (318, 318)
    assert seen_by(verdict.decoder_map[0, 0, 192, 255], image) == (254, 254)  # at the corner of a cell of 64


def test_the_verdict_holds_twelve_features_with_resolution_halved_and_doubled():
    verdict = UNetDiscriminator(width=4).eval()(torch.rand(2, 3, 64, 128))
    assert verdict.encoder_map.shape == (2, 1, 1, 2) and verdict.decoder_map.shape == (2, 1, 64, 128)
    assert [one.shape[1] for one in verdict.features] == [4, 8, 12, 16, 20, 24, 20, 16, 12, 8, 4, 2]
    assert [one.shape[2] for one in verdict.features] == [32, 16, 8, 4, 2, 1, 2, 4, 8, 16, 32, 64]
    assert any(one.min() < 0 for one in verdict.features)  # as they were before the LeakyReLU
    with pytest.raises(dataclasses.FrozenInstanceError):
        verdict.encoder_map = None


def test_a_generator_that_undershoots_below_0_is_seen_doing_it():
    """Nothing bends between the picture and the first convolution, so opposite pictures differ from a black one by opposite amounts."""
    torch.manual_seed(0)
    model, image = UNetDiscriminator(width=4).eval(), torch.rand(1, 3, 64, 64)
    plus, minus, black = (model(value * image).features[0] for value in (1, -1, 0))
    torch.testing.assert_close(plus + minus, 2 * black, atol=1e-5, rtol=0)


@pytest.mark.parametrize("height, width, words", [(96, 64, "64x64"), (130, 200, "128x192"), (32, 64, "64x64"), (0, 64, "64x64")])
def test_sides_that_are_not_multiples_of_64_are_refused_with_some_that_are(height, width, words):
    with pytest.raises(ValueError, match=f"got {height}x{width}; train on crops of {words}"):
        UNetDiscriminator(width=2)(torch.rand(1, 3, height, width))


@pytest.mark.parametrize("kind", [lambda: PatchGAN(LOCAL, width=2), lambda: DoubleScale(width=2), lambda: UNetDiscriminator(width=2)])
def test_judging_changes_no_statistics_and_pictures_are_judged_alone(kind):
    torch.manual_seed(0)
    model, images = kind().eval(), torch.rand(3, 3, 64, 64)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    together, alone = (flat(model(batch)) for batch in (images, images[1:2]))
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:2], other, atol=1e-6, rtol=1e-5)
    assert all(torch.equal(before[key], value) for key, value in model.state_dict().items())


def flat(answer) -> list[torch.Tensor]:
    if isinstance(answer, torch.Tensor):
        return [answer]
    return list(answer) if isinstance(answer, tuple) else [answer.encoder_map, answer.decoder_map, *answer.features]


def test_every_parameter_of_the_unet_receives_a_gradient():
    torch.manual_seed(0)
    model = UNetDiscriminator(width=4)
    verdict = model(torch.rand(2, 3, 128, 64))
    (verdict.encoder_map.square().mean() + verdict.decoder_map.square().mean()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


@pytest.mark.parametrize("bad", [lambda: PatchGAN(0), lambda: PatchGAN(3, width=0), lambda: UNetDiscriminator(width=3)])
def test_arguments_that_cannot_be_are_refused(bad):
    with pytest.raises(ValueError, match="got"):
        bad()
