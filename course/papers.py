"""The course's papers: lab sheets are made from the lessons, and the tables in syllabus, hardware and licences are filled in.

    python course/papers.py            write them
    python course/papers.py --check    compare only: exit status 1, and the names of those that are out of date

A table stands in a paper between `<!-- made: name -->` and `<!-- end -->`; the text around it is written by hand.
"""

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # also when this file is imported from elsewhere
import facts
from facts import COURSE, Chapter

from restorelab import checkpoint
from restorelab.data import photos
from restorelab.data.catalog import CATALOG
from restorelab.systems import SYSTEMS

LAB = 110  # minutes of a lab
RECAP, SHOW, DISCUSS, EXIT = 10, 15, 15, 10  # of them
WORK = LAB - RECAP - SHOW - DISCUSS - EXIT
WEEKS = {
    "eight weeks": (("00", "01"), ("02",), ("03",), ("04",), ("05",), ("06",), ("07",), ("08", "09")),
    "six weeks": (("00", "01"), ("02", "03"), ("04",), ("05", "06"), ("07",), ("08", "09")),
}
# What a workshop of a day takes of a chapter: sections of the lesson, and minutes.
DAY = (
    ("09:00", "00", "all of it: set-up, first check, first prediction", 35),
    ("09:35", "01", "*A degradation is a value*, *The playground*, *The order of things* with exercise 1.7", 60),
    ("10:35", "", "break", 15),
    ("10:50", "01", "*Motion*, *A kernel in fifteen numbers* as a demonstration, exercise 1.5", 40),
    ("11:30", "02", "*PSNR* with exercise 2.1, *Make it lie*, *The switchboard*", 60),
    ("12:30", "", "lunch", 60),
    ("13:30", "04", "*A lie, and what it costs*, *Four regions*, *The microscope*", 45),
    ("14:15", "05", "*The idea* with exercises 5.1 and 5.2, *Look inside*", 45),
    ("15:00", "", "break", 15),
    ("15:15", "06", "the five-minute version, then *Attention that matters*", 45),
    ("16:00", "09", "*It worked in the notebook*, then *The page* (`restorelab demo`), with photographs of the class; its limits", 30),
    ("16:30", "", "post-test of the misconceptions, discussion", 30),
)


def papers() -> dict[Path, str]:
    """Path -> text, of every paper that has something made in it."""
    chapters = {chapter.number: chapter for chapter in facts.chapters()}
    made = {COURSE / "lab_sheets" / f"{chapter.slug}.md": lab_sheet(chapter) for chapter in chapters.values()}
    tables = {
        **{name: timetable(weeks, chapters) for name, weeks in WEEKS.items()},
        "one day": day(),
        "smoke": smoke(chapters),
        **licences(),
    }
    for name in ("syllabus.md", "hardware.md", "licences.md"):
        made[COURSE / name] = _filled((COURSE / name).read_text(encoding="utf-8"), tables)
    return made


