"""Where the chapters are: the clone that this package was installed from."""

from pathlib import Path

from restorelab.errors import ParameterError, did_you_mean


def root() -> Path:
    """The folder that holds `course/` and `notebooks/`: around the current folder, else around the package.

    Raises ParameterError when there is neither, as after installing the package without its repository.
    """
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / "notebooks").is_dir() and (folder / "course").is_dir():
                return folder
    raise ParameterError("the chapters are not here: run this inside a clone of the restorelab repository.")


def chapters() -> list[str]:
    return sorted(path.stem for path in (root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def chapter_path(name: str) -> Path:
    """`05_multi_patch_dmphn`, or its beginning such as `05`, -> the notebook. Raises ParameterError, listing the chapters."""
    stem = name.removesuffix(".ipynb")
    found = [chapter for chapter in chapters() if chapter == stem] or [chapter for chapter in chapters() if chapter.startswith(stem)]
    if len(found) != 1:
        hint = did_you_mean(stem, chapters())
        raise ParameterError(f"there is no chapter {name!r}; the chapters are {', '.join(chapters())}.{hint}")
    return root() / "notebooks" / f"{found[0]}.ipynb"
