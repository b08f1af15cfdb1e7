"""Uploads become pictures or sentences; the folder stays small; cards, views and scores are true."""

import os

import numpy as np
import pytest
import torch
from PIL import Image

from restorelab import checkpoint, image
from restorelab.checkpoint import Checkpoint
from restorelab.data import photos
from restorelab.degrade import GaussianNoise, Recipe, degrade
from restorelab.demo.about_tab import card
from restorelab.demo.examples import EXAMPLES, example_file, fitting
from restorelab.demo.inside_tab import LARGE, Looked, enlarged, gates, microscope, strength, times_larger, verdict, views
from restorelab.demo.jobs import Job, Limits, Refused
from restorelab.demo.judge_tab import judge_all, perception_figure, recipe_of
from restorelab.demo.offers import Offer, offers, planned
from restorelab.demo.parts import as_picture, middle, pixels
from restorelab.demo.uploads import read_upload, trim
from restorelab.demo.words import say
from restorelab.demo.workshop import Workshop, told_of
from restorelab.discriminator import Discriminator
from restorelab.metrics import COURSE_RGB, psnr, ssim
from restorelab.models.deblurgan_v2 import DeblurGANv2, DeblurGANv2Config
from restorelab.models.discriminators import UNetDiscriminator
from restorelab.models.x16 import RRDBCascade, RRDBCascadeConfig
from restorelab.repository import root
from restorelab.restore import restore

CLEAN = photos.load("tulips")[:, 100:164, 100:164]


@pytest.fixture(scope="module")
def workshop():
    return Workshop({name: offer for name, offer in offers().items() if name in ("dmphn_shake", "udvd_x2")})


def test_a_16_bit_upload_keeps_its_depth(tmp_path):
    fine = torch.linspace(0, 1, 3 * 40 * 40).reshape(3, 40, 40)
    image.save(fine, tmp_path / "fine.png", bit_depth=16)
    given = read_upload(str(tmp_path / "fine.png"), Limits())
    assert given.bits == 16 and given.name == "fine"
    assert (given.pixels - fine).abs().max() < 1 / 65535


def test_a_message_names_the_file_and_not_its_place(tmp_path):
    (tmp_path / "secret").mkdir()
    file = tmp_path / "secret" / "page.png"
    file.write_text("<html>")
    with pytest.raises(Refused, match="page.png") as caught:
        read_upload(str(file), Limits())
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("size, scale, words", [
    ((2000, 10), 1, "each side needs at least 16"), ((1, 1), 1, "each side needs"), ((200, 200), 1, "more than the 30,000"),
    ((100, 100), 4, "more than the 6,250"),
])  # fmt: skip
def test_sizes_are_limited_for_what_comes_out_too(tmp_path, size, scale, words):
    Image.new("RGB", size).save(tmp_path / "a.png")
    with pytest.raises(Refused, match=words):
        read_upload(str(tmp_path / "a.png"), Limits(input_pixels=30_000, output_pixels=100_000), scale)


def test_frames_that_are_left_out_are_told(tmp_path):
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    assert "only the first is read" in read_upload(str(tmp_path / "a.gif"), Limits()).notes[0]


def test_the_oldest_files_go_first(tmp_path):
    for number in range(5):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "picture.png").write_bytes(bytes(100))
        os.utime(tmp_path / f"{number}" / "picture.png")
    assert trim(tmp_path, 250) == 200
    assert {one.name for one in tmp_path.rglob("*")} == {"3", "4", "picture.png"}, "nor do empty folders stay"


def test_the_verdict_is_the_discriminators_of_every_pixel_and_says_its_range():
    judge = Discriminator(UNetDiscriminator(width=2).eval(), 0.65)
    map, words = verdict(judge, CLEAN[:, :, :60])
    padded = torch.cat([CLEAN[:, :, :60], CLEAN[:, :, 55:59].flip(-1)], dim=-1)  # mirrored about the edge
    logits = judge.network(padded[None]).decoder_map[0, :, :, :60].detach()
    low, high = float(logits.min()), float(logits.max())
    assert torch.allclose(map, (logits - low) / (high - low), atol=1e-5) and map.shape == (1, 64, 60)
    assert f"{low:.2f}" in words and f"{high:.2f}" in words


