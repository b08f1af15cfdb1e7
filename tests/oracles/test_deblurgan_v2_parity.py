"""Our DeblurGAN-v2 is the authors' network: same weights, same output, with stored and with measured statistics.

The fixtures `deblurganv2_fpn_*.npz` hold outputs of the authors' code (VITA-Group/DeblurGANv2, c16bd9f) under weights that a formula
fills in, keyed by the first of the authors' two names of a tensor: every third pixel of the outputs and every third channel of
the maps. `*_keys.json.gz` lists all names and shapes of the authors' state dicts, second names and blocks that never run included.
"""

import gzip
import json

import numpy as np
import pytest
import torch
from official_weights import formula

from restorelab.errors import CheckpointError
from restorelab.models.deblurgan_v2 import PAPER_INCEPTION, PAPER_MOBILENET, PAPER_MOBILENET_DSC, DeblurGANv2
from restorelab.official.deblurgan_v2 import ALIAS, NEVER_RUN, build, deblurgan_key, first_name, recognise

BACKBONES = {"mobilenet": "mobilenet_v2", "inception": "inception_resnet_v2"}
SIZES = {"mobilenet": (64, 96), "inception": (128, 160)}
GAINS = {"g05": 0.5, "g10": 1.0}
TOLERANCE = {"eval": 1e-5, "train": 1e-3}


def official_names(fixtures, name: str) -> dict[str, tuple[int, ...]]:
    """Every name in the authors' state dict, and its shape."""
    with gzip.open(fixtures / f"deblurganv2_fpn_{name}_keys.json.gz") as file:
        return {key: tuple(shape) for key, shape in json.load(file)}


def without_second_names(names: dict) -> dict:
    return {key: value for key, value in names.items() if not key.startswith(ALIAS)}


def official_state(fixtures, name: str, gain: float = 0.5) -> dict[str, torch.Tensor]:
    names = official_names(fixtures, name)
    state = {key: formula(key, shape, gain) for key, shape in without_second_names(names).items()}
    return {key: state[first_name(key, BACKBONES[name]) if key.startswith(ALIAS) else key] for key in names}


@pytest.fixture(scope="module", params=[(name, tag) for name in BACKBONES for tag in GAINS], ids="_".join)
def filled(request):
    name, tag = request.param
    fixtures = request.path.parents[1] / "fixtures"
    return name, tag, build(official_state(fixtures, name, GAINS[tag])), np.load(fixtures / f"deblurganv2_fpn_{name}.npz")


def picture(name: str) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).random((1, 3, *SIZES[name]), dtype=np.float32))


def look(model, degraded, norm_mode=None):
    """-> what was restored, and what went into the tanh."""
    before_tanh = []
    hook = model.final.register_forward_hook(lambda module, inputs, output: before_tanh.append(output))
    with torch.inference_mode():
        restored = model(degraded, explain=True, norm_mode=norm_mode)
    hook.remove()
    return restored, before_tanh[0]


def compare(restored, before_tanh, want, prefix: str) -> None:
    close = dict(atol=TOLERANCE[prefix.split("_")[1]], rtol=0)
    out = (2 * restored.image - 1).clamp(-1, 1)
    np.testing.assert_allclose(out[..., ::3, ::3], want[f"{prefix}_out"], **close)
    if f"{prefix}_pretanh" in want:
        np.testing.assert_allclose(before_tanh[..., ::3, ::3], want[f"{prefix}_pretanh"], **close)
    pyramid = restored.maps["pyramid"]
    for i in (i for i in range(5) if f"{prefix}_map{i}" in want):
        np.testing.assert_allclose(pyramid[i][:, ::3], want[f"{prefix}_map{i}"], **close)
    statistics = [(float(one.mean()), float(one.std())) for one in pyramid]
    np.testing.assert_allclose(statistics, want[f"{prefix}_mapstats"], **close)


def test_stored_statistics_give_the_authors_eval_output(filled):
    name, tag, model, want = filled
    compare(*look(model, picture(name), "running"), want, f"{tag}_eval")


@pytest.mark.parametrize("filled", [(name, "g05") for name in BACKBONES], indirect=True, ids="_".join)
def test_measured_statistics_give_the_authors_train_output_and_leave_no_trace(filled):
    """What the authors' own inference computes, by calling train(): here in eval mode, and no buffer moves."""
    name, tag, model, want = filled
    before = {key: value.clone() for key, value in model.named_buffers()}
    compare(*look(model, picture(name)), want, f"{tag}_train")
    assert all(torch.equal(before[key], value) for key, value in model.named_buffers())


