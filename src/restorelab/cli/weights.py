"""`restorelab convert` and `restorelab info`: checkpoints of the authors', and ours."""

import dataclasses
import hashlib
import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from torch import nn

from restorelab import checkpoint
from restorelab.errors import CheckpointError
from restorelab.official import table as official
from restorelab.systems import SYSTEMS, CourseWeights, system

COLUMNS = {"name": "left", "for": "left", "weights": "right", "input dB": "right", "gain dB": "right", "protocol": "left"}


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


def show_course_checkpoints(console: Console) -> None:
    """Those that ship with the kit: what for, how large, and what they reached by their manifests. As wide as 80 columns."""
    table = Table(
        title="Course checkpoints: small networks, trained by us", title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for words, side in COLUMNS.items():
        table.add_column(words, justify=side)
    for one in (one for entry in SYSTEMS.values() for one in entry.weights):
        found = checkpoint.load(one.path)
        table.add_row(one.name, _purpose(one), f"{_count(found.model) / 1e6:.2f} M", *figures_of(found.manifest["result"]))
    console.print(table)
    console.print("Means over the bundled test photographs, by the manifests.")
    console.print("udvd_x2: without noise; restorelab info NAME tells degradation and training.")


def figures_of(result: dict) -> list[str]:
    """PSNR of the input and the gain, in dB, and the protocol's name. UDVD's manifest has several results: the noise-free one."""
    one = next((of for what, of in result.items() if what.startswith("noise-free, SR")), result)
    return [f"{one['degraded_psnr']:.2f}", f"{one['gain']:+.2f}", one["protocol"].split(":")[0]]


def _purpose(one: CourseWeights) -> str:
    return f"{one.task} x{one.scale}" if one.scale > 1 else one.task


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
    return {"configuration": config, "parameters": f"{_count(model):,}"}


def _count(model: nn.Module) -> int:
    return sum(p.numel() for p in model.parameters())


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "\n".join(f"{key}: {one if isinstance(one, str) else json.dumps(one)}" for key, one in value.items())
    return str(value)
