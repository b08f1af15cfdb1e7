"""`restorelab progress`, and its short form at the end of `restorelab doctor`."""

from rich.console import Console
from rich.markup import escape

from restorelab.errors import ParameterError, RestorelabError
from restorelab.lesson import progress
from restorelab.lesson.report import report


def whole(console: Console) -> None:
    """Every chapter, and how predictions came out. Raises ParameterError outside of a clone."""
    console.print(escape(report().text))


def brief(console: Console) -> None:
    """The chapters that were begun. Says nothing where there are no chapters."""
    try:
        known = report()
    except ParameterError:
        return
    rows = known.lines(lambda chapter: chapter.begun(known.progress))
    console.print(escape("\n".join(["", "Progress (all of it: restorelab progress)", *rows, *known.plain_notes])))


def forget(console: Console) -> None:
    """Raises RestorelabError for a file that cannot be deleted."""
    found = progress.files()
    for path in found:
        console.print(f"deleting {escape(str(path))}")
    if not found:
        console.print("Nothing is noted.")
    try:
        progress.forget()
    except OSError as error:
        raise RestorelabError(f"it cannot be deleted: {error}") from error
