"""A folder of submissions, as the command sees it: it opens none of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from restorelab.errors import DataError


@dataclass(frozen=True)
class Submission:
    """A notebook of one student, not opened yet."""

    student: str
    path: Path


def find_submissions(folder: Path) -> list[Submission]:
    """NAME.ipynb, and every notebook below NAME/, by student. Raises DataError when there is none."""
    found = []
    if folder.is_dir():
        for entry in sorted(folder.iterdir()):
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                found += [Submission(entry.name, path) for path in _notebooks(entry)]
            elif entry.suffix == ".ipynb":
                found.append(Submission(entry.stem, entry))
    if not found:
        raise DataError(f"there are no submissions in {folder}: put them there as NAME.ipynb, or NAME/ with notebooks in it.")
    return found


def _notebooks(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*.ipynb")):
        if not any(part.startswith(".") for part in path.relative_to(folder).parts) and path.is_file():
            yield path
