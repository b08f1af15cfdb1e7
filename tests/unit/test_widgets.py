"""The widgets from Python's side: what comes from the page is read with suspicion, what goes to the notebook is small and stable."""

import base64
import dataclasses
import io
import json
import re
import shutil
import subprocess
import typing

import numpy as np
import pytest
import torch
from PIL import Image

from restorelab import widgets
from restorelab.data import photos
from restorelab.degrade import (
    CameraNoise,
    CameraShake,
    Downsample,
    GaussianBlur,
    GaussianNoise,
    Jpeg,
    KernelCode,
    Rain,
    Recipe,
    SRMDBlur,
    VaryingBlur,
    degrade,
    draw_srmd_kernels,
)
from restorelab.degrade.draw import Amount
from restorelab.degrade.recipe import STEPS
from restorelab.errors import ImageError, ParameterError, RecipeError
from restorelab.image import load
from restorelab.metrics import psnr
from restorelab.widgets import PCAExplorer, Playground, Strobe, controls, recipe_code
from restorelab.widgets.facts import facts

CLEAN = photos.load("coffee")[:, 90:200, 220:370]
MIXED = Recipe((GaussianBlur(2.0, 0.5, 30.0), CameraShake(frames=3), GaussianNoise(5 / 255), Downsample(2), Jpeg(40)), bits=None)
VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def playground() -> Playground:
    return Playground(CLEAN)


@pytest.fixture(scope="module")
def survivor() -> Playground:
    """One playground for every bad message: it must outlive them all."""
    return Playground(CLEAN)


@pytest.fixture(scope="module")
def explorer() -> PCAExplorer:
    code = KernelCode.fit_srmd(dims=20, count=500)
    return PCAExplorer(code.basis, draw_srmd_kernels(3, np.random.default_rng(1)), energy=code.energy)


@pytest.fixture(scope="module")
def strobe() -> Strobe:
    pictures = {n: degrade(CLEAN, Recipe((CameraShake(20.0, frames=n),)), np.random.default_rng(0)).image for n in (9, 1, 3)}
    return Strobe(pictures, {3: "three ghosts"})


def ask(playground: Playground, **changes) -> dict:
    """What the page does when something is moved; returns the answer."""
    playground.set_state({"_edit": {"recipe": playground.recipe.to_json(), "seed": playground.seed, "at": [0, 0]} | changes})
    return playground._answer


def saved_bytes(widget) -> int:
    """What the widget's state takes in a notebook that keeps it: JSON, bytes as base64."""
    return len(json.dumps(widget.get_state(), default=lambda view: base64.b64encode(view).decode()))


# Controls


@pytest.mark.parametrize("kind", STEPS)
def test_every_field_of_every_step_has_a_control_that_moves_within_what_the_step_accepts(kind):
    step = STEPS[kind]
    hints = typing.get_type_hints(step)
    first = controls.first_of(step)
    for field in dataclasses.fields(step):
        control = controls.control(kind, field.name, hints[field.name], getattr(first, field.name))
        assert control["type"] != "fixed", f"{kind} {field.name}: no control; add one, or list the reason here"
        if control["type"] in ("switch", "choice"):
            continue
        assert field.name in controls.RANGES[kind], f"{kind} {field.name}: say how far its slider goes in RANGES"
        low, high = control["low"] / control["times"], control["high"] / control["times"]
        whole = hints[field.name] in (int, int | None)
        for end in (low, high):
            end = int(end) if whole else end
            shaped = {"map": ((end, end),), "pair": (end, end)}.get(control["type"], end)
            assert getattr(dataclasses.replace(first, **{field.name: shaped}), field.name) == shaped
        value = np.asarray(getattr(first, field.name) if getattr(first, field.name) is not None else low)
        assert low <= value.min() and value.max() <= high


