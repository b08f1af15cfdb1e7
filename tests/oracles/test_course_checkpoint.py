"""The course checkpoint reaches the figure that its manifest states."""

import pytest

from restorelab import checkpoint
from restorelab.data.pairs import photo_pairs
from restorelab.degrade import Recipe
from restorelab.evaluate import evaluate


def test_dmphn_gains_what_its_manifest_says():
    found = checkpoint.load_course("dmphn")
    stated = found.manifest["result"]
    assert stated["gain"] >= 1.5
    pairs = photo_pairs(
        "test", Recipe.from_json(stated["recipe"]), draws=1
    )  # a quarter of the pictures judged: the mean of each is checked below
    result = evaluate(found.model, pairs)
    assert str(result.protocol) == stated["protocol"]
    assert result.mean("gain") == pytest.approx(stated["gain"], abs=0.7)
    assert all(row.gain > 0 for row in result.rows)
