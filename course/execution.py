"""Run a notebook as the build does, keep what a reader wants to see, refuse what a published notebook must not show."""

import os
import re
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from editions import BuildError
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from restorelab.kernel import ThisPython

MOST_BYTES = 1_000_000  # of a notebook with its pictures
LONGEST_CELL = 300  # seconds
_BINARY = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=\s]*")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]{6,}")
_WIDGET = "application/vnd.jupyter.widget-view+json"


def execute(notebook: NotebookNode, folder: Path, name: str, progress: Callable[[int], None]) -> float:
    """Run every cell in `folder` and clean the outputs, in place; returns the seconds it took. Raises BuildError."""
    client = NotebookClient(
        notebook,
        timeout=LONGEST_CELL,
        startup_timeout=LONGEST_CELL,
        kernel_manager_class=ThisPython,
        resources={"metadata": {"path": str(folder)}},
        record_timing=False,
        store_widget_state=False,
        coalesce_streams=True,
        on_cell_start=lambda cell, cell_index: progress(cell_index),
    )
    start = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="restorelab-build-") as scratch:
        try:
            client.execute(env=_environment(scratch))
        except CellExecutionError as error:
            raise BuildError(
                f"{name}: {_where(notebook, _failed(notebook))} stopped with an error\n{_ANSI.sub('', error.traceback)}"
            ) from error
        except CellTimeoutError as error:
            raise BuildError(f"{name}: a cell took longer than {LONGEST_CELL} s\n{error}") from error
        except DeadKernelError as error:
            raise BuildError(f"{name}: the kernel died, perhaps for lack of memory") from error
    clean(notebook)
    return time.perf_counter() - start


def _environment(scratch: str) -> dict[str, str]:
    """Runs go to a folder that is thrown away, and the settings of whoever builds stay out of the notebooks."""
    quiet = {"RESTORELAB_RUNS": f"{scratch}/runs", "IPYTHONDIR": f"{scratch}/ipython", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return {**os.environ, **quiet}


def clean(notebook: NotebookNode) -> None:
    """Drop what differs from run to run: views of widgets that need a live kernel, and metadata that execution adds."""
    for key in set(notebook.metadata) - {"kernelspec", "language_info"}:
        del notebook.metadata[key]
    for key in set(notebook.metadata.language_info) - {"file_extension", "mimetype", "name", "pygments_lexer"}:
        del notebook.metadata.language_info[key]
    notebook.metadata.language_info.pygments_lexer = "ipython3"
    for cell in notebook.cells:
        for key in ("execution", "papermill", "widgets"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_only_widget(output)]


def _is_only_widget(output: NotebookNode) -> bool:
    """Take the view of the widget out; true when nothing but its textual name is left."""
    data = output.get("data", {})
    return data.pop(_WIDGET, None) is not None and not set(data) - {"text/plain"}


def faults(notebook: NotebookNode, roots: list[str]) -> list[str]:
    """What keeps an executed notebook from being published, in sentences; `roots` are this machine's folders."""
    found = []
    count = 0
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code":
            continue
        where = _where(notebook, index)
        count += 1
        if cell.execution_count != count:
            found.append(f"{where} was not executed, or not in order (its count is {cell.execution_count}, not {count})")
        for output in cell.outputs:
            found += [f"{where} {fault}" for fault in _output_faults(output, roots)]
    size = len(nbformat.writes(notebook).encode())
    if size > MOST_BYTES:
        found.append(f"{size / 1e6:.2f} MB is more than {MOST_BYTES / 1e6:.0f} MB. The largest: {', '.join(_largest(notebook))}")
    return found


def _output_faults(output: NotebookNode, roots: list[str]) -> Iterator[str]:
    if output.output_type == "error":
        yield "shows an error\n" + _ANSI.sub("", "\n".join(output.traceback))
        return
    text = _BINARY.sub("", "\n".join(_texts(output)))
    if output.get("name") == "stderr":
        yield f"writes to stderr (a warning, a log or a progress bar):\n{text.rstrip()}"
        return
    for root in roots:
        match = re.search(rf"(?<![\w.-]){re.escape(root)}(?![\w.-])[^\s'\"<>]*", text)
        if match:
            yield f"shows a path of this machine: {match[0]}"
            return
    if _ADDRESS.search(text):
        line = next(line for line in text.splitlines() if _ADDRESS.search(line))
        yield f"shows an address in memory, other in every run: {line.strip()[:120]}. End the line with `;` or print something else"


def _texts(output: NotebookNode) -> list[str]:
    data = output.get("data", {})
    texts = [str(value) for kind, value in data.items() if kind == "image/svg+xml" or not kind.startswith(("image/", "video/", "audio/"))]
    return [*texts, output.get("text", "")]


def _largest(notebook: NotebookNode) -> list[str]:
    sizes = []
    for index, cell in enumerate(notebook.cells):
        bundles = [output.get("data", {"text": output.get("text", "")}) for output in cell.get("outputs", ())]
        bundles += list(cell.get("attachments", {}).values())
        sizes += [(len(str(value)), index, kind) for bundle in bundles for kind, value in bundle.items()]
    return [f"{_where(notebook, index)} {kind} {size / 1000:.0f} kB" for size, index, kind in sorted(sizes, reverse=True)[:5]]


def machine_roots(repository: Path) -> list[str]:
    """Folders of this machine that must not be seen in a notebook: repository, home, temporary files, Python."""
    folders = [
        repository,
        Path.home(),
        Path(tempfile.gettempdir()),
        *map(Path, (sysconfig.get_path("purelib"), sysconfig.get_path("stdlib"))),
    ]
    both = {str(path) for folder in folders for path in (folder, folder.resolve()) if len(path.parts) > 1}
    return sorted(both | {path.replace("\\", "\\\\") for path in both}, key=len, reverse=True)


def _failed(notebook: NotebookNode) -> int:
    """Index of the last cell that was started: it is the only one with an error among its outputs."""
    failing = (i for i, cell in enumerate(notebook.cells) if any(o.output_type == "error" for o in cell.get("outputs", ())))
    return next(failing, 0)


def _where(notebook: NotebookNode, index: int) -> str:
    first = notebook.cells[index].source.strip().partition("\n")[0]
    return f"cell {index + 1} (`{first[:60]}`)"