def test_no_range_is_left_of_a_step_or_field_that_is_gone():
    known = {kind: {field.name for field in dataclasses.fields(step)} for kind, step in STEPS.items()}
    assert all(set(fields) <= known.get(kind, set()) for kind, fields in controls.RANGES.items())


def test_a_step_that_nobody_told_the_playground_of_gets_controls_all_the_same():
    def made(hint, first):
        return controls.control("haze", "thickness", hint, first)

    assert made(Amount, 0.5)["type"] == "slider" and made(Amount, 0.5)["high"] == 2.0
    assert made(Amount, (0.1, 0.2))["type"] == "pair"
    assert made(int | None, None)["type"] == "open" and made(bool, True)["type"] == "switch"
    assert made(typing.Literal["a", "b"], "a")["choices"] == ["a", "b"]
    assert made(str, "x")["type"] == "fixed" and "code" in made(str, "x")["words"]


def test_what_add_adds_is_the_default_and_a_map_fine_enough_to_paint_on():
    kinds = {kind["kind"]: kind for kind in controls.kinds()}
    assert list(kinds) == list(STEPS)
    for name, kind in kinds.items():
        (step,) = Recipe.from_json(json.dumps({"steps": [kind["first"]]})).steps
        assert step == (STEPS[name]() if name != "varying_blur" else controls.first_of(VaryingBlur))
        assert kind["about"] and "Truth" not in kind["about"]
    rows = kinds["varying_blur"]["first"]["stds"]
    assert (len(rows), len(rows[0])) == controls.MAP and rows[0][0] == 0.3 and rows[-1][-1] == 2.5


# Code


@pytest.mark.parametrize(
    "recipe",
    [MIXED, Recipe(()), Recipe((), bits=16), Recipe(tuple(controls.first_of(step) for step in STEPS.values()))]
    + [Recipe((GaussianNoise(sigma),)) for sigma in (0.0, 0.1, 5 / 255, 1.0, (0.0, 0.2))],
    ids=str,
)
def test_the_code_makes_an_equal_recipe(recipe):
    names = {}
    exec(recipe_code(recipe), names)
    assert names["recipe"] == recipe
    assert max(map(len, recipe_code(recipe).splitlines())) <= 80


def test_sigma_is_written_as_papers_have_it():
    assert "sigma=25 / 255" in recipe_code(Recipe((GaussianNoise(25 / 255),)))
    assert "sigma=0.1" in recipe_code(Recipe((GaussianNoise(0.1),)))


# Playground


def test_a_move_on_the_page_becomes_the_recipe_and_its_picture(playground):
    answer = ask(playground, recipe=MIXED.to_json(), seed=7, view="a", turn=3)
    assert (playground.recipe, playground.seed) == (MIXED, 7) and (answer["view"], answer["turn"], answer["error"]) == ("a", 3, "")
    want = degrade(CLEAN, MIXED, np.random.default_rng(7))
    assert torch.equal(playground.degraded, want.image) and playground.truth.keys() == want.truth.keys()
    assert Recipe.from_json(answer["recipe"]) == MIXED and answer["code"] == recipe_code(MIXED)
    enlarged = want.image.repeat_interleave(2, 1).repeat_interleave(2, 2)
    assert answer["psnr"] == f"{psnr(enlarged, CLEAN):.2f}" and answer["protocol"].startswith("COURSE_RGB")
    assert load(playground._degraded).shape == CLEAN.shape


def test_a_recipe_set_in_python_reaches_the_page(playground):
    playground.recipe = MIXED
    playground.seed = 5
    assert Recipe.from_json(playground._answer["recipe"]) == MIXED and playground._answer["seed"] == 5
    assert playground._answer["view"] is None  # no page's own question: every page takes it over


