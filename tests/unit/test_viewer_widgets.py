"""The widgets that look at restored pictures: their numbers are the metrics', a level that is off is off, and they fit into a notebook."""

import io
import itertools
import re
import shutil
import subprocess

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from restorelab.data import photos
from restorelab.errors import ImageError, ParameterError
from restorelab.metrics import psnr
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.dmphn import DMPHN
from restorelab.ops.resize import resize_bicubic
from restorelab.restore import restore
from restorelab.viz import crop
from restorelab.widgets.compare_slider import CompareSlider
from restorelab.widgets.pyramid_explorer import EVERY, LEVELS, PyramidExplorer, activation, without_levels
from restorelab.widgets.shown import error_maps, scale_of, signed_grey
from restorelab.widgets.stage_slider import StageSlider
from restorelab.widgets.switching import switched

SIDE = 96
TIMES = [10.0, 25.0, 25.0]


@pytest.fixture(scope="module")
def clean():
    return crop(photos.load("chelsea"), 60, 130, SIDE)


@pytest.fixture(scope="module")
def degraded(clean):
    return torch.nn.functional.avg_pool2d(clean[None], 5, 1, 2)[0]


@pytest.fixture(scope="module")
def steps(clean, degraded):
    return tuple(degraded + share * (clean - degraded) for share in (0.3, 0.6, 0.9))


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(0)
    network = DeblurGANv2(DeblurGANv2Config(width=8)).eval()
    for name, buffer in network.named_buffers():  # statistics that differ from 0 and 1, so that the running ones would show
        if name.endswith("running_mean"):
            buffer.add_(0.05)
    return network


@pytest.fixture(scope="module")
def compare(degraded, steps, clean):
    return CompareSlider(degraded, steps[-1], clean=clean)


@pytest.fixture(scope="module")
def stages(degraded, steps, clean):
    return StageSlider(degraded, steps, clean, milliseconds=TIMES)


@pytest.fixture(scope="module")
def pyramid(model, degraded, clean):
    return PyramidExplorer(model, degraded, clean)


def pixels(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file))).astype(float)


EACH = pytest.mark.parametrize("name", ["compare", "stages", "pyramid"])


@EACH
def test_a_notebook_gets_the_view_a_picture_and_a_sentence(name, request):
    widget = request.getfixturevalue(name)
    bundle, metadata = widget._repr_mimebundle_()
    assert {"application/vnd.jupyter.widget-view+json", "image/png", "text/plain"} == set(bundle)
    assert bundle["text/plain"] == repr(widget) == metadata["image/png"]["alt"] and "0x" not in repr(widget)
    assert isinstance(widget.figure(), Figure) and len(bundle["image/png"]) < 400_000


@EACH
def test_the_page_holds_everything_and_asks_no_network(name, request):
    widget = request.getfixturevalue(name)
    found = widget.to_html()
    assert set(re.findall(r"https?://[^\s\"'`]+", widget._esm + widget._css + found)) <= {"http://www.w3.org/2000/svg"}
    assert not re.search(r"(src|href)=\"(?!data:)", found) and "<noscript><img" in found and len(found) < 1_100_000


@EACH
def test_the_javascript_is_one_module(name, request, tmp_path):
    code = request.getfixturevalue(name)._esm
    assert not re.search(r"^\s*import\b|\bimport\s*\(|\bfetch\s*\(|XMLHttpRequest|\beval\b|innerHTML", code, re.MULTILINE)
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", code, re.MULTILINE)
    assert len(names) == len(set(names)) and code.count("export default") == 1
    if node := shutil.which("node"):
        (tmp_path / "widget.mjs").write_text(code)
        subprocess.run([node, "--check", tmp_path / "widget.mjs"], check=True, capture_output=True)


# What two or more of them share


def test_error_maps_have_their_sign_and_their_unit():
    clean = torch.full((3, 4, 4), 0.5)
    restored = clean.clone()
    restored[:, 1, 2] += torch.tensor([0.3, 0.0, 0.0])  # too bright
    restored[:, 3, 0] -= torch.tensor([0.3, 0.0, 0.0])
    restored[:, 0, 0] += torch.tensor([0.3, -0.3, 0.0])  # another colour
    signed, absolute = error_maps(restored, clean)
    assert (
        signed[0, 1, 2] == pytest.approx(0.1) and signed[0, 3, 0] == pytest.approx(-0.1) and signed[0, 0, 0] == pytest.approx(0, abs=1e-7)
    )
    assert absolute[0, 0, 0] == pytest.approx(0.2) and absolute.count_nonzero() == 3
    assert signed_grey(signed, 0.1)[0, 1, 2] == pytest.approx(1) and signed_grey(signed, 0.1)[0, 2, 2] == 0.5


