"""Our x16 is CIPLab's generator and our x4 is ESRGAN's: same weights, same output, whatever names the weights came under.

`esrgan_rrdb.npz` holds outputs of the authors' code (ESRGAN at 73e9b63, CIPLab at 1cbc5ce; float32, one CPU thread) under weights that a
formula fills in, keyed by the authors' tensor names.
"""

from itertools import product

import numpy as np
import pytest
import torch
from official_weights import formula

from restorelab.errors import CheckpointError
from restorelab.models.x16 import ESRGAN_X4, PAPER_X16, RRDBCascade, RRDBCascadeConfig
from restorelab.official.files import read_state
from restorelab.official.x16 import build, recognise, start_from_esrgan

TINY = {"width": 16, "depth": 2, "growth": 8}
# stem, dense convolution of trunk t, the other layers of the trunks, last; "{t}" is empty for the first trunk and 2 for the second.
CIPLAB = ("conv_first", "RRDB_trunk{t}.{i}.RDB{j}.conv{k}", (("trunk_conv", "upconv1", "upconv2", "HRconv"),
          ("trunk_conv2", "upconv3", "upconv4", "HRconv2")), "conv_last")  # fmt: skip
STYLES = {
    "ESRGAN": CIPLAB,
    "BasicSR": ("conv_first", "body.{i}.rdb{j}.conv{k}", (("conv_body", "conv_up1", "conv_up2", "conv_hr"),), "conv_last"),
    "old ESRGAN": ("model.0", "model.1.sub.{i}.RDB{j}.conv{k}.0", (("model.1.sub.{d}", "model.3", "model.6", "model.8"),), "model.10"),
}


def official_shapes(style: tuple, width: int, depth: int, growth: int, trunks: int) -> dict[str, tuple[int, ...]]:
    stem, dense, others, last = style
    layers = {stem: (width, 3)}
    for trunk, mark in zip(range(trunks), ("", "2"), strict=False):
        for i, j, k in product(range(depth), range(1, 4), range(1, 6)):
            layers[dense.format(t=mark, i=i, j=j, k=k)] = (width if k == 5 else growth, width + (k - 1) * growth)
        layers |= {name.format(d=depth): (width, width) for name in others[trunk]}
    layers[last] = (3, width)
    return {
        f"{name}.{kind}": (*pair, 3, 3) if kind == "weight" else pair[:1] for name, pair in layers.items() for kind in ("weight", "bias")
    }


def official_state(style: str = "ESRGAN", gain: float = 0.5, trunks: int = 1, width: int = 64, depth: int = 23, growth: int = 32) -> dict:
    """The formula's weights, under the names of a style; they are drawn by the names of the ESRGAN repository."""
    shapes = official_shapes(CIPLAB, width, depth, growth, trunks)
    names = official_shapes(STYLES[style], width, depth, growth, trunks)
    return {name: formula(key, shape, gain) for name, (key, shape) in zip(names, shapes.items(), strict=True)}


def picture(height: int, width: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((1, 3, height, width), dtype=np.float32))


CASES = {
    "rrdbnet_nf64_nb23_g05_out": ({"trunks": 1}, (16, 24), ESRGAN_X4.scale),
    "rrdbnetx4x4_nf64_nb23_g05_out": ({"trunks": 2}, (6, 8), PAPER_X16.scale),
    "rrdbnet_nf16_nb2_gc8_g10_out": ({"trunks": 1, "gain": 1.0, **TINY}, (16, 24), 4),
    "rrdbnetx4x4_nf16_nb2_gc8_g10_out": ({"trunks": 2, "gain": 1.0, **TINY}, (6, 8), 16),
}


@pytest.mark.parametrize("name", CASES)
def test_output_equals_the_authors(name, fixtures):
    arguments, size, scale = CASES[name]
    model = build(official_state(**arguments))
    assert model.scale == scale and not model.training
    with torch.inference_mode():
        image = model(picture(*size)).image
    np.testing.assert_allclose(image, np.load(fixtures / "esrgan_rrdb.npz")[name], atol=1e-5, rtol=0)


def test_a_larger_picture_equals_the_authors(fixtures):
    want = np.load(fixtures / "esrgan_rrdb.npz")
    with torch.inference_mode():
        image = build(official_state(**TINY))(picture(64, 96)).image
    np.testing.assert_allclose(image[..., ::4, ::4], want["rrdbnet_nf16_nb2_gc8_g05_lr64x96_stride4"], atol=1e-5, rtol=0)
    meanstd = [float(image.mean()), float(image.std())]
    np.testing.assert_allclose(meanstd, want["rrdbnet_nf16_nb2_gc8_g05_lr64x96_meanstd"], atol=1e-5, rtol=0)


