"""A notebook of the course as a page of the site: pictures as files with their words, widgets alive, hints and solutions folded.

What the notebook shows stays as it is; nothing is executed. Only the cards that say "not attempted yet" are left out.
"""

import base64
import hashlib
import html
import io
import re
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from PIL import Image

from restorelab.lesson.exercise import Exercise

FOLDED = {"parameters": "Show the parameters", "checks": "Show the notebook's own test"}
SUFFIXES = {"image/jpeg": ".jpg", "image/png": ".png"}
_HEADLINE = re.compile(r"^(#{1,3}) (.+)$", re.MULTILINE)
_TASK = re.compile(r"Exercise \d+\.\d+ · (.+?) · ★")
_ATTACHED = re.compile(r"!\[([^\]]*)\]\(attachment:([^)]+)\)")
_LINE_STYLE = re.compile(r" style='text-align:left'")


@dataclass(frozen=True)
class Sources:
    """What a page is made from, beside the notebook."""

    answers: dict[str, str]  # id of an exercise -> its solved cell
    exercises: dict[str, Exercise]  # id -> what its check knows: hints
    chinese: dict  # of course/NN_slug/chinese.toml
    widgets: dict[int, str] = field(default_factory=dict)  # number of a cell -> page of the widget it shows


def answers(solved: NotebookNode) -> dict[str, str]:
    """Exercise id -> code, of the solution edition."""
    return {_id(cell): cell.source for cell in solved.cells if _id(cell)}


def site_notebook(notebook: NotebookNode, slug: str, sources: Sources, pictures: Path) -> NotebookNode:
    """The notebook for Sphinx; its pictures are written to the folder `pictures`, which the pages find as `../pictures`."""
    made = nbformat.v4.new_notebook(metadata=notebook.metadata)
    gallery = Gallery(pictures, slug)
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type == "markdown":
            text = _with_chinese(gallery.attached(cell), sources.chinese["headlines"])
            made.cells.append(nbformat.v4.new_markdown_cell(text))
            if number == 0:
                made.cells.append(nbformat.v4.new_markdown_cell(_welcome(slug, sources.chinese)))
            continue
        made.cells.append(_code(cell, number, sources, gallery))
        if _id(cell):
            made.cells += [nbformat.v4.new_markdown_cell(text) for text in _help(_id(cell), sources)]
    return made


@dataclass
class Gallery:
    """Writes pictures out of a notebook into files, and names them."""

    folder: Path
    slug: str

    def figure(self, kind: str, data: str, words: str) -> str:
        """HTML of a picture given in base64."""
        file = base64.b64decode(data)
        width, height = Image.open(io.BytesIO(file)).size
        name = self._write(kind, file)
        # dark-light: in the dark the theme would change brightness and contrast, and pictures are the subject here
        return (
            f'<img class="dark-light" src="../pictures/{name}" alt="{html.escape(words)}" width="{width}" height="{height}" loading="lazy">'
        )

    def attached(self, cell: NotebookNode) -> str:
        """The text of a cell, its attachments written out."""

        def picture(match: re.Match) -> str:
            (kind, data), *_ = cell.attachments[match[2]].items()
            return self.figure(kind, data, match[1])

        return _ATTACHED.sub(picture, cell.source)

    def _write(self, kind: str, file: bytes) -> str:
        """Named after what is in it: the slides show the same pictures."""
        name = f"{self.slug}-{hashlib.sha256(file).hexdigest()[:12]}{SUFFIXES[kind]}"
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_bytes(file)
        return name


def _code(cell: NotebookNode, number: int, sources: Sources, gallery: Gallery) -> NotebookNode:
    tags = cell.metadata.get("tags", [])
    made = nbformat.v4.new_code_cell(cell.source, execution_count=cell.execution_count)
    made.outputs = [_output(output, sources.widgets.get(number), gallery) for output in cell.outputs if not _waits(output)]
    fold = next((FOLDED[tag] for tag in tags if tag in FOLDED), "")
    if not fold and all(line.startswith(("import ", "from ")) for line in cell.source.splitlines() if line):
        fold = "Show the imports"
    if fold:
        made.metadata = nbformat.from_dict({"tags": ["hide-input"], "mystnb": {"code_prompt_show": fold}})
    return made


