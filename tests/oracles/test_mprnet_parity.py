"""Our MPRNet is the authors' network: same weights, same output of every stage.

`mprnet_derain.npz` and `mprnet_deblur.npz` hold outputs of the authors' code under weights that a formula fills in, keyed by the
authors' tensor names; `mprnet_derain_keys.json` holds those names with their shapes. No trained weights are involved.
"""

import json

import numpy as np
import pytest
import torch
from official_weights import formula

from restorelab.errors import CheckpointError
from restorelab.models.mprnet import DEBLUR, DENOISE, DERAIN, LITE_DEBLUR, MPRNet, MPRNetConfig
from restorelab.official.files import read_state
from restorelab.official.mprnet import SLOPE, build, official_names, recognise

TASKS = {"derain": DERAIN, "deblur": DEBLUR}
SQUEEZE = ".CA.conv_du.0.weight"  # one in every attention block, as of the slope
PARAMETERS = [(DERAIN, 3_637_249), (DENOISE, 15_741_025), (DEBLUR, 20_127_073), (LITE_DEBLUR, 6_376_449)]


def official_keys(fixtures) -> dict[str, tuple[int, ...]]:
    """The authors' names; the shapes are deraining's."""
    return {key: tuple(shape) for key, shape in json.loads((fixtures / "mprnet_derain_keys.json").read_text())}


def filled(key: str, shape: tuple[int, ...]) -> torch.Tensor:
    return torch.full(shape, 0.25) if key.endswith(SLOPE) else formula(key, shape, gain=0.5)


def official_state(cfg: MPRNetConfig, fixtures) -> dict[str, torch.Tensor]:
    with torch.device("meta"):
        ours = MPRNet(cfg).state_dict()
    names = official_names(cfg.cabs)
    return {key: filled(key, tuple(ours[names[key]].shape) if key in names else (1,)) for key in official_keys(fixtures)}


def picture() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32))


@pytest.mark.parametrize("task", TASKS)
def test_every_stage_equals_the_authors(task, fixtures):
    state = official_state(TASKS[task], fixtures)
    model = build(state)
    assert recognise(state) and model.cfg == TASKS[task] and not model.training
    with torch.inference_mode():
        restored = model(picture())
    want = np.load(fixtures / f"mprnet_{task}.npz")
    for number, image in enumerate(restored.stages, 1):
        np.testing.assert_allclose(image, want[f"stage{number}"], atol=1e-5, rtol=0)


def test_bfloat16_stays_close(fixtures):
    model, image = build(official_state(DERAIN, fixtures)), picture()
    with torch.inference_mode():
        exact = model(image).stages
        with torch.autocast("cpu", torch.bfloat16):
            rough = model(image).stages
    for a, b in zip(exact, rough, strict=True):
        error = (a.clamp(0, 1) - b.float().clamp(0, 1)).square().mean()
        assert -10 * torch.log10(error) >= 45


@pytest.mark.parametrize("cfg, parameters", PARAMETERS)
def test_parameter_counts_equal_the_authors(cfg, parameters):
    with torch.device("meta"):
        assert sum(p.numel() for p in MPRNet(cfg).parameters()) == parameters


def test_our_names_and_shapes_are_one_to_one_with_the_authors(fixtures):
    keys, names = official_keys(fixtures), official_names(DERAIN.cabs)
    with torch.device("meta"):
        ours = MPRNet(DERAIN).state_dict()
    assert keys.keys() - names.keys() == {key for key in keys if key.endswith(SLOPE)} and len(keys) == len(names) + 55
    assert {names[key]: shape for key, shape in keys.items() if key in names} | {"slope": (1,)} == {
        name: tuple(value.shape) for name, value in ours.items()
    }


def small_release() -> tuple[MPRNet, dict[str, torch.Tensor]]:
    """A grey MPRNet of no task and its weights under the authors' names."""
    torch.manual_seed(0)
    model = MPRNet(MPRNetConfig(width=6, unet_growth=4, orsnet_growth=2, cabs=1, reduction=3, channels=1)).eval()
    ours = model.state_dict()
    state = {official: ours[name] for official, name in official_names(1).items()}
    squeezes = [key for key in state if key.endswith(SQUEEZE)]
    return model, state | {key.replace(SQUEEZE, SLOPE): ours["slope"].clone() for key in squeezes}


def test_the_configuration_is_read_off_the_file(tmp_path):
    """As a training script saves it: on several GPUs, beside the optimizer."""
    model, state = small_release()
    content = {"epoch": 3, "state_dict": {f"module.{key}": value for key, value in state.items()}, "optimizer": {}}
    torch.save(content, tmp_path / "model_denoising.pth")
    found = build(read_state(tmp_path / "model_denoising.pth"))
    image = torch.rand(1, 1, 16, 24)
    assert found.cfg == model.cfg and torch.equal(found(image).image, model(image).image)


def test_slopes_that_differ_are_refused():
    _, state = small_release()
    state["stage2_decoder.skip_attn1" + SLOPE] = torch.full((1,), 0.3)
    with pytest.raises(CheckpointError, match="several .such as stage2_decoder.skip_attn1"):
        build(state)


@pytest.mark.parametrize("lost", ["stage2_decoder.skip_attn1" + SLOPE, "concat23.weight", "sam12.conv1.weight"])
def test_a_file_that_is_not_whole_is_refused(lost):
    _, state = small_release()
    del state[lost]
    with pytest.raises(CheckpointError):
        build(state)


def test_a_tensor_that_mprnet_lacks_is_named():
    _, state = small_release()
    with pytest.raises(CheckpointError, match="stage4_orsnet.weight"):
        build(state | {"stage4_orsnet.weight": torch.zeros(1)})


def test_other_networks_are_not_recognised():
    assert not recognise({"encoder_lv1.layer1.weight": torch.zeros(1), "stage1.weight": torch.zeros(1)})
