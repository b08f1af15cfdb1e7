"""What the site is made from, without building it: chapters turned into pages, and the statements that a widget needs."""

import ast
import re
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "site"), str(ROOT / "course")]
import bake  # noqa: E402
import facts  # noqa: E402
from chapter import Gallery, Sources, answers, site_notebook  # noqa: E402
from deck import END, DeckSources, deck, shortened  # noqa: E402

from restorelab.lesson.checks import EXERCISES  # noqa: E402
from restorelab.lesson.outline import questions  # noqa: E402

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_becomes_a_page_with_words_for_pictures_folded_solutions_and_chinese(path, tmp_path):
    notebook, solved = (nbformat.read(one, as_version=4) for one in (path, path.parent / "solutions" / path.name))
    places = bake.places(notebook)
    widgets = {place.cell: f"{count}.html" for count, place in enumerate(places)}
    words = facts.chinese(ROOT / "course" / path.stem)
    page = site_notebook(notebook, path.stem, Sources(answers(solved), EXERCISES, words, widgets), tmp_path)
    nbformat.validate(page)
    text = nbformat.writes(page).replace('\\"', '"')
    pictures = re.findall(r"<img [^>]*>", text)
    assert all(re.search(r'alt="[^"]', picture) for picture in pictures)
    assert {match for picture in pictures for match in re.findall(r"\.\./pictures/([^\"]+)", picture)} == {
        one.name for one in tmp_path.iterdir()
    }
    assert "base64" not in text and "attachment:" not in text and "Not attempted yet" not in text
    assert text.count("<iframe") == len(places)
    markdown = "\n".join(cell.source for cell in page.cells if cell.cell_type == "markdown")
    for id, answer in answers(solved).items():
        assert f"<summary>Solution</summary>\n\n```python\n{answer}\n```" in markdown, id
    assert all(translation in markdown for translation in words["headlines"].values())


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_becomes_slides_with_its_sections_exercises_and_questions_and_no_answers(path, tmp_path):
    notebook, solved = (nbformat.read(one, as_version=4) for one in (path, path.parent / "solutions" / path.name))
    folder = ROOT / "course" / path.stem
    lesson, notes = ((folder / name).read_text(encoding="utf-8") for name in ("lesson.py", "notes.md"))
    chapter, asked = facts.read(folder), questions(lesson)
    text = deck(notebook, DeckSources(chapter, asked, notes, facts.chinese(folder), {}), Gallery(tmp_path, path.stem))
    headlines = re.findall("^## (.+)$", text, re.MULTILINE)
    mine, theirs = ([one for one in some if one not in END] for some in (headlines, chapter.headlines))
    assert [one for one in mine if one in theirs] == theirs
    assert re.findall("^### (.+)$", text, re.MULTILINE) == [task.title for task in chapter.tasks]
    assert all(f". {one}" in text for one in (*asked, *chapter.points, *chapter.quiz))
    pictures = re.findall('<img [^>]*src="../pictures/([^"]+)" alt="([^"]*)"', text)
    assert len(pictures) == text.count("<img") and all((tmp_path / name).is_file() and words for name, words in pictures)
    assert not any(answer in text for answer in answers(solved).values())
    assert all(question in text and answer in text for question, answer in chapter.recap)
    if "## Questions for the room" in notes:
        assert headlines[-1] == "Questions for the room" and notes.count("\n1. ") == 1


def test_what_is_shortened_keeps_whole_sentences():
    assert shortened("One is short. Two is too,\nsays PSNR 3.5 dB. Three is left out.", 50) == "One is short. Two is too, says PSNR 3.5 dB."
    assert shortened("A first sentence always stays whole. No other does.", 10) == "A first sentence always stays whole."


def notebook_of(*cells: str) -> nbformat.NotebookNode:
    """Executed, so to speak: the last cell left a picture, as a widget does."""
    made = [nbformat.v4.new_code_cell(cell) for cell in cells]
    made[-1].outputs = [nbformat.v4.new_output("execute_result", {"image/png": "", "text/plain": "A widget: 1"})]
    return nbformat.v4.new_notebook(cells=made)


def test_only_what_a_widget_depends_on_is_run():
    notebook = notebook_of(
        "import numpy as np, torch\nfrom restorelab import viz",
        "a = 1\nunused = np.zeros(a)\nviz.show(a)",
        "rows = []\nfor i in range(3):\n    rows.append(a + i)\nprint(rows)",
        "rows2 = [a for a in 'xyz']\na = 5\nrows.append(a)",
        "Widget(rows)",
    )
    kept = [ast.unparse(one) for one in bake.needed(notebook, bake.places(notebook))]
    assert kept == ["a = 1", "rows = []", "for i in range(3):\n    rows.append(a + i)", "a = 5", "rows.append(a)"]


def test_nothing_is_trained_to_show_a_widget():
    notebook = notebook_of("minutes: float = 20.0", "trains = 3 <= minutes", "Widget(trains)")
    notebook.cells[0].metadata["tags"] = ["parameters"]
    names: dict = {}
    exec(compile(ast.Module(bake.needed(notebook, bake.places(notebook)), []), "notebook", "exec"), names)
    assert names["trains"] is False
