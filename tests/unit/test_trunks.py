"""A trunk's weights are the published ones or nothing. No test here touches the network: the "server" is a folder."""

import hashlib

import pytest
import torch
import torchvision

from restorelab import trunks
from restorelab.errors import CheckpointError, ParameterError
from restorelab.trunks import Trunk, TrunkFile, load_trunk


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A small published file on a server, an empty cache; -> (the file, the cache)."""
    server, cache = tmp_path / "server", tmp_path / "cache"
    server.mkdir()
    file = server / "alexnet-owt.pth"
    torch.save({"features.0.weight": torch.ones(2), "classifier.1.weight": torch.ones(3)}, file)
    total = hashlib.sha256(file.read_bytes()).hexdigest()
    monkeypatch.setitem(trunks.FILES, "alexnet", TrunkFile(file.name, total, 0.1))
    monkeypatch.setattr(trunks, "SOURCE", server.as_uri() + "/")
    monkeypatch.setenv("TORCH_HOME", str(cache))
    return file, cache / "hub" / "checkpoints" / file.name


def test_every_name_carries_the_first_digits_of_its_sum():
    for file in trunks.FILES.values():
        assert len(file.sha256) == 64 and file.name.removesuffix(".pth").endswith(file.sha256[:8])


def test_the_names_are_those_torchvision_would_fetch():
    weights = torchvision.models
    for name, enum in (("alexnet", weights.AlexNet_Weights), ("vgg16", weights.VGG16_Weights), ("vgg19", weights.VGG19_Weights),
                       ("squeezenet1_1", weights.SqueezeNet1_1_Weights)):  # fmt: skip
        assert enum.IMAGENET1K_V1.url == trunks.SOURCE + trunks.FILES[name].name


def test_fetched_once_then_read_from_the_cache_without_its_classifier(published):
    file, cached = published
    assert list(load_trunk("alexnet")) == ["features.0.weight"] and cached.is_file()
    file.unlink()
    assert list(load_trunk("alexnet")) == ["features.0.weight"]


def test_a_file_brought_by_hand_needs_no_cache(published):
    file, cached = published
    assert list(load_trunk("alexnet", path=file)) == ["features.0.weight"] and not cached.exists()


def test_without_network_the_error_says_what_to_fetch_and_where_to_put_it(published):
    file, cached = published
    file.unlink()
    with pytest.raises(CheckpointError) as error:
        load_trunk("alexnet")
    assert trunks.SOURCE + file.name in str(error.value) and str(cached.parent) in str(error.value)
    assert not cached.exists()


def test_a_flipped_bit_is_found_in_the_cache_and_in_a_download(published):
    file, cached = published
    load_trunk("alexnet")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    cached.write_bytes(data)
    with pytest.raises(CheckpointError, match="damaged"):
        load_trunk("alexnet")
    cached.unlink()
    file.write_bytes(data)
    with pytest.raises(CheckpointError, match="cannot be downloaded"):
        load_trunk("alexnet")
    assert not list(cached.parent.iterdir())  # nothing half or wrong is left for the next time


def test_a_path_without_a_file_and_an_unknown_name_are_answered_with_a_sentence(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_trunk("vgg16", path=tmp_path / "nothing.pth")
    with pytest.raises(ParameterError, match="Did you mean alexnet"):
        load_trunk("alexnett")


def test_a_stand_in_is_the_same_every_time_and_leaves_the_random_numbers_alone():
    before = torch.get_rng_state()
    one, other = Trunk("squeezenet1_1", (1, 4), stand_in=True), Trunk("squeezenet1_1", (1,), stand_in=True)
    assert torch.equal(torch.get_rng_state(), before)
    x = torch.rand(1, 3, 32, 32)
    assert torch.equal(one(x)[0], other(x)[0]) and one(x)[0].std() > 0.1


def test_foreign_weights_are_refused_with_the_first_name_that_does_not_fit():
    state = {f"features.{key}": value for key, value in Trunk("squeezenet1_1", (4,), stand_in=True).features.state_dict().items()}
    assert torch.equal(Trunk("squeezenet1_1", (4,), state).features[0].weight, state["features.0.weight"])
    with pytest.raises(CheckpointError, match="not the weights of alexnet.*features.0.weight"):
        Trunk("alexnet", (1,), state)
    with pytest.raises(ParameterError, match="not both"):
        Trunk("squeezenet1_1", (4,), state, stand_in=True)


def test_frozen_and_in_evaluation_mode_whatever_train_says():
    outer = torch.nn.Sequential(Trunk("squeezenet1_1", (1,), stand_in=True)).train()
    assert outer.training and not any(module.training for module in outer[0].modules())
    assert not any(parameter.requires_grad for parameter in outer.parameters())


def test_what_was_tapped_before_a_relu_is_not_overwritten_by_it():
    before, after = Trunk("alexnet", (0, 1), stand_in=True)(torch.rand(1, 3, 32, 32))
    assert before.min() < 0 and torch.equal(after, before.relu())


def test_every_picture_of_a_batch_is_normalised():
    """The published content loss normalised the first alone."""
    trunk = Trunk("alexnet", (0,), stand_in=True)
    x = torch.rand(3, 3, 32, 32)
    (together,) = trunk(x)
    torch.testing.assert_close(together, torch.cat([trunk(x[i : i + 1])[0] for i in range(3)]))
