"""`restorelab convert` and `restorelab info`: checkpoints of the authors', and ours."""

import dataclasses
import hashlib
import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from torch import nn

from restorelab import checkpoint
from restorelab.errors import CheckpointError
from restorelab.official import table as official
from restorelab.systems import system


def convert(source: Path, out: Path | None, half: bool, overwrite: bool) -> Path:
    """A released file (or DMPHN's folder) -> a checkpoint of ours, written beside it or to `out`."""
    out = out or source.with_name(f"{source.stem or source.name}_restorelab.safetensors")
    if out.suffix != ".safetensors":
        raise CheckpointError(f"checkpoints are .safetensors files; {out} is not one.")
    if out.exists() and not overwrite:
        raise CheckpointError(f"{out} is already there: give --overwrite to replace it, or --out for another place.")
    name, state = official.read_release(source)
    model = official.build(name, state)
    made = {"converted_from": source.name, "sha256": fingerprint(source), "release": official.RELEASES[name].origin}
    checkpoint.save(out, model, made | {"note": "the authors' weights, on the authors' terms"}, half=half)
    return out


def fingerprint(source: Path) -> str:
    """sha256 of a file, or of a folder's files in the order of their names."""
    files = sorted(source.glob("*.pkl")) if source.is_dir() else [source]
    total = hashlib.sha256()
    for file in files:
        total.update(file.read_bytes())
    return total.hexdigest()


def describe(source: Path, console: Console) -> None:
    """Say what a checkpoint is: ours with its manifest, or whose release. Raises CheckpointError for anything else."""
    facts = _ours(source) if is_ours(source) else _released(source)
    width = max(map(len, facts)) + 2
    for key, value in facts.items():
        lines = escape(value).replace("\n", "\n" + " " * width)
        console.print(f"[bold]{key:<{width}}[/]{lines}")


def is_ours(source: Path) -> bool:
    return source.suffix == ".safetensors" and source.is_file() and checkpoint.written_by_us(source)


def _ours(source: Path) -> dict[str, str]:
    found = checkpoint.load(source)
    facts = {"file": str(source), "kind": "a checkpoint of restorelab", "system": system(found.system).title, **_model_facts(found.model)}
    flat = {key: value for key, value in found.manifest.items() if key not in ("parameters", "versions")}
    return facts | {key: _plain(value) for key, value in flat.items()}


def _released(source: Path) -> dict[str, str]:
    name, state = official.read_release(source)
    model = official.build(name, state)
    return {
        "file": str(source),
        "kind": official.RELEASES[name].origin,
        "system": system(name).title,
        **_model_facts(model),
        "tensors": str(len(state)),
        "next": f"restorelab convert {source}",
    }


def _model_facts(model: nn.Module) -> dict[str, str]:
    config = ", ".join(f"{key}={value}" for key, value in dataclasses.asdict(model.cfg).items())
    return {"configuration": config, "parameters": f"{sum(p.numel() for p in model.parameters()):,}"}


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {one if isinstance(one, str) else json.dumps(one)}" for key, one in value.items())
    return str(value)
