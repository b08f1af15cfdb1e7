"""`restorelab restore`: files in, files out."""

from pathlib import Path

import torch
from rich.console import Console
from rich.markup import escape
from torch import Tensor, nn

from restorelab import checkpoint, image
from restorelab.cli.bars import progress_bar
from restorelab.devices import choose_device
from restorelab.errors import ImageError, OutOfMemory, ParameterError
from restorelab.restore import restore


def restore_files(files: list[Path], name: str, weights: Path | None, out: Path | None, device: str, how: dict,
                  overwrite: bool, console: Console, problems: Console, task: str = "") -> int:  # fmt: skip
    """Restore every file, saying for each where it went or why not; returns how many failed. `how` goes to `restore()`."""
    model = find_model(name, weights, task).model.to(choose_device(device))
    if out:
        out.mkdir(parents=True, exist_ok=True)
    failed = 0
    with progress_bar(console) as bar:
        task = bar.add_task("restoring", total=len(files))
        for file in files:
            bar.update(task, description=file.name)
            try:
                console.print(escape(_restore_one(model, file, target(file, out), how, overwrite)))
            except (ImageError, OutOfMemory) as error:
                failed += 1
                problems.print(f"[red]error:[/] {escape(str(error))}")
            bar.advance(task)
    return failed


def numbers(text: str | None) -> Tensor | None:
    """ "0.1, 0.2" -> a tensor of two. Raises ParameterError."""
    try:
        return torch.tensor([float(word) for word in text.split(",")]) if text else None
    except ValueError as error:
        raise ParameterError(f"condition is numbers with commas between them, like 0.1,0.2; not {text!r}.") from error


def target(file: Path, out: Path | None) -> Path:
    """Results are PNG, whatever came in: a restored picture should not be compressed again."""
    return (out or file.parent) / f"{file.stem}_restored.png"


def _restore_one(model: nn.Module, file: Path, result: Path, how: dict, overwrite: bool) -> str:
    if result.exists() and not overwrite:
        raise ImageError(f"{result} is already there: give --overwrite to replace it, or --out for another folder.")
    info = image.probe(file)
    restored = restore(model, image.load(file), **how)
    image.save(restored.image, result, bit_depth=min(info.bit_depth, 16))
    cut = f", {restored.tiling}" if restored.tiling else ""
    return f"{file} -> {result}  ({info.width}x{info.height}, {info.bit_depth} bits{cut})"


def find_model(name: str, weights: Path | None, task: str = "") -> checkpoint.Checkpoint:
    """The course checkpoint of a system (for a task), or the checkpoint of it in a file."""
    if weights is None:
        return checkpoint.load_course(name, task)
    found = checkpoint.load(weights)
    if found.system != name:
        raise ParameterError(f"{weights} is a checkpoint of {found.system}: give --model {found.system}.")
    return found
