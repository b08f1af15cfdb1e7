"""Our DMPHN is the authors' network: same weights, same output.

The fixtures hold outputs of the authors' code under weights that a formula fills in, keyed by the authors' tensor names.
"""

import json

import numpy as np
import pytest
import torch
from official_weights import formula

from restorelab.errors import CheckpointError
from restorelab.models.dmphn import DMPHN, OFFSET, DMPHNConfig
from restorelab.official.dmphn import DECODER, ENCODER, build, dmphn_key, read_folder

LEVELS = {"dmphn_1_2_4": 3, "dmphn_1_2_4_8": 4}
GAIN = 0.75


def official_keys(levels: int) -> list[str]:
    """Every tensor name in the authors' files for this many levels."""
    single = {"layer1", "layer5", "layer9", "layer16", "layer20", "layer24"}
    keys = []
    for level in range(1, levels + 1):
        for part, layers in (("encoder", ENCODER), ("decoder", DECODER)):
            for layer in layers:
                for place in [""] if layer in single else ["0.", "2."]:
                    keys += [f"{part}_lv{level}.{layer}.{place}{kind}" for kind in ("weight", "bias")]
    return keys


def official_state(levels: int) -> dict[str, torch.Tensor]:
    shapes = DMPHN(DMPHNConfig(patches=tuple(2**i for i in range(levels)))).state_dict()
    return {key: formula(key, tuple(shapes[dmphn_key(key)].shape), GAIN) for key in official_keys(levels)}


@pytest.mark.parametrize("name", LEVELS)
def test_output_and_residuals_equal_the_authors(name, fixtures):
    model = DMPHN(DMPHNConfig(patches=tuple(2**i for i in range(LEVELS[name]))))
    model.load_state_dict({dmphn_key(key): value for key, value in official_state(LEVELS[name]).items()})
    image = torch.from_numpy(np.random.default_rng(0).random((1, 3, 64, 96), dtype=np.float32))
    with torch.inference_mode():
        restored = model(image, explain=True)
    want = np.load(fixtures / f"{name}.npz")
    np.testing.assert_allclose(restored.image - OFFSET, want["deblurred_lv1"], atol=1e-5, rtol=0)
    for level in range(2, LEVELS[name] + 1):
        np.testing.assert_allclose(restored.maps["residual"][level - 1], want[f"residual_lv{level}"], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "patches, stacks, millions",
    [
        ((1, 2, 4), 1, 5.424393),
        ((1, 2, 4, 8), 1, 7.232524),
        ((1, 2, 4), 2, 10.848786),
        ((1, 2, 4), 3, 16.273179),
        ((1, 2, 4), 4, 21.697572),
    ],
)
def test_parameter_counts_equal_the_released_files(patches, stacks, millions):
    model = DMPHN(DMPHNConfig(patches=patches, stacks=stacks))
    assert sum(p.numel() for p in model.parameters()) == round(millions * 1e6)


def write_release(folder, levels: int) -> None:
    modules = {}
    for key, value in official_state(levels).items():
        module, name = key.split(".", 1)
        modules.setdefault(module, {})[name] = value
    for module, state in modules.items():
        torch.save(state, folder / f"{module}.pkl", _use_new_zipfile_serialization=False)


def test_reads_the_authors_folder_of_pickles(tmp_path):
    write_release(tmp_path, 3)
    model = build(read_folder(tmp_path))
    assert model.cfg.patches == (1, 2, 4)
    key = "decoder_lv3.layer24.bias"
    assert torch.equal(model.state_dict()[dmphn_key(key)], formula(key, (3,), GAIN))


@pytest.mark.parametrize("levels, stacks", [(1, 1), (2, 1), (4, 1), (3, 2), (3, 4)])
def test_levels_stacks_and_width_are_read_off_the_names_and_shapes(levels, stacks, fixtures):
    """The single model's files are encoder_lv1.pkl, ...; a stack's are encoder_s1_lv1.pkl, ..."""
    torch.manual_seed(0)
    model = DMPHN(DMPHNConfig(patches=tuple(2**i for i in range(levels)), stacks=stacks, width=2)).eval()
    ours, keys = model.state_dict(), json.loads((fixtures / "dmphn_keys.json").read_text())
    state = {}
    for stack in range(1, stacks + 1):
        for level in range(1, levels + 1):
            for part in ("encoder", "decoder"):
                module = f"{part}_s{stack}_lv{level}" if stacks > 1 else f"{part}_lv{level}"
                state |= {f"{module}.{key}": ours[dmphn_key(f"{module}.{key}")] for key in keys[part]}
    found = build(state)
    image = torch.rand(1, 3, 16, 16)
    assert len(state) == len(ours) and found.cfg == model.cfg and torch.equal(found(image).image, model(image).image)


def test_a_missing_file_is_not_replaced_by_random_weights(tmp_path):
    write_release(tmp_path, 3)
    (tmp_path / "decoder_lv2.pkl").unlink()
    with pytest.raises(CheckpointError, match="download it again"):
        build(read_folder(tmp_path))


def test_a_pickled_program_is_refused(tmp_path):
    write_release(tmp_path, 3)
    torch.save(torch.nn.Conv2d(1, 1, 1), tmp_path / "encoder_lv1.pkl")
    with pytest.raises(CheckpointError, match="pickled program"):
        build(read_folder(tmp_path))
