"""Build the notebooks from the lessons.

    python course/build.py            chapters whose lesson changed
    python course/build.py 05         one chapter
    python course/build.py --all      every chapter, changed or not (after a change of the package)
    python course/build.py --check    compare only: exit status 1, and the first difference of each notebook

Each `course/NN_slug/lesson.py` becomes `notebooks/NN_slug.ipynb` and `notebooks/solutions/NN_slug.ipynb`, executed at the
default parameters. A notebook that shows a warning, an error or a path of this machine, or weighs more than 1 MB, is refused.
"""

import argparse
import re
import sys
import time
from collections.abc import Container, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

sys.path.insert(0, str(Path(__file__).parent))  # also when this file is imported from elsewhere
from editions import BuildError, make_editions, notebook_path
from execution import execute, faults, machine_roots

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Course:
    """Where lessons are read and notebooks written."""

    lessons: Path  # holds NN_slug/lesson.py
    notebooks: Path
    known: Container[str]  # ids of the exercises that have a check

    def chapters(self, chosen: Sequence[str] = ()) -> list[Path]:
        """The folders of the chapters, or of those whose names start with one of `chosen`."""
        folders = sorted(path.parent for path in self.lessons.glob("[0-9][0-9]_*/lesson.py"))
        for name in chosen:
            if not any(folder.name.startswith(name) for folder in folders):
                raise BuildError(f"no chapter starts with {name!r}; there are {', '.join(folder.name for folder in folders) or 'none'}")
        return [folder for folder in folders if not chosen or folder.name.startswith(tuple(chosen))]


def this_course() -> Course:
    from restorelab.lesson.checks import EXERCISES

    return Course(ROOT / "course", ROOT / "notebooks", EXERCISES)


def build(course: Course, chosen: Sequence[str] = (), everything: bool = False) -> list[str]:
    """Write the notebooks that are not up to date; returns what went wrong, one entry per notebook."""
    problems = []
    for folder in course.chapters(chosen):
        try:
            made = make_editions(folder, course.known)
        except BuildError as error:
            problems.append(str(error))
            continue
        for edition, notebook in made.items():
            path = notebook_path(course.notebooks, folder.name, edition)
            if not everything and not difference(notebook, path):
                print(f"{_name(path)}: up to date")
                continue
            try:
                _build_one(notebook, path)
            except BuildError as error:
                problems.append(str(error))
    return problems


def _build_one(notebook: NotebookNode, path: Path) -> None:
    """Execute and write one notebook; what is refused is not written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    progress = Progress(_name(path), len(notebook.cells))
    try:
        seconds = execute(notebook, path.parent, _name(path), progress)
        found = faults(notebook, machine_roots(ROOT))
        if found:
            raise BuildError("\n".join(f"{_name(path)}: {fault}" for fault in found))
    except BuildError:
        progress.end("not written")
        raise
    text = nbformat.writes(notebook)
    draft = path.with_suffix(".part")
    draft.write_text(text + "\n", encoding="utf-8", newline="\n")
    nbformat.validate(nbformat.read(draft, as_version=4))
    draft.replace(path)
    progress.end(f"{len(notebook.cells)} cells, {seconds:.1f} s, {len(text) / 1000:.0f} kB")


class Progress:
    """One line that says which chapter, which cell, how long; on a terminal it moves, in a log it is written when slow."""

    def __init__(self, name: str, cells: int) -> None:
        self.name, self.cells = name, cells
        self.start = self.written = time.perf_counter()

    def __call__(self, index: int) -> None:
        now = time.perf_counter()
        line = f"{self.name}: cell {index + 1}/{self.cells}, {now - self.start:.0f} s"
        if sys.stdout.isatty():
            print(f"\r\033[K{line}", end="", flush=True)
        elif now - self.written > 10:
            self.written = now
            print(line, flush=True)

    def end(self, result: str) -> None:
        print(("\r\033[K" if sys.stdout.isatty() else "") + f"{self.name}: {result}", flush=True)


def compare(course: Course, chosen: Sequence[str] = ()) -> list[str]:
    """The first difference between each committed notebook and its lesson, and notebooks that have no lesson."""
    problems = []
    expected = set()
    for folder in course.chapters(chosen):
        try:
            made = make_editions(folder, course.known)
        except BuildError as error:
            problems.append(str(error))
            made = {}
        for edition, notebook in made.items():
            path = notebook_path(course.notebooks, folder.name, edition)
            problem = difference(notebook, path)
            if problem:
                problems.append(f"{_name(path)}: {problem}")
        expected.add(folder.name)
    if not chosen:
        stray = [path for path in sorted(course.notebooks.glob("**/[0-9][0-9]_*.ipynb")) if path.stem not in expected]
        problems += [f"{_name(path)}: there is no lesson for it" for path in stray if ".ipynb_checkpoints" not in path.parts]
    return problems


def difference(made: NotebookNode, path: Path) -> str:
    """The first way in which the notebook at `path` is not what its lesson says, executed; empty when there is none."""
    if not path.is_file():
        return "not built yet"
    try:
        committed = nbformat.read(path, as_version=4)
    except Exception as error:
        return f"cannot be read: {type(error).__name__}"
    for number, (new, old) in enumerate(zip(made.cells, committed.cells, strict=False), 1):
        for field, value in _fields(new).items():
            if value != _fields(old)[field]:
                return f"the {field} of cell {number} is not the lesson's. The lesson's cell begins: {new.source[:60]!r}"
    if len(made.cells) != len(committed.cells):
        return f"{len(committed.cells)} cells, and the lesson makes {len(made.cells)}"
    if committed.metadata != made.metadata:
        return "its metadata is not what the build writes"
    return next(iter(faults(committed, [])), "")


def _fields(cell: NotebookNode) -> dict:
    """What of a cell is the lesson's; the id last, since it follows from the rest."""
    keys = {"type": cell.cell_type, "source": cell.source, "metadata": dict(cell.metadata)}
    return {**keys, "picture": cell.get("attachments", {}), "id": cell.get("id")}


def _name(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}" if path.parent.name == "solutions" else path.stem


def main(arguments: Sequence[str] | None = None, course: Course | None = None) -> int:
    parser = argparse.ArgumentParser(description=re.split(r"\n\s*\n", __doc__)[0])
    parser.add_argument("chapter", nargs="*", help="beginning of a chapter's name, such as 05; all of them if left out")
    parser.add_argument("--all", action="store_true", help="execute notebooks that are up to date, too")
    parser.add_argument("--check", action="store_true", help="compare with the notebooks that are there, and write nothing")
    options = parser.parse_args(arguments)
    course = course or this_course()
    try:
        problems = compare(course, options.chapter) if options.check else build(course, options.chapter, options.all)
    except BuildError as error:
        problems = [str(error)]
    for problem in problems:
        print(problem, file=sys.stderr)
    if not problems and options.check:
        print("The notebooks are what the lessons say.")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