@pytest.mark.parametrize("trunks, tensors, parameters", [(1, 702, 16_697_987), (2, 1400, 33_392_451)])
def test_the_names_and_numbers_are_the_published_ones(trunks, tensors, parameters):
    shapes = official_shapes(CIPLAB, 64, 23, 32, trunks)
    assert len(shapes) == tensors and sum(int(np.prod(shape)) for shape in shapes.values()) == parameters


@pytest.mark.parametrize("style", STYLES)
def test_every_way_of_naming_gives_the_same_model(style):
    state = official_state(style, **TINY)
    assert recognise(state)
    model = build(state)
    assert model.cfg == RRDBCascadeConfig(scale=4, **TINY)
    reference = build(official_state("ESRGAN", **TINY)).state_dict()
    assert all(torch.equal(value, reference[key]) for key, value in model.state_dict().items())


def test_an_old_x2_is_told_from_its_numbers():
    state = official_state("old ESRGAN", **TINY)
    fewer = {"model.6": None, "model.8": "model.5", "model.10": "model.7"}
    x2 = {}
    for key, value in state.items():
        layer, kind = key.rsplit(".", 1)
        if fewer.get(layer, layer):
            x2[f"{fewer.get(layer, layer)}.{kind}"] = value
    model = build(x2)
    assert model.scale == 2 and torch.equal(model.trunks[0].refine.weight, state["model.8.weight"])


def test_an_old_x8_in_one_trunk_is_refused():
    state = official_state("old ESRGAN", **TINY)
    state |= {f"model.{number}.{kind}": state[f"model.8.{kind}"] for number in (9, 11) for kind in ("weight", "bias")}
    with pytest.raises(CheckpointError, match="double the resolution 4 times"):
        build(state)


@pytest.mark.parametrize("channels", [12, 48])
def test_a_network_that_unshuffles_pixels_is_refused_by_name(channels):
    state = official_state("BasicSR", **TINY)
    state["conv_first.weight"] = torch.zeros(16, channels, 3, 3)
    with pytest.raises(CheckpointError, match=f"unshuffles the picture's pixels into {channels} channels"):
        build(state)


@pytest.mark.parametrize(
    "lost, words",
    [("conv_first.weight", "not whole"), ("RRDB_trunk.1.RDB2.conv3.bias", "1 missing"), ("HRconv.weight", "1 missing")],
)
def test_a_file_that_is_not_whole_is_refused(lost, words):
    state = official_state(**TINY)
    del state[lost]
    with pytest.raises(CheckpointError, match=words):
        build(state)


def test_a_stranger_is_neither_recognised_nor_built():
    state = {"model.0.weight": torch.zeros(64, 3, 4, 4), "model.2.weight": torch.zeros(128, 64, 4, 4)}
    assert not recognise(state)
    with pytest.raises(CheckpointError, match="not a published RRDB network"):
        build(state)


def test_a_file_of_ciplab_is_a_pickled_program_and_stays_closed(tmp_path):
    torch.save(RRDBCascade(RRDBCascadeConfig(**TINY)), tmp_path / "generator.pth")
    with pytest.raises(CheckpointError, match="pickled program"):
        read_state(tmp_path / "generator.pth")


@pytest.mark.parametrize("style", STYLES)
def test_both_trunks_start_from_one_esrgan(style):
    model = RRDBCascade(RRDBCascadeConfig(**TINY))
    state = official_state(style, **TINY)
    start_from_esrgan(model, state)
    want = build(state)
    for trunk in model.trunks:
        assert all(torch.equal(value, want.trunks[0].state_dict()[key]) for key, value in trunk.state_dict().items())
    assert torch.equal(model.stem.weight, want.stem.weight) and torch.equal(model.last.bias, want.last.bias)


def test_only_what_fits_is_a_start():
    state = official_state(**TINY)
    with pytest.raises(ValueError, match="only a x16 model"):
        start_from_esrgan(RRDBCascade(RRDBCascadeConfig(scale=8, **TINY)), state)
    deeper = RRDBCascade(RRDBCascadeConfig(width=16, depth=3, growth=8))
    before = {key: value.clone() for key, value in deeper.state_dict().items()}
    with pytest.raises(CheckpointError, match="60 missing"):
        start_from_esrgan(deeper, state)
    assert all(torch.equal(before[key], value) for key, value in deeper.state_dict().items())
    with pytest.raises(CheckpointError, match="start from a x4 network"):
        start_from_esrgan(RRDBCascade(RRDBCascadeConfig(**TINY)), official_state(trunks=2, **TINY))
