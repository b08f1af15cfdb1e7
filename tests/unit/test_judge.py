"""What `restorelab evaluate` does with several systems: columns of perceptual metrics, and the plane they span with the error."""

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from mat_files import write_blocks, write_dnd_set
from rich.console import Console

from restorelab import image, viz
from restorelab.cli import judge
from restorelab.errors import DataError, ParameterError
from restorelab.evaluate import Evaluation, Row
from restorelab.metrics import COURSE_RGB, PROTOCOLS, psnr, rmse
from restorelab.metrics.course_trunk import CourseDistance
from restorelab.metrics.niqe import niqe


@pytest.fixture
def set_of_pairs(tmp_path):
    """Two noisy pictures of 100x200 pixels, room for two of NIQE's blocks."""
    for number in range(2):
        generator = torch.Generator().manual_seed(number)
        coarse = torch.rand(1, 3, 10, 20, generator=generator)
        clean = torch.nn.functional.interpolate(coarse, size=(100, 200), mode="bicubic").clamp(0, 1)[0]
        for side, one in (("input", clean + 0.1 * torch.randn(clean.shape, generator=generator)), ("target", clean)):
            (tmp_path / "set" / side).mkdir(parents=True, exist_ok=True)
            image.save(one.clamp(0, 1), tmp_path / "set" / side / f"{number}.png")
    return tmp_path / "set"


@pytest.fixture
def systems(monkeypatch):
    """Two that need no weights, and whose names have a part in common."""
    models = {"input": (lambda x: x, "DMPHN, weights none.safetensors"), "dark": (lambda x: x * 0.9, "DMPHN, weights dark.safetensors")}
    monkeypatch.setattr(judge, "_model", lambda name, weights, device, task: models[name])


def run(name, asked, out, against=()):
    text = io.StringIO()
    result = judge.judge(name, None, asked, out, "cpu", against, Console(file=text, width=500, color_system=None))
    return result, text.getvalue()


@pytest.mark.filterwarnings("ignore::restorelab.metrics.niqe.FewBlocksWarning")
def test_two_systems_stand_in_the_plane_of_every_metric(set_of_pairs, systems, tmp_path, monkeypatch):
    drawn = []
    monkeypatch.setattr(viz, "perception_distortion", lambda *words, draw=viz.perception_distortion: drawn.append(words) or draw(*words))
    asked = judge.Asked(str(set_of_pairs), metrics=("niqe", "course"))
    first, said = run("input", asked, tmp_path / "a")
    assert not drawn and not list((tmp_path / "a").glob("perception*"))  # one system spans no plane
    second, said = run("dark", asked, tmp_path / "b", [tmp_path / "a" / "result.json"])

    assert [words[2] for words in drawn] == ["NIQE (MATLAB_Y)", CourseDistance().label]
    points, across, _, title = drawn[0]
    assert list(points) == ["DMPHN, weights none.safetensors", "DMPHN, weights dark.safetensors"] and across == "RMSE of 255"
    assert str(COURSE_RGB) in title and "set" in title
    pictures = [(image.load(set_of_pairs / "input" / f"{n}.png"), image.load(set_of_pairs / "target" / f"{n}.png")) for n in range(2)]
    expected = [(np.mean([rmse(noisy * gain, clean) for noisy, clean in pictures]), np.mean([niqe(noisy * gain) for noisy, _ in pictures]))
                for gain in (1.0, 0.9)]  # fmt: skip
    assert np.allclose(list(points.values()), expected, rtol=1e-6)
    trunk = [CourseDistance()(noisy[None], clean[None]).item() for noisy, clean in pictures]
    assert drawn[1][0]["DMPHN, weights none.safetensors"][1] == pytest.approx(np.mean(trunk), rel=1e-5)

    files = {"perception_distortion_niqe.png", "perception_distortion_course.png"}
    assert files <= {file.name for file in (tmp_path / "b").iterdir()} and all(name in said for name in files)
    assert image.probe(tmp_path / "b" / "perception_distortion_niqe.png").width > 300
    assert said.count("against DMPHN, weights none.safetensors: ") == 3  # PSNR and both columns
    assert Evaluation.from_json((tmp_path / "b" / "result.json").read_text()) == second and "NIQE (MATLAB_Y)" in second.to_csv()


