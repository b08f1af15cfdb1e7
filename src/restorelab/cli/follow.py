"""Watching a chapter run in another process, by what it leaves on the disk: the notebook as far as it is, and the run's metrics."""

import json
import threading
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from restorelab.train.run import read_rows

EVERY = 0.5  # seconds
SAY_EVERY = 10  # looks between two lines where no terminal can show a moving bar


class Follower:
    """Shows two bars, cells and training steps, while the `with` block runs; plain lines where the output is not a terminal."""

    def __init__(self, folder: Path, notebook: Path, console: Console):
        self._folder, self._notebook, self._console = folder, notebook, console
        self._stop = threading.Event()
        columns = (
            TextColumn("{task.description:<30}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeElapsedColumn(),
        )
        self._bars = Progress(
            *columns, TextColumn("left"), TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
        )
        self._thread = threading.Thread(target=self._follow, daemon=True)
        self._said = ""

    def __enter__(self) -> "Follower":
        self._bars.start()
        self._cells = self._bars.add_task("cells", total=None, visible=False)
        self._steps = self._bars.add_task("training", total=None, visible=False)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        self._bars.stop()

    def _follow(self) -> None:
        looks = 0
        while not self._stop.wait(EVERY):
            words = [words for words in (self._look_at_cells(), self._look_at_training()) if words]
            looks += 1
            if not self._console.is_terminal and looks % SAY_EVERY == 0 and words and ", ".join(words) != self._said:
                self._said = ", ".join(words)
                self._console.print(self._said)

    def _look_at_cells(self) -> str:
        try:
            cells = [cell for cell in json.loads(self._notebook.read_text())["cells"] if cell["cell_type"] == "code"]
        except (OSError, ValueError, KeyError):  # not written yet, or just being written
            return ""
        done = sum(cell["metadata"].get("papermill", {}).get("status") == "completed" for cell in cells)
        return self._move(self._cells, "cells", done, len(cells))

    def _look_at_training(self) -> str:
        rows = read_rows(self._folder)
        return self._move(self._steps, f"training, loss {rows[-1]['loss']:.4g}", rows[-1]["step"], rows[-1]["steps"]) if rows else ""

    def _move(self, task: TaskID, words: str, done: int, total: int) -> str:
        self._bars.update(task, description=words, completed=done, total=total, visible=True)
        return f"{words}: {done}/{total}"
