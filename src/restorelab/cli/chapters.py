"""`restorelab run`: a chapter as an experiment, through papermill."""

import json
import os
from pathlib import Path

import papermill
from papermill.exceptions import PapermillExecutionError
from rich.console import Console

from restorelab.cli.follow import Follower
from restorelab.errors import ParameterError, RestorelabError, did_you_mean
from restorelab.files import write_atomically
from restorelab.kernel import ThisPython
from restorelab.repository import chapter_path
from restorelab.train.run import new_run_folder, read_manifest, runs_folder

ASKED = "run.json"  # the parameters as given, beside the manifest: what --resume goes on with
READERS = {"int": int, "float": float, "str": str, "bool": lambda text: {"true": True, "false": False}[text.lower()]}


class ChapterFailed(RestorelabError):
    """A cell of the chapter raised an error."""


def split_pairs(pairs: list[str]) -> dict[str, str]:
    """["name=value", ...] -> dict. Raises ParameterError for one without an equals sign."""
    for pair in pairs:
        if "=" not in pair:
            raise ParameterError(f"-p takes name=value, not {pair!r}.")
    return dict(pair.split("=", 1) for pair in pairs)


def run_chapter(name: str, given: dict[str, str], resume: bool, out: Path | None, console: Console) -> Path:
    """Execute a chapter with the parameters given; returns the run folder. Raises ParameterError or ChapterFailed."""
    notebook = chapter_path(name)
    parameters = read_parameters(notebook, given)
    folder = (out or (newest_unfinished(notebook.stem) if resume else new_run_folder(notebook.stem))).resolve()
    if resume:
        parameters = _asked_before(folder)
    elif (folder / ASKED).exists():
        raise ParameterError(f"{folder} already holds a run: give --resume to go on with it, or another --out.")
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / ASKED, json.dumps({"chapter": notebook.stem, "parameters": parameters}, indent=2).encode())
    console.print(f"{notebook.stem}, {', '.join(f'{key}={value}' for key, value in parameters.items())}\nrun folder: {folder}")
    _execute(notebook, folder, parameters, console)
    console.print(f"finished: {folder / 'notebook.ipynb'}")
    return folder


def read_parameters(notebook: Path, given: dict[str, str]) -> dict:
    """Texts -> values of the types that the chapter declares. Raises ParameterError naming the closest parameter, and all of them.

    papermill itself only warns about an unknown name, and runs on with the default.
    """
    known = {name: facts for name, facts in papermill.inspect_notebook(notebook).items() if name != "run_dir"}
    values = {}
    for name, text in given.items():
        if name not in known:
            hint = did_you_mean(name, known)
            raise ParameterError(f"{notebook.stem} has no parameter {name!r}.{hint} It has {', '.join(known)}.")
        kind = known[name]["inferred_type_name"]
        try:
            values[name] = READERS[kind](text)
        except (KeyError, ValueError) as error:
            raise ParameterError(f"{name} must be {_article(kind)}, not {text!r} ({known[name]['help']}).") from error
    return values


def newest_unfinished(chapter: str) -> Path:
    """Raises ParameterError when every run of the chapter is finished."""
    folders = sorted((runs_folder() / chapter).glob("*/" + ASKED), reverse=True)
    for file in folders:
        if read_manifest(file.parent).get("status") != "finished":
            return file.parent
    raise ParameterError(f"no run of {chapter} is unfinished: start one without --resume.")


def _asked_before(folder: Path) -> dict:
    try:
        return json.loads((folder / ASKED).read_text())["parameters"]
    except (OSError, ValueError, KeyError) as error:
        raise ParameterError(f"{folder} is not a run that can be resumed: its {ASKED} is missing or damaged.") from error


def _execute(notebook: Path, folder: Path, parameters: dict, console: Console) -> None:
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")  # a debugger's warning that means nothing here
    result = folder / "notebook.ipynb"
    options = {"progress_bar": False, "request_save_on_cell_execute": True, "kernel_manager_class": ThisPython}
    if "run_dir" in papermill.inspect_notebook(notebook):
        parameters = parameters | {"run_dir": str(folder)}
    try:
        with Follower(folder, result, console):
            papermill.execute_notebook(notebook, result, parameters, cwd=notebook.parent, **options)
    except PapermillExecutionError as error:
        where = f"cell {error.exec_count} of {notebook.stem}"
        raise ChapterFailed(f"{where} failed with {error.ename}: {error.evalue}\nSee {result}.") from error
    except RuntimeError as error:  # nbclient's and jupyter_client's, when the kernel does not start or dies
        raise ChapterFailed(f"the kernel of {notebook.stem} failed: {error}. Free some memory, and go on with --resume.") from error


def _article(kind: str) -> str:
    return {"int": "a whole number", "float": "a number", "bool": "true or false"}.get(kind, kind)
