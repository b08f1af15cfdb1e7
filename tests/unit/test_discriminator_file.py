"""A discriminator lies beside the network that it was trained against, and is taken for no other's."""

import pytest
import torch

from restorelab import checkpoint, discriminator, tensor_file
from restorelab.errors import CheckpointError
from restorelab.files import sha256_of
from restorelab.models.discriminators import UNetDiscriminator
from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig
from restorelab.systems import SYSTEMS


@pytest.fixture
def network(tmp_path):
    """A checkpoint that is there."""
    path = tmp_path / "small.safetensors"
    checkpoint.save(path, RRDBCascade(RRDBCascadeConfig(width=4, depth=1, growth=2)))
    return path


def test_what_is_saved_comes_back_with_its_accuracy(network):
    saved = UNetDiscriminator(width=2).eval()
    discriminator.save(network, saved, 0.65)
    found = discriminator.load(network)
    assert found.accuracy == 0.65 and not found.network.training
    picture = torch.rand(1, 3, 64, 128)
    assert torch.allclose(found.network(picture).decoder_map, saved(picture).decoder_map, atol=0.01)  # float16


def test_a_network_may_have_none(network):
    assert discriminator.load(network) is None


def test_the_discriminator_of_other_weights_is_refused(network):
    discriminator.save(network, UNetDiscriminator(width=2), 0.5)
    checkpoint.save(network, RRDBCascade(RRDBCascadeConfig(width=4, depth=1, growth=2)))
    with pytest.raises(CheckpointError, match="against other weights than those of small.safetensors"):
        discriminator.load(network)


def test_damage_and_other_files_are_told(network):
    discriminator.save(network, UNetDiscriminator(width=2), 0.5)
    path = discriminator.file_of(network)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="damaged"):
        discriminator.load(network)
    tensor_file.write(path, {"a": torch.ones(1)}, {"format": "another"}, "discriminator")
    with pytest.raises(CheckpointError, match="holds no discriminator"):
        discriminator.load(network)
    header = {"format": discriminator.FORMAT, "channels": 3, "width": 2, "accuracy": 0.5}
    tensor_file.write(path, {"a": torch.ones(1)}, header | {"trained against": sha256_of(network.read_bytes())}, "discriminator")
    with pytest.raises(CheckpointError, match="do not fit a U-Net discriminator"):
        discriminator.load(network)


def test_the_course_ships_one_for_the_network_that_was_trained_against_it():
    paths = [one.path for system in SYSTEMS.values() for one in system.weights]
    assert [path.stem for path in paths if discriminator.file_of(path).is_file()] == ["x16_perceptual"]
    found = discriminator.load(next(path for path in paths if path.stem == "x16_perceptual"))
    assert 0.5 < found.accuracy < 1 and found.network(torch.rand(1, 3, 64, 64)).decoder_map.shape == (1, 1, 64, 64)
