"""The course checkpoint reaches the figures that its manifest states."""

import pytest

from restorelab import checkpoint
from restorelab.data.pairs import photo_pairs
from restorelab.degrade import Recipe
from restorelab.evaluate import evaluate


def test_dmphn_gains_what_its_manifest_says():
    found = checkpoint.load_course("dmphn")
    stated = found.manifest["result"]
    assert stated["gain"] >= 1.5 and stated["gain"] == pytest.approx(sum(stated["gains"].values()) / len(stated["gains"]), abs=1e-3)
    result = evaluate(found.model, photo_pairs("test", Recipe.from_json(stated["recipe"]), draws=2))  # half of those it was judged on
    assert str(result.protocol) == stated["protocol"]
    for row in result.rows:
        assert row.gain == pytest.approx(stated["gains"][row.name], abs=0.05), row.name
