"""The course trunk with weights of any kind: what LPIPS promises holds for it. That the shipped ones are good, the oracle tests show."""

import json
import shutil

import pytest
import torch
from safetensors.torch import save as write_tensors

from restorelab.errors import CheckpointError, ParameterError
from restorelab.files import sha256_of, write_with_sum
from restorelab.losses.perceptual import PerceptualLoss
from restorelab.metrics.course_trunk import (
    FORMAT,
    LABEL,
    MIN_SIDE,
    WEIGHTS,
    WIDTHS,
    CourseDistance,
    CourseTrunk,
    load_course_trunk,
    perceptual_distance,
    random_state,
    read_manifest,
)
from restorelab.metrics.feature_distance import unit_length
from restorelab.metrics.lpips import LPIPS
from restorelab.metrics.reference_features import ReferenceFeatures
from restorelab.tensor_file import KEY
from restorelab.trunks import FILES, Trunk, TrunkFile


@pytest.fixture(scope="module", params=["shipped", "random"])
def metric(request) -> CourseDistance:
    return CourseDistance() if request.param == "shipped" else CourseDistance(random_state(0))


def pictures(count: int = 2, side: int = 40, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(seed))


def test_zero_for_equal_pictures_symmetric_and_growing_with_the_noise(metric):
    clean, noise = pictures(), pictures(seed=1)
    distances = [metric(clean + weight * (noise - clean), clean).mean().item() for weight in (0.0, 0.1, 0.3, 1.0)]
    assert distances[0] == 0 and distances == sorted(set(distances))
    assert torch.equal(metric(noise, clean), metric(clean, noise))


def test_it_is_the_published_formula(metric):
    """Zhang et al. 2018, equation 1, pixel by pixel."""
    restored, clean = pictures(1, 16), pictures(1, 16, seed=1)
    total = 0.0
    for number, (a, b) in enumerate(zip(metric.trunk(restored), metric.trunk(clean), strict=True)):
        weights, (_, _, height, width) = metric.get_buffer(f"head{number}").flatten(), a.shape
        for y in range(height):
            for x in range(width):
                ours, theirs = (v[0, :, y, x] / max(v[0, :, y, x].norm().item(), 1e-5) for v in (a, b))
                total += (weights * (ours - theirs) ** 2).sum().item() / (height * width)
    assert metric(restored, clean).item() == pytest.approx(total, rel=1e-4)


def test_used_as_lpips_is(metric):
    """Kept features, batches, labels, frozen weights, evaluation mode."""
    lpips = LPIPS("squeeze", stand_in=True)
    restored, clean = pictures(3), pictures(3, seed=1)
    for network in (metric, lpips):
        whole = network(restored, clean)
        assert whole.shape == (3,) and isinstance(network.label, str)
        torch.testing.assert_close(network.distance(network.features(restored), network.features(clean)), whole)
        torch.testing.assert_close(torch.cat([network(restored[i : i + 1], clean[i : i + 1]) for i in range(3)]), whole)
        assert network.features(restored * 3 - 1, check=False)[0].isfinite().all()
        assert not any(parameter.requires_grad for parameter in network.parameters())
        assert torch.equal(network.train()(restored, clean), whole)


def test_the_trunk_is_small_and_halves_its_picture():
    trunk = CourseTrunk()
    assert sum(parameter.numel() for parameter in trunk.parameters()) == 468_816
    layers = trunk(pictures(1, 32))
    assert [tuple(layer.shape[1:]) for layer in layers] == [(width, 32 >> n, 32 >> n) for n, width in enumerate(WIDTHS)]
    assert all(layer.min() >= 0 for layer in layers)  # after a ReLU


@pytest.mark.parametrize("wrong", [pictures() * 2 - 1, pictures() * 255, pictures() / 0, torch.full((2, 3, 40, 40), torch.nan)])
def test_another_range_is_refused(metric, wrong):
    for pair in ((wrong, pictures()), (pictures(), wrong)):
        with pytest.raises(ParameterError, match=r"\[0, 1\]"):
            metric(*pair)


