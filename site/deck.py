"""The slides of a chapter, made from its executed notebook and its teacher's notes: what the chapter shows, one thing on a slide.

A section becomes a column: its headline with the first sentences and formulas, then its pictures and small tables, then its exercises.
The whole text of a section stands in the speaker's notes. `slides/conf.py` makes reveal.js presentations of what is returned here.
"""

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from chapter import Gallery, kind_of, plain_table, words_of
from facts import Chapter
from nbformat import NotebookNode

LEAD, TASK, SAID = 300, 420, 170  # characters on a slide: of a section's beginning, of an exercise, below a picture
ROWS, FEW = 9, 5  # of a table that is still legible; of one that has room below text
# Headlines of sections that are made otherwise.
RECAP, PREDICT, END = "Before you begin", ("Predict", "Predict first"), ("Recap", "In five minutes")
_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-ZÀ-Ý*“\"`$(])")
_TASK = re.compile(r"Exercise (\d+\.\d+) · (.+?) · (★+) · (\d+) min")
ALONE = "---\norphan: true\n---"  # no table of contents leads to it
NEXT = "```{revealjs-break}\n:notitle:\n```"  # a slide below, without a headline
LIVE = ("step ", "degraded, restored and clean crop")  # how the words of a training's pictures begin: a few steps, at smoke, show nothing


@dataclass(frozen=True)
class DeckSources:
    """What slides are made from, beside the notebook."""

    chapter: Chapter
    questions: Sequence[str]  # of its predictions
    notes: str  # course/NN_slug/notes.md
    chinese: dict  # of course/NN_slug/chinese.toml
    widgets: dict[int, str]  # number of a cell -> page of the widget it shows


@dataclass(frozen=True)
class Slide:
    body: str
    headline: str = ""  # of an exercise; pictures and tables have none of their own
    tall: bool = False  # it wants a slide of its own

    def below(self, section: str) -> str:
        """As a slide in the column of a section."""
        return (
            f"### {self.headline}\n\n{self.body}" if self.headline else f'{NEXT}\n\n<p class="over">{_inline(section)}</p>\n\n{self.body}'
        )


@dataclass
class Section:
    headline: str
    text: list[str] = field(default_factory=list)  # blocks, as Markdown separates them
    slides: list[Slide] = field(default_factory=list)  # pictures, tables, exercises, in order


def deck(notebook: NotebookNode, sources: DeckSources, gallery: Gallery) -> str:
    """MyST Markdown: a headline of the second level is a column of slides, one of the third a slide in it."""
    opening, *sections = _sections(notebook, sources, gallery)
    parts = [ALONE, _title(opening, sources), _about(opening, sources)]
    if sources.questions and not any(section.headline in PREDICT for section in sections):
        parts.append(_list(PREDICT[0], sources.questions))
    for section in sections:
        if section.headline in END:
            break
        parts += _column(section, sources)
    return "\n\n".join([*parts, *_end(sources)]) + "\n"


def _sections(notebook: NotebookNode, sources: DeckSources, gallery: Gallery) -> list[Section]:
    """The first holds what stands before the first headline."""
    found = [Section(sources.chapter.title)]
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            _read(gallery.attached(cell), found)
        else:
            found[-1].slides += _shown(cell, sources.widgets.get(number), gallery)
    return found


def _read(text: str, found: list[Section]) -> None:
    """Sort the blocks of a cell into the sections."""
    task = ""
    for block in re.split(r"\n\n+", text):
        if block.startswith("## "):
            found.append(Section(block.removeprefix("## ").strip()))
        elif block.startswith("### "):
            task = block.removeprefix("### ").strip()
            if _TASK.match(task):
                found[-1].slides.append(_exercise(task, text))
        elif not task:
            found[-1].text.append(block)


def _exercise(headline: str, cell: str) -> Slide:
    text = cell.split(headline, 1)[1].strip().split("\n\n")[0]
    id, name, stars, minutes = _TASK.match(headline).groups()
    return Slide(f'{shortened(text, TASK)}\n\n<p class="says">Exercise {id} · {stars} · {minutes} min</p>', name)


def _shown(cell: NotebookNode, widget: str | None, gallery: Gallery) -> Iterator[Slide]:
    for output in cell.outputs:
        data, kind = output.get("data", {}), kind_of(output)
        if kind and not words_of(output).startswith(LIVE):
            words = words_of(output)
            link = f' <a href="../widgets/{widget}">Open it, alive</a>' if widget and output.output_type == "execute_result" else ""
            picture = gallery.figure(kind, data[kind], words)
            yield Slide(f'<div class="picture">{picture}</div>\n\n<p class="says">{_inline(shortened(words, SAID))}{link}</p>')
        elif "<table" in data.get("text/html", ""):
            rows = data["text/html"].count("<tr>") - 1
            if rows <= ROWS:
                yield Slide(f'<div class="table">{plain_table(data["text/html"])}</div>', tall=rows > FEW)