def test_training_gives_the_authors_train_output(fixtures):
    model = build(official_state(fixtures, "mobilenet")).train()
    compare(*look(model, picture("mobilenet"), "running"), np.load(fixtures / "deblurganv2_fpn_mobilenet.npz"), "g05_train")


@pytest.mark.parametrize("name, ours, theirs", [("mobilenet", 2_106_627, 3_312_707), ("inception", 35_840_099, 60_929_291)])
def test_parameter_counts_are_the_authors_less_what_never_runs(name, ours, theirs, fixtures):
    names = without_second_names(official_names(fixtures, name))
    sizes = {key: int(np.prod(shape)) for key, shape in names.items() if "running" not in key and "tracked" not in key}
    never_run = sum(size for key, size in sizes.items() if key.startswith(NEVER_RUN[BACKBONES[name]]))
    with torch.device("meta"):
        model = DeblurGANv2({"mobilenet": PAPER_MOBILENET, "inception": PAPER_INCEPTION}[name])
    assert sum(sizes.values()) == theirs
    assert sum(p.numel() for p in model.parameters()) == ours == theirs - never_run
    kept = {deblurgan_key(key): shape for key, shape in names.items() if not key.startswith(NEVER_RUN[BACKBONES[name]])}
    assert kept == {key: tuple(value.shape) for key, value in model.state_dict().items()}


def test_separable_parameter_count():
    """With the blocks that never run: 2.39 M."""
    with torch.device("meta"):
        model = DeblurGANv2(PAPER_MOBILENET_DSC)
    assert sum(p.numel() for p in model.parameters()) == 1_185_507 == 2_391_587 - 1_206_080


@pytest.mark.parametrize("name, names", [("mobilenet", 622), ("inception", 2384)])
def test_every_second_name_leads_to_a_first_of_the_same_shape(name, names, fixtures):
    official = official_names(fixtures, name)
    assert len(official) == names
    seconds = [key for key in official if key.startswith(ALIAS)]
    firsts = {first_name(key, BACKBONES[name]) for key in seconds}
    assert len(firsts) == len(seconds) and all(official[key] == official[first_name(key, BACKBONES[name])] for key in seconds)
    backbone = {key for key in official if key.startswith(("fpn.features.", "fpn.inception."))}
    assert backbone - firsts == {key for key in backbone if key.startswith(NEVER_RUN[BACKBONES[name]])}


def test_configuration_is_read_off_the_file(filled):
    name, _, model, _ = filled
    assert model.cfg == {"mobilenet": PAPER_MOBILENET, "inception": PAPER_INCEPTION}[name] and not model.training


def test_only_the_two_released_generators_are_recognised(fixtures):
    state = {key: torch.empty(shape, device="meta") for key, shape in official_names(fixtures, "inception").items()}
    assert recognise(state)
    assert not recognise({key: value for key, value in state.items() if not key.startswith("fpn.td")})  # fpn_inception_simple
    assert not recognise({"encoder_lv1.layer1.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match="not a released"):
        build({"encoder_lv1.layer1.weight": torch.zeros(1)})


def test_two_backbones_under_two_names_are_refused(fixtures):
    state = official_state(fixtures, "mobilenet")
    state["fpn.enc3.2.conv.3.weight"] = state["fpn.enc3.2.conv.3.weight"] + 1
    with pytest.raises(CheckpointError, match="fpn.features.9.conv.3.weight should be one tensor"):
        build(state)


def test_second_names_may_be_missing(fixtures):
    state = without_second_names(official_state(fixtures, "mobilenet"))
    assert build(state).cfg == PAPER_MOBILENET


@pytest.mark.parametrize(
    "key, value, message",
    [
        ("final.bias", None, "1 missing"),
        ("final.bias", torch.zeros(4), "1 of another shape"),
        ("head5.block0.weight", torch.zeros(1), "lacks"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(key, value, message, fixtures):
    state = official_state(fixtures, "mobilenet")
    state.pop(key, None)
    if value is not None:
        state[key] = value
    with pytest.raises(CheckpointError, match=message):
        build(state)
