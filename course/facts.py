"""What a lesson says of itself: title, goals, minutes, exercises, summary. Lab sheets, timetables and the site are made from it.

Nothing here runs a chapter; the lesson's text is the one place where these facts stand.
"""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import jupytext

COURSE = Path(__file__).resolve().parent
_HOURS = {"one": 1, "two": 2, "three": 3}
_TENS = {"ten": 10, "twenty": 20, "thirty": 30, "forty": 40}
_RECAP = re.compile(r"^<details><summary>(\(\d\d\) .+?)</summary>\n(.+?)</details>", re.MULTILINE | re.DOTALL)
_EXERCISE = re.compile(r"^### Exercise (\d+\.\d+) · (.+?) · (★+) · (\d+) min$", re.MULTILINE)


class FactError(Exception):
    """A lesson does not say what the course needs to know; the message says where."""


@dataclass(frozen=True)
class Task:
    """An exercise, as its headline announces it."""

    id: str
    title: str
    stars: int
    minutes: int


@dataclass(frozen=True)
class Chapter:
    slug: str  # 05_multi_patch_dmphn
    title: str  # Patches instead of scales: DMPHN
    minutes: int  # for all of it, as the lesson asks to plan
    goals: tuple[str, ...]  # what a reader can do afterwards
    headlines: tuple[str, ...]  # of the sections, in order, without exercises
    tasks: tuple[Task, ...]
    points: tuple[str, ...]  # of the summary at the end
    quiz: tuple[str, ...]  # questions at the end
    recap: tuple[tuple[str, str], ...]  # questions before it begins, each with the number of the chapter it is from, and answers

    @property
    def number(self) -> str:
        return self.slug[:2]

    @property
    def task_minutes(self) -> int:
        return sum(task.minutes for task in self.tasks)


def chapters(course: Path = COURSE) -> list[Chapter]:
    """Every finished chapter, in order."""
    return [read(path.parent) for path in sorted(course.glob("[0-9][0-9]_*/lesson.py"))]


def read(folder: Path) -> Chapter:
    """The facts of the lesson in this folder. Raises FactError."""
    lesson = jupytext.reads((folder / "lesson.py").read_text(encoding="utf-8"), fmt="py:percent")
    text = "\n\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    title = re.search(r"^# \d\d · (.+)$", text, re.MULTILINE)
    if not title:
        raise FactError(f"{folder.name}: the first line should read `# {folder.name[:2]} · Title`")
    goals = re.search(r"\*\*After this chapter you can\*\*(.+?)\n\n", text, re.DOTALL)
    return Chapter(
        slug=folder.name,
        title=title[1],
        minutes=_minutes(text, folder.name),
        goals=tuple(_sentences(goals[1].rstrip().rstrip("."), " · ")) if goals else (),
        headlines=tuple(re.findall(r"^## (.+)$", text, re.MULTILINE)),
        tasks=tuple(Task(id, name, len(stars), int(minutes)) for id, name, stars, minutes in _EXERCISE.findall(text)),
        points=tuple(_numbered(text, r"^## (?:Recap|In five minutes)\n\n(.+?)\n\n", r"(?:^|\s)\d\. ")),
        quiz=tuple(_numbered(text, r"^\*\*Quiz\.\*\* (.+?)\n\n", r"\*\([a-z]\)\* ")),
        recap=tuple(_RECAP.findall(text)),
    )


def chinese(folder: Path) -> dict:
    """The Chinese of a chapter: `title`, `goals`, `points` (as many, in the same order), `headlines` (English -> Chinese)."""
    return tomllib.loads((folder / "chinese.toml").read_text(encoding="utf-8"))


def out_of_step(chapter: Chapter, words: dict) -> list[str]:
    """Where the Chinese of a chapter and its lesson have parted, in sentences."""
    problems = []
    for what in ("goals", "points"):
        ours, theirs = len(getattr(chapter, what)), len(words.get(what, ()))
        if ours != theirs:
            problems.append(f"{chapter.slug}/chinese.toml: {theirs} {what}, and the lesson has {ours}")
    wanted = {*chapter.headlines, *(task.title for task in chapter.tasks)}
    problems += [f"{chapter.slug}/chinese.toml: no Chinese for the headline {one!r}" for one in sorted(wanted - set(words["headlines"]))]
    problems += [f"{chapter.slug}/chinese.toml: {one!r} is no headline of the lesson" for one in sorted(set(words["headlines"]) - wanted)]
    return problems


def _minutes(text: str, name: str) -> int:
    figure = re.search(r"About (\d+) minutes", text)
    if figure:
        return int(figure[1])
    plan = re.search(r"Plan (\w+) hours?(?: and (\w+) minutes)?", text)
    if not plan or plan[1] not in _HOURS or (plan[2] or "ten") not in _TENS:
        raise FactError(f"{name}: say `Plan two hours` or `Plan two hours and twenty minutes`, so that timetables can count")
    return 60 * _HOURS[plan[1]] + (_TENS[plan[2]] if plan[2] else 0)


def _numbered(text: str, paragraph: str, mark: str) -> list[str]:
    found = re.search(paragraph, text + "\n\n", re.MULTILINE | re.DOTALL)
    return _sentences(found[1], mark, pattern=True)[0:] if found else []


def _sentences(text: str, mark: str, pattern: bool = False) -> list[str]:
    joined = " ".join(text.split())
    parts = re.split(mark, joined) if pattern else joined.split(mark)
    return [part.strip() for part in parts if part.strip()]