def test_sliders_and_recipe_are_one_thing():
    recipe = recipe_of(7.0, 1.2, 5.0, 80, 2)
    assert [step.kind for step in recipe.steps] == ["isotropic_blur", "camera_shake", "downsample", "gaussian_noise", "jpeg"]
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert recipe_of(0, 0, 0, 100, 1).steps == ()


def test_scores_are_those_of_the_metrics(workshop):
    recipe = Recipe((GaussianNoise(0.05),))
    (sharp, given, restored), trunk = judge_all(workshop, CLEAN, recipe, 3, Job(60, ""), lambda share: None)
    degraded = degrade(CLEAN, recipe, np.random.default_rng(3)).image
    assert torch.equal(given.image, degraded) and given.psnr == psnr(degraded, CLEAN, COURSE_RGB)
    assert restored.ssim == ssim(restored.image, CLEAN, COURSE_RGB) and restored.name == "DMPHN (dmphn_shake)"
    assert (sharp.rmse, sharp.distance) == (0, 0) and given.distance > 0 and trunk
    picture = as_picture(perception_figure([sharp, given, restored], trunk))
    assert picture.dtype == np.uint8 and picture.shape[2] == 3 and len(np.unique(picture)) > 50


def test_udvd_is_told_the_truth(workshop):
    recipe = recipe_of(0, 1.2, 10, 100, 2)
    (_, enlarged, restored), _ = judge_all(workshop, CLEAN, recipe, 0, Job(60, ""), lambda share: None)
    degraded = degrade(CLEAN, recipe, np.random.default_rng(0)).image
    model = workshop.checkpoint(workshop.offer("udvd_x2")).model
    assert (restored.image - restore(model, degraded, condition=told_of(1.2, 10 / 255)).image).abs().max() < 1e-5
    assert restored.psnr > enlarged.psnr + 1


def test_no_network_for_a_scale_is_a_sentence(workshop):
    with pytest.raises(Refused, match="enlarges 3 times"):
        judge_all(workshop, CLEAN, recipe_of(0, 0, 0, 100, 3), 0, Job(60, ""), lambda share: None)


def test_a_view_for_every_level_in_the_order_of_their_making(workshop):
    offer = workshop.offer("dmphn_shake")
    model = workshop.checkpoint(offer).model
    shown = views(offer, model, restore(model, CLEAN, explain=True))
    assert [words.split(",")[0] for _, words in shown] == ["level 3 (patches: 4)", "level 2 (patches: 2)", "level 1 (patches: 1)"]
    assert shown[-1][1].endswith("added to the picture") and shown[0][1].endswith("the next level sees")
    assert all(one.shape == CLEAN.shape and one.min() >= 0 and one.max() <= 1 for one, _ in shown)


@pytest.mark.parametrize("system, model, expected", [
    ("deblurgan_v2", lambda: DeblurGANv2(DeblurGANv2Config(width=16)),
     [*(f"pyramid at 1/{scale} of the size" for scale in (2, 4, 8, 16, 32)), "what was added (grey is nothing)"]),
    ("x16", lambda: RRDBCascade(RRDBCascadeConfig(width=8, depth=1, growth=4)),
     [f"features after trunk {number}, mean strength" for number in (1, 2)]),
])  # fmt: skip
def test_what_is_in_training_will_be_shown(system, model, expected):
    offer = next(one for one in planned() if one.system == system)
    model = model().eval()
    shown = views(offer, model, restore(model, CLEAN[:, :: offer.scale, :: offer.scale] if offer.scale > 1 else CLEAN, explain=True))
    assert [words for _, words in shown] == expected
    assert all(pixels(one).dtype == np.uint8 and one.min() >= 0 and one.max() <= 1 for one, _ in shown)


def test_gates_are_shown_from_their_lowest_to_their_highest():
    shown, words = gates(torch.tensor([[[0.4, 0.5]], [[0.4, 0.7]]]), 2)
    assert shown.tolist() == [[[0.0, 1.0]]] and "attention 2" in words and "0.400 (black) to 0.600 (white)" in words
    assert gates(torch.full((2, 1, 1), 0.5), 1)[0].item() == 0


