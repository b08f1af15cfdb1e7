"""The tables of a grading: a row per student and exercise, and a row per student and lab."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence

EXERCISES_FILE, TOTALS_FILE = "grades.csv", "totals.csv"
_EXERCISES = ("student", "lab", "exercise", "title", "points", "of", "result", "hidden_tests_passed", "hidden_tests", "note")
_TOTALS = ("student", "lab", "points", "of", "percent", "exercises_passed", "exercises", "problem")


def exercise_table(results: Iterable[Mapping], titles: Mapping[str, str]) -> bytes:
    """`results` are a student's `lab` and `exercises` each, as the journal keeps them; `titles` maps ids to titles."""
    rows = []
    for result in results:
        for one in result["exercises"]:
            facts = (one["points"], one["of"], one["kind"], one["hidden"], one["hidden_of"], one["note"])
            rows.append((result["student"], result["lab"], one["id"], titles[one["id"]], *facts))
    return _table(_EXERCISES, rows)


def totals_table(results: Iterable[Mapping]) -> bytes:
    rows = []
    for result in results:
        got, of = total(result)
        passed = sum(one["kind"] == "passed" for one in result["exercises"])
        percent = round(100 * got / of, 1) if of else 0
        rows.append((result["student"], result["lab"], got, of, percent, passed, len(result["exercises"]), result["problem"]))
    return _table(_TOTALS, rows)


def total(result: Mapping) -> tuple[float, int]:
    """Points, and the most there are."""
    return round(sum(one["points"] for one in result["exercises"]), 2), sum(one["of"] for one in result["exercises"])


def _table(head: Sequence[str], rows: Iterable[Sequence]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_harmless(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8-sig")  # with the mark that a spreadsheet needs to read names outside ASCII


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula is told not to be one: names come from outside. Numbers are short."""
    if isinstance(value, float):
        return f"{value:g}"
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r") else value
