"""The page as an API: the pixels of `restore()`, to the bit, for each network, whatever the page is doing."""

import json
import urllib.request

import numpy as np
import pytest
import torch
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from restorelab import image
from restorelab.data import photos
from restorelab.demo.offers import offers
from restorelab.demo.workshop import told_of
from restorelab.restore import restore

CROP = photos.load("chelsea")[:, 100:148, 200:260]


@pytest.fixture
def picture(tmp_path):
    return saved(CROP, tmp_path)


def saved(pixels, folder):
    image.save(pixels, folder / "chelsea.png", bit_depth=16)
    return folder / "chelsea.png"


@pytest.mark.parametrize("name", offers())
def test_a_caller_gets_the_pixels_of_restore(served, client, tmp_path, name):
    workshop = served[0].workshop
    offer = workshop.offer(name)
    picture = saved(CROP if offer.scale < 16 else CROP[:, :16, :20], tmp_path)
    (before, after), file, said = client.predict(handle_file(str(picture)), name, 0, 0, 1.2, 5.0, "en", api_name="/restore")
    model = workshop.checkpoint(offer).model
    expected = restore(model, image.load(picture), condition=told_of(1.2, 5 / 255) if model.condition_channels else None).image
    assert torch.equal((image.load(file) * 65535).round(), (expected * 65535).round())
    assert image.probe(file).bit_depth == 16 and file.endswith("chelsea_restored.png")
    assert np.array_equal(image.to_uint8(image.load(after)), image.to_uint8(expected)), "the slider shows PNG, without loss"
    assert image.load(before).shape == expected.shape and f"{expected.shape[-1]} × {expected.shape[-2]}" in said


def test_two_equal_jobs_share_no_file(served, picture):
    """Else the second would be written over what the first visitor is downloading."""
    caller = Client(served[1], verbose=False, download_files=False)
    ask = lambda: caller.predict(handle_file(str(picture)), "dmphn_shake", 0, 0, 1.0, 0.0, "en", api_name="/restore")  # noqa: E731
    files = [one["path"] for pair, file, _ in (ask(), ask()) for one in (*pair, file)]
    assert len(set(files)) == len(files) == 6


def test_stages_and_tiles_arrive(served, client, picture):
    _, file, said = client.predict(handle_file(str(picture)), "udvd_x2", 1, 128, 0.2, 0, "en", api_name="/restore")
    model = served[0].workshop.checkpoint(served[0].workshop.offer("udvd_x2")).model
    expected = restore(model, image.load(picture), condition=told_of(0.2, 0), stage=1, tile=128)
    assert torch.equal((image.load(file) * 65535).round(), (expected.image * 65535).round()) and str(expected.tiling) in said


def test_judging_gives_scores(client):
    recipe = '{"steps": [{"kind": "gaussian_noise", "sigma": 0.1}], "bits": 8}'
    gallery, table, said, plot = client.predict("tulips", None, recipe, 0, "zh", api_name="/judge")
    assert len(gallery) == len(table["data"]) + 1 and "COURSE_RGB" in said
    degraded = next(row for row in table["data"] if row[0] == "退化后")
    assert float(degraded[1]) == pytest.approx(20.3, abs=0.7)  # 20 dB, and clipping takes some noise away


def test_a_recipe_of_a_thousand_steps_is_a_sentence(client):
    recipe = '{"steps": [' + ", ".join(['{"kind": "gaussian_noise", "sigma": 0.1}'] * 1000) + "]}"
    with pytest.raises(AppError, match="at most 8 steps"):
        client.predict("tulips", None, recipe, 0, "en", api_name="/judge")


def test_the_health_of_the_server(served):
    with urllib.request.urlopen(f"{served[1]}health") as answer:
        said = json.load(answer)
    assert said["status"] == "ok" and said["systems"] == list(served[0].workshop.offers) and said["at_work"] == 0