def _waits(output: NotebookNode) -> bool:
    """The card of an exercise that nobody has begun."""
    return output.get("data", {}).get("text/plain", "").startswith("○ Not attempted yet")


def _output(output: NotebookNode, widget: str | None, gallery: Gallery) -> NotebookNode:
    data, kind = output.get("data", {}), kind_of(output)
    if kind:
        words = words_of(output)
        still = gallery.figure(kind, data[kind], words)
        shown = _framed(widget, words, still) if widget and output.output_type == "execute_result" else still
        return nbformat.v4.new_output("display_data", {"text/html": f'<div class="picture">{shown}</div>'})
    if "text/html" in data:
        table = plain_table(data["text/html"])
        wide = table.replace("<table>", '<div class="wide" tabindex="0"><table>').replace("</table>", "</table></div>")
        return nbformat.v4.new_output("display_data", {"text/html": wide})
    return output


def kind_of(output: NotebookNode) -> str | None:
    """The kind of the picture that an output shows, if it shows one."""
    return next((kind for kind in SUFFIXES if kind in output.get("data", {})), None)


def words_of(output: NotebookNode) -> str:
    """What is said of the picture of an output."""
    return output.metadata.get(kind_of(output), {}).get("alt") or output.data["text/plain"]


def plain_table(text: str) -> str:
    """HTML of a table without styles of its own."""
    return _LINE_STYLE.sub("", text)


def _framed(widget: str, words: str, still: str) -> str:
    """A widget's page in a frame; where no script runs, its still picture."""
    title = html.escape(words.partition(":")[0])
    return (
        f'<iframe class="widget" src="../widgets/{widget}" title="{title}, interactive" loading="lazy"></iframe>'
        f'<p class="says">{html.escape(words)} <a href="../widgets/{widget}">On a page of its own</a></p><noscript>{still}</noscript>'
    )


def _help(id: str, sources: Sources) -> list[str]:
    """Hints, one fold each, and the solution."""
    hints = [
        f"<details><summary>Hint {count}</summary>\n\n{hint}\n\n</details>" for count, hint in enumerate(sources.exercises[id].hints, 1)
    ]
    answer = f"<details><summary>Solution</summary>\n\n```python\n{sources.answers[id]}\n```\n\n</details>"
    return [*hints, answer]


def _with_chinese(text: str, words: dict[str, str]) -> str:
    """Below each headline, the same in Chinese."""

    def add(match: re.Match) -> str:
        task = _TASK.match(match[2])
        translation = words.get(task[1] if task else match[2])
        return f'{match[0]}\n\n<p class="zh" lang="zh-Hans">{html.escape(translation)}</p>\n' if translation else match[0]

    return _HEADLINE.sub(add, text)


def _welcome(slug: str, words: dict) -> str:
    """After the title: how to open the chapter, and what it is about in Chinese."""
    goals = "".join(f"<li>{html.escape(goal)}</li>" for goal in words["goals"])
    points = "".join(f"<li>{html.escape(point)}</li>" for point in words["points"])
    lists = f"<p>学完本章，你能够：</p><ul>{goals}</ul>" if goals else ""
    lists += f"<p>小结</p><ol>{points}</ol>" if points else ""
    chinese = f'<p class="zh" lang="zh-Hans">{html.escape(words["about"])}</p>'
    summary = f'<summary lang="zh-Hans">中文：{html.escape(words["title"])}</summary>'
    return (
        f'<details class="chinese">{summary}<div lang="zh-Hans">{chinese}{lists}</div></details>\n\n'
        f"To work on this chapter, run `make lab` and open `notebooks/{slug}.ipynb` ([how](../start.md)), "
        f'or <a href="../notebooks/{slug}.ipynb" download>download the notebook</a>; '
        f'for a class there are <a href="../slides/{slug}.html">slides</a>. '
        "This page shows it as it ran at `smoke`; exercises check themselves in the notebook only."
    )


def _id(cell: NotebookNode) -> str:
    """5.1 of a cell tagged exercise-5.1; empty for any other."""
    return next((tag.removeprefix("exercise-") for tag in cell.metadata.get("tags", ()) if tag.startswith("exercise-")), "")
