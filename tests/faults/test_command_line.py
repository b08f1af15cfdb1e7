"""The command line as a user meets it: files good and bad, words mistyped."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from unittest import mock

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from restorelab import checkpoint, image, rerun
from restorelab.cli import main
from restorelab.cli.chapters import newest_unfinished, read_parameters, split_pairs
from restorelab.errors import ParameterError
from restorelab.repository import chapter_path, chapters

ROOT = Path(__file__).parents[2]
CHAPTER = "05_multi_patch_dmphn"


def restorelab(*words) -> subprocess.CompletedProcess:
    """The command in this process: importing torch anew for every word would take minutes."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["restorelab", *map(str, words)]),
        mock.patch.object(warnings, "showwarning"),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main()
            code = 0
        except SystemExit as stop:
            code = stop.code or 0
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def photograph(height: int, width: int) -> np.ndarray:
    return cv2.resize(np.random.default_rng(0).integers(0, 255, (9, 16, 3), dtype=np.uint8), (width, height), interpolation=cv2.INTER_CUBIC)


@pytest.fixture
def pictures(tmp_path):
    Image.fromarray(photograph(180, 320)).save(tmp_path / "photo.png")
    Image.fromarray(photograph(5, 7)).save(tmp_path / "tiny.png")
    cv2.imwrite(str(tmp_path / "deep.png"), (np.linspace(0, 65535, 48 * 40).reshape(48, 40)).astype(np.uint16))
    whole = io.BytesIO()
    Image.fromarray(photograph(180, 320)).save(whole, "JPEG")
    (tmp_path / "broken.jpg").write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    (tmp_path / "text.png").write_text("no picture")
    return tmp_path


def test_restore_writes_the_good_ones_and_explains_the_bad_ones(pictures):
    names = ("photo.png", "broken.jpg", "tiny.png", "text.png", "deep.png", "absent.png")
    done = restorelab("restore", *(pictures / name for name in names))
    assert done.returncode == 1 and "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert len(errors) == 3 and all(any(name in line for line in errors) for name in ("broken.jpg", "text.png", "absent.png"))
    assert sorted(file.name for file in pictures.glob("*_restored*")) == ["deep_restored.png", "photo_restored.png", "tiny_restored.png"]
    sizes = {
        name: (info.width, info.height, info.bit_depth)
        for name in ("photo", "tiny", "deep")
        for info in [image.probe(pictures / f"{name}_restored.png")]
    }
    assert sizes == {"photo": (320, 180, 8), "tiny": (7, 5, 8), "deep": (40, 48, 16)}


def test_restore_does_not_replace_results_unasked(pictures):
    target = pictures / "tiny_restored.png"
    target.write_bytes(b"precious")
    done = restorelab("restore", pictures / "tiny.png")
    assert done.returncode == 1 and "--overwrite" in done.stderr and target.read_bytes() == b"precious"
    assert restorelab("restore", pictures / "tiny.png", "--overwrite").returncode == 0
    assert image.probe(target).width == 7


def test_restore_puts_results_where_asked(pictures):
    done = restorelab("restore", pictures / "tiny.png", "--out", pictures / "new folder")
    assert done.returncode == 0 and (pictures / "new folder" / "tiny_restored.png").is_file()


def test_restore_in_tiles_says_what_they_did(pictures):
    done = restorelab("restore", pictures / "photo.png", "--tile", "96")
    assert done.returncode == 0 and "tiles of 96x96 pixels, which changes the result" in done.stdout


@pytest.fixture
def released(tmp_path):
    """A small DMPHN under the authors' file and tensor names."""
    from restorelab.models.dmphn import DMPHN, DMPHNConfig
    from restorelab.official.dmphn import dmphn_key

    keys = json.loads((ROOT / "tests" / "fixtures" / "dmphn_keys.json").read_text())
    ours = DMPHN(DMPHNConfig(patches=(1, 2), width=4)).state_dict()
    folder = tmp_path / "DMPHN_1_2"
    folder.mkdir()
    for module in ("encoder_lv1", "encoder_lv2", "decoder_lv1", "decoder_lv2"):
        torch.save({key: ours[dmphn_key(f"{module}.{key}")] for key in keys[module.split("_")[0]]}, folder / f"{module}.pkl")
    return folder


def test_a_released_folder_becomes_a_checkpoint_that_restores(released, pictures):
    told = restorelab("info", released)
    assert told.returncode == 0 and "patches=(1, 2), stacks=1, width=4" in told.stdout and "restorelab convert" in told.stdout
    made = restorelab("convert", released)
    file = released.parent / "DMPHN_1_2_restorelab.safetensors"
    assert made.returncode == 0 and file.is_file() and "converted_from" in made.stdout
    again = restorelab("convert", released)
    assert again.returncode == 1 and "--overwrite" in again.stderr
    assert restorelab("restore", pictures / "tiny.png", "--weights", file).returncode == 0
    told = restorelab("info", file)
    assert told.returncode == 0 and "authors' weights" in told.stdout and "a checkpoint of restorelab" in told.stdout


def test_course_checkpoints_are_listed_with_what_they_reach():
    told = restorelab("info")
    assert told.returncode == 0 and max(map(len, told.stdout.splitlines())) <= 80 and "udvd_x2: without noise" in told.stdout
    rows = {line.split()[0]: line for line in told.stdout.splitlines() if line.strip()}
    for name, path in rerun.course_checkpoints().items():
        result = checkpoint.load(path).manifest["result"]
        if name == "udvd_x2":
            result = result["noise-free, SR x2"]
        assert f"{result['degraded_psnr']:.2f} " in rows[name] and f" {result['gain']:+.2f} " in rows[name]
        assert rows[name].rstrip().endswith(result["protocol"].split(":")[0])


