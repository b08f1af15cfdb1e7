"""The course checkpoints reach the figures that their manifests state."""

import pytest
from oracles.test_course_trunk_rankings import import_from_course

from restorelab import checkpoint, presets, rerun
from restorelab.data.pairs import photo_pairs
from restorelab.degrade import Recipe
from restorelab.evaluate import evaluate
from restorelab.metrics import find_protocol
from restorelab.metrics.course_trunk import perceptual_distance
from restorelab.metrics.niqe import niqe

BLIND = {  # -> what it must gain at least, in dB
    "dmphn_shake": 2.0, "mprnet_deblur": 2.6, "mprnet_denoise": 8.0, "mprnet_derain": 5.0,
    "deblurgan_v2_pixel": 2.0, "deblurgan_v2_shake": 2.0, "x16_pixel": 0.4,
}  # fmt: skip


def agree(rows, stated: dict, least: float) -> None:
    """The first draw of every photograph is judged again; the manifest has all."""
    assert stated["gain"] >= least and stated["gain"] == pytest.approx(sum(stated["gains"].values()) / len(stated["gains"]), abs=1e-3)
    for row in rows:
        assert row.gain == pytest.approx(stated["gains"].get(f"{row.name} 1", stated["gains"].get(row.name)), abs=0.05), row.name


@pytest.mark.parametrize("name", BLIND)
def test_it_gains_what_its_manifest_says(name):
    found = checkpoint.load(rerun.course_checkpoints()[name])
    stated = found.manifest["result"]
    result = evaluate(found.model, photo_pairs("test", Recipe.from_json(stated["recipe"])))
    assert str(result.protocol) == stated["protocol"]
    agree(result.rows, stated, BLIND[name])


def test_of_the_networks_against_shake_mprnet_is_ahead():
    """By what their manifests state, of the same draws under the same protocol; the first draws are judged again above."""
    names = ("mprnet_deblur", "dmphn_shake", "deblurgan_v2_pixel", "deblurgan_v2_shake")
    stated = {name: checkpoint.load(rerun.course_checkpoints()[name]).manifest["result"] for name in names}
    assert len({(one["recipe"], one["protocol"], *one["gains"]) for one in stated.values()}) == 1
    assert stated["mprnet_deblur"]["recipe"] == presets.SHAKE.to_json()
    assert max(stated, key=lambda name: stated[name]["gain"]) == "mprnet_deblur"


def test_deblurgan_with_judges_is_nearer_in_features_and_further_off_in_decibels():
    """The same weights, gone on with twice over the same samples; by what the manifests state."""
    alone, judged = (checkpoint.load(rerun.course_checkpoints()[f"deblurgan_v2_{half}"]).manifest for half in ("pixel", "shake"))
    shared = [{name: one["parameters"][name] for name in ("start", "fit", "crop", "recipe", "objective")} for one in (alone, judged)]
    assert shared[0] == shared[1] and "against" in judged["parameters"] and "against" not in alone["parameters"]
    assert alone["result"]["gain"] > judged["result"]["gain"]
    assert alone["result"]["course trunk, not LPIPS"] > judged["result"]["course trunk, not LPIPS"] + 0.005


@pytest.mark.parametrize("what, sigma, least", [("noise-free, SR x2", 0.0, 3.3), ("noise up to 25/255, SR x2", None, 3.0)])
def test_udvd_is_above_bicubic_by_what_its_manifest_says(what, sigma, least):
    found = checkpoint.load_course("udvd")
    stated = found.manifest["result"][what]
    assert found.manifest["parameters"]["kernel_code"] == presets.kernel_code().fingerprint  # else it would be told other numbers
    pairs = presets.watched_pairs(presets.UDVD["lab"], "test", draws=1, sigma=sigma)
    protocol = find_protocol("SR x2")
    result = evaluate(found.model, pairs, protocol, condition=presets.told)
    assert str(protocol) == stated["protocol"]
    agree(result.rows, stated, least)


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_of_the_two_x16_one_is_nearer_and_the_other_looks_more_like_a_photograph():
    """More decibels for the pixels' network; a better NIQE and a lower distance in features (stand-in: the course trunk) for the other."""
    pairs = photo_pairs("test", presets.X16["lab"].recipe)
    trunk, found = perceptual_distance(), {}
    judges = {"NIQE": lambda restored, clean: niqe(restored), "distance": lambda restored, clean: float(trunk(restored[None], clean[None]))}
    for name in ("x16_pixel", "x16_perceptual"):
        result = evaluate(checkpoint.load(rerun.course_checkpoints()[name]).model, pairs, metrics=judges)
        found[name] = {figure: result.mean(figure) for figure in ("restored_psnr", *judges)}
    pixel, perceptual = found["x16_pixel"], found["x16_perceptual"]
    assert pixel["restored_psnr"] > perceptual["restored_psnr"] + 0.5, found
    assert pixel["NIQE"] > perceptual["NIQE"] + 0.5 and pixel["distance"] > perceptual["distance"], found


def test_what_is_kept_of_the_perceptual_x16_lies_between_two_trainings():
    found = checkpoint.load(rerun.course_checkpoints()["x16_perceptual"])
    then = rerun.recorded(found)
    assert then.preset.interpolation == 0.8 and then.start == rerun.course_checkpoints()["x16_pixel"] and not then.changes


@pytest.mark.parametrize("training", presets.TRAININGS)
def test_training_it_again_would_replace_its_own_file_and_no_other(training):
    path = import_from_course("checkpoints").shipped_of(training)
    assert rerun.recorded(checkpoint.load(path)).training == training
