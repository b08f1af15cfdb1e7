"""Our discriminators are the authors': same weights, same logits.

`deblurganv2_discriminators.npz` (DeblurGAN-v2 at c16bd9f) and `ciplab_unetd.npz` (CIPLab at 1cbc5ce) hold outputs of the authors' code,
float32, one CPU thread, under weights that a formula fills in, keyed by the authors' tensor names.
"""

import numpy as np
import pytest
import torch
from official_weights import formula

from restorelab.errors import CheckpointError
from restorelab.models.discriminators import GLOBAL, LOCAL, PatchGAN
from restorelab.official.x16 import build_unet_discriminator

PATCHES = {"patch_n3": (LOCAL, 2_764_737), "full_n5": (GLOBAL, 11_154_369)}
GAINS = {"g05": 0.5, "g10": 1.0}
ENCODER = [3, 64, 128, 192, 256, 320, 384]
DECODER = [(384, 320), (640, 256), (512, 192), (384, 128), (256, 64), (128, 32)]


def picture(batch: int, height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((batch, 3, height, width), dtype=np.float32))


def unet_shapes() -> dict[str, tuple[int, ...]]:
    """Every tensor in the authors' file, the half that never runs included."""
    blocks = {f"enc_b{i}": pair for i, pair in enumerate(zip(ENCODER, ENCODER[1:], strict=False), start=1)}
    blocks |= {f"dec_b{i}": pair for i, pair in enumerate(DECODER, start=1)}
    shapes = {"enc_out.weight": (1, 384, 1, 1), "enc_out.bias": (1,), "dec_out.weight": (1, 32, 1, 1), "dec_out.bias": (1,)}
    for block, (before, after) in blocks.items():
        for layer, shape in {"conv1": (after, before, 3, 3), "conv2": (after, after, 3, 3), "conv_sc": (after, before, 1, 1)}.items():
            shapes |= {f"{block}.{layer}.weight": shape, f"{block}.{layer}.bias": (after,)}
        for layer in ("bn1", "bn2"):
            shapes |= {f"{block}.{layer}.{kind}": (after,) for kind in ("weight", "bias", "running_mean", "running_var")}
            shapes[f"{block}.{layer}.num_batches_tracked"] = ()
    return shapes


def unet_state(gain: float) -> dict[str, torch.Tensor]:
    return {key: formula(key, shape, gain) for key, shape in unet_shapes().items()}


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("tag", GAINS)
@pytest.mark.parametrize("name", PATCHES)
def test_patch_logits_equal_the_authors(name, tag, mode, fixtures):
    depth, parameters = PATCHES[name]
    model = PatchGAN(depth)
    assert sum(p.numel() for p in model.parameters()) == parameters
    shapes = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    model.load_state_dict({key: formula(key.replace("layers", "model"), shape, GAINS[tag]) for key, shape in shapes.items()})
    with torch.inference_mode():
        logits = model.train(mode == "train")(picture(1, 64, 96))
    want = np.load(fixtures / "deblurganv2_discriminators.npz")[f"d_{name}_{tag}_{mode}"]
    np.testing.assert_allclose(logits, want, atol=1e-5 if mode == "eval" else 1e-4, rtol=0)


@pytest.mark.parametrize("mode, size, atol", [("eval", (1, 64, 128), 1e-5), ("train", (2, 128, 128), 1e-4)])
@pytest.mark.parametrize("tag", GAINS)
def test_unet_verdict_and_features_equal_the_authors(tag, mode, size, atol, fixtures):
    model = build_unet_discriminator(unet_state(GAINS[tag]))
    assert not model.training
    with torch.inference_mode():
        verdict = model.train(mode == "train")(picture(*size))
    want = np.load(fixtures / "ciplab_unetd.npz")
    stats = np.array([[float(feature.mean()), float(feature.std())] for feature in verdict.features])
    got = {"e_out": verdict.encoder_map, "d_out": verdict.decoder_map, "enc_stats": stats[:6], "dec_stats": stats[6:]}
    for name, value in got.items():
        np.testing.assert_allclose(value, want[f"unetd_{tag}_{mode}_{name}"], atol=atol, rtol=0)


def test_half_of_the_authors_unet_never_runs():
    shapes = unet_shapes()
    count = {key: int(np.prod(shape)) for key, shape in shapes.items() if not key.endswith(("mean", "var", "tracked"))}
    dead = sum(size for key, size in count.items() if any(part in key for part in ("conv2", "conv_sc", "bn2")))
    assert (len(shapes), sum(count.values()), dead) == (196, 12_823_810, 6_142_272)
    live = build_unet_discriminator(unet_state(0.5))
    assert sum(p.numel() for p in live.parameters()) == 12_823_810 - 6_142_272 == 6_681_538


@pytest.mark.parametrize(
    "change, words",
    [
        (lambda state: state.pop("dec_b3.bn1.running_var"), "1 missing"),
        (lambda state: state.pop("enc_b1.conv1.weight"), "it has no enc_b1.conv1.weight"),
        (lambda state: state.update({"enc_b1.conv3.weight": torch.zeros(1)}), "it has a tensor enc_b1.conv3.weight"),
        (lambda state: state.update({"enc_out.weight": torch.zeros(1, 100, 1, 1)}), "1 of another shape"),
    ],
)
def test_a_file_that_is_not_the_authors_unet_is_refused(change, words):
    state = {key: torch.zeros(shape) for key, shape in unet_shapes().items()}
    change(state)
    with pytest.raises(CheckpointError, match=words):
        build_unet_discriminator(state)
