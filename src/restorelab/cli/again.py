"""`restorelab train --course NAME`: the training that made a checkpoint, once more."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from restorelab import checkpoint, rerun
from restorelab.checkpoint import Checkpoint
from restorelab.cli.training import beginning, carry_out, keep, photographs
from restorelab.devices import choose_device
from restorelab.rerun import Recorded
from restorelab.train.distributed import rank
from restorelab.train.run import Run, new_run_folder


def train_again(name: str, photos: Path | None, out: Path | None, device: str, console: Console) -> Path:
    """Train as the manifest of a checkpoint says (the course's by its name, any by its path), and compare; the run's folder.

    Every difference that is known beforehand is said before it begins: other photographs, another PyTorch, what was done by hand.
    """
    source = rerun.find(name)
    found = checkpoint.load(source)
    then = rerun.recorded(found)
    device = choose_device(device)
    pictures, data = photographs(photos)
    data |= {"terms": then.terms} if then.terms else {}
    for words in _differences(found, then, data, device):
        console.print(escape(f"other than then: {words}"))
    model, begun = beginning(then.training, then.preset, then.seed, then.start)
    with Run(out or new_run_folder(f"{source.stem}_again"), then.seed, then.parameters | begun, data, device) as run:
        console.print(escape(f"once more: {source.name}"))
        trained = carry_out(then.training, then.preset, model, pictures, run, device, console)
        if rank() > 0:
            return run.folder
        _, card = keep(then.training, then.preset, trained, run)
        console.print(escape(_compared(rerun.same_weights(trained, found), found, card, source.name)))
        console.print(escape(f"weights: {run.checkpoints / 'final.safetensors'}"))
    return run.folder


def _differences(found: Checkpoint, then: Recorded, data: dict, device: str) -> list[str]:
    differences = [*then.changes, *rerun.other_circumstances(found, device)]
    if data["sha256"] != then.sha256:
        whose = f" ({then.terms})" if then.terms else ""
        differences.append(
            f"it saw {then.photographs} photographs{whose}, these are {data['photographs']}, or others: "
            "give the folder that they are in with --photos"
        )
    return differences


def _compared(same: bool, found: Checkpoint, card: dict, name: str) -> str:
    if same:
        return f"the same weights as in {name}, to the bit"
    then, now = (_gain(result) for result in (found.manifest.get("result", {}), card["result"]))
    return f"other weights than in {name}; then {then}; now {now}"


def _gain(result: dict) -> str:
    return f"{result['gain']:+.2f} dB on {result.get('on')}, {result.get('protocol')}" if "gain" in result else "no gain recorded"
