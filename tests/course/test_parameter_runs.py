"""Chapters with other parameters, judged by their own training: no cell after it may fail, however poor or unusual the network is."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from restorelab.cli.chapters import run_chapter
from restorelab.train.run import read_manifest

SHORT = {"preset": "lab", "device": "cpu", "steps": "2"}  # a lab training of two steps: what follows takes it for one in earnest
SMALL = {"width": "16", "depth": "1", "batch": "4"}
RUNS = {
    "fewer levels, separable convolutions": ("03", {"levels": "2-4", "backbone": "mobilenet_dsc", "width": "32"}),
    "three times as large, little noise": ("04", {"scale": "3", "noise": "10", **SMALL}),
    "four times as large, wide filters, one loss": ("04", {"scale": "4", "kernel_size": "7", "loss": "last charbonnier", **SMALL}),
    "one block, filters frozen": ("04", {"blocks": "U", "frozen": "true", **SMALL}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_a_chapter_judges_the_network_that_was_asked_for(name, tmp_path: Path):
    chapter, given = RUNS[name]
    folder = run_chapter(chapter, SHORT | given, resume=False, out=tmp_path / "run", console=Console(file=io.StringIO()))
    manifest = read_manifest(folder)
    assert manifest["status"] == "finished" and "lab preset, 2 steps" in manifest["result"]["weights"]