def test_the_loupe_shows_the_pixels_themselves(playground):
    playground.recipe = MIXED
    made = playground.degraded
    ask(playground, at=[30, 44])
    assert playground._loupe["at"] == [30, 44] and playground.degraded is made  # looking elsewhere degrades nothing anew
    exact = (CLEAN[:, 30:94, 44:108] * 255).round() / 255
    assert torch.allclose(load(playground._loupe["clean"]), exact, atol=1e-6)
    ask(playground, at=[-1e9, 1e9])
    assert playground._loupe["at"] == [0, CLEAN.shape[-1] - 64]


STEP = '{"steps": [%s], "bits": 8}'
BAD = {
    "no message": None,
    "text": "hello",
    "list": [1, 2],
    "number": 3.5,
    "empty": {},
    "no recipe": {"seed": 0, "at": [0, 0]},
    "recipe as object": {"recipe": {"steps": []}, "seed": 0, "at": [0, 0]},
    "not JSON": {"recipe": "{", "seed": 0, "at": [0, 0]},
    "unknown step": {"recipe": STEP % '{"kind": "fog"}', "seed": 0, "at": [0, 0]},
    "unknown field": {"recipe": STEP % '{"kind": "jpeg", "colour": 1}', "seed": 0, "at": [0, 0]},
    "out of range": {"recipe": STEP % '{"kind": "gaussian_noise", "sigma": 7}', "seed": 0, "at": [0, 0]},
    "text for a number": {"recipe": STEP % '{"kind": "camera_shake", "length": "far"}', "seed": 0, "at": [0, 0]},
    "a pair": {"recipe": STEP % '{"kind": "gaussian_noise", "sigma": [0.1, 0.2]}', "seed": 0, "at": [0, 0]},
    "ragged map": {"recipe": STEP % '{"kind": "varying_blur", "stds": [[1, 2], [3]]}', "seed": 0, "at": [0, 0]},
    "a pair in a map": {"recipe": STEP % '{"kind": "varying_blur", "stds": [[1, [2, 3]]]}', "seed": 0, "at": [0, 0]},
    "strange map": {"recipe": STEP % '{"kind": "varying_blur", "stds": {"a": 1}}', "seed": 0, "at": [0, 0]},
    "half a pixel": {"recipe": STEP % '{"kind": "downsample", "scale": 2.5}', "seed": 0, "at": [0, 0]},
    "too small": {"recipe": STEP % ", ".join(['{"kind": "downsample", "scale": 16}'] * 3), "seed": 0, "at": [0, 0]},
    "bits": {"recipe": '{"steps": [], "bits": 7}', "seed": 0, "at": [0, 0]},
    "seed below zero": {"recipe": STEP % "", "seed": -1, "at": [0, 0]},
    "seed of text": {"recipe": STEP % "", "seed": "x", "at": [0, 0]},
    "seed true": {"recipe": STEP % "", "seed": True, "at": [0, 0]},
    "no seed": {"recipe": STEP % "", "at": [0, 0]},
    "no place": {"recipe": STEP % "", "seed": 0},
    "place of text": {"recipe": STEP % "", "seed": 0, "at": ["a", "b"]},
    "place not a number": {"recipe": STEP % "", "seed": 0, "at": [float("nan"), 0]},
    "three places": {"recipe": STEP % "", "seed": 0, "at": [0, 0, 0]},
}


@pytest.mark.parametrize("message", BAD.values(), ids=BAD.keys())
def test_a_bad_message_is_answered_with_a_sentence_and_changes_nothing(survivor, message):
    assert ask(survivor, recipe=MIXED.to_json())["error"] == ""  # so that None, too, is a change
    before, picture = survivor.recipe, survivor.degraded
    survivor.set_state({"_edit": message})
    assert len(survivor._answer["error"]) > 20 and survivor._answer["error"].endswith((".", ")"))
    assert survivor.recipe is before and survivor.degraded is picture
    assert ask(survivor)["error"] == ""  # and the next good one is taken


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"recipe": Recipe((GaussianNoise((0.1, 0.2)),))}, ParameterError, "gaussian_noise sigma"),
        ({"recipe": Recipe((VaryingBlur((((1.0, 2.0), 1.0),)),))}, ParameterError, "varying_blur stds"),
        ({"recipe": Recipe((Downsample(16),) * 3)}, RecipeError, "too small"),
        ({"seed": -1}, ParameterError, "whole number"),
    ],
)
def test_a_bad_value_set_in_python_is_raised_and_changes_nothing(playground, change, error, words):
    before = playground.recipe, playground.seed
    ((name, value),) = change.items()
    with pytest.raises(error, match=words):
        setattr(playground, name, value)
    assert (playground.recipe, playground.seed) == before
    with pytest.raises(error, match=words):
        Playground(CLEAN, **change)


