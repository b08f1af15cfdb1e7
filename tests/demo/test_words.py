"""Both languages say everything, and every label has a component that it fits."""

import re
from pathlib import Path
from string import Formatter

import gradio as gr
import pytest

from restorelab.degrade.recipe import STEPS
from restorelab.demo import words
from restorelab.demo.examples import EXAMPLES
from restorelab.demo.offers import TASKS
from restorelab.demo.words import WORDS, Labels, amount, say, seconds

SOURCE = "\n".join(file.read_text() for file in Path(words.__file__).parent.glob("*.py") if file.name != "words.py")


def left_open(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("key", WORDS)
def test_a_word_is_there_in_both_languages_and_leaves_the_same_open(key):
    english, chinese = WORDS[key]
    assert english.strip() and re.search("[\u4e00-\u9fff]", chinese) and not re.search("[\u4e00-\u9fff]", english)
    assert left_open(english) == left_open(chinese)


def test_no_word_is_left_over():
    built = {*TASKS, *(f"{front}_{back}" for front, back in
             [*(("example", key) for key in EXAMPLES), *(("for", task) for task in ("deblur", "denoise", "derain")),
              *(("kind", kind) for kind in STEPS), *(("tab", tab) for tab in ("restore", "judge", "inside", "about")),
              *(("see", name) for name in ("dmphn", "udvd", "mprnet", "deblurgan_v2", "x16"))])}  # fmt: skip
    assert [key for key in WORDS if not re.search(f"[\"']{key}[\"']", SOURCE) and key not in built] == []


def test_an_unknown_language_is_english():
    assert say("stop", "tlh") == say("stop", "en") == "Stop" != say("stop", "zh")


def test_labels_update_each_component_once():
    labels = Labels()
    with gr.Blocks():
        labels.on(gr.Button("x"), value="stop")
        labels.on(gr.Dropdown([1]), label="task", choices=lambda language: [(language, 1)])
    first, second = labels.updates("zh")
    assert first["value"] == say("stop", "zh")
    assert second["label"] == say("task", "zh") and second["choices"] == [("zh", 1)]
    assert len(labels.components()) == 2


def test_times_and_sizes_for_people():
    assert [seconds(value) for value in (0.31, 8.2, 240)] == ["0.3 s", "8 s", "4 min"]
    assert [amount(size) for size in (3e8, 1.5e9)] == ["300 MB", "1.5 GB"]