def test_shapes_that_cannot_be_compared_are_refused(metric):
    assert metric(1 - pictures(1, MIN_SIDE), pictures(1, MIN_SIDE)).isfinite().all()
    with pytest.raises(ParameterError, match=f"at least {MIN_SIDE} pixels"):
        metric(pictures(1, MIN_SIDE - 1), pictures(1, MIN_SIDE - 1))
    with pytest.raises(ParameterError, match="one shape"):
        metric(pictures(), pictures(side=64))
    with pytest.raises(ParameterError, match="with colours"):
        metric(pictures()[:, :1], pictures()[:, :1])


def test_gradient_is_finite_where_all_features_are_zero():
    x = torch.zeros(1, 4, 2, 2, requires_grad=True)
    unit_length(x).sum().backward()
    assert x.grad.isfinite().all()
    state = random_state(0)
    state["trunk.stages.0.0.bias"] = torch.full((WIDTHS[0],), -1000.0)  # after the first ReLU nothing is left
    restored = pictures().requires_grad_()
    CourseDistance(state)(restored, pictures(seed=1)).sum().backward()
    assert restored.grad.isfinite().all()


def test_gradient_descent_comes_nearer(metric):
    clean, restored = pictures(1), pictures(1, seed=1).requires_grad_()
    before = metric(restored, clean)
    (gradient,) = torch.autograd.grad(before.sum(), restored)
    after = metric((restored - 2 * gradient / gradient.norm()).clamp(0, 1), clean)
    assert after.item() < before.item()