def test_a_course_checkpoint_goes_by_its_name(pictures):
    told = restorelab("info", "deblurgan_v2_pixel")
    assert told.returncode == 0 and "gated_blocks=3" in told.stdout
    asked = ("restore", pictures / "tiny.png", "--model", "deblurgan_v2", "--overwrite")
    results = []
    for weights in ("deblurgan_v2_pixel", rerun.course_checkpoints()["deblurgan_v2_pixel"], "deblurgan_v2_shake"):
        assert restorelab(*asked, "--weights", weights).returncode == 0
        results.append((pictures / "tiny_restored.png").read_bytes())
    assert results[0] == results[1] != results[2]


def test_an_incomplete_release_is_counted_out_and_nothing_is_written(released):
    (released / "decoder_lv2.pkl").unlink()
    done = restorelab("convert", released)
    assert done.returncode == 1 and "30 missing" in done.stderr and not list(released.parent.glob("*.safetensors"))


@pytest.mark.parametrize(
    "words, says",
    [
        (("info", "nothing.pth"), "there is no file"),
        (("info", "dmphn_shak"), "Did you mean dmphn_shake"),
        (("restore", "x.png", "--weights", "dmphn_shak"), "Did you mean dmphn_shake"),
        (("train", "dmphn", "--start", "dmphn_shak"), "Did you mean dmphn_shake"),
        (("info", ROOT / "README.md"), "not a file of torch"),
        (("convert", ROOT / "README.md"), "not a file of torch"),
        (("convert", "x.pth", "--out", "y.pth"), "checkpoints are .safetensors"),
        (("restore", "x.png", "--model", "dmhpn"), "Did you mean dmphn"),
        (("restore", "x.png", "--device", "tpu9"), "device is auto, cpu or cuda"),
        (("restore", "x.png", "--weights", "nothing.safetensors"), "there is no checkpoint"),
        (("run", "05", "-p", "lerning_rate=1e-3"), "Did you mean learning_rate"),
        (("run", "05", "-p", "steps=1e1"), "steps must be a whole number"),
        (("run", "05", "-p", "steps"), "name=value"),
        (("run", "55"), "the chapters are"),
        (("run", "05_multi_pach"), "Did you mean 05_multi_patch_dmphn"),
    ],
)
def test_mistakes_are_one_line_with_the_remedy(words, says, tmp_path):
    done = restorelab(*words)
    assert done.returncode == 1 and done.stdout == ""
    assert says in done.stderr and len(done.stderr.strip().splitlines()) == 1


def test_an_unknown_parameter_lists_the_right_ones():
    with pytest.raises(ParameterError, match="It has preset, seed, device"):
        read_parameters(chapter_path("05"), {"nonsense": "1"})


def test_parameters_are_read_by_their_declared_type():
    given = {"steps": "7", "learning_rate": "1e-3", "patches": "1-2", "preset": "lab"}
    assert read_parameters(chapter_path("05"), given) == {"steps": 7, "learning_rate": 1e-3, "patches": "1-2", "preset": "lab"}
    assert split_pairs(["a=b=c"]) == {"a": "b=c"}


def test_a_chapter_that_trains_nothing_runs_without_being_given_a_preset(tmp_path):
    done = restorelab("run", "00", "--seed", 3, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    assert json.loads((tmp_path / "run" / "run.json").read_text())["parameters"] == {"seed": 3}
    assert "unknown parameter" not in done.stderr


def test_resume_without_an_unfinished_run_says_so(tmp_path):
    with pytest.raises(ParameterError, match="unfinished"):
        newest_unfinished(CHAPTER)


def test_the_installed_command_starts():
    done = subprocess.run([Path(sys.executable).parent / "restorelab", "restore", "absent.png"], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.startswith("error: absent.png")


def test_every_command_explains_itself():
    for command in ("lab", "run", "sweep", "train", "evaluate", "restore", "convert", "info", "data", "doctor"):
        done = restorelab(command, "--help")
        assert done.returncode == 0 and "Usage" in done.stdout


def test_jupyterlab_starts_on_the_welcome_chapter_and_does_not_call_home(monkeypatch):
    words = []
    monkeypatch.setattr(os, "execv", lambda _, given: words.extend(given))
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "elsewhere")
    restorelab("lab", "--no-browser")
    ours, others = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    settings = json.loads((Path(ours) / "labconfig" / "default_setting_overrides.json").read_text())
    assert settings["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false" and others == "elsewhere"
    assert "--LabApp.default_url=/lab/tree/notebooks/00_welcome.ipynb" in words and "--no-browser" in words
    assert "--LabApp.news_url=None" in words and any("NeverCheckForUpdate" in word for word in words)


def test_doctor_looks_at_everything_and_writes_nothing(tmp_path):
    done = restorelab("doctor")
    assert done.returncode == 0, done.stdout + done.stderr
    for subject in ("Python", "PyTorch", "GPU", "Memory", "Disk", "Course checkpoint dmphn", "Offline"):
        assert subject in done.stdout


def test_chapters_are_found_by_their_number():
    assert chapter_path("05").stem == CHAPTER in chapters()


def test_outside_of_a_clone_the_chapters_are_said_to_be_missing(tmp_path, monkeypatch):
    import restorelab.repository as repository

    shutil.copy(repository.__file__, tmp_path / "repository.py")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(repository, "__file__", str(tmp_path / "repository.py"))
    with pytest.raises(ParameterError, match="inside a clone"):
        repository.root()