def _title(opening: Section, sources: DeckSources) -> str:
    chapter, (picture, *_) = sources.chapter, [*(block for block in opening.text if block.startswith("<img")), ""]
    caption = next((block.strip("*") for block in opening.text if re.fullmatch(r"\*[^*].+[^*]\*", block, re.DOTALL)), "")
    return "\n\n".join(
        part
        for part in (
            f"# {chapter.number} · {chapter.title}",
            f'<p class="zh" lang="zh-Hans">{html.escape(sources.chinese["title"])}</p>',
            f'<div class="picture">{picture}</div>' if picture else "",
            f'<p class="says">{_inline(caption)}</p>' if caption and picture else "",
            f'<p class="says"><a href="../chapters/{chapter.slug}.html">The chapter</a> · space: next slide · S: notes for the speaker</p>',
        )
        if part
    )


def _about(opening: Section, sources: DeckSources) -> str:
    first = next(block for block in opening.text if re.match(r"[A-Z“]", block))
    goals = "\n".join(f"- {goal}" for goal in sources.chapter.goals)
    afterwards = f"**Afterwards you can**\n\n{goals}" if goals else ""
    said = "\n".join(f"- {claim}: {answer}" for claim, answer in _misconceptions(sources.notes))
    return "\n\n".join(
        ["## What it is about", shortened(first, LEAD), afterwards, _aside(f"What they say, and what helps:\n\n{said}" if said else first)]
    )


def _misconceptions(notes: str) -> list[tuple[str, str]]:
    table = notes.partition("## Misconceptions")[2].partition("\n## ")[0]
    return [
        (row[1].strip(), row[2].strip())
        for row in (line.split("|") for line in table.splitlines())
        if len(row) == 4 and row[1].strip()[:1] in '"“'
    ]


def _column(section: Section, sources: DeckSources) -> list[str]:
    if section.headline == RECAP:
        return [_recap(sources.chapter.recap)]
    if section.headline in PREDICT:
        return [_list(section.headline, sources.questions)]
    first, slides = [_lead(section.text) or _rows(slide.headline for slide in section.slides if slide.headline)], section.slides
    if slides and not slides[0].headline and not slides[0].tall and len(first[0]) < LEAD and "\n\n" not in first[0]:  # one slide for both
        first, slides = [*first, slides[0].body], slides[1:]
    return [f"## {section.headline}", *first, _aside("\n\n".join(section.text)), *(slide.below(section.headline) for slide in slides)]


def _lead(blocks: Sequence[str]) -> str:
    """The first sentences of a section, its formulas, and its first list."""
    text = next((block for block in blocks if _kind(block) == "text"), "")
    formulas = [block for block in blocks if _kind(block) == "formula"]
    lists = [block for block in blocks if _kind(block) == "list"][:1]
    return "\n\n".join(part for part in (shortened(text, LEAD), *formulas, *lists) if part)


def _kind(block: str) -> str:
    if block.startswith("$$"):
        return "formula"
    if re.match(r"(\d+\.|[-*]) ", block):
        return "list"
    return "other" if block.startswith(("<", "|", "![", "```", "#")) else "text"


def _recap(questions: Sequence[tuple[str, str]]) -> str:
    """A slide for each question; its answer comes with the next key."""
    first, *others = [Slide(f'{question}\n\n<div class="fragment">\n\n{answer}\n\n</div>') for question, answer in questions]
    return "\n\n".join([f"## {RECAP}", first.body, *(slide.below(RECAP) for slide in others)])


def _end(sources: DeckSources) -> list[str]:
    """The summary, the quiz, and what a class may talk about."""
    chapter = sources.chapter
    talk = re.findall(r"^\d+\. (.+)$", sources.notes.partition("## Questions for the room")[2].partition("\n## ")[0], re.MULTILINE)
    parts = (("In five minutes", chapter.points), ("Quiz", chapter.quiz), ("Questions for the room", talk))
    return [_list(headline, items) for headline, items in parts if items]


def _list(headline: str, items: Sequence[str]) -> str:
    return f"## {headline}\n\n{_rows(items)}"


def _rows(items: Iterable[str]) -> str:
    return "\n".join(f"{count}. {item}" for count, item in enumerate(items, 1))


def _aside(text: str) -> str:
    return f'<aside class="notes">\n\n{text}\n\n</aside>'


def shortened(text: str, room: int) -> str:
    """Whole sentences, the first at least, as many as there is room for."""
    first, *others = _SENTENCE.split(" ".join(text.split()))
    for sentence in others:
        if len(first) + 1 + len(sentence) > room:
            break
        first += " " + sentence
    return first


def _inline(text: str) -> str:
    return html.escape(text, quote=False)
