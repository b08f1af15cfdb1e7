"""The attention viewer from Python's side: the gate it sends is the gate that was used, its decibels are those of restore()."""

import base64
import dataclasses
import io
import json
import re

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from restorelab.data.pairs import Pair
from restorelab.data.scenes import dead_leaves
from restorelab.degrade import GaussianNoise, Recipe, degrade
from restorelab.errors import ImageError, ParameterError
from restorelab.metrics import psnr
from restorelab.models.dmphn import DMPHN, DMPHNConfig
from restorelab.models.mprnet import MPRNet, MPRNetConfig
from restorelab.restore import restore
from restorelab.widgets.attention_study import (
    CELL,
    INTERVENTIONS,
    channel_order,
    cut,
    painted,
    random_and_worst,
    shuffled_channels,
    shuffled_places,
)
from restorelab.widgets.attention_viewer import MOST_BYTES, AttentionViewer

SMALL = {"width": 8, "unet_growth": 4, "orsnet_growth": 4, "cabs": 1, "reduction": 1}
LABEL = "random weights <of a test>"
SIDE = 32
VIEW = "application/vnd.jupyter.widget-view+json"


def network(**settings) -> MPRNet:
    """A random network whose attention has something to say: from a start like PyTorch's, its gates hardly move."""
    torch.manual_seed(0)
    net = MPRNet(MPRNetConfig(**SMALL | settings)).eval()
    with torch.no_grad():
        for sam in net.sams:
            sam.gate.weight.mul_(6)
            sam.features.weight.mul_(3)
    return net


def made_pairs(sigmas=(0.1, 0.05, 0.02), side: int = SIDE + 5) -> list[Pair]:
    pairs = []
    for number, sigma in enumerate(sigmas):
        rng = np.random.default_rng(number)
        clean = dead_leaves(side, side, rng)
        pairs.append(Pair(f"leaves {number}", degrade(clean, Recipe((GaussianNoise(sigma),)), rng).image, clean, {}))
    return pairs


@pytest.fixture(scope="module")
def net() -> MPRNet:
    return network()


@pytest.fixture(scope="module")
def viewer(net) -> AttentionViewer:
    return AttentionViewer(net, made_pairs(), weights=LABEL, side=SIDE)


@pytest.fixture(autouse=True)
def untouched(viewer):
    viewer.picture, viewer.sam, viewer.channel, viewer.intervention = 0, 1, 0, "untouched"


def sent_gate(viewer, picture: int, sam: int) -> tuple[torch.Tensor, float]:
    """What the page can compute from what it gets, written once more, and how far the 256 levels can be off."""
    sent, (low, high) = (
        viewer._samples[picture]["seen"][sam - 1],
        (viewer._samples[picture]["seen"][sam - 1][name] for name in ("low", "high")),
    )
    levels = torch.from_numpy(np.asarray(Image.open(io.BytesIO(sent["picture"]))).astype(np.float32)).permute(2, 0, 1)
    weights = torch.tensor(viewer._sams[sam - 1]["weights"])
    gate = torch.einsum("cj,jhw->chw", weights, low + levels / 255 * (high - low)).sigmoid()
    return gate, float(weights.abs().sum(1).max() / 4 * (high - low) / 510) + 1e-6  # a sigmoid rises by at most 1/4


def saved_bytes(widget) -> int:
    return len(json.dumps(widget.get_state(), default=lambda view: base64.b64encode(view).decode()))


# What is shown


@pytest.mark.parametrize("sam", [1, 2])
def test_the_gate_sent_is_the_gate_used(viewer, net, sam):
    """Recomputed outside of the widget, by the network itself."""
    for picture, one in enumerate(viewer.studies.values()):
        used = restore(net, one.pair.degraded, explain=True).maps["sam"][sam - 1]
        gate, most = sent_gate(viewer, picture, sam)
        assert used.std() > 10 * most, "a test that could not fail"
        torch.testing.assert_close(gate, used, atol=most, rtol=0)


@pytest.mark.parametrize("name", INTERVENTIONS)
@pytest.mark.parametrize("sam", [1, 2])
def test_the_decibels_are_those_of_restore(viewer, net, name, sam):
    viewer.picture, viewer.sam, viewer.intervention = 1, sam, name
    pair = viewer.shown.pair
    after = restore(net, viewer.degraded, sam_override=viewer.override).image
    before = restore(net, viewer.degraded).image
    shown = viewer._samples[1]["outcomes"][name][sam - 1]
    assert shown["psnr"] == psnr(after, pair.clean) and viewer._samples[1]["psnr"] == psnr(before, pair.clean)
    assert shown["change"] == pytest.approx(psnr(after, pair.clean) - psnr(before, pair.clean))
    at_both = psnr(restore(net, viewer.degraded, sam_override=INTERVENTIONS[name]).image, pair.clean)
    assert viewer._samples[1]["outcomes"][name][-1]["change"] == pytest.approx(at_both - psnr(before, pair.clean))


