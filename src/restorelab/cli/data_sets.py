"""The command line that every script in data_scripts/ has, and the table of the sets."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from restorelab.data import catalog, prepare
from restorelab.data.catalog import DataSet
from restorelab.data.fetch import gigabytes
from restorelab.data.prepared import PreparedSet, open_prepared
from restorelab.errors import RestorelabError

console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)
SAY_EVERY = 0.1  # of a step, where no terminal can show a moving bar


def script(name: str, finish: prepare.Finish | None = None, arguments: Sequence[str] | None = None) -> None:
    """What `python data_scripts/NAME.py` does; it ends in SystemExit. 0: ready (or only asked), 1: not ready, 130: stopped."""
    dataset = catalog.find(name)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

    @app.command(help=f"{dataset.title}. {dataset.licence}.")
    def command(
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it would take, and do nothing.")] = False,
        root: Annotated[Path | None, typer.Option(help="Folder for all sets (default: $RESTORELAB_DATA_SETS, or data_sets here).")] = None,
        source: Annotated[Path | None, typer.Option("--from", help="What was downloaded by hand: a file, or a folder with them.")] = None,
        verify: Annotated[bool, typer.Option("--verify", help="Read every file of the prepared set and compare checksums.")] = False,
    ) -> None:
        raise typer.Exit(_run(dataset, dry_run, root, source, verify, finish))

    try:
        sys.exit(app(arguments, standalone_mode=False) or 0)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except RestorelabError as error:
        problems.print(f"[red]error:[/] {escape(str(error))}")
        sys.exit(1)
    except (KeyboardInterrupt, typer.Abort):
        problems.print("stopped; run it again to go on")
        sys.exit(130)
    except Exception as error:
        if not hasattr(error, "show"):  # typer's word for an option that it does not know
            raise
        error.show()
        sys.exit(2)


def _run(dataset: DataSet, dry_run: bool, root: Path | None, source: Path | None, verify: bool, finish: prepare.Finish | None) -> int:
    plan = prepare.plan(dataset, root, source)
    if verify:
        with Bars(console) as bars:
            found = open_prepared(plan.folder)
            found.verify(bars)
        console.print(f"{escape(str(found.folder))}: all {len(found.manifest['files']):,} files are what they were.")
        return 0
    if not plan.ready:
        describe(dataset, plan)
    if plan.ready or dry_run:
        console.print(f"{dataset.name} is {'ready' if plan.ready else 'not there yet'}: {escape(str(plan.folder))}")
        return 0
    if plan.by_hand:  # described above
        return 1
    with Bars(console) as bars:
        found = prepare.prepare(dataset, root, source, bars, finish)
    _say_ready(found, plan)
    return 0


def describe(dataset: DataSet, plan: prepare.Plan) -> None:
    """Size, terms, whom to cite, and what must be done by hand."""
    facts = {
        "set": dataset.title,
        "download": _size(plan),
        "free": f"{gigabytes(plan.free)} on the disk of {plan.folder.parent}",
        "licence": dataset.licence,
        "cite": dataset.citation,
        "page": dataset.page,
        "seen in": dataset.seen,
        "recalled": dataset.recalled,
        "by hand": prepare.by_hand_steps(dataset, plan) or dataset.by_hand,
    }
    for key, value in facts.items():
        if value:
            console.print(f"[bold]{key:<10}[/]{escape(value)}")


def table() -> str:
    """The sets of the catalog as a Markdown table, for data_scripts/README.md."""
    rows = [
        f"| [{entry.name}]({entry.name}.py) | {entry.title} | {_known_size(entry)} | {_how(entry)} | {entry.licence} | <{entry.page}> |"
        for entry in catalog.CATALOG.values()
    ]
    return "\n".join(["| script | set | download | how | terms | page |", "|---|---|---|---|---|---|", *rows])


class Bars:
    """Shows what is being done, how far it is and how long it will take; plain lines where the output is not a terminal.

    Called as the `progress` of `prepare`, inside a `with` block.
    """

    def __init__(self, console: Console):
        self._console = console
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[amount]}"),
        )
        times = (TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn())
        self._bars = Progress(*columns, *times, console=console, disable=not console.is_terminal)
        self._tasks: dict[str, int] = {}
        self._said: dict[str, float] = {}

    def __enter__(self) -> "Bars":
        self._bars.start()
        return self

    def __exit__(self, *_) -> None:
        self._bars.stop()

    def __call__(self, what: str, done: int, everything: int | None) -> None:
        amount = f"{gigabytes(done)}" if what.startswith("downloading") else f"{done:,}"
        if what not in self._tasks:
            self._tasks[what] = self._bars.add_task(escape(what), amount=amount)
        self._bars.update(self._tasks[what], completed=done, total=everything, amount=amount)
        share = done / everything if everything else 0.0
        if not self._console.is_terminal and (what not in self._said or share >= self._said[what] + SAY_EVERY):
            self._said[what] = share
            self._console.print(f"{escape(what)}: {amount}{f', {share:.0%}' if everything else ''}")


def _say_ready(found: PreparedSet, plan: prepare.Plan) -> None:
    splits = ", ".join(f"{split}: {count:,}" for split, count in found.splits.items())
    console.print(f"{found.name} is ready: {escape(str(found.folder))} ({splits})")
    if plan.downloads.is_dir():
        console.print(f"What was downloaded is no longer needed: {escape(str(plan.downloads))}")


def _size(plan: prepare.Plan) -> str:
    if not plan.to_fetch:
        return "nothing"
    about = "" if plan.exact else ("about " if plan.size else "size unknown")
    return f"{about}{gigabytes(plan.size) if plan.size else ''} in {len(plan.to_fetch)} file{'s' * (len(plan.to_fetch) > 1)}"


def _known_size(entry: DataSet) -> str:
    size, exact = entry.size
    return f"{'' if exact else 'about '}{gigabytes(size)}" if size else "unknown"


def _how(entry: DataSet) -> str:
    return "by hand" if any(not file.urls for file in entry.files) else "script"
