"""`restorelab doctor --bench`: this machine in figures, and in minutes."""

import json
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from restorelab import speed
from restorelab.cli.bars import progress_bar
from restorelab.doctor import GIB, memory
from restorelab.speed import ChapterTime, Pace
from restorelab.train.run import device_name, versions

UNKNOWN = "not measured"


def bench(device: str, as_json: bool, console: Console) -> None:
    """Measure, with a bar; then two tables, or one line of JSON. Nothing is written anywhere."""
    bar = progress_bar(console)
    with bar:
        task = bar.add_task("measuring", total=None)
        paces = speed.measure(
            device, report=lambda done, count, words: bar.update(task, completed=done, total=count, description=f"measuring {words}")
        )
    chapters = speed.chapter_times(paces)
    if as_json:
        console.print(json.dumps(as_facts(device, paces, chapters)), markup=False)
    else:
        show(device, paces, chapters, console)


def as_facts(device: str, paces: list[Pace], chapters: list[ChapterTime]) -> dict:
    """Of the machine no more than what decides the speed: no names, no paths."""
    return {
        "format": "restorelab-bench-1",
        "device": device_name(device),
        "memory": memory()[0],
        "versions": versions(),
        "right_to_a_factor_of": speed.FACTOR,
        "trainings": [asdict(pace) for pace in paces],
        "chapters": [asdict(chapter) for chapter in chapters],
    }


def show(device: str, paces: list[Pace], chapters: list[ChapterTime], console: Console) -> None:
    table = Table(title=f"Trainings on {device_name(device)}", title_justify="left")
    for words in ("training", "preset", "weights (M)", "restores (MP/s)", "trains on (samples/s)", "bfloat16", "loader (samples/s)",
                  "memory (GB)", "takes"):  # fmt: skip
        table.add_column(words, justify="left" if words in ("training", "preset") else "right")
    for pace in paces:
        table.add_row(*_cells(pace))
    console.print(table)
    table = Table(title="Chapters", title_justify="left")
    for words in ("chapter", *speed.LEVELS):
        table.add_column(words, justify="left" if words == "chapter" else "right")
    for chapter in chapters:
        table.add_row(chapter.chapter, *(length(chapter.seconds[level]) for level in speed.LEVELS))
    console.print(table)
    console.print(
        f"Right to a factor of about {speed.FACTOR:g} while this machine does nothing else; the commands say it better before they begin, "
        "with the very batch. restores: float32, one picture. loader: one process. bfloat16: how many times as fast as float32; where that "
        "is clearly above 1 on a CPU, give --precision bfloat16."
    )


def _cells(pace: Pace) -> list[str]:
    if pace.total is None:
        return [pace.training, pace.preset, f"{pace.parameters / 1e6:.2f}", *[""] * 5, UNKNOWN]
    gain = f"x {pace.bfloat16_gain:.1f}" if pace.bfloat16_gain else ""
    figures = (f"{1e-6 / pace.forward:.2f}", f"{1 / pace.float32:.1f}", gain, f"{1 / pace.made:.0f}", f"{pace.memory / GIB:.1f}")
    return [pace.training, pace.preset, f"{pace.parameters / 1e6:.2f}", *figures, length(pace.total)]


def length(seconds: float | None) -> str:
    """To two digits: more would be pretended."""
    if seconds is None:
        return UNKNOWN
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds:.2g}'):g} s"