def test_the_scale_takes_in_nearly_every_pixel_of_every_map():
    maps = [0.02 * torch.randn(1, 50, 50, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1)]
    maps[1] *= 3
    end = scale_of(maps)
    share = torch.cat([one.abs().flatten() for one in maps]).le(end).float().mean()
    assert 0.995 <= share < 1 and 255 * end == pytest.approx(round(255 * end))
    assert scale_of([torch.zeros(1, 2, 2)]) == 1 / 255  # nothing wrong: still a scale


# Before and after


def test_compared_pictures_are_sent_without_loss_and_scored(compare, degraded, steps, clean):
    for side, picture, name in zip(compare._sides, (degraded, steps[-1]), ("degraded", "restored"), strict=True):
        assert np.array_equal(pixels(side["picture"]), (picture * 255).round().permute(1, 2, 0).numpy())
        assert compare.scores[name] == psnr(picture, clean) and f"{compare.scores[name]:.2f} dB" == side["note"]
        assert f"{name} {side['note']}" in repr(compare)
    assert compare._lossless and compare._protocol


def test_without_a_clean_picture_nothing_is_said_of_it(degraded, steps):
    widget = CompareSlider(degraded, steps[0], labels=("a", "b"))
    assert repr(widget) == "Before and after: a and b" and widget.scores == {} and widget._protocol == ""


def test_a_smaller_picture_is_enlarged_bicubically(clean):
    small = clean[:, ::2, ::2]
    widget = CompareSlider(small, clean, clean=clean)
    want = resize_bicubic(small[None], scale=2.0)[0].float().clamp(0, 1)
    assert widget.scores == {"degraded": psnr(want, clean), "restored": float("inf")}
    assert widget._sides[1]["note"] == "no error" and "dB" in widget._sides[0]["note"]


def test_a_large_picture_goes_as_jpeg_and_a_larger_one_not_at_all():
    large = photos.load("astronaut")
    widget = CompareSlider(large, large.flip(2))
    assert not widget._lossless and sum(len(side["picture"]) for side in widget._sides) < 700_000
    noise = torch.rand(3, 900, 900, generator=torch.Generator().manual_seed(0))
    with pytest.raises(ParameterError, match="crop them"):
        CompareSlider(noise, noise)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"labels": ("one", "one")}, ParameterError, "different"),
        ({"labels": ("one",)}, ParameterError, "two"),
        ({"before": torch.rand(3, 95, 96)}, ParameterError, "one size"),
        ({"before": torch.rand(3, 48, 32)}, ParameterError, "one size"),
        ({"clean": torch.rand(3, 48, 48)}, ParameterError, "one size"),
        ({"after": torch.rand(1, 3, 9, 9)}, ImageError, "'restored'"),
        ({"before": torch.rand(3, 9, 9) * 255}, ImageError, "'degraded'"),
    ],
)
def test_pictures_that_cannot_be_compared_are_refused(change, error, words):
    with pytest.raises(error, match=words):
        CompareSlider(**{"before": torch.rand(3, 96, 96), "after": torch.rand(3, 96, 96)} | change)


# Coarse to fine


def test_every_stage_has_its_name_score_time_and_maps(stages, degraded, steps, clean):
    assert [stage["name"] for stage in stages._stages] == ["input", "stage 1", "stage 2", "stage 3"] and stages.chosen == 3
    assert stages.scores == [psnr(picture, clean) for picture in (degraded, *steps)] == sorted(stages.scores)
    assert [stage["psnr"] for stage in stages._stages] == [f"{score:.2f} dB" for score in stages.scores]
    assert [stage["milliseconds"] for stage in stages._stages] == [None, *TIMES]
    assert "stage 2" in repr(stages) and "after 25 ms" in repr(stages)
    for stage, picture in zip(stages._stages, (degraded, *steps), strict=True):
        assert np.abs(pixels(stage["picture"]) - 255 * picture.permute(1, 2, 0).numpy()).mean() < 1
        error = 255 * (picture - clean).mean(0).numpy()
        seen = (pixels(stage["signed"]) - 127.5) * 2 * stages._end / 255
        assert np.abs(seen - error.clip(-stages._end, stages._end)).mean() < 0.03 * stages._end, "through JPEG"
        absolute = 255 * (picture - clean).abs().mean(0).numpy()
        assert np.abs(pixels(stage["absolute"]) * stages._end / 255 - absolute.clip(0, stages._end)).mean() < 0.03 * stages._end


