"""A recipe written as the Python that makes it."""

import dataclasses
import textwrap

from restorelab import degrade
from restorelab.degrade import Recipe

LEVELS = 255  # papers write a sigma of 5/255 as 5; code that says `5 / 255` is read at once
LETTERS = 80  # of a line


def recipe_code(recipe: Recipe) -> str:
    """Python lines, imports included, that bind `recipe` to an equal value: what the playground offers to copy."""
    homes = {"Recipe": "restorelab.degrade"} | {type(step).__name__: _home(type(step)) for step in recipe.steps}
    imports = [_import(home, sorted(name for name in homes if homes[name] == home)) for home in sorted(set(homes.values()))]
    steps = "".join(f"    {_step(step)},\n" for step in recipe.steps)
    listed = f"(\n{steps})" if steps else "()"
    bits = f", bits={recipe.bits!r}" if recipe.bits != 8 else ""
    return "\n".join([*imports, "", f"recipe = Recipe({listed}{bits})"])


def _home(step: type) -> str:
    """Where a reader would import it from: the room, if it offers the name, else the file."""
    return "restorelab.degrade" if getattr(degrade, step.__name__, None) is step else step.__module__


def _import(home: str, names: list[str]) -> str:
    line = f"from {home} import {', '.join(names)}"
    return line if len(line) <= LETTERS else f"from {home} import (\n{_filled(', '.join(names), 4)},\n)"


def _step(step: object) -> str:
    fields = ", ".join(f"{field.name}={_value(field.name, getattr(step, field.name))}" for field in dataclasses.fields(step))
    line = f"{type(step).__name__}({fields})"
    return line if "\n" in line or len(line) + 5 <= LETTERS else f"{type(step).__name__}(\n{_filled(fields, 8)},\n    )"


def _filled(text: str, indent: int) -> str:
    return textwrap.fill(text, LETTERS, initial_indent=" " * indent, subsequent_indent=" " * indent)


def _value(name: str, value: object) -> str:
    if isinstance(value, tuple) and value and isinstance(value[0], tuple):
        rows = "".join(f"        {row!r},\n" for row in value)
        return f"(\n{rows}    )"
    if name == "sigma" and isinstance(value, float) and value > 0:
        level = round(value * LEVELS)
        return f"{level} / {LEVELS}" if level / LEVELS == value else repr(value)
    return repr(value)