def lab_sheet(chapter: Chapter) -> str:
    """One page for a lab: goals, minute plan, exercises, what to leave out."""
    whole = chapter.minutes >= LAB
    inside = _fit(chapter, WORK) if whole else chapter.tasks
    goals = "\n".join(f"- {goal}" for goal in chapter.goals)
    points = "\n".join(f"{count}. {point}" for count, point in enumerate(chapter.points, 1))
    length = f"this sheet is for a lab of {LAB} minutes, and the rest is homework" if whole else "this sheet takes all of it"
    planned = f"The whole chapter is planned for {chapter.minutes} minutes, {chapter.task_minutes} of them exercises"
    before = "Run the notebook once at `smoke` on a machine of the class (minutes: [hardware](../hardware.md)). It needs no network."
    tasks = [_row(task, task in inside) for task in chapter.tasks]
    parts = [
        f"# Lab sheet {chapter.number}: {chapter.title}",
        f"[The chapter](../../notebooks/{chapter.slug}.ipynb). {planned}; {length}. Made from the lesson by `course/papers.py`.",
        f"## Afterwards students can\n\n{goals}" if goals else "",
        f"## Before the lab\n\n{before}",
        f"## Minute plan\n\n{_plan(chapter, inside) if whole else _short_plan(chapter)}",
        f"## Exercises\n\n{_table(('exercise', '', 'stars', 'minutes', 'where'), tasks)}",
        f"## If time is short\n\n{_cut(inside)}" if whole else "",
        f"## What should have been said at the end\n\n{points}" if points else "",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _fit(chapter: Chapter, minutes: int) -> tuple[facts.Task, ...]:
    """The exercises that fit into these minutes, in their order; easy ones first when not all do."""
    inside: list = []
    for task in sorted(chapter.tasks, key=lambda task: (task.stars, chapter.tasks.index(task))):
        if sum(one.minutes for one in inside) + task.minutes <= minutes:
            inside.append(task)
    return tuple(task for task in chapter.tasks if task in inside)


def _plan(chapter: Chapter, inside: Sequence) -> str:
    tasks = sum(task.minutes for task in inside)
    names = ", ".join(task.id for task in inside)
    reading = f", {WORK - tasks} minutes to run the cells between them" if tasks < WORK else ""
    steps = (
        (RECAP, "Recap", f"the {len(chapter.recap)} questions of *Before you begin*: alone, then with a neighbour"),
        (SHOW, "Predict and show", "everyone writes the predictions down; the opening picture, the problem, the idea, together"),
        (WORK, "Work", f"exercises {names} ({tasks} minutes{reading}): ★ and ★★ alone, ★★★ in pairs"),
        (DISCUSS, "Discuss", "predictions beside results; the worst picture; what was surprising"),
        (
            EXIT,
            "Exit quiz",
            f"{len(chapter.quiz)} questions at the end of the notebook" if chapter.quiz else "three sentences: learned, doubted, asked",
        ),
    )
    start, rows = 0, []
    for minutes, what, how in steps:
        rows.append((f"{start}–{start + minutes}", what, how))
        start += minutes
    return _table(("minutes", "what", "how"), rows)


def _short_plan(chapter: Chapter) -> str:
    rest = chapter.minutes - chapter.task_minutes
    rows = (
        (f"0–{rest}", "Read and run", "from the top down, predictions written before they are run"),
        (f"{rest}–{chapter.minutes}", "Work", "the exercises below, alone"),
    )
    return _table(("minutes", "what", "how"), rows)


def _row(task: facts.Task, inside: bool) -> tuple:
    return task.id, task.title, "★" * task.stars, task.minutes, "in the lab" if inside else "at home"


def _cut(inside: Sequence) -> str:
    hardest = max(inside, key=lambda task: (task.stars, task.minutes))
    home = f"Give {hardest.id} ({hardest.title}, {hardest.minutes} minutes) as homework first"
    return f"{home}; keep predictions and discussion. Late by more: drop the exit quiz."


def timetable(weeks: Sequence[Sequence[str]], chapters: dict[str, Chapter]) -> str:
    rows = []
    for count, week in enumerate(weeks, 1):
        names, total = [], 0
        for number in week:
            chapter = chapters[number]
            names.append(f"{number} {chapter.title} ({chapter.minutes})")
            total += chapter.minutes
        rows.append((count, "<br>".join(names), min(LAB, total), max(0, total - LAB), total))
    rows.append(("", "all weeks", *(sum(row[column] for row in rows) for column in (2, 3, 4))))
    return _table(("week", "chapters (minutes)", "in the lab", "at home", "together"), rows)


def day() -> str:
    return _table(("from", "chapter", "what", "minutes"), DAY)


def smoke(chapters: dict[str, Chapter]) -> str:
    record = json.loads((COURSE / "recorded" / "smoke.json").read_text(encoding="utf-8"))
    seconds = {slug[:2]: f"{count / 60:.1f}" for slug, count in record["processor_seconds"].items()}
    rows = [(number, seconds.get(number, "not measured yet")) for number in chapters]
    machine = f"{record['cores']} cores ({record['machine']}), no GPU, {record['threads']} threads, torch {record['torch']}"
    memory = f" The largest process held {record['largest_process_mb']} MB of memory." if "largest_process_mb" in record else ""
    return f"{_table(('chapter', 'processor minutes'), rows)}\n\nMeasured on {record['on']}: {machine}.{memory}"


def licences() -> dict[str, str]:
    """Tables of what is bundled, what was trained, what may be downloaded."""
    bundled = [(one.name, one.title, one.author, one.licence, f"<{one.source}>") for one in photos.PHOTOS.values()]
    trained = []
    for system, entry in SYSTEMS.items():
        for one in entry.weights:
            trained.append((one.path.name, f"{system}, {one.task}", checkpoint.load(one.path).manifest["data"]["terms"]))
    sets = [
        (one.title, one.licence, "recalled: " + one.recalled if one.recalled else one.seen, f"<{one.page}>") for one in CATALOG.values()
    ]
    return {
        "photographs": _table(("name", "title", "author", "licence", "source"), bundled),
        "checkpoints": _table(("file", "what", "trained on"), trained),
        "data sets": _table(("set", "terms, as far as seen", "how that is known", "page"), sets),
    }


def _filled(text: str, tables: dict[str, str]) -> str:
    def fill(match: re.Match) -> str:
        return f"<!-- made: {match[1]} -->\n\n{tables[match[1]]}\n\n<!-- end -->"

    return re.sub(r"<!-- made: (.+?) -->.*?<!-- end -->", fill, text, flags=re.DOTALL)


def _table(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare only")
    check = parser.parse_args().check
    old = [path for path, text in papers().items() if not path.is_file() or path.read_text(encoding="utf-8") != text]
    for path in old:
        print(path.relative_to(COURSE.parent))
        if not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(papers()[path], encoding="utf-8", newline="\n")
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