def test_orange_is_too_bright_on_both_ramps_ends(stages):
    signed, absolute = (np.frombuffer(stages._ramps[view], np.uint8).reshape(256, 3).astype(int) for view in ("signed", "absolute"))
    assert signed[255, 0] > signed[255, 2] and signed[0, 2] > signed[0, 0] and signed[128].min() > 240
    assert (np.diff(absolute.sum(1)) >= -3).all() and absolute[0].sum() < 30 < 600 < absolute[255].sum()


def test_stages_without_a_clean_picture_are_pictures_alone(degraded, steps):
    widget = StageSlider(degraded, steps, names=["a", "b", "c"])
    assert widget._ramps == {} and widget._clean == b"" and "signed" not in widget._stages[0]
    assert repr(widget) == "Stages, coarse to fine: input, a, b, c" and len(widget.figure().axes) == 4


def test_super_resolution_starts_from_the_bicubic_picture(clean, steps):
    widget = StageSlider(clean[:, ::2, ::2], steps, clean)
    assert (
        widget._stages[0]["name"] == "input, enlarged"
        and widget.scores[0] == CompareSlider(clean[:, ::2, ::2], clean, clean=clean).scores["degraded"]
    )


def test_the_stages_of_a_network_fit(clean):
    network = DMPHN().eval()
    widget = StageSlider(clean, restore(network, clean).stages, clean)
    assert len(widget._stages) == 1 + network.stage_count


def test_many_stages_show_five_in_the_still_picture(degraded, clean):
    nine = [degraded + number / 9 * (clean - degraded) for number in range(9)]
    titles = [axis.get_title() for axis in StageSlider(degraded, nine).figure().axes]
    assert len(titles) == 5 and titles[0] == "input" and titles[-1] == "stage 9"


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"stages": ()}, ParameterError, "no stages"),
        ({"stages": (torch.rand(3, 32, 32), torch.rand(3, 16, 16))}, ParameterError, "different sizes"),
        ({"names": ["a"]}, ParameterError, "2 stages"),
        ({"names": ["a", "a"]}, ParameterError, "different names"),
        ({"names": ["input", "a"]}, ParameterError, "different names"),
        ({"milliseconds": [1.0]}, ParameterError, "each of the 2"),
        ({"milliseconds": [2.0, 1.0]}, ParameterError, "never go back"),
        ({"milliseconds": [1.0, float("nan")]}, ParameterError, "never go back"),
        ({"degraded": torch.rand(3, 30, 30)}, ParameterError, "one size"),
        ({"clean": torch.rand(3, 30, 30)}, ParameterError, "one size"),
        ({"stages": (torch.rand(1, 3, 32, 32),)}, ImageError, "stage 1"),
    ],
)
def test_stages_that_do_not_fit_are_refused(change, error, words):
    given = {"degraded": torch.rand(3, 32, 32), "stages": (torch.rand(3, 32, 32), torch.rand(3, 32, 32))} | change
    with pytest.raises(error, match=words):
        StageSlider(**given)


# The pyramid


def by_hand(model, degraded, off):
    """The same by setting weights to zero, in the network itself."""
    saved = {key: value.clone() for key, value in model.state_dict().items()}
    try:
        with torch.no_grad():
            for level in off:
                model.laterals[LEVELS.index(level)].weight.zero_()
        return restore(model, degraded, explain=True)
    finally:
        model.load_state_dict(saved)


@pytest.mark.parametrize("off", [(), (2,), (8, 32), LEVELS], ids=str)
def test_a_level_that_is_off_is_one_whose_lateral_is_zero(model, degraded, off):
    found, want = without_levels(model, degraded, off), by_hand(model, degraded, off)
    assert torch.equal(found.image, want.image)
    for name in ("pyramid", "residual"):
        assert all(torch.equal(a, b) for a, b in zip(found.maps[name], want.maps[name], strict=True))


def test_looking_leaves_the_model_as_it_was(model, degraded):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    parts, children = dict(model.named_modules()), list(model.laterals)
    model.train()
    without_levels(model, degraded, (4, 16))
    assert model.training and all(part.training for part in model.modules())
    model.eval()
    assert dict(model.named_modules()) == parts and list(model.laterals) == children
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_a_coarse_level_reaches_the_finer_maps_and_no_level_reaches_coarser_ones(model, degraded):
    every = without_levels(model, degraded, ()).maps["pyramid"]
    for off in LEVELS:
        maps = without_levels(model, degraded, (off,)).maps["pyramid"]
        changed = [level for level, a, b in zip(LEVELS, every, maps, strict=True) if not torch.equal(a, b)]
        assert changed == ([2] if off == 2 else [level for level in LEVELS if 2 < level <= off])


