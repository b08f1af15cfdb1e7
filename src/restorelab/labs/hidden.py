"""The teacher's hidden tests: a file per chapter in a folder that no student is given."""

import importlib.util
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from restorelab.errors import ParameterError
from restorelab.files import sha256_of
from restorelab.repository import root

Hidden = Mapping[str, tuple[Callable[..., None], ...]]  # exercise -> its tests, each of which raises Wrong


def teacher_folder(given: Path | None = None) -> Path:
    """The folder given, else $RESTORELAB_TEACHER, else `course/teacher` of the clone. It may be missing."""
    return (given or Path(os.environ.get("RESTORELAB_TEACHER") or root() / "course" / "teacher")).resolve()


def hidden_file(folder: Path, chapter: str) -> Path:
    return folder / f"{chapter}.py"


def load_hidden(folder: Path, chapter: str) -> Hidden:
    """The tests of `FOLDER/05_multi_patch_dmphn.py`, whose HIDDEN maps ids to tests; none when there is no such file.

    Raises ParameterError when the file cannot be used.
    """
    path = hidden_file(folder, chapter)
    if not path.is_file():
        return {}
    spec = importlib.util.spec_from_file_location(f"restorelab_hidden_{chapter}", path)
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        tests = {id: tuple(of) for id, of in module.HIDDEN.items()}
    except Exception as error:
        raise ParameterError(f"{path.name}, the hidden tests, cannot be used: {type(error).__name__}: {error}") from error
    for id, of in tests.items():
        for test in of:
            if not what_it_tests(test):
                raise ParameterError(f"{path.name}: the test {test.__name__} of {id} needs a docstring, which students read when it fails.")
    return tests


def what_it_tests(test: Callable) -> str:
    """The first line of its docstring: all that a student learns of a hidden test."""
    return re.split(r"\n", (test.__doc__ or "").strip())[0]


def fingerprint(folder: Path, chapter: str) -> str:
    path = hidden_file(folder, chapter)
    return sha256_of(path.read_bytes()) if path.is_file() else ""
