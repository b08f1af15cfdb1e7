"""restore(..., sam_override=...): the gate given is the gate used, at the SAM and the place it was given for.

What is right is known from the masks that the network itself explains, and from networks whose attention does nothing.
"""

import pytest
import torch

from restorelab.errors import ParameterError
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.restore import restore

WIDTH = 8
SMALL = {"width": WIDTH, "unet_growth": 4, "orsnet_growth": 4, "cabs": 1, "reduction": 1}
STAGES = {"three": ("unet", "unet", "orsnet"), "two": ("unet", "orsnet"), "four": ("unet", "unet", "unet", "orsnet")}


def network(**settings) -> MPRNet:
    torch.manual_seed(0)
    return MPRNet(MPRNetConfig(**SMALL | settings)).eval()


@pytest.fixture(scope="module", params=STAGES)
def net(request) -> MPRNet:
    return network(stages=STAGES[request.param])


@pytest.fixture(scope="module")
def degraded() -> torch.Tensor:
    return torch.rand(3, 29, 21, generator=torch.Generator().manual_seed(1))  # no multiples of anything


def explained(net, degraded, **given):
    return restore(net, degraded, explain=True, **given)


def test_the_gate_it_had_gives_the_picture_it_gave(net, degraded):
    rows, columns = net.size_multiple
    fitting = degraded[:, : 29 // rows * rows, : 21 // columns * columns]  # else what is mirrored in has a gate of its own
    plain = explained(net, fitting)
    gates = dict(enumerate(plain.maps["sam"], start=1))
    assert len(gates) == net.stage_count - 1
    torch.testing.assert_close(restore(net, fitting, sam_override=gates).stages, plain.stages, atol=0, rtol=0)


def test_a_tensor_is_used_where_it_lies_and_only_there(net, degraded):
    """Every SAM cuts it to its own piece of the picture; the mask that it then says it used is the one given."""
    for number in range(1, net.stage_count):
        gate = torch.rand(29, 21, generator=torch.Generator().manual_seed(number))
        used = explained(net, degraded, sam_override={number: gate}).maps["sam"]
        plain = explained(net, degraded).maps["sam"]
        assert torch.equal(used[number - 1], gate.expand(WIDTH, -1, -1))
        for other in range(number - 1):
            assert torch.equal(used[other], plain[other]), "a SAM before it does not know"


def test_a_tensor_may_have_a_gate_for_each_channel(net, degraded):
    gate = torch.rand(WIDTH, 29, 21)
    assert all(torch.equal(used, gate) for used in explained(net, degraded, sam_override=gate).maps["sam"])


def test_a_number_a_tensor_of_it_and_a_function_that_makes_it_are_one(net, degraded):
    given = (0.3, torch.full((29, 21), 0.3), lambda gate: torch.full_like(gate, 0.3))
    results = [restore(net, degraded, sam_override=one).image for one in given]
    torch.testing.assert_close(results, [results[0]] * 3, atol=0, rtol=0)
    assert not torch.allclose(results[0], restore(net, degraded).image, atol=1e-4)


def test_a_function_gets_what_its_sam_sees_in_one_piece(degraded):
    net, seen = network(), []

    def turned(gate):
        seen.append(gate.clone())
        return gate.flip(-1)

    used = explained(net, degraded, sam_override={1: turned}).maps["sam"][0]
    assert [tuple(gate.shape) for gate in seen] == [(WIDTH, 16, 24)] * 2, "two halves of the padded picture"
    assert torch.equal(used, torch.cat([gate.flip(-1) for gate in seen], 1)[:, :29, :21])


def test_in_closed_form(degraded):
    """A gate of 0 leaves the features as they are: what a SAM without its features' convolution does."""
    net, bare = network(), network()
    with torch.no_grad():
        for sam in bare.sams:
            sam.features.weight.zero_()
    torch.testing.assert_close(restore(net, degraded, sam_override=0).stages, restore(bare, degraded).stages, atol=1e-6, rtol=0)
    assert not torch.allclose(restore(net, degraded).image, restore(bare, degraded).image, atol=1e-4)


def test_only_stages_after_it_know_of_it(net, degraded):
    plain = restore(net, degraded).stages
    for number in range(1, net.stage_count):
        other = restore(net, degraded, sam_override={number: 1.0}).stages
        torch.testing.assert_close(other[:number], plain[:number], atol=0, rtol=0)
        assert not torch.allclose(other[number], plain[number], atol=1e-5)


def test_with_tiles_each_gets_its_part():
    """What differs between two gates comes from the tiles that reach, with their halo of 32 pixels, to where the gates differ."""
    net, degraded = network(), torch.rand(3, 32, 96)
    left, right = torch.full((32, 96), 0.5), torch.full((32, 96), 0.5)
    right[:, 80:] = 1.0
    pictures = [restore(net, degraded, tile=16, sam_override=gate).image for gate in (left, right)]
    apart = (pictures[0] - pictures[1]).abs().amax((0, 1))
    assert apart[80:].min() > 0 and torch.all(apart[:16] == 0), "a tile that is far away does not see the change"
    half = restore(net, degraded, tile=16, sam_override=0.5).image
    assert torch.equal(pictures[0], half)


def test_the_model_is_left_as_it_was(degraded):
    net = network().train()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    plain = restore(net, degraded).image
    restore(net, degraded, sam_override=1.0)
    with pytest.raises(ParameterError):
        restore(net, degraded, sam_override=lambda gate: gate[:1])
    assert net.training and all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert torch.equal(restore(net, degraded).image, plain)


@pytest.mark.parametrize(
    "override, message",
    [
        (1.5, "from 0 to 1"),
        (float("nan"), "from 0 to 1"),
        (torch.full((29, 21), 1.01), "from 0 to 1"),
        (torch.full((29, 21), float("nan")), "from 0 to 1"),
        (torch.ones(29, 21, dtype=torch.uint8), "floating-point"),
        (torch.ones(21, 29), r"\(29, 21\) or \(8, 29, 21\); got \(21, 29\)"),
        (torch.ones(3, 29, 21), r"got \(3, 29, 21\)"),
        (torch.ones(1, 1, 29, 21), "got"),
        ({3: 1.0}, "no SAM 3 at work; the numbers are 1 to 2"),
        ({0: 1.0}, "no SAM 0"),
        (lambda gate: gate[:1], r"must return one; got \(1, 16, 24\)"),
        (lambda gate: 2 * gate + 1, "from 0 to 1"),
        (lambda gate: 1.0, "must return one; got 1.0"),
    ],
)
def test_what_is_no_gate_gets_a_sentence(degraded, override, message):
    with pytest.raises(ParameterError, match=message):
        restore(network(), degraded, sam_override=override)


@pytest.mark.parametrize(
    "model", [DMPHN(DMPHNConfig(width=4)), network(sam=False), network(stages=("orsnet",))], ids=["dmphn", "no sam", "one stage"]
)
def test_there_must_be_attention_to_override(model, degraded):
    with pytest.raises(ParameterError, match="none works here"):
        restore(model, degraded, sam_override=1.0)


def test_a_sam_after_the_last_stage_asked_for_does_not_work(degraded):
    net = network()
    with pytest.raises(ParameterError, match="no SAM 2 at work"):
        restore(net, degraded, stage=2, sam_override={2: 1.0})
    with pytest.raises(ParameterError, match="none works here"):
        restore(net, degraded, stage=1, sam_override=1.0)
    whole = restore(net, degraded, sam_override=1.0)
    assert torch.equal(restore(net, degraded, stage=2, sam_override=1.0).image, whole.stages[1])
