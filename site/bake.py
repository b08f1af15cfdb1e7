"""Every widget of the chapters as a page of its own that needs no kernel: the site frames it where the notebook has a still picture.

A notebook keeps no widget, only its picture and a sentence (`course/execution.py`). So the statements that the widget depends
on, and no others, are taken out of the notebook and run: no training (`minutes` is 0, and the course checkpoint serves), no
tables, no figures. What comes out must say the same sentence as the notebook, clocks aside, or it is refused.

    python site/bake.py notebooks/01_degradation.ipynb FOLDER      writes FOLDER/01_degradation-1.html … and FOLDER/01_degradation.json
"""

import argparse
import ast
import contextlib
import io
import json
import os
import re
import symtable
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from IPython.display import display
from nbformat import NotebookNode

from restorelab.widgets import Playground
from restorelab.widgets.static import page

NEEDS_A_KERNEL = (Playground,)  # it spoils pictures as it is told: on the site its still picture stays

SPARED = "minutes: float = 0.0"  # the parameter of every chapter that trains: the longest training that is begun
_CHANGERS = ("append", "extend", "update", "setdefault", "add")
_CLOCK = re.compile(r"\d+ ms")
# The page says how tall it is, since a frame cannot look into a file beside it; and takes the site's theme.
_SPEAKS = """<script>
const tell = () => parent.postMessage({ height: document.body.getBoundingClientRect().bottom + 8 }, "*");
new ResizeObserver(tell).observe(document.body);
addEventListener("message", ({ data }) => { if (data?.theme) document.documentElement.style.colorScheme = data.theme; tell(); });
if (parent !== window) document.documentElement.dataset.framed = "";
</script>
<style>[data-framed] body { margin: 0 } [data-framed] h1 { display: none }</style>
"""


class BakeError(Exception):
    """A widget cannot be made from its chapter; the message says which, and why."""


@dataclass(frozen=True)
class Place:
    """A widget of a notebook: its cell, the sentence that stands for it, and the expression that shows it."""

    cell: int
    sentence: str
    shown: ast.expr


def places(notebook: NotebookNode) -> list[Place]:
    """The widgets of an executed notebook: what a cell's last line shows, where it left a picture."""
    found = []
    for number, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "execute_result" and "image/png" in output.data:
                found.append(Place(number, output.data["text/plain"], _tree(cell.source).body[-1].value))
    return found


def needed(notebook: NotebookNode, wanted: list[Place]) -> list[ast.stmt]:
    """The statements that these widgets depend on, in order; those before them that a name of theirs comes from."""
    statements = [(number, one) for number, cell in enumerate(notebook.cells) if cell.cell_type == "code" for one in _statements(cell)]
    missing: set[str] = set()
    kept = []
    for number, statement in reversed(statements):
        missing.update(*(_read(place.shown) for place in wanted if place.cell >= number))
        anew, changed = _written(statement)
        if changed & missing:
            kept.append(statement)
            missing = (missing - anew) | _read(statement)  # what it only changed, an earlier statement made
    return kept[::-1]


def bake(path: Path, folder: Path) -> None:
    """Write the pages of one notebook. Raises BakeError."""
    notebook = nbformat.read(path, as_version=4)
    wanted = places(notebook)
    folder.mkdir(parents=True, exist_ok=True)
    names: dict[str, object] = {"__name__": path.stem, "display": display}
    index = []
    _run(ast.Module(needed(notebook, wanted), []), names, path)
    for count, place in enumerate(wanted, 1):
        widget = eval(compile(ast.Expression(place.shown), path.name, "eval"), names)  # our own notebooks, as in building them
        if _CLOCK.sub("ms", repr(widget)) != _CLOCK.sub("ms", place.sentence):
            raise BakeError(
                f"{path.name}, cell {place.cell + 1}: the notebook shows\n  {place.sentence}\nand now it would be\n  {widget!r}"
            )
        if isinstance(widget, NEEDS_A_KERNEL):
            continue
        name = f"{path.stem}-{count}.html"
        (folder / name).write_text(page(widget, place.sentence.partition(":")[0]).replace("</html>", f"{_SPEAKS}</html>"), encoding="utf-8")
        index.append({"cell": place.cell, "page": name})
    (folder / f"{path.stem}.json").write_text(json.dumps(index), encoding="utf-8")


def _run(module: ast.Module, names: dict, path: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="restorelab-bake-") as scratch:
        os.environ["RESTORELAB_RUNS"] = scratch
        os.chdir(path.parent)  # where a notebook runs
        with contextlib.redirect_stdout(io.StringIO()):
            exec(compile(module, path.name, "exec"), names)


def _statements(cell: NotebookNode) -> Iterator[ast.stmt]:
    body = list(_tree(cell.source).body)
    if "parameters" in cell.metadata.get("tags", ()) and re.search(r"^minutes\b", cell.source, re.MULTILINE):
        body += _tree(SPARED).body
    yield from body


def _tree(source: str) -> ast.Module:
    return ast.parse(TransformerManager().transform_cell(source))


def _read(node: ast.AST) -> set[str]:
    """Names from outside that a statement or expression uses; not those of its own functions and comprehensions."""
    return {name for name, symbol in _symbols(node) if symbol.is_referenced()}


def _written(statement: ast.stmt) -> tuple[set[str], set[str]]:
    """Names made anew by a statement, whatever they were; and names it may bind, or changes in place: `rows.append(...)`."""
    bound = {name for name, symbol in _symbols(statement) if symbol.is_assigned() or symbol.is_imported()}
    anew = bound if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)) else set()
    changed = set(bound)
    for one in ast.walk(statement):
        if isinstance(one, (ast.Attribute, ast.Subscript)) and isinstance(one.ctx, ast.Store):
            changed |= _read(one.value)
        elif isinstance(one, ast.Call) and isinstance(one.func, ast.Attribute) and one.func.attr in _CHANGERS:
            changed |= _read(one.func.value)
    return anew, changed


def _symbols(node: ast.AST) -> Iterator[tuple[str, symtable.Symbol]]:
    tables = [symtable.symtable(ast.unparse(node), "statement", "exec")]
    for table in tables:  # grows
        tables += table.get_children()
        yield from ((one.get_name(), one) for one in table.get_symbols() if table.get_type() == "module" or one.is_global())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("notebook", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    try:
        bake(given.notebook.resolve(), given.folder.resolve())
    except BakeError as error:
        sys.exit(str(error))
