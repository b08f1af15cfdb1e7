"""Numbers in a recipe: fixed, or drawn anew for every picture between two bounds."""

import math

import numpy as np

from restorelab.errors import RecipeError

Amount = float | int | tuple[float, float]  # a fixed value, or (low, high): uniform between the two


def check_amount(name: str, value: object, low: float, high: float) -> None:
    """Raise RecipeError unless `value` is a number, or a rising pair of numbers, within [low, high]."""
    ends = value if isinstance(value, tuple) else (value,)
    numbers = all(isinstance(end, (int, float)) and not isinstance(end, bool) and math.isfinite(end) for end in ends)
    if not numbers or len(ends) > 2 or not ends:
        raise RecipeError(f"{name} must be a number or a pair (low, high), not {value!r}.")
    if ends[0] > ends[-1]:
        raise RecipeError(f"{name} is a pair (low, high), but {ends[0]} is above {ends[-1]}: swap them.")
    if ends[0] < low or ends[-1] > high:
        raise RecipeError(f"{name} must lie between {low} and {high}, not {value!r}.")


def draw(value: Amount, rng: np.random.Generator) -> float:
    """One number. A fixed value takes nothing from `rng`, so that fixing one number of a recipe is one draw less, not a surprise."""
    return float(rng.uniform(*value)) if isinstance(value, tuple) else float(value)


def largest(value: Amount) -> float:
    return float(value[1] if isinstance(value, tuple) else value)
