"""x16 sharded over two processes takes the steps of the whole network in one, and goes on from a whole state to the bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parent / "sharded_training.py"


def test_two_processes_with_half_of_the_weights_each_end_where_one_does(tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    done = subprocess.run(
        [*torchrun, str(SCRIPT), str(tmp_path)], env={**os.environ, "OMP_NUM_THREADS": "1"}, timeout=300, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    first, second = (json.loads((tmp_path / f"facts-{rank}.json").read_text()) for rank in (0, 1))
    assert first["mine"] + second["mine"] == first["all"] and abs(first["mine"] - second["mine"]) < 0.01 * first["all"]
    assert first["weights"] <= 1e-6 and first["averaged"] <= 1e-6 < first["moved"]
    assert first["resumed"] == 0
