"""`restorelab data check`: a data set looked over before it is trained on."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from restorelab.cli.bars import progress_bar
from restorelab.data.lint import Report, examine

COLOURS = {"error": "red", "warning": "yellow"}
SHOWN = 12  # splits: a set in sequences has dozens


def check(folder: Path, console: Console, set_name: str | None = None) -> int:
    """Look at every pair, print what is there and what is wrong with it; returns the number of errors. Raises DataError."""
    with progress_bar(console) as bar:
        task = bar.add_task("looking at pairs", total=None)
        report = examine(folder, lambda done, total: bar.update(task, completed=done, total=total), set_name=set_name)
    _show(report, console)
    return report.errors


def _show(report: Report, console: Console) -> None:
    for split in report.splits[:SHOWN]:
        what = f"pairs, scale x{split.scale}" if split.scale else "pairs" if split.paired else "pictures"
        console.print(escape(f"{split.name or 'all'}: {split.pictures} {what}"))
    if len(report.splits) > SHOWN:
        console.print(f"and {len(report.splits) - SHOWN} splits more")
    for finding in report.findings:
        console.print(f"[{COLOURS[finding.severity]}]{finding.severity}[/] [bold]{finding.kind}[/]: {escape(finding.sentence)}")
    warnings = len(report.findings) - report.errors
    looked = sum(split.pictures for split in report.splits)
    console.print(f"{looked} looked at: {_count(report.errors, 'error')}, {_count(warnings, 'warning')}")


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