def test_float32_under_autocast_and_with_bfloat16_pictures(metric):
    restored, clean = pictures().bfloat16(), pictures(seed=1).bfloat16()
    exact = metric(restored.float(), clean.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(metric(restored, clean), exact)


# The file


@pytest.fixture
def copy(tmp_path):
    path = tmp_path / WEIGHTS.name
    for suffix in ("", ".sha256"):
        shutil.copy(f"{WEIGHTS}{suffix}", f"{path}{suffix}")
    return path


def test_a_copy_is_as_good(copy):
    assert all(torch.equal(value, load_course_trunk()[key]) for key, value in load_course_trunk(copy).items())
    assert read_manifest(copy) == read_manifest()


@pytest.mark.parametrize("place", [0.0, 0.001, 0.5, 0.999])
def test_a_flipped_bit_is_found(copy, place):
    data = bytearray(copy.read_bytes())
    data[int(place * len(data))] ^= 4
    copy.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        load_course_trunk(copy)


def test_a_file_that_is_missing_cut_off_or_alone_is_answered_with_a_sentence(copy):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_course_trunk(copy.with_name("none.safetensors"))
    copy.write_bytes(copy.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="damaged"):
        load_course_trunk(copy)
    copy.with_name(copy.name + ".sha256").unlink()
    with pytest.raises(CheckpointError, match="damaged"):
        load_course_trunk(copy)


HEADERS = [None, {}, {KEY: "no JSON"}, {KEY: "[]"}, {KEY: json.dumps({"format": "another"})}, {KEY: json.dumps({"format": FORMAT})}]


@pytest.mark.parametrize("header", HEADERS)
def test_a_whole_file_of_another_kind_is_refused(tmp_path, header):
    path = tmp_path / "other.safetensors"
    write_with_sum(path, write_tensors({"x": torch.zeros(1)}, header))
    with pytest.raises(CheckpointError, match="no course trunk"):
        load_course_trunk(path)
    write_with_sum(path, b"not safetensors")
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        load_course_trunk(path)


def test_a_state_that_does_not_fit_is_refused():
    whole = random_state(0)
    spoiled = [
        {key: value for key, value in whole.items() if key != "head0"},
        whole | {"more": torch.zeros(1)},
        whole | {"head0": torch.ones(1, 3, 1, 1)},
    ]
    for state in spoiled:
        with pytest.raises(CheckpointError, match="1 tensors do not fit"):
            CourseDistance(state)
    with pytest.raises(CheckpointError, match="negative"):
        CourseDistance(whole | {"head0": -whole["head0"]})


# LPIPS where it can be had


@pytest.fixture
def cache(monkeypatch, tmp_path):
    """PyTorch's cache folder, empty; a download would be an error."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr("torch.hub.download_url_to_file", lambda *_, **__: pytest.fail("tried to download"))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def squeeze(monkeypatch, tmp_path):
    """A stand-in for torchvision's file, with the sum of what it is."""
    path = tmp_path / "squeeze.pth"
    trunk = Trunk("squeezenet1_1", (12,), stand_in=True)
    torch.save({f"features.{key}": value for key, value in trunk.features.state_dict().items()}, path)
    file = TrunkFile(FILES["squeezenet1_1"].name, sha256_of(path.read_bytes()), 5.0)
    monkeypatch.setitem(FILES, "squeezenet1_1", file)
    return path


def test_without_a_trunk_it_is_the_course_trunk_and_says_so(cache):
    for prefer in ("alex", "vgg", "squeeze", "course"):
        assert perceptual_distance(prefer).label == LABEL == "course trunk, not LPIPS"


def test_with_the_trunk_in_the_cache_it_is_lpips(cache, squeeze):
    shutil.copy(squeeze, cache / FILES["squeezenet1_1"].name)
    found = perceptual_distance("squeeze")
    assert found.label == "LPIPS (squeeze, v0.1)" and isinstance(found, LPIPS)
    assert perceptual_distance("alex").label == LABEL  # another trunk is no substitute
    assert perceptual_distance("course").label == LABEL


def test_with_a_file_given_it_is_lpips_and_nothing_else(cache, squeeze):
    assert perceptual_distance("squeeze", squeeze).label == "LPIPS (squeeze, v0.1)"
    with pytest.raises(CheckpointError, match="cannot be read"):
        perceptual_distance("squeeze", squeeze.with_name("none.pth"))


def test_a_damaged_trunk_is_an_error_and_no_reason_for_another_distance(cache):
    (cache / FILES["alexnet"].name).write_bytes(b"half a download")
    with pytest.raises(CheckpointError, match="damaged"):
        perceptual_distance("alex")


def test_an_unknown_name_is_answered_with_a_sentence():
    with pytest.raises(ParameterError, match="Did you mean course"):
        perceptual_distance("curse")


def test_random_states_differ_by_seed_alone():
    first, again, other = random_state(0), random_state(0), random_state(1)
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["trunk.stages.4.3.weight"], other["trunk.stages.4.3.weight"])
    assert CourseDistance(first, "random").label == "random"


def test_a_loss_and_kept_features_take_either_distance(cache):
    loss = PerceptualLoss()
    clean = pictures()
    restored = (clean * 1.3 - 0.15).requires_grad_()  # leaves [0, 1] on both sides
    loss(restored, clean).backward()
    assert loss.label == LABEL and restored.grad.isfinite().all()
    outside = (restored < 0) | (restored > 1)
    assert outside.any() and (restored.grad[outside] != 0).float().mean() > 0.9
    kept = ReferenceFeatures(perceptual_distance())
    found = [kept(pictures(seed=1)[n], clean[n]) for n in range(2)]
    assert found == pytest.approx(perceptual_distance()(pictures(seed=1), clean).tolist())


def test_the_local_distance_lies_where_the_fault_is_and_averages_to_the_distance():
    metric = CourseDistance()
    clean = torch.rand(1, 3, 96, 128, generator=torch.Generator().manual_seed(3))
    restored = clean.clone()
    restored[..., :48, :64] = 1 - restored[..., :48, :64]
    with torch.inference_mode():
        local, whole = metric.local(restored, clean), metric(restored, clean)
    assert local.shape == (1, 1, 96, 128) and local.min() >= 0
    assert local[..., :40, :56].mean() > 10 * local[..., 64:, 80:].mean()
    assert float(local.mean()) == pytest.approx(float(whole), rel=0.1)
