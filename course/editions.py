"""From `course/NN_slug/lesson.py` to the two notebooks of a chapter, not executed yet, and the rules a lesson keeps.

A code cell tagged `exercise` has the stub and, after a line `# solution`, the answer: the student edition keeps what is above
that line, the solution edition what is below.
"""

import ast
import base64
import hashlib
import mimetypes
import re
import tempfile
from collections import Counter
from collections.abc import Container, Iterator
from pathlib import Path

import jupytext
import nbformat
import papermill
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

EDITIONS = ("student", "solution")
MARK = "# solution"
KEPT_METADATA = ("tags", "jupyter", "slideshow")  # of a cell; the rest is jupytext's or the front end's
# The same for everybody: the version of Python and the name of the kernel are those of one machine.
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"file_extension": ".py", "mimetype": "text/x-python", "name": "python", "pygments_lexer": "ipython3"},
}
MOST_LINES = 25  # of code in a cell
MOST_DEFINITIONS = 4  # outside exercises
CELLS = range(5, 69)  # an exercise takes three
_PICTURE = re.compile(r"!\[([^\]]*)\]\((?!https?:|data:|attachment:)([^)\s]+)\)")


class BuildError(Exception):
    """A chapter cannot be built; the message says where and why."""


def notebook_path(notebooks: Path, chapter: str, edition: str) -> Path:
    """Where an edition of a chapter is written."""
    return (notebooks if edition == "student" else notebooks / "solutions") / f"{chapter}.ipynb"


def make_editions(folder: Path, known: Container[str]) -> dict[str, NotebookNode]:
    """The two notebooks of the chapter in this folder; `known` are the exercises that have a check. Raises BuildError."""
    lesson = jupytext.reads((folder / "lesson.py").read_text(encoding="utf-8"), fmt="py:percent")
    problems = lint(lesson, folder.name, known)
    if problems:
        raise BuildError("\n".join(f"{folder.name}: {problem}" for problem in problems))
    return {edition: _edition(lesson, folder, edition) for edition in EDITIONS}


def _edition(lesson: NotebookNode, folder: Path, edition: str) -> NotebookNode:
    seen: Counter[str] = Counter()
    notebook = nbformat.v4.new_notebook(metadata=METADATA)
    for cell in lesson.cells:
        new = nbformat.from_dict({**cell, "metadata": {key: cell.metadata[key] for key in KEPT_METADATA if key in cell.metadata}})
        if is_exercise(cell):
            new.source = halves(cell.source)[EDITIONS.index(edition)]
        digest = _digest(folder.name, exercise_id(cell), new.cell_type, new.source)
        seen[digest] += 1
        new.id = f"{folder.name[:2]}-{digest}" + (f"-{seen[digest]}" if seen[digest] > 1 else "")
        if new.cell_type == "markdown":
            _embed_pictures(new, folder)
        notebook.cells.append(new)
    return notebook


def _digest(*parts: str) -> str:
    return hashlib.sha1("\0".join(parts).encode(), usedforsecurity=False).hexdigest()[:10]


def _embed_pictures(cell: NotebookNode, folder: Path) -> None:
    def embed(match: re.Match) -> str:
        alt, target = match.groups()
        path = (folder / target).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise BuildError(f"{folder.name}: the picture {target} is not in the chapter's folder")
        kind = mimetypes.guess_type(path.name)[0] or ""
        if not kind.startswith("image/"):
            raise BuildError(f"{folder.name}: {target} does not have the name of a picture")
        name = target.replace("/", "-")
        attachments[name] = {kind: base64.b64encode(path.read_bytes()).decode()}
        return f"![{alt}](attachment:{name})"

    attachments: dict[str, dict[str, str]] = {}
    cell.source = _PICTURE.sub(embed, cell.source)
    if attachments:
        cell.attachments = attachments


def tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", ()))


def is_exercise(cell: NotebookNode) -> bool:
    return cell.cell_type == "code" and "exercise" in tags(cell)


def exercise_id(cell: NotebookNode) -> str:
    """Of the tag exercise-5.1 the 5.1; empty for any other cell."""
    return next((tag.removeprefix("exercise-") for tag in tags(cell) if tag.startswith("exercise-")), "")


