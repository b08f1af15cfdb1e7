"""A chapter for tests of sweeps: it counts, slowly, resumes where it was killed, and needs no torch, which takes seconds to import.

$TINY_CHAPTER_PAUSE is how many seconds a step takes, so that there is time to kill it. A step that was done twice, left out, or drawn
with another seed, shows in the `value` that it results in.
"""

import json
from pathlib import Path

import nbformat

NAME = "90_tiny"
PARAMETERS = """\
seed: int = 0  # decides the draws
steps: int = 5  # draws
rate: float = 0.5  # weight of the draws before
fail_at: int = 0  # step that raises an error; 0 never
protocol: str = "tiny"  # what the figures are made by
run_dir: str = ""  # where the run is written"""
WORK = """\
import json, os, random, time
from pathlib import Path

import filelock

folder = Path(run_dir)
lock = filelock.FileLock(folder / ".lock")
lock.acquire(timeout=20)  # as Run does: the kernel of a killed job lives for another second or two

def write(name, facts):
    (folder / f".{name}").write_text(json.dumps(facts))
    os.replace(folder / f".{name}", folder / name)

write("manifest.json", {"status": "running", "device": "a tiny one", "result": None})
file = folder / "state.json"
step, value = json.loads(file.read_text()) if file.is_file() else (0, 0.0)
while step < steps:
    step += 1
    time.sleep(float(os.environ.get("TINY_CHAPTER_PAUSE", "0")))
    value = rate * value + random.Random(f"{seed}/{step}").random()
    if step == fail_at:
        raise ValueError("this step fails\\nas it was asked to")
    write("state.json", [step, value])
    with open(folder / "metrics.jsonl", "a") as rows:
        rows.write(json.dumps({"step": step, "steps": steps, "loss": value}) + "\\n")"""
END = """\
result = {"value": value, "whole": True, "protocol": protocol}
write("manifest.json", {"status": "finished", "device": "a tiny one", "result": result})"""


def make(clone: Path) -> Path:
    """A folder that looks like a clone of the repository with this chapter alone; go there to run it."""
    return write(clone, NAME, PARAMETERS, WORK, END)


def write(clone: Path, name: str, parameters: str, *work: str) -> Path:
    """The same with the chapter of these cells."""
    cells = [nbformat.v4.new_code_cell(parameters, metadata={"tags": ["parameters"]})]
    cells += [nbformat.v4.new_code_cell(text) for text in work]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    (clone / "course").mkdir(parents=True)
    (clone / "notebooks").mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells, metadata=kernel), clone / "notebooks" / f"{name}.ipynb")
    return clone


def steps_done(run: Path) -> int:
    file = run / "metrics.jsonl"
    return len(file.read_text().splitlines()) if file.is_file() else 0


def table_without_times(folder: Path) -> dict:
    table = json.loads((folder / "table.json").read_text())
    for row in table["rows"]:
        del row["minutes"]
    return table