def test_laws_that_are_pairs_by_nature_are_taken(playground):
    playground.recipe = Recipe((SRMDBlur(variance=(1.0, 4.0)),))
    playground.recipe = Recipe((SRMDBlur(variance=2.0),))
    assert playground._answer["error"] == ""


@pytest.mark.parametrize("wrong", [CLEAN[None], CLEAN * 255, (CLEAN * 255).byte()], ids=["batch", "255", "uint8"])
def test_what_is_no_picture_is_refused(wrong):
    with pytest.raises(ImageError):
        Playground(wrong)


@pytest.mark.parametrize("shape", [(1, 40, 30), (3, 10, 200), (3, 900, 70), (1, 3, 3)], ids=str)
def test_pictures_of_every_size_work_and_large_ones_are_cut(shape):
    image = torch.from_numpy(np.random.default_rng(0).random(shape, dtype=np.float32))
    playground = Playground(image)
    assert playground.clean.shape[1] == min(shape[1], 800) and playground.degraded.shape == playground.clean.shape
    assert max(load(playground._clean).shape[1:]) <= 384


def test_every_fact_knows_its_step():
    recipe = Recipe((GaussianBlur(), Rain(), CameraShake(), CameraNoise(), GaussianBlur(3.0)))
    truth = degrade(CLEAN, recipe, np.random.default_rng(0)).truth
    found = {fact["key"]: (fact["step"], fact["name"]) for fact in facts(recipe, truth)}
    assert found.keys() == truth.keys()
    assert found["kernel"] == (0, "kernel") and found["kernel_2"] == (2, "kernel") and found["kernel_3"] == (4, "kernel")
    assert found["rain_alpha"][0] == 1 and found["path"][0] == 2 and found["sigma_map"][0] == 3


# What stays in the notebook


@pytest.mark.parametrize("name", ["playground", "explorer", "strobe"])
def test_the_notebook_keeps_a_view_a_picture_and_a_sentence(name, request):
    widget = request.getfixturevalue(name)
    bundle, metadata = widget._repr_mimebundle_()
    assert set(bundle) == {VIEW, "image/png", "text/plain"} and bundle[VIEW]["model_id"] == widget.model_id
    assert bundle["text/plain"] == repr(widget) == metadata["image/png"]["alt"] and "0x" not in repr(widget)
    assert len(bundle["image/png"]) < 320_000
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(bundle["image/png"]))))
    assert picture.shape[1] > 400 and picture.std() > 10
    assert saved_bytes(widget) < 400_000


def test_sentences_do_not_change_from_run_to_run():
    assert repr(Playground(CLEAN)) == repr(Playground(CLEAN)) != repr(Playground(CLEAN, MIXED))


def test_the_state_stays_small_under_the_strongest_noise():
    big = photos.load("astronaut")[:, :384, :384]
    steps = (VaryingBlur(), Rain(), CameraNoise(100.0), GaussianNoise(60 / 255))
    assert saved_bytes(Playground(big, Recipe(steps))) < 400_000