def test_all_combinations_are_those_one_by_one(pyramid, model, degraded, clean):
    assert len(EVERY) == 32 == len(set(EVERY)) and set(pyramid.results) == set(EVERY)
    for on in [(), (2,), (4, 32), LEVELS]:
        alone = without_levels(model, degraded, set(LEVELS) - set(on))
        assert torch.equal(pyramid.results[on].image, alone.image)
        assert pyramid.scores[on] == psnr(alone.image, clean) == pyramid._scores[",".join(map(str, on))]


def test_the_backbone_works_once_for_all_combinations(model, degraded):
    calls = []
    watch = model.backbone.register_forward_hook(lambda *_: calls.append(1))
    PyramidExplorer(model, degraded)
    watch.remove()
    assert len(calls) == 1


def test_what_the_browser_gets_are_the_residuals_and_the_maps(pyramid, degraded):
    assert len(pyramid._residuals) == 32 and len(pyramid._maps) == 2 + 16 + 8 + 4 + 2
    for on in [(), (8,), LEVELS]:
        residual = pyramid.results[on].maps["residual"][0].clamp(-pyramid._end, pyramid._end).permute(1, 2, 0).numpy()
        seen = (pixels(pyramid._residuals[",".join(map(str, on))]) - 127.5) / 127.5 * pyramid._end
        assert np.abs(seen - residual).mean() < 0.05 * pyramid._end, "through JPEG"
    coarse = pyramid.results[4, 16, 32].maps["pyramid"][3].abs().mean(0)
    assert np.abs(pixels(pyramid._maps["16: 16,32"]) - 255 * (coarse / coarse.max()).numpy()).max() <= 0.51
    assert pixels(pyramid._maps["2: "]).max() == 0 and activation(torch.zeros(4, 2, 2)).max() == 0


def test_what_a_switch_moves_is_measured_both_ways(pyramid):
    for on, level in itertools.product([(), (4, 8), LEVELS], LEVELS):
        key, other = (",".join(map(str, levels)) for levels in (on, switched(on, level)))
        change = pyramid.results[on].image - pyramid.results[switched(on, level)].image
        assert pyramid._moves[key][str(level)] == pytest.approx(255 * change.square().mean().sqrt().item())
        assert pyramid._moves[key][str(level)] == pytest.approx(pyramid._moves[other][str(level)])


def test_levels_are_kept_in_order_and_only_real_ones_taken(model, degraded):
    widget = PyramidExplorer(model, degraded)
    widget.levels = [32, 4, 4]
    assert widget.levels == [4, 32] and repr(widget) == "Pyramid with the levels 1/4, 1/32"
    with pytest.raises(Exception, match="levels"):
        widget.levels = [3]
    assert widget.levels == [4, 32] and widget.scores == {}
    assert len(widget.figure().axes) == 12


def test_the_sentence_says_what_each_level_is_worth(pyramid):
    every, without = pyramid.scores[LEVELS], pyramid.scores[2, 4, 8, 16]
    assert f"all {every:.2f} dB" in repr(pyramid) and f"without 1/32 {without - every:+.2f}" in repr(pyramid)


def test_a_side_that_is_no_multiple_of_32_is_cut_back(model, clean):
    widget = PyramidExplorer(model, clean[:, :70, :90], clean[:, :70, :90])
    assert pixels(widget._residuals["2,4,8,16,32"]).shape == (70, 90, 3)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": torch.nn.Conv2d(3, 3, 1)}, ParameterError, "a Conv2d has none"),
        ({"degraded": torch.rand(3, 64, 288)}, ParameterError, "64x288"),
        ({"degraded": torch.rand(1, 3, 64, 64)}, ImageError, "the degraded picture"),
        ({"clean": torch.rand(3, 32, 64)}, ParameterError, "different sizes"),
    ],
)
def test_what_the_pyramid_cannot_show_is_refused(model, change, error, words):
    with pytest.raises(error, match=words):
        PyramidExplorer(**{"model": model, "degraded": torch.rand(3, 64, 64)} | change)


@pytest.mark.parametrize("stray", [0, 1, 3, 64])
def test_levels_that_do_not_exist_are_refused(model, degraded, stray):
    with pytest.raises(ParameterError, match=f"there is no {stray}"):
        without_levels(model, degraded, (2, stray))
