"""`restorelab evaluate` and `restorelab data check` as a user meets them: files left behind, words mistyped, interrupted and gone on."""

import json
import shutil

import numpy as np
import pytest
import torch
from faults.test_command_line import restorelab

from restorelab import image
from restorelab.degrade import GaussianBlur, Recipe, degrade
from restorelab.evaluate import Evaluation
from restorelab.ops.resize import downsample_bicubic


def picture(seed: int) -> torch.Tensor:
    coarse = torch.rand(1, 3, 10, 12, generator=torch.Generator().manual_seed(seed))
    return torch.nn.functional.interpolate(coarse, size=(80, 96), mode="bicubic").clamp(0, 1)[0]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Three blurred pictures and their clean ones, named alike, as a set is shipped: test/input, test/target."""
    folder = tmp_path_factory.mktemp("set")
    for number in range(3):
        clean = picture(number)
        blurred = degrade(clean, Recipe((GaussianBlur(std=1.5),)), np.random.default_rng(0)).image
        for side, one in (("input", blurred), ("target", clean)):
            (folder / "test" / side).mkdir(parents=True, exist_ok=True)
            image.save(one, folder / "test" / side / f"{number}.png")
    return folder


def test_a_folder_is_scored_and_everything_is_left_to_read(pairs, tmp_path):
    done = restorelab("evaluate", "--data", pairs, "--protocol", "GoPro/HIDE", "--out", tmp_path / "a")
    assert done.returncode == 0, done.stderr
    assert {"result.json", "result.csv", "result.md", "contact_sheet.jpg"} <= {file.name for file in (tmp_path / "a").iterdir()}
    result = Evaluation.from_json((tmp_path / "a" / "result.json").read_text())
    assert [row.name for row in result.rows] == ["0", "1", "2"] and "course checkpoint, sha256" in result.model
    assert f"{result.mean('restored_psnr'):.3f} dB" in done.stdout and "MATLAB 3-D" in done.stdout
    assert image.probe(tmp_path / "a" / "contact_sheet.jpg").width > 600

    again = restorelab("evaluate", "--data", pairs, "--model", "input", "--protocol", "GoPro/HIDE", "--out", tmp_path / "b",
                       "--against", tmp_path / "a" / "result.json")  # fmt: skip
    assert again.returncode == 0 and "against DMPHN" in again.stdout and "3 pictures" in again.stdout
    refused = restorelab(
        "evaluate", "--data", pairs, "--model", "input", "--out", tmp_path / "c", "--against", tmp_path / "a" / "result.json"
    )
    assert refused.returncode == 1 and "differ in" in refused.stderr


def test_an_interrupted_evaluation_goes_on_and_another_one_does_not_mix_with_it(pairs, tmp_path):
    whole = restorelab("evaluate", "--data", pairs, "--model", "input", "--out", tmp_path)
    assert whole.returncode == 0
    journal, before = tmp_path / "rows.jsonl", (tmp_path / "result.json").read_text()
    journal.write_text("\n".join(journal.read_text().splitlines()[:3]) + '\n{"name": "2", "degr')  # killed while writing the last row
    assert restorelab("evaluate", "--data", pairs, "--model", "input", "--out", tmp_path).returncode == 0
    assert (tmp_path / "result.json").read_text() == before
    other = restorelab("evaluate", "--data", pairs, "--out", tmp_path)
    assert other.returncode == 1 and "give another --out" in other.stderr
    assert (tmp_path / "result.json").read_text() == before


def test_super_resolution_is_scored_against_bicubic(tmp_path):
    for number in range(2):
        clean = picture(number)
        for side, one in (("LR", downsample_bicubic(clean[None], 2)[0].clamp(0, 1)), ("HR", clean)):
            (tmp_path / "set" / side).mkdir(parents=True, exist_ok=True)
            image.save(one, tmp_path / "set" / side / f"{number}.png")
    done = restorelab("evaluate", "--data", tmp_path / "set", "--model", "input", "--protocol", "SR x2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out" / "result.json").read_text())["rows"]
    assert all(row["restored_psnr"] == row["degraded_psnr"] > 25 for row in rows)


def test_a_network_that_is_told_is_told_on_photographs_and_refused_elsewhere(pairs, tmp_path):
    done = restorelab("evaluate", "--model", "udvd", "--data", "validation", "--protocol", "SR x2", "--out", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    (row,) = Evaluation.from_json((tmp_path / "out" / "result.json").read_text()).rows
    assert row.gain > 1 and "IsotropicBlur" in done.stdout
    refused = restorelab("evaluate", "--model", "udvd", "--data", pairs, "--out", tmp_path / "refused")
    assert refused.returncode == 1 and "evaluate it on --data" in refused.stderr and not (tmp_path / "refused").exists()


@pytest.mark.parametrize(
    "words, says",
    [
        (("--data", "tset"), "Did you mean test?"),
        (("--protocol", "GoPro"), "there is no protocol"),
        (("--recipe", "{"), "not valid JSON"),
        (("--recipe", "missing.json"), "cannot be read"),
        (("--model", "dmphm"), "Did you mean dmphn?"),
        (("--against", "missing.json"), "cannot be read"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(words, says, tmp_path):
    done = restorelab("evaluate", "--out", tmp_path / "out", *words)
    assert done.returncode == 1 and says.lower() in done.stderr.lower() and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_check_finds_nothing_in_a_good_set_and_a_copied_input_in_a_bad_one(pairs, tmp_path):
    good = restorelab("data", "check", pairs)
    assert good.returncode == 0 and "0 errors" in good.stdout
    shutil.copytree(pairs, tmp_path / "bad")
    shutil.copy(tmp_path / "bad" / "test" / "target" / "1.png", tmp_path / "bad" / "test" / "input" / "1.png")
    bad = restorelab("data", "check", tmp_path / "bad")
    assert bad.returncode == 1 and "1 error" in bad.stdout
    assert restorelab("data", "check", tmp_path / "nowhere").returncode == 1
