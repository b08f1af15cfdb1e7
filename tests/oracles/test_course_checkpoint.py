"""The course checkpoint reaches the figures that its manifest states."""

import pytest

from restorelab import checkpoint, presets
from restorelab.data.pairs import photo_pairs
from restorelab.degrade import Recipe
from restorelab.evaluate import evaluate
from restorelab.metrics import find_protocol


def test_dmphn_gains_what_its_manifest_says():
    found = checkpoint.load_course("dmphn")
    stated = found.manifest["result"]
    assert stated["gain"] >= 1.5 and stated["gain"] == pytest.approx(sum(stated["gains"].values()) / len(stated["gains"]), abs=1e-3)
    result = evaluate(found.model, photo_pairs("test", Recipe.from_json(stated["recipe"])))  # a quarter of those it was judged on
    assert str(result.protocol) == stated["protocol"]
    for row in result.rows:
        assert row.gain == pytest.approx(stated["gains"][f"{row.name} 1"], abs=0.05), row.name


@pytest.mark.parametrize("task, least", [("deblurring", 1.8), ("denoising", 8.0), ("deraining", 5.0)])
def test_mprnet_gains_what_its_manifest_says(task, least):
    found = checkpoint.load_course("mprnet", task)
    stated = found.manifest["result"]
    assert stated["gain"] >= least and stated["gain"] == pytest.approx(sum(stated["gains"].values()) / len(stated["gains"]), abs=1e-3)
    result = evaluate(found.model, photo_pairs("test", Recipe.from_json(stated["recipe"])))  # a quarter of those it was judged on
    assert str(result.protocol) == stated["protocol"]
    for row in result.rows:
        assert row.gain == pytest.approx(stated["gains"][f"{row.name} 1"], abs=0.05), row.name


@pytest.mark.parametrize("what, sigma, least", [("noise-free, SR x2", 0.0, 3.3), ("noise up to 25/255, SR x2", None, 3.0)])
def test_udvd_is_above_bicubic_by_what_its_manifest_says(what, sigma, least):
    found = checkpoint.load_course("udvd")
    stated = found.manifest["result"][what]
    assert stated["gain"] >= least and stated["gain"] == pytest.approx(sum(stated["gains"].values()) / len(stated["gains"]), abs=1e-3)
    assert found.manifest["parameters"]["kernel_code"] == presets.kernel_code().fingerprint  # else it would be told other numbers
    pairs = presets.watched_pairs(presets.UDVD["lab"], "test", draws=1, sigma=sigma)  # a quarter of those it was judged on
    protocol = find_protocol("SR x2")
    result = evaluate(found.model, pairs, protocol, condition=presets.told)
    assert str(protocol) == stated["protocol"]
    for row in result.rows:
        assert row.gain == pytest.approx(stated["gains"][f"{row.name} 1"], abs=0.05), row.name