@pytest.mark.parametrize("widget", [Playground, PCAExplorer, Strobe])
def test_the_javascript_fetches_nothing_and_is_one_module(widget, tmp_path):
    code, style = widget._esm, widget._css
    assert not re.search(r"^\s*import\b|\bimport\s*\(|\bfetch\s*\(|XMLHttpRequest|\beval\b|innerHTML", code, re.MULTILINE)
    assert set(re.findall(r"https?://[^\s\"'`)]+", code + style)) <= {"http://www.w3.org/2000/svg"}  # a name, not an address
    assert "@import" not in style and "url(" not in style
    assert code.count("export default") == 1
    names = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", code, re.MULTILINE)
    assert len(names) == len(set(names)), "two parts use one name"
    if node := shutil.which("node"):
        (tmp_path / "widget.mjs").write_text(code)
        subprocess.run([node, "--check", tmp_path / "widget.mjs"], check=True, capture_output=True)


def test_every_public_widget_is_listed():
    assert {"PCAExplorer", "Playground", "Strobe", "recipe_code"} <= set(widgets.__all__)


# In the browser alone


def test_the_explorer_agrees_with_the_kernel_code():
    code = KernelCode.fit_srmd(dims=15, subtract_mean=True, count=500)
    kernels = draw_srmd_kernels(2, np.random.default_rng(1))
    explorer = PCAExplorer(code.matrix("C"), kernels, mean=code.mean)
    for number, kernel in enumerate(kernels):
        want = code.decode(code.encode(kernel.double()))
        assert np.allclose(explorer.reconstruction(number, 15), want.numpy(), atol=1e-7)
        assert explorer.error(number, 15) == pytest.approx(float(code.reconstruction_error(kernel)), rel=1e-4)
        errors = [explorer.error(number, kept) for kept in range(16)]
        assert errors[0] > errors[5] > errors[15]
    assert np.frombuffer(explorer._kernels, "<f4").tolist() == kernels.flatten().tolist()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"kernels": np.ones((15, 15))}, "n k k"),
        ({"kernels": np.ones((2, 15, 13))}, "n k k"),
        ({"kernels": np.ones((0, 15, 15))}, "n k k"),
        ({"basis": np.ones((3, 100))}, "the basis"),
        ({"mean": np.ones(7)}, "the mean"),
        ({"names": ["one"]}, "names"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(change, words):
    with pytest.raises(ParameterError, match=words):
        PCAExplorer(**{"basis": np.eye(225)[:3], "kernels": np.ones((2, 15, 15))} | change)


@pytest.mark.parametrize(
    ("pictures", "notes", "error"),
    [
        ({}, None, ParameterError),
        ({1: CLEAN, 2: CLEAN[:, :50]}, None, ParameterError),
        ({1: CLEAN}, {2: "where?"}, ParameterError),
        ({1: CLEAN[None]}, None, ImageError),
        ({n: torch.rand(3, 300, 300) for n in range(1, 6)}, None, ParameterError),
    ],
    ids=["none", "sizes", "stray note", "batch", "too much"],
)
def test_pictures_that_do_not_fit_are_refused(pictures, notes, error):
    with pytest.raises(error):
        Strobe(pictures, notes)


def test_pictures_are_in_order_of_their_frames(strobe):
    assert [frame["count"] for frame in strobe._frames] == [1, 3, 9] and strobe._frames[1]["note"] == "three ghosts"
    assert (load(strobe._frames[0]["picture"]) - CLEAN).abs().mean() < 0.02  # one frame of the shake: the still picture


@pytest.mark.parametrize("name", ["explorer", "strobe"])
def test_a_page_of_its_own_holds_everything(name, request):
    widget = request.getfixturevalue(name)
    page = widget.to_html()
    assert not re.search(r"(src|href)=\"(?!data:)", page) and "http" not in page and page.count("<script") == 1
    assert "<noscript><img" in page and repr(widget) in page.replace("&#x27;", "'")
    state = json.loads(json.loads(re.search(r"JSON.parse\((\"(?:[^\"\\]|\\.)*\")", page)[1]))
    assert {trait for trait in state} >= {"chosen"} and all(not trait.startswith("_esm") for trait in state)
