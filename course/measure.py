"""What every chapter takes on this machine at `smoke`, for hardware.md: python course/measure.py writes recorded/smoke.json.

Processor time is counted, of all the notebook's processes: on a machine with other work it says more than the clock does.
Memory is that of the largest process, in MB (Linux).
"""

import json
import os
import platform
import resource
import subprocess
import sys
from datetime import date
from pathlib import Path

import torch

HERE = Path(__file__).resolve().parent
_ONE = """
import sys
from pathlib import Path
import nbformat
from execution import execute
path = Path(sys.argv[1])
execute(nbformat.read(path, 4), path.parent, path.stem, lambda cell: None)
"""


def main() -> None:
    manifest = {"cores": os.cpu_count(), "machine": platform.machine(), "threads": torch.get_num_threads(), "torch": torch.__version__}
    rows: dict[str, int] = {}
    for path in sorted((HERE.parent / "notebooks").glob("*.ipynb")):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", _ONE, path], cwd=HERE, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        rows[path.stem] = round(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
        print(f"{path.stem}: {rows[path.stem]} s", flush=True)
        record = {"on": date.today().isoformat(), **manifest, "largest_process_mb": after.ru_maxrss // 1024, "processor_seconds": rows}
        (HERE / "recorded" / "smoke.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
