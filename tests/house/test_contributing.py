"""CONTRIBUTING's worked examples, followed to the letter."""

import ast
import dataclasses
import re
import sys
from pathlib import Path

import pytest
import torch

from restorelab import checkpoint, systems
from restorelab.lesson.exercise import Wrong
from restorelab.restore import restore

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "course"))
LESSON, CHECKS, CHINESE, MODEL, ROW = re.findall(
    r"^```(?:python|toml)\n(.+?)^```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
)


def run(code: str, name: str, monkeypatch) -> dict:
    """The names that a file with this content would have."""
    module = type(sys)(name)
    monkeypatch.setitem(sys.modules, name, module)  # dataclasses look their module up
    exec(compile(code, f"CONTRIBUTING.md, {name}", "exec"), vars(module))
    return vars(module)


def test_the_chapter_of_the_page_builds_and_its_facts_are_found(tmp_path, monkeypatch):
    import facts
    from editions import make_editions

    folder = tmp_path / "10_gamma"
    folder.mkdir()
    (folder / "lesson.py").write_text(LESSON, encoding="utf-8")
    (folder / "chinese.toml").write_text(CHINESE, encoding="utf-8")
    known = {one.id: one for one in run(CHECKS, "ch10_gamma", monkeypatch)["EXERCISES"]}
    made = make_editions(folder, known)
    assert "v**2.2" not in made["student"].cells[4].source and "v**2.2" in made["solution"].cells[4].source
    chapter = facts.read(folder)
    assert (chapter.title, chapter.minutes, len(chapter.goals), len(chapter.points)) == ("Light and numbers", 60, 2, 2)
    assert [(task.id, task.stars, task.minutes) for task in chapter.tasks] == [("10.1", known["10.1"].stars, known["10.1"].minutes)]
    assert facts.out_of_step(chapter, facts.chinese(folder)) == []


def test_the_check_of_the_page_takes_the_answer_and_names_two_mistakes(monkeypatch):
    check = run(CHECKS, "ch10_gamma", monkeypatch)["check_light"]
    answer = next(node for node in ast.parse(LESSON).body[::-1] if isinstance(node, ast.FunctionDef))
    names: dict = {}
    exec(ast.unparse(answer), names)
    check(names["light"])
    said = set()
    for mistake in (lambda v: v ** (1 / 2.2), lambda v: v):
        with pytest.raises(Wrong) as caught:
            check(mistake)
        said.add(str(caught.value))
    assert len(said) == 2


def test_the_system_of_the_page_restores_any_size_in_tiles_too_and_is_kept(tmp_path, monkeypatch):
    names = run(MODEL, "restorelab.models.dncnn", monkeypatch)
    table = eval(f"{{{ROW}}}", {**vars(systems), **names})
    monkeypatch.setitem(systems.SYSTEMS, "dncnn", table["dncnn"])
    torch.manual_seed(0)
    config = dataclasses.replace(names["DnCNNConfig"](), width=4, depth=3)
    model = names["DnCNN"](config).eval()
    picture = torch.rand(3, 37, 41)
    whole = restore(model, picture, explain=True)
    assert whole.image.shape == picture.shape and whole.maps["noise"][0].shape == picture.shape
    assert torch.allclose(restore(model, picture, tile=16).image, whole.image, atol=1e-6)
    path = tmp_path / "dncnn.safetensors"
    checkpoint.save(path, model)
    assert torch.equal(restore(checkpoint.load(path).model, picture).image, whole.image)
