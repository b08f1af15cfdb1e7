"""x16 sharded over two processes takes the steps of the whole network in one, and goes on from a whole state to the bit."""

import json

from processes import under_torchrun
from unit.sharded_training import compare


def test_two_processes_with_half_of_the_weights_each_end_where_one_does(tmp_path):
    assert under_torchrun(2, compare, tmp_path) == [0, 0]
    first, second = (json.loads((tmp_path / f"facts-{rank}.json").read_text()) for rank in (0, 1))
    assert first["mine"] + second["mine"] == first["all"] and abs(first["mine"] - second["mine"]) < 0.01 * first["all"]
    assert first["weights"] <= 1e-6 and first["averaged"] <= 1e-6 < first["moved"]
    assert first["resumed"] == 0
