import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from restorelab.data.pairs import Pair
from restorelab.errors import DataError, ParameterError
from restorelab.evaluate import Evaluation, Row, as_input, difference, evaluate
from restorelab.metrics import MATLAB_Y, PROTOCOLS, psnr, ssim
from restorelab.models.restored import Restored
from restorelab.ops.resize import downsample_bicubic


class Brighter(nn.Module):
    scale, size_multiple, min_size, receptive_radius, stage_count, condition_channels = 1, (1, 1), (1, 1), 0, 1, 0

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))

    def forward(self, degraded, explain=False):
        return Restored(degraded + 0.1)


def pair(name: str, offset: float) -> Pair:
    clean = torch.rand(3, 20, 20, generator=torch.Generator().manual_seed(len(name))) * 0.5 + 0.2
    return Pair(name, clean + offset, clean, {})


def test_rows_means_and_the_worst():
    pairs, told = [pair("helped", -0.1), pair("spoiled", 0.05)], []
    result = evaluate(Brighter(), pairs, MATLAB_Y, progress=lambda done, all: told.append((done, all)))
    assert told == [(1, 2), (2, 2)] and result.protocol is MATLAB_Y
    helped, spoiled = result.rows
    assert helped.gain > 20 and spoiled.gain < 0 and result.worst is spoiled
    assert spoiled.degraded_psnr == psnr(pairs[1].degraded, pairs[1].clean, MATLAB_Y)
    assert spoiled.restored_ssim == ssim(pairs[1].degraded + 0.1, pairs[1].clean, MATLAB_Y)
    assert result.mean("gain") == pytest.approx((helped.gain + spoiled.gain) / 2)


def evaluation(name: str, gains: list[float], protocol=MATLAB_Y) -> Evaluation:
    return Evaluation(tuple(Row(f"p{i}", 20.0, 20.0 + gain, 0.5, 0.6) for i, gain in enumerate(gains)), protocol, name, "toys")


def test_best_median_worst():
    result = evaluation("m", [1.0, -2.0, 0.5, 3.0])
    assert (result.worst.gain, result.typical.gain, result.best.gain) == pytest.approx((-2.0, 0.5, 3.0))
    assert result.mean("gain") == pytest.approx(0.625) and result.median("gain") == pytest.approx(0.75)


def test_a_protocol_that_pools_errors_pools_them():
    rows = tuple(Row(str(i), psnr, psnr, 0.5, 0.5) for i, psnr in enumerate((20.0, 40.0)))
    assert Evaluation(rows, MATLAB_Y).mean("restored_psnr") == pytest.approx(30.0)
    assert Evaluation(rows, PROTOCOLS["PIRM"]).mean("restored_psnr") == pytest.approx(-10 * np.log10((1e-2 + 1e-4) / 2))


def test_json_csv_and_markdown_say_everything():
    pairs = [pair("a|b", -0.1), pair("other", 0.05)]
    darkness = {"darkness": lambda restored, clean: 1 - float(restored.mean())}
    result = evaluate(Brighter(), pairs, MATLAB_Y, metrics=darkness, named=("Brighter, no weights", "two toys"))
    assert Evaluation.from_json(result.to_json()) == result
    for text in (result.to_csv(), result.to_markdown()):
        assert "Brighter, no weights. two toys. Protocol: MATLAB_Y" in text and "darkness" in text
    assert "a\\|b" in result.to_markdown() and result.to_csv().splitlines()[2].startswith("a|b,")
    assert result.mean("darkness") == pytest.approx(1 - (pairs[0].degraded.mean() + pairs[1].degraded.mean()).item() / 2 - 0.1, abs=1e-6)
    with pytest.raises(ParameterError, match="no figure 'beauty'.*darkness"):
        result.mean("beauty")
    with pytest.raises(DataError, match="not an evaluation"):
        Evaluation.from_json('{"rows": []}')


def test_an_interrupted_evaluation_goes_on_where_it_was(tmp_path):
    pairs, restored = [pair(name, -0.1) for name in ("a", "bb", "ccc")], []

    def model(degraded):
        if len(restored) == 2:
            raise KeyboardInterrupt
        restored.append(degraded)
        return degraded + 0.1

    journal = tmp_path / "rows.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evaluate(model, pairs, journal=journal)
    with open(journal, "a") as file:
        file.write('{"name": "half a li')
    result = evaluate(lambda degraded: degraded + 0.1, pairs, journal=journal, progress=lambda done, all: restored.append(done))
    assert [row.name for row in result.rows] == ["a", "bb", "ccc"] and restored[2:] == [3]
    assert evaluate(model, pairs, journal=journal) == result  # nothing left to restore
    with pytest.raises(ParameterError, match="another model, data set or protocol"):
        evaluate(model, pairs, MATLAB_Y, journal=journal)