def test_interventions_do_something(viewer):
    changes = [outcome.change for one in viewer.studies.values() for outcome in one.outcomes.values()]
    assert len(changes) == len(viewer.studies) * len(INTERVENTIONS) * 3 and min(map(abs, changes)) > 1e-4


@pytest.mark.parametrize("sam", [1, 2])
def test_the_page_can_shuffle_as_the_network_did(viewer, net, sam):
    """Region by region: the first SAM sees halves."""
    sent = viewer._sams[sam - 1]
    assert len(sent["regions"]) == {1: 2, 2: 1}[sam]
    gate = viewer.shown.gates[sam - 1]
    order = np.frombuffer(sent["places"], "<u2").astype(int)
    used = restore(net, viewer.degraded, explain=True, sam_override={sam: shuffled_places}).maps["sam"][sam - 1]
    for top, bottom, left, right in sent["regions"]:
        piece = gate[:, top:bottom, left:right]
        assert torch.equal(used[:, top:bottom, left:right], piece.flatten(1)[:, order].view_as(piece))
    used = restore(net, viewer.degraded, explain=True, sam_override={sam: shuffled_channels}).maps["sam"][sam - 1]
    assert torch.equal(used, gate[sent["channels"]])


def test_shuffling_moves_whole_pixels_or_whole_channels():
    gate = torch.rand(4, 3, 5)
    moved = shuffled_places(gate)
    before, after = ([tuple(pixel) for pixel in one.flatten(1).T.tolist()] for one in (gate, moved))
    assert before != after and sorted(before) == sorted(after)
    moved = shuffled_channels(gate)
    assert torch.equal(moved, gate[channel_order(4)]) and sorted(channel_order(4)) == [0, 1, 2, 3]
    assert all((channel_order(count) != np.arange(count)).all() for count in (2, 3, 8, 96)) and list(channel_order(1)) == [0]


def test_random_and_worst_are_named_so_and_drawn_by_the_seed(net):
    pairs = cut(net, made_pairs((0.1, 0.05, 0.02, 0.3, 0.01, 0.2)), SIDE)
    chosen = random_and_worst(net, pairs, np.random.default_rng(0))
    gains = {pair.name: psnr(restore(net, pair.degraded).image, pair.clean) - psnr(pair.degraded, pair.clean) for pair in pairs}
    assert [pair.name for label, pair in chosen.items() if "worst of 6" in label] == [min(gains, key=gains.get)]
    assert sum(label.startswith("random") for label in chosen) == 2 and all(label.endswith(pair.name) for label, pair in chosen.items())
    assert list(chosen) == list(random_and_worst(net, pairs, np.random.default_rng(0)))
    drawn = {tuple(random_and_worst(net, pairs, np.random.default_rng(seed))) for seed in range(4)}
    assert len(drawn) > 1


def test_pairs_chosen_by_hand_keep_their_labels(net):
    pairs = made_pairs()
    viewer = AttentionViewer(net, {"chosen: the noisiest": pairs[0]}, weights=LABEL, side=SIDE)
    assert list(viewer.studies) == ["chosen: the noisiest"] and "chosen: the noisiest" in repr(viewer)
    assert torch.equal(viewer.clean, pairs[0].clean[:, 2:34, 2:34]) and viewer.degraded.shape == (3, SIDE, SIDE)


@pytest.mark.parametrize("stages", [("unet", "orsnet"), ("unet", "unet", "unet", "orsnet")])
def test_other_rows_of_stages(stages):
    net = network(stages=stages)
    viewer = AttentionViewer(net, {"one": made_pairs()[0]}, weights=LABEL, side=16)
    assert len(viewer._sams) == len(stages) - 1
    gate, most = sent_gate(viewer, 0, 1)
    torch.testing.assert_close(gate, restore(net, viewer.degraded, explain=True).maps["sam"][0], atol=most, rtol=0)
    assert len(viewer._samples[0]["outcomes"]["1 everywhere"]) == {2: 1, 4: 4}[len(stages)]
    assert isinstance(viewer.figure(), Figure)


def test_the_network_is_kept_as_it_was(net):
    mine = network()
    viewer = AttentionViewer(mine, {"one": made_pairs()[0]}, weights=LABEL, side=SIDE)
    with torch.no_grad():
        mine.slope.fill_(0.9)
    same = viewer.paint([[None] * 4] * 4)
    assert same.change == 0 and not torch.equal(restore(mine, viewer.degraded).image, same.image)


# Painting


