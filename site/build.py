"""Build the site from the executed notebooks and the course's papers: `make site`, then open build/site/html/index.html.

    python site/build.py               everything; widgets of notebooks that changed are made again
    python site/build.py --still       without live widgets: their pictures stay (seconds instead of minutes)

Nothing of a notebook is executed, but the few statements that a widget needs (bake.py). The pages ask nothing of any network.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

ROOT = Path(__file__).resolve().parents[1]
SITE = ROOT / "site"
sys.path[:0] = [str(SITE), str(ROOT / "course")]
import facts  # noqa: E402
from chapter import Gallery, Sources, answers, site_notebook  # noqa: E402
from deck import DeckSources, deck  # noqa: E402

from restorelab.lesson.checks import EXERCISES  # noqa: E402
from restorelab.lesson.outline import questions  # noqa: E402

PAPERS = ("syllabus.md", "hardware.md", "misconceptions.md", "capstone.md", "licences.md", "glossary.md")  # of course/, in order
_TO_CHAPTER = re.compile(r"\]\(((?:\.\./)+)notebooks/")


def stage(source: Path, widgets: Path) -> None:
    """Write everything that Sphinx reads into the folder `source`, anew."""
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(SITE / "pages", source)
    shutil.copytree(SITE / "static", source / "static")
    for module in ("conf.py", "mathml.py"):
        shutil.copy(SITE / module, source)
    extra = source / "extra"
    for folder in ("chapters", "course/lab_sheets", "extra/notebooks", "extra/widgets"):
        (source / folder).mkdir(parents=True)
    for chapter in shown():
        _stage_chapter(chapter, source, extra, widgets)
    for paper in [*PAPERS, *(f"lab_sheets/{chapter.slug}.md" for chapter in shown())]:
        text = (ROOT / "course" / paper).read_text(encoding="utf-8")
        (source / "course" / paper).write_text(_TO_CHAPTER.sub(r"](\1chapters/", text), encoding="utf-8")
    shutil.copy(ROOT / "course" / "kernel_of_a_pixel.jpg", source / "static")
    (source / "chinese.md").write_text(chinese_page(), encoding="utf-8")


def stage_slides(slides: Path, source: Path, widgets: Path) -> None:
    """Write what Sphinx makes the slides of, anew; their pictures stand with those of the pages, in `source`."""
    shutil.rmtree(slides, ignore_errors=True)
    shutil.copytree(SITE / "slides", slides)
    shutil.copy(SITE / "mathml.py", slides)
    chapters = shown()
    for chapter in chapters:
        notebook, folder = nbformat.read(_notebook(chapter), as_version=4), ROOT / "course" / chapter.slug
        lesson, notes = ((folder / name).read_text(encoding="utf-8") for name in ("lesson.py", "notes.md"))
        sources = DeckSources(chapter, questions(lesson), notes, facts.chinese(folder), _baked(chapter, widgets))
        text = deck(notebook, sources, Gallery(source / "extra" / "pictures", chapter.slug))
        (slides / f"{chapter.slug}.md").write_text(text, encoding="utf-8")
    links = "\n".join(f"- [{chapter.number} · {chapter.title}]({chapter.slug}.md)" for chapter in chapters)
    (slides / "index.md").write_text(f"# Slides\n\n## The chapters\n\n{links}\n", encoding="utf-8")


def _notebook(chapter: facts.Chapter) -> Path:
    return ROOT / "notebooks" / f"{chapter.slug}.ipynb"


def _baked(chapter: facts.Chapter, widgets: Path) -> dict[int, str]:
    """Number of a cell -> the page of its widget, of those that are up to date."""
    index = widgets / f"{chapter.slug}.json"
    return {entry["cell"]: entry["page"] for entry in json.loads(index.read_text())} if _is_newer(index, _notebook(chapter)) else {}


def _stage_chapter(chapter: facts.Chapter, source: Path, extra: Path, widgets: Path) -> None:
    path, baked = _notebook(chapter), _baked(chapter, widgets)
    notebook, solved = (nbformat.read(one, as_version=4) for one in (path, path.parent / "solutions" / path.name))
    for page in baked.values():
        shutil.copy(widgets / page, extra / "widgets")
    words = facts.chinese(ROOT / "course" / chapter.slug)
    made = site_notebook(notebook, chapter.slug, Sources(answers(solved), EXERCISES, words, baked), extra / "pictures")
    nbformat.write(made, source / "chapters" / path.name)
    shutil.copy(path, extra / "notebooks")


def chinese_page() -> str:
    """The course at a glance in Chinese: every chapter's title, what it is about, goals and summary."""
    parts = ["# 中文概览", "本课程的正文是英文；这里是各章的标题、目标与小结，术语见[术语表](course/glossary.md)。"]
    for chapter in shown():
        words = facts.chinese(ROOT / "course" / chapter.slug)
        parts += [
            f"## [{chapter.number} · {words['title']}](chapters/{chapter.slug}.ipynb)",
            f"{words['about']}（约 {chapter.minutes} 分钟）",
        ]
        if words["goals"]:
            parts += ["学完本章，你能够：", "\n".join(f"- {goal}" for goal in words["goals"])]
        if words["points"]:
            parts += ["小结：", "\n".join(f"{count}. {point}" for count, point in enumerate(words["points"], 1))]
    return "\n\n".join(parts) + "\n"


def shown() -> list[facts.Chapter]:
    """The chapters that have their notebooks."""
    return [chapter for chapter in facts.chapters() if (ROOT / "notebooks" / "solutions" / f"{chapter.slug}.ipynb").is_file()]


def bake(widgets: Path) -> None:
    """Make the widgets of every notebook that is newer than its widgets, each in a process of its own."""
    widgets.mkdir(parents=True, exist_ok=True)
    for chapter in shown():
        solved = ROOT / "notebooks" / "solutions" / f"{chapter.slug}.ipynb"
        index = widgets / f"{solved.stem}.json"
        if _is_newer(index, solved):
            continue
        print(f"{solved.stem}: making its widgets", flush=True)
        subprocess.run([sys.executable, SITE / "bake.py", solved, widgets], check=True)


def _is_newer(made: Path, source: Path) -> bool:
    return made.is_file() and made.stat().st_mtime > source.stat().st_mtime


def sphinx(source: Path, to: Path, builder: str) -> int:
    """Exit status of Sphinx; a warning is an error, a dead link among them."""
    shutil.rmtree(to, ignore_errors=True)
    command = [sys.executable, "-m", "sphinx", "-b", builder, "-d", source.parent / f"doctrees-{builder}", "-W", "--keep-going", "-q"]
    return subprocess.run([*command, source, to]).returncode


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--still", action="store_true", help="without live widgets")
    parser.add_argument("--to", type=Path, default=ROOT / "build" / "site", help="where to build")
    given = parser.parse_args(arguments)
    source, slides, widgets, html = (given.to.resolve() / name for name in ("source", "slides", "widgets", "html"))
    if not given.still:
        bake(widgets)
    stage(source, widgets)
    stage_slides(slides, source, widgets)
    status = sphinx(source, html, "html") or sphinx(slides, html / "slides", "revealjs")
    if status == 0:
        print(f"Open {html / 'index.html'} in a browser; no server is needed.")
    return status


if __name__ == "__main__":
    sys.exit(main())