def test_a_function_is_a_model_too_and_super_resolution_is_judged_against_bicubic():
    clean = torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(1))
    small = downsample_bicubic(clean[None], 2)[0].clamp(0, 1)
    (row,) = evaluate(lambda degraded: clean * 0.9, [Pair("x2", small, clean, {})]).rows
    assert row.degraded_psnr == psnr(as_input(Pair("x2", small, clean, {})), clean) and row.gain > 0
    with pytest.raises(ParameterError, match="another scale"):
        evaluate(lambda degraded: degraded, [Pair("x2", small, clean, {})])


def test_the_bootstrap_finds_what_is_there_and_does_not_what_is_not():
    rng = np.random.default_rng(0)
    pictures, noise = rng.normal(0, 3, 40), rng.normal(0, 0.3, 40)
    first = evaluation("a", list(pictures))
    clear = difference(first, evaluation("b", list(pictures + 0.2 + noise)))
    assert clear.clear and clear.low < 0.2 + noise.mean() < clear.high and clear.mean == pytest.approx(0.2 + noise.mean())
    half = (clear.high - clear.low) / 2
    assert half == pytest.approx(1.96 * noise.std() / 40**0.5, rel=0.1)  # what the central limit theorem says
    assert not difference(first, evaluation("b", list(pictures + noise - noise.mean()))).clear
    assert "clear" in str(clear) and "40 pictures" in str(clear)


def test_only_the_same_pictures_under_the_same_protocol_are_compared():
    first = evaluation("a", [1.0, 2.0])
    with pytest.raises(ParameterError, match="differ"):
        difference(first, evaluation("b", [1.0, 2.0], replace(MATLAB_Y, border=3)))
    with pytest.raises(ParameterError, match="different pictures"):
        difference(first, evaluation("b", [1.0]))


def test_two_equal_pictures_gain_nothing_rather_than_no_number():
    clean = torch.rand(3, 24, 20, generator=torch.Generator().manual_seed(1))
    result = evaluate(lambda degraded: degraded, [Pair("same", clean, clean, {})])
    assert result.rows[0].restored_psnr == float("inf") and result.rows[0].gain == 0 == result.mean("gain")
    assert difference(result, result).mean == 0


def test_nothing_to_evaluate_is_said():
    with pytest.raises(ParameterError, match="no pair"):
        evaluate(Brighter(), [])


def strictly(text: str) -> object:
    """As readers that keep to the standard: RFC 8259 has no Infinity and no NaN."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def never(*_):
    raise AssertionError("all is in the journal: there is nothing to restore")


def test_json_keeps_to_the_standard_where_pictures_are_equal(tmp_path):
    pairs = [pair("spoiled", 0.05), Pair("same", torch.full((3, 20, 20), 0.5), torch.full((3, 20, 20), 0.5), {})]
    result = evaluate(lambda x: x, pairs, metrics={"log": lambda *_: -float("inf")}, journal=tmp_path / "rows.jsonl")
    value = strictly(result.to_json())
    assert value["rows"][1]["restored_psnr"] == "inf" == value["summary"]["restored_psnr"]["mean"]
    assert value["rows"][0]["restored_psnr"] == result.rows[0].restored_psnr and value["rows"][0]["more"]["log"] == "-inf"
    assert [strictly(line) for line in (tmp_path / "rows.jsonl").read_text().splitlines()][2]["degraded_psnr"] == "inf"
    assert Evaluation.from_json(result.to_json()) == result
    assert evaluate(never, pairs, metrics={"log": never}, journal=tmp_path / "rows.jsonl") == result


def test_what_was_written_with_infinity_is_read(tmp_path):
    result = evaluate(lambda x: x, [pair("spoiled", 0.05)], journal=tmp_path / "rows.jsonl")
    equal = replace(result, rows=(replace(result.rows[0], restored_psnr=float("inf")),))
    old = equal.to_json().replace('"inf"', "Infinity")
    assert "Infinity" in old and Evaluation.from_json(old) == equal
    head, line = (tmp_path / "rows.jsonl").read_text().splitlines()
    value = json.loads(line) | {"restored_psnr": float("inf")}
    (tmp_path / "rows.jsonl").write_text(f"{head}\n{json.dumps(value)}\n")
    assert evaluate(never, [pair("spoiled", 0.05)], journal=tmp_path / "rows.jsonl") == equal


@pytest.mark.parametrize("line", ["[]", "{}", "7", '{"name": "a"}', '{"name": "a", "degraded_psnr": "much"}', '{"name": "a", "more": 3}'])
def test_a_journal_with_a_line_that_is_no_row(tmp_path, line):
    evaluate(lambda x: x, [pair("a", 0.1)], journal=tmp_path / "rows.jsonl")
    with open(tmp_path / "rows.jsonl", "a") as file:
        file.write(line + "\n")
    with pytest.raises(DataError, match="is damaged"):
        evaluate(lambda x: x, [pair("a", 0.1), pair("b", 0.1)], journal=tmp_path / "rows.jsonl")
