"""Our UDVD is the public write-up's network: same weights, same three outputs.

`udvd_seednet.npz` holds the outputs of that network in float64 under weights that a formula fills in, keyed by its tensor names.
"""

import ast
import zlib

import numpy as np
import pytest
import torch

from restorelab.errors import CheckpointError
from restorelab.models.udvd import UDVD, UDVDConfig, kernel_at
from restorelab.official.udvd import build, recognise, taps_in_rows


@pytest.fixture(scope="module")
def stored(request):
    with np.load(request.path.parents[1] / "fixtures" / "udvd_seednet.npz") as file:
        return dict(file)


def formula(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    normal = np.random.default_rng([7, zlib.crc32(key.encode())]).standard_normal(shape)
    return torch.from_numpy(normal * (0.01 if len(shape) == 1 else np.prod(shape[1:]) ** -0.5))


def official_state(stored: dict) -> dict[str, torch.Tensor]:
    shapes = zip(stored["names"], stored["shapes"], strict=True)
    return {str(name): formula(str(name), ast.literal_eval(str(shape))) for name, shape in shapes}


@pytest.fixture(scope="module")
def state(stored):
    return official_state(stored)


@pytest.fixture(scope="module")
def model(state):
    """In float64 from the start: `build` makes a model in torch's default type."""
    torch.set_default_dtype(torch.float64)
    try:
        return build(state)
    finally:
        torch.set_default_dtype(torch.float32)


def test_the_three_outputs_are_the_write_ups(model, stored):
    lr, code, noise = (torch.from_numpy(stored[name]) for name in ("lr", "code", "noise"))
    with torch.inference_mode():
        stages = model(lr, torch.cat([code, noise], dim=1)).stages
    for stage, name in zip(stages, ("out1", "out2", "out3"), strict=True):
        want = stored[name]
        np.testing.assert_allclose(stage, want, atol=1e-9 * np.abs(want).max(), rtol=0)


def test_configuration_and_size_are_the_write_ups(model, state, stored):
    assert recognise(state) and not recognise({"head.weight": torch.zeros(1)})
    assert model.cfg == UDVDConfig(residual_scale=0.1, border="zeros", bicubic_start=False, alignment="shuffle")
    assert sum(p.numel() for p in model.parameters()) == stored["n_params"] and not model.training


@pytest.mark.parametrize("scale, size", [(1, 3), (2, 5)])
def test_taps_are_turned_the_right_way_round(scale, size):
    """Every channel of the write-up's order finds its place: channel (j*k + i)*s*s + dy*s + dx."""
    ours = taps_in_rows(torch.arange(scale**2 * size**2), scale, size).reshape(scale, scale, size, size)
    for dy in range(scale):
        for dx in range(scale):
            for i in range(size):
                for j in range(size):
                    assert ours[dy, dx, i, j] == (j * size + i) * scale**2 + dy * scale + dx


def test_a_loaded_filter_is_shown_the_right_way_round(state):
    """All filters of the U block moved to one tap: up two, right two. In the write-up's order that is tap 4*5 + 0."""
    moved = {key: value.clone() for key, value in state.items()}
    moved["UpDyConv.feat_kernel.weight"].zero_()
    moved["UpDyConv.feat_kernel.bias"].zero_()[4 * (4 * 5 + 0) :][:4] = 1
    model = build({key: value.float() for key, value in moved.items()})
    with torch.inference_mode():
        maps = model(torch.rand(1, 3, 4, 4), torch.rand(1, 16, 1, 1), stage=1, explain=True).maps
    assert kernel_at(maps, 0, 3, 6)[0].nonzero().tolist() == [[0, 4]]


def small_state() -> dict[str, torch.Tensor]:
    """The write-up's network in small, 3x3 taps and x3, made from ours."""
    ours = UDVD(UDVDConfig(scale=3, width=9, depth=1, kernel_size=3, pca=2, blocks="UD", alignment="shuffle", bicubic_start=False))
    names = {"blocks.0.": "UpDyConv.", "blocks.1.": "ComDyConv1.", "image_features": "image_conv", "project": "feat_conv.1"}
    names |= {"to_kernels": "feat_kernel", "to_residual": "feat_residual", "conv1": "conv.0", "conv2": "conv.2"}
    state = {}
    for key, value in ours.state_dict().items():
        for one, other in names.items():
            key = key.replace(one, other)
        state[key.replace("feat_residual.3", "feat_residual.2") if key.startswith("Com") else key] = value
    return state


def test_other_sizes_are_read_off_the_shapes():
    cfg = build(small_state()).cfg
    assert (cfg.scale, cfg.width, cfg.depth, cfg.kernel_size, cfg.pca, cfg.blocks) == (3, 9, 1, 3, 2, "UD")


@pytest.mark.parametrize("lost", ["head.weight", "UpDyConv.feat_kernel.weight", "ComDyConv1.feat_kernel.weight", "body.0.conv.0.bias"])
def test_a_missing_tensor_is_reported(lost):
    state = small_state()
    del state[lost]
    with pytest.raises(CheckpointError):
        build(state)


def test_an_unknown_or_misshaped_tensor_is_reported():
    with pytest.raises(CheckpointError, match="lacks"):
        build(small_state() | {"UpDyConv.attention.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="damaged"):
        build(small_state() | {"UpDyConv.feat_kernel.weight": torch.zeros(80, 41, 3, 3)})
    with pytest.raises(CheckpointError, match="another shape"):
        build(small_state() | {"body.0.conv.0.bias": torch.zeros(3)})