def test_a_result_without_the_column_is_named_and_left_out(set_of_pairs, systems, tmp_path):
    run("input", judge.Asked(str(set_of_pairs)), tmp_path / "a")
    with_column = judge.Asked(str(set_of_pairs), metrics=("course",))
    _, said = run("dark", with_column, tmp_path / "b", [tmp_path / "a" / "result.json"])
    assert "weights none.safetensors has no column" in said and "--metric course" in said
    assert not (tmp_path / "b" / "perception_distortion_course.png").exists()


def test_another_protocol_is_refused_before_anything_is_restored(set_of_pairs, systems, tmp_path):
    run("input", judge.Asked(str(set_of_pairs)), tmp_path / "a")
    with pytest.raises(ParameterError, match="differ in"):
        run("dark", judge.Asked(str(set_of_pairs), "GoPro/HIDE"), tmp_path / "b", [tmp_path / "a" / "result.json"])
    assert not (tmp_path / "b").exists()


def test_another_metric_is_told(set_of_pairs, systems, tmp_path):
    with pytest.raises(ParameterError, match="no metric 'lpip'.*Did you mean lpips"):
        run("input", judge.Asked(str(set_of_pairs), metrics=("lpip",)), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_label_says_which_trunk_and_which_luma(monkeypatch, tmp_path):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))  # where LPIPS's trunk would lie
    assert judge._column("lpips", COURSE_RGB)[0] == CourseDistance().label
    assert judge._column("niqe", PROTOCOLS["PIRM"])[0] == "NIQE (PIRM)"


def test_blocks_of_sidd_are_judged_and_dnd_says_why_not(systems, tmp_path):
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 255, (2, 2, 2, 16, 16, 3)).astype(np.uint8)
    for name, array in zip(("ValidationNoisyBlocksSrgb", "ValidationGtBlocksSrgb"), blocks, strict=True):
        write_blocks(tmp_path / "sidd", name, array)
    result, said = run("input", judge.Asked(str(tmp_path / "sidd"), "SIDD/DND", "sidd"), tmp_path / "out")
    assert [row.name for row in result.rows] == ["0001_01", "0001_02", "0002_01", "0002_02"] and "sidd (validation/blocks), 4 pairs" in said
    noisy, clean = (torch.from_numpy(part[1, 0].transpose(2, 0, 1)).float() / 255 for part in blocks)
    assert result.rows[2].restored_psnr == pytest.approx(psnr(noisy, clean, PROTOCOLS["SIDD/DND"]))
    write_dnd_set(tmp_path / "dnd", [rng.random((8, 9, 3))], [np.array([[1, 1, 4, 4]])])
    with pytest.raises(DataError, match="no pairs .*the authors' server judges 50 files.*write_dnd"):
        run("input", judge.Asked(str(tmp_path / "dnd"), "SIDD/DND", "dnd"), tmp_path / "none")


def evaluation(psnrs, protocol=COURSE_RGB) -> Evaluation:
    return Evaluation(tuple(Row(str(n), 20.0, value, 0.5, 0.5) for n, value in enumerate(psnrs)), protocol)


def test_rmse_of_a_set_is_pooled_as_the_protocol_says():
    psnrs = [20.0, 40.0, float("inf")]  # errors of 25.5, 2.55 and 0
    assert judge.mean_rmse(evaluation(psnrs)) == pytest.approx((25.5 + 2.55) / 3)
    pooled = replace(COURSE_RGB, pooling="pooled error")
    assert judge.mean_rmse(evaluation(psnrs, pooled)) == pytest.approx(((25.5**2 + 2.55**2) / 3) ** 0.5)


def test_names_are_as_short_as_tells_them_apart():
    models = ["DMPHN, deep, weights a.st, sha256 1", "DMPHN, deep, weights b.st, sha256 2", "MPRNet, multi, course checkpoint, sha256 3",
              "input, not restored"]  # fmt: skip
    assert judge.short_names(models) == ["DMPHN, weights a.st", "DMPHN, weights b.st", "MPRNet", "input"]
    assert judge.short_names(["DMPHN, a, sha256 1", "DMPHN, a, sha256 2"]) == ["DMPHN, sha256 1", "DMPHN, sha256 2"]
    assert judge.short_names(["DMPHN", "DMPHN"]) == ["DMPHN", "DMPHN"]