def halves(source: str) -> tuple[str, str]:
    """Stub and answer of an exercise; ValueError when there is not exactly one line that parts them."""
    lines = source.splitlines()
    if [line.rstrip() for line in lines].count(MARK) != 1:
        raise ValueError(f"an exercise needs exactly one line `{MARK}`, not indented, between stub and answer")
    at = [line.rstrip() for line in lines].index(MARK)
    return "\n".join(lines[:at]).strip("\n"), "\n".join(lines[at + 1 :]).strip("\n")


def lint(lesson: NotebookNode, chapter: str, known: Container[str]) -> list[str]:
    """What is wrong with a lesson, in sentences."""
    problems = [*_lint_exercises(lesson, known), *_lint_parameters(lesson, chapter)]
    definitions = 0
    for number, cell in enumerate(lesson.cells, 1):
        for name, code in _codes(cell):
            where = f"cell {number}{name}"
            tree = _parse(code)
            if isinstance(tree, str):
                problems.append(f"{where}: {tree}")
                continue
            if not code.strip():
                problems.append(f"{where}: there is no code in it")
            length = sum(bool(line.strip()) for line in code.splitlines())
            if length > MOST_LINES:
                problems.append(f"{where}: {length} lines of code, and {MOST_LINES} are the most that is read in one go")
            if not is_exercise(cell):
                definitions += sum(isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) for node in tree.body)
    if definitions > MOST_DEFINITIONS:
        problems.append(
            f"{definitions} functions and classes outside exercises, and {MOST_DEFINITIONS} are the most: the package implements"
        )
    if len(lesson.cells) not in CELLS:
        problems.append(f"{len(lesson.cells)} cells; a chapter has {CELLS[0]} to {CELLS[-1]}")
    return problems


def _lint_exercises(lesson: NotebookNode, known: Container[str]) -> Iterator[str]:
    seen: dict[str, int] = {}
    for number, cell in enumerate(lesson.cells, 1):
        ids = [tag for tag in tags(cell) if tag.startswith("exercise-")]
        if not is_exercise(cell):
            if ids:
                yield f"cell {number}: tagged {ids[0]}, and is no code cell tagged exercise"
            if cell.cell_type == "code" and MARK in cell.source.splitlines():
                yield f"cell {number}: has a line `{MARK}`, and is not tagged exercise, so students would read the answer"
            continue
        try:
            halves(cell.source)
        except ValueError as error:
            yield f"cell {number}: {error}"
        if len(ids) != 1:
            yield f"cell {number}: an exercise needs one tag like exercise-5.1, and has {len(ids)}"
            continue
        id = exercise_id(cell)
        if id in seen:
            yield f"cell {number}: exercise {id} stands in cell {seen[id]} already"
        seen[id] = number
        if id not in known:
            yield f"cell {number}: exercise {id} has no check in restorelab.lesson.checks"


def _lint_parameters(lesson: NotebookNode, chapter: str) -> Iterator[str]:
    cells = [cell for cell in lesson.cells if "parameters" in tags(cell)]
    if len(cells) != 1:
        yield f"{len(cells)} cells are tagged parameters; there must be exactly one"
        return
    tree = _parse(cells[0].source)
    if isinstance(tree, str):
        return  # reported as any other cell
    targets = [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    targets += [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    found = _papermill_finds(lesson, chapter)
    for target in targets:
        if ast.unparse(target) not in found:
            yield f"papermill does not see the parameter {ast.unparse(target)}: write `name: type = value  # help`, with no `=` in the help"


def _papermill_finds(lesson: NotebookNode, chapter: str) -> Container[str]:
    probe = nbformat.v4.new_notebook(metadata=METADATA, cells=lesson.cells)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{chapter}.ipynb"
        nbformat.write(probe, path)
        return papermill.inspect_notebook(str(path))


def _codes(cell: NotebookNode) -> Iterator[tuple[str, str]]:
    """The pieces of code in a cell that are read, and counted, one by one."""
    if cell.cell_type != "code":
        return
    if not is_exercise(cell):
        yield "", cell.source
        return
    try:
        yield from zip((", stub", ", solution"), halves(cell.source), strict=True)
    except ValueError:
        return  # reported by _lint_exercises


def _parse(code: str) -> ast.Module | str:
    """The syntax tree of a cell, magics and all, or what is wrong with it."""
    try:
        return ast.parse(TransformerManager().transform_cell(code))
    except SyntaxError as error:
        return f"not Python: {error.msg} (line {error.lineno})"
