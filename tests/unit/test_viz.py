"""Pictures are made, carry a text, and stay small; what they show is looked at by people."""

import io

import numpy as np
import torch
from PIL import Image

from restorelab import viz
from restorelab.data import photos
from restorelab.evaluate import Evaluation, Row
from restorelab.metrics import COURSE_RGB

PHOTO = photos.load("coffee")[:, 100:180, 200:320]


def rendered(figure, lossless: bool = False) -> np.ndarray:
    bundle, metadata = viz.mime(figure, "what it shows", lossless)
    kind = "image/png" if lossless else "image/jpeg"
    assert bundle["text/plain"] == "what it shows" and metadata[kind]["alt"] == "what it shows"
    assert len(bundle[kind]) < 200_000
    return np.asarray(Image.open(io.BytesIO(bundle[kind])))


def test_every_figure_renders():
    rows = [{"step": n, "loss": 1 / n} | ({"psnr": 20.0 + n, "input_psnr": 20.0} if n % 5 == 0 else {}) for n in range(1, 30)]
    figures = (
        viz.picture_row({"a": PHOTO, "b": PHOTO[:1]}, "title"),
        viz.patch_layout(PHOTO, (1, 2, 4, 8)),
        viz.kernel_picture({"k": torch.rand(7, 7)}),
        viz.training_curve(rows),
        viz.training_curve(rows[:1]),
    )
    for figure in figures:
        assert rendered(figure).std() > 5  # something is drawn


def test_a_millionth_of_a_decibel_does_not_look_like_a_rise():
    rows = [{"step": n, "loss": 1.0, "psnr": 29.0 + n * 1e-6, "input_psnr": 29.0} for n in (1, 2)]
    low, high = viz.training_curve(rows).axes[1].get_ylim()
    assert high - low >= 0.5 and low < 29 < high
    rows[1]["psnr"] = 33.0
    low, high = viz.training_curve(rows).axes[1].get_ylim()
    assert low < 29 and 33 < high < 34


def test_crop_error_and_residual_pictures():
    assert torch.equal(viz.crop(PHOTO, 3, 5, 10), PHOTO[:, 3:13, 5:15])
    assert viz.error_map(PHOTO, PHOTO).max() == 0
    assert torch.allclose(viz.error_map(PHOTO, (PHOTO + 0.1)), torch.tensor(0.4))
    assert torch.equal(viz.signed(torch.zeros(3, 2, 2)), torch.full((3, 2, 2), 0.5))


def test_tables_escape_and_carry_the_protocol(capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(viz, "display", lambda bundle, **_: shown.append(bundle))
    result = Evaluation((Row("a<b", 20.0, 22.5, 0.5, 0.625), Row("c", 30.0, 30.5, 0.9, 0.91)), COURSE_RGB)
    viz.show_evaluation(result, "DMPHN, course checkpoint")
    (bundle,) = shown
    assert "a&lt;b" in bundle["text/html"] and "a<b" in bundle["text/plain"]
    for text in bundle.values():
        assert str(COURSE_RGB) in text.replace("&#x27;", "'") and "DMPHN, course checkpoint" in text and "2.50" in text and "1.50" in text


def test_the_contact_sheet_shows_the_square_that_changed():
    clean = PHOTO.repeat(1, 4, 3)
    given = clean + 0.1
    restored = given.clone()
    restored[:, 200:260, 40:100] -= 0.1  # mended here alone
    rows = tuple(Row(name, 20.0, 20.0 + gain, 0.5, 0.6) for name, gain in (("a", 1.0), ("b", 2.0), ("c", 3.0)))
    result = Evaluation(rows, COURSE_RGB, "a model", "a set")
    figure = viz.contact_sheet(result, {name: (given, restored, clean) for name in "abc"}, side=64)
    assert rendered(figure).std() > 5
    titles = [axis.get_title() for axis in figure.axes]
    assert titles[0].startswith("best: c") and titles[5].startswith("median: b") and titles[10].startswith("worst: a")
    before, after = (np.asarray(figure.axes[i].images[0].get_array(), dtype=float) for i in (3, 4))
    assert (before - after).mean() > 60  # of 255: the square lies on the mended place
    assert "COURSE_RGB" in figure.get_suptitle()


def test_the_plane_fills_what_no_other_method_beats():
    points = {"close": (1.0, 5.0), "natural": (4.0, 1.0), "beaten": (4.0, 5.0), "between": (2.0, 2.0)}
    figure = viz.perception_distortion(points, "RMSE", "LPIPS", "a title")
    faces = {text.get_text(): dot.get_markerfacecolor() for text, dot in zip(figure.axes[0].texts, figure.axes[0].lines[1:], strict=True)}
    assert [name for name, face in faces.items() if face == "white"] == ["beaten"] and rendered(figure).std() > 5