@pytest.mark.parametrize("size", [(192, 192), (100, 192), (256, 40), (2000, 900)])
def test_a_result_to_click_on_is_large_and_made_of_squares(size):
    small = torch.rand(3, *size, generator=torch.Generator().manual_seed(0))
    large, times = enlarged(small), times_larger(small)
    assert max(large.shape) >= LARGE > (times - 1) * max(size)
    assert np.array_equal(large[times // 2 :: times, times // 2 :: times], pixels(small))


def test_the_microscope_takes_any_pixel(workshop):
    model = workshop.checkpoint(workshop.offer("udvd_x2")).model
    small = CLEAN[:, ::2, ::2]
    looked = Looked("udvd_x2", small, restore(model, small, condition=told_of(0.2, 0), explain=True))
    corner, beyond = microscope(looked, 63, 63), microscope(looked, 10_000, 10_000)
    assert corner == beyond and "sandbox=" in corner and corner.count("<iframe") == 1


@pytest.mark.parametrize("key", EXAMPLES)
def test_an_example_is_of_its_task_and_large_enough(key, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    example = EXAMPLES[key]
    assert fitting(example.task) == key and example.photo in photos.names("test")
    assert example.recipe.scale == (int(example.task[1:]) if example.task.startswith("x") else 1)
    made = image.load(example_file(key))
    assert min(made.shape[-2:]) >= Limits().least_side and not torch.equal(made, photos.load(example.photo))


def test_a_network_without_an_example_of_its_own_gets_another():
    assert fitting("x4") in EXAMPLES


def test_strength_is_white_at_its_largest():
    assert strength(torch.tensor([[[1.0, -3.0]], [[0.0, 1.0]]])).tolist() == [[[0.25, 1.0]]]
    assert strength(torch.zeros(2, 1, 1)).item() == 0


def test_the_middle_of_a_picture():
    assert torch.equal(middle(CLEAN, 10), CLEAN[:, 27:37, 27:37])
    assert middle(CLEAN, 100) is not None and middle(CLEAN, 100).shape == CLEAN.shape


@pytest.mark.parametrize("name", offers())
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_card_says_data_figures_with_protocol_and_limits(name, language):
    offer = offers()[name]
    found = checkpoint.load(offer.path)
    text = card(offer, found, language)
    assert str(found.manifest["data"]["photographs"]) in text and "dB" in text and "SSIM 2-D" in text
    assert ("What it cannot do" if language == "en" else "它做不到什么") in text


TINY = RRDBCascade(RRDBCascadeConfig(width=8, depth=1, growth=4))
SHAKE = '{"steps": [{"kind": "camera_shake", "length": [5.0, 8.0]}, {"kind": "gaussian_noise", "sigma": [0, 0.1]}, {"kind": "jpeg"}]}'
RESULT = {"degraded_psnr": 20.0, "restored_psnr": 21.0, "gain": 1.0, "protocol": "P", "steps_done": 8000, "training_seconds": 5400.0}


@pytest.mark.parametrize("manifest, said, unsaid", [
    ({}, ["its file does not say"], ["MIT"]),
    ({"parameters": {"recipe": SHAKE}}, ["camera shake along 5–8 pixels", "Gaussian noise of 0–25.5/255; jpeg"], ["data set"]),
    ({"parameters": {"recipe": SHAKE, "data_set": "gopro_large"}}, ["the data set gopro_large; where that is not prepared: camera"], []),
    ({"result": RESULT | {"some trunk": 0.25}, "device": "a GPU"},
     ["PSNR 20.00 → 21.00 dB, perceptual distance 0.250 [some trunk] (P)", "8,000 steps, 90 min; device: a GPU"], ["SSIM"]),
    ({"converted_from": "a.h5", "release": "https://example.org", "note": "on the authors' terms"},
     ["on the authors' terms, https://example.org"], ["MIT"]),
    ({"licence": "CC BY 4.0"}, ["CC BY 4.0"], ["MIT"]),
])  # fmt: skip
def test_a_card_says_what_the_file_says_and_nothing_else(tmp_path, manifest, said, unsaid):
    text = card(Offer("mine", "x16", "x16", tmp_path / "mine.safetensors"), Checkpoint(TINY, "x16", manifest))
    assert "It invents" in text and "16 times larger" in text
    assert [words for words in said if words not in text] == [] and [words for words in unsaid if words in text] == []


def test_the_licence_of_the_kit_is_as_the_cards_say():
    assert "LICENSE is MIT" in say("licence_of_kit") and (root() / "LICENSE").read_text().startswith("MIT License")