def painting(rows: int = SIDE // CELL, columns: int = SIDE // CELL) -> list[list[int | None]]:
    cells = [[None] * columns for _ in range(rows)]
    cells[0][1], cells[3][2] = 0, 1
    return cells


def test_paint_covers_its_cells_in_every_channel():
    gate = torch.rand(2, SIDE, SIDE)
    made = painted(gate, painting())
    assert torch.all(made[:, :8, 8:16] == 0) and torch.all(made[:, 24:, 16:24] == 1)
    assert (made != gate).sum() == 2 * 2 * CELL**2


@pytest.mark.parametrize("sam", [1, 2])
def test_what_is_painted_in_the_page_is_restored_and_can_be_repeated(viewer, net, sam):
    edit = {"picture": 0, "sam": sam, "cells": painting(), "view": "a page", "turn": 7}
    viewer.set_state({"_edit": edit, "sam": sam, "intervention": "painted"})
    answer = viewer._answer
    assert (answer["view"], answer["turn"], answer["error"], answer["cells"]) == ("a page", 7, "", painting())
    after = restore(net, viewer.degraded, sam_override=viewer.override, explain=True)
    assert answer["outcome"]["psnr"] == psnr(after.image, viewer.clean) != viewer._samples[0]["psnr"]
    gate = viewer.shown.gates[sam - 1]
    assert torch.equal(after.maps["sam"][sam - 1], painted(gate, painting()))
    viewer.sam = 3 - sam
    assert viewer.override is None or sam == 2  # painted at one SAM only, until the second time


@pytest.mark.parametrize(
    "edit",
    [None, 3, {}, {"picture": 9, "sam": 1, "cells": painting()}, {"picture": 0, "sam": 0, "cells": painting()}]
    + [{"picture": True, "sam": 1, "cells": painting()}, {"picture": 0, "sam": 1, "cells": painting()[:3]}]
    + [{"picture": 0, "sam": 1, "cells": [[0.5] * 4] * 4}, {"picture": 0, "sam": 1, "cells": [["x"] * 4] * 4}]
    + [{"picture": 0, "sam": 1, "cells": ["0000"] * 4}, {"picture": 0, "sam": 1}],
)
def test_a_bad_message_gets_a_sentence(viewer, edit):
    viewer.set_state({"_edit": edit})
    assert "painting" in viewer._answer["error"]
    assert viewer.paint(painting()).psnr > 0 and not viewer._answer["error"]


def test_choices_from_outside_stay_inside(viewer):
    viewer.set_state({"picture": 99, "sam": 99, "channel": 99})
    assert (viewer.picture, viewer.sam, viewer.channel) == (len(viewer.studies) - 1, 2, 8)


# The notebook


def test_a_notebook_gets_the_view_a_picture_and_a_sentence(viewer):
    bundle, metadata = viewer._repr_mimebundle_()
    assert {VIEW, "image/png", "text/plain"} <= set(bundle)
    assert bundle["text/plain"] == repr(viewer) == metadata["image/png"]["alt"]
    assert LABEL in repr(viewer) and "COURSE_RGB" in repr(viewer)


def test_the_still_says_what_it_shows(viewer):
    figure = viewer.figure()
    texts = [text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))]
    assert any(LABEL in " ".join(text.split()) for text in texts)
    assert {"SAM 1, mean of 8 channels", "SAM 2, mean of 8 channels"} <= set(texts)
    changes = {f"{round(outcome.change, 2) + 0.0:+.2f}" for outcome in viewer.shown.outcomes.values()}
    assert changes <= set(texts)


def test_the_page_asks_no_network_and_says_whose_weights(viewer):
    found = viewer.to_html()
    addresses = set(re.findall(r"https?://[^\s\"'`]+", viewer._esm + viewer._css + found))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "a name, which no browser fetches"
    assert "random weights &lt;of a test&gt;" in found


def test_it_is_small_enough_for_a_notebook():
    viewer = AttentionViewer(network(), {"noisy": made_pairs((0.1,), 128)[0]}, weights=LABEL)
    assert viewer._size == [96, 96] and 3 * saved_bytes(viewer) < 4 / 3 * MOST_BYTES  # three are shown; base64 takes a third more


@pytest.mark.parametrize(
    ("model", "pairs", "message"),
    [
        (DMPHN(DMPHNConfig(width=4)), made_pairs(), "no supervised attention in this DMPHN"),
        (network(sam=False), made_pairs(), "no supervised attention"),
        (network(), [], "no pairs"),
        (network(), made_pairs(side=7), "at least 8x8"),
        (network(), [dataclasses.replace(made_pairs()[0], clean=torch.rand(3, 64, 64))], "one size"),
        (network(), [Pair("same", torch.full((3, 16, 16), 0.5), torch.full((3, 16, 16), 0.5), {})], "'same' is equal"),
    ],
)
def test_what_does_not_fit_is_refused(model, pairs, message):
    with pytest.raises(ParameterError, match=message):
        AttentionViewer(model, pairs, weights=LABEL, side=SIDE)


def test_what_is_no_picture_is_refused():
    pair = made_pairs()[0]
    with pytest.raises(ImageError, match="clean picture of 'leaves 0'"):
        AttentionViewer(network(), [dataclasses.replace(pair, clean=255 * pair.clean)], weights=LABEL)
    with pytest.raises(ParameterError, match="at most 256"):
        AttentionViewer(network(), [pair], weights=LABEL, side=512)
