"""One table of a sweep: a row per run, and, where there are several seeds, the mean over them."""

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean, stdev

from restorelab.errors import ParameterError, TrainingError
from restorelab.experiment.folder import (
    FAILED,
    FINISHED,
    INTERRUPTED,
    NEVER,
    SWEEP,
    last_words,
    read_ids,
    read_record,
    read_sweep,
    run_folder,
    status_of,
)
from restorelab.experiment.grid import Point, Sweep, Value, as_text, name_of
from restorelab.files import write_atomically
from restorelab.train.run import read_manifest, runs_folder


@dataclass(frozen=True)
class Row:
    """What one run was given, how it stands, and, when it is finished, what its chapter gave to `run.finish(result=...)`."""

    name: str
    parameters: Mapping[str, Value]
    status: str
    error: str = ""  # a failed run's error line, an interrupted one's last words
    result: Mapping[str, object] = field(default_factory=dict)
    minutes: float | None = None  # of work, all attempts together
    device: str = ""


def collect(folder: Path) -> list[Row]:
    """One row for every point of the sweep in `folder`, in the order of the grid. Raises ParameterError where there is none."""
    numbers = read_ids(folder)
    return [_row(point, run_folder(folder, point), folder, numbers.get(point.name, {})) for point in read_sweep(folder).points()]


def _row(point: Point, run: Path, folder: Path, job: dict) -> Row:
    status, record = status_of(run), read_record(run)
    error = record.get("error", "")
    if status == INTERRUPTED or (status == NEVER and job.get("ended")):
        error = f"{job.get('ended') or 'ended without a result'}; its last words: {last_words(folder, job.get('id', ''))}"
    try:
        manifest = read_manifest(run)
    except TrainingError as damage:
        manifest, status, error = {}, FAILED, str(damage)
    result = manifest.get("result", {}) if status == FINISHED else {}
    result = result if isinstance(result, dict) else {"result": result}
    minutes = record.get("minutes") if status in (FINISHED, FAILED) else None
    return Row(point.name, point.parameters, status, error, result, minutes and round(minutes, 2), manifest.get("device", ""))


def newest_unfinished(chapter: str) -> Path:
    """Raises ParameterError when every sweep of the chapter is finished."""
    for file in sorted((runs_folder() / "sweeps" / chapter).glob(f"*/{SWEEP}"), reverse=True):
        if any(row.status != FINISHED for row in collect(file.parent)):
            return file.parent
    raise ParameterError(f"no sweep of {chapter} is unfinished: start one without --resume, or name its folder with --out.")


def write_table(folder: Path, rows: list[Row]) -> None:
    """table.json, .csv and .md, each in one step."""
    sweep = read_sweep(folder)
    means = over_seeds(sweep, rows)
    text = {"chapter": sweep.chapter, "fixed": dict(sweep.fixed), "rows": [asdict(row) for row in rows], "over_seeds": means}
    write_atomically(folder / "table.json", json.dumps(text, indent=2).encode())
    write_atomically(folder / "table.csv", _csv(rows).encode())
    write_atomically(folder / "table.md", _markdown(sweep, rows, means).encode())


def over_seeds(sweep: Sweep, rows: list[Row]) -> list[dict]:
    """Mean and standard deviation (n - 1) of every figure over the finished seeds of each setting; [] for a sweep of fewer than two.

    Figures of different protocols are not averaged: such a setting has no figures, and its "protocol" lists them.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows if len(sweep.seeds) > 1 else ():
        groups.setdefault(name_of({name: row.parameters[name] for name in sweep.axes}), []).append(row)
    return [_mean_row(sweep, group) for group in groups.values()]


def _mean_row(sweep: Sweep, group: list[Row]) -> dict:
    results = [row.result for row in group if row.status == FINISHED]
    protocols = sorted({str(result.get("protocol", "")) for result in results})
    names = [name for name in (results[0] if results else ()) if all(_is_figure(result.get(name)) for result in results)]
    figures = {}
    for name in names if len(protocols) == 1 else ():
        values = [result[name] for result in results]
        figures[name] = {"mean": fmean(values), "std": stdev(values) if len(values) > 1 else None}
    parameters = {name: group[0].parameters[name] for name in sweep.axes}
    protocol = "".join(protocols) if len(protocols) < 2 else f"not averaged, protocols differ: {' / '.join(protocols)}"
    return {"parameters": parameters, "n": len(results), "figures": figures, "protocol": protocol}


def _is_figure(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _cells(rows: list[Row], parameters: list[str]) -> tuple[list[str], list[list[str]]]:
    figures = list(dict.fromkeys(name for row in rows for name in row.result))
    body = []
    for row in rows:
        given = [as_text(row.parameters[name]) for name in parameters]
        found = [_as_cell(row.result.get(name, "")) for name in figures]
        body.append([*given, row.status, *found, "" if row.minutes is None else str(row.minutes), row.device, row.error])
    return [*parameters, "status", *figures, "minutes", "device", "error"], body


def _as_cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _csv(rows: list[Row]) -> str:
    head, body = _cells(rows, list(rows[0].parameters))
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([head, *body])
    return text.getvalue()


def _markdown(sweep: Sweep, rows: list[Row], means: list[dict]) -> str:
    varied = [*sweep.axes, *(["seed"] if sweep.seeds else [])]
    fixed = ", ".join(f"{name}={as_text(value)}" for name, value in sweep.fixed.items()) or "the chapter's own values"
    text = f"# Sweep of {sweep.chapter}\n\nFixed: {fixed}.\n\n" + _grid(*_cells(rows, varied))
    return text + ("\nMean over the finished seeds ± standard deviation.\n\n" + _grid(*_mean_cells(sweep, means)) if means else "")


def _mean_cells(sweep: Sweep, means: list[dict]) -> tuple[list[str], list[list[str]]]:
    names = list(dict.fromkeys(name for mean in means for name in mean["figures"]))
    body = []
    for mean in means:
        given, found = map(as_text, mean["parameters"].values()), [_spread(mean["figures"].get(name)) for name in names]
        body.append([*given, str(mean["n"]), *found, mean["protocol"]])
    return [*sweep.axes, "seeds", *names, "protocol"], body


def _spread(figure: dict | None) -> str:
    if figure is None:
        return ""
    return f"{figure['mean']:.4g}" + (f" ± {figure['std']:.2g}" if figure["std"] is not None else "")


def _grid(head: list[str], body: list[list[str]]) -> str:
    lines = [[re.sub(r"\s+", " ", cell).replace("|", "\\|") for cell in line] for line in (head, ["---"] * len(head), *body)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
