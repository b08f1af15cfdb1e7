"""Ablations and their cards: records are of the trainings that are defined, figures are computed from records, a stop loses nothing."""

import dataclasses
import io
import json

import numpy as np
import pytest
import torch
from rich.console import Console

from restorelab import presets
from restorelab.cli import ablate as shell
from restorelab.data import photos
from restorelab.errors import DataError, ParameterError
from restorelab.experiment import studies
from restorelab.experiment.ablation import Ablation, carry_out, judged_pairs, network_of, preset_of, read_record
from restorelab.experiment.cards import AGREES, DISAGREES, NEW, OPEN, Card, evidence, verdict
from restorelab.experiment.studies import ABLATIONS, CARDS, RECORDS, record_of
from restorelab.ops.resize import downsample_bicubic

SHORT = Ablation(
    training="dmphn",
    small=dict(width=4, steps=2, batch=2, crop=32, warmup=1, validate_every=2, save_every=2),
    cases={"two": {"patches": (1, 2)}, "one": {"patches": (1,)}},
    judged=48,
    seeds=(0, 1),
)


@pytest.mark.parametrize("name", ABLATIONS)
def test_a_record_is_of_the_trainings_that_are_defined(name):
    study, record = ABLATIONS[name], read_record(record_of(name))
    said = json.loads(json.dumps(presets.describe(preset_of(study, study.whole))))
    assert record["manifest"]["parameters"] == said
    assert record["restored_psnr"].keys() == study.cases.keys()
    assert all({int(seed) for seed in of_case} == set(study.seeds) for of_case in record["restored_psnr"].values())


@pytest.mark.parametrize("name", CARDS)
def test_a_card_asks_for_what_was_trained_and_says_its_source(name):
    card = CARDS[name]
    assert {card.whole, card.without} <= ABLATIONS[card.ablation].cases.keys() and card.source and card.claim.endswith(".")
    found = evidence(card, read_record(record_of(card.ablation)))
    assert found.low <= found.mean <= found.high and verdict(card, found) in (AGREES, OPEN, DISAGREES, NEW)


@pytest.mark.parametrize("name", ["deblurgan-norms", "deblurgan-gates"])
def test_the_seeds_of_the_course_networks_two_cards_are_not_of_one_mind(name):
    """As chapter 03 and the comment of COURSE_MOBILENET say: two of three for it."""
    found = evidence(CARDS[name], read_record(record_of("deblurgan_v2")))
    assert found.sign == 0 and sum(one < 0 for one in found.per_seed) == 2


def test_ten_cards_and_more():
    assert len(CARDS) >= 10 and {card.ablation for card in CARDS.values()} == ABLATIONS.keys() == RECORDS.keys()


def record_with(gaps: np.ndarray) -> dict:
    """Case "without" minus case "whole" is `gaps`, seeds by pictures."""
    whole = np.random.default_rng(0).normal(30, 3, gaps.shape)
    as_rows = lambda scores: {str(seed): {f"p{n}": value for n, value in enumerate(row)} for seed, row in enumerate(scores.tolist())}  # noqa: E731
    return {"manifest": {"protocol": ""}, "restored_psnr": {"whole": as_rows(whole), "without": as_rows(whole + gaps)}}


def test_the_interval_is_of_paired_differences():
    gaps = np.random.default_rng(1).normal(-0.3, 0.1, (3, 200))
    found = evidence(Card("", "", "whole", "without"), record_with(gaps))
    spread = gaps.mean(0).std(ddof=1) / np.sqrt(200)
    assert found.mean == pytest.approx(gaps.mean()) and found.per_seed == pytest.approx(gaps.mean(1))
    assert found.low == pytest.approx(gaps.mean() - 1.96 * spread, abs=0.15 * spread)
    assert found.high == pytest.approx(gaps.mean() + 1.96 * spread, abs=0.15 * spread)


@pytest.mark.parametrize("mean, published, said", [(-0.3, -0.4, AGREES), (0.3, -0.4, DISAGREES), (0.0, -0.4, OPEN), (-0.3, 0.4, DISAGREES)])
def test_the_verdict_is_of_the_direction(mean, published, said):
    gaps = np.random.default_rng(2).normal(0, 0.05, (3, 50))
    gaps += mean - gaps.mean()
    card = Card("", "", "whole", "without", published)
    assert verdict(card, evidence(card, record_with(gaps))) == said


def test_seeds_that_disagree_settle_nothing_and_where_nothing_was_published_nothing_is_agreed_with():
    gaps = np.array([[-0.5] * 8, [-0.4] * 8, [0.1] * 8])
    card = Card("", "", "whole", "without", -0.2)
    assert verdict(card, evidence(card, record_with(gaps))) == OPEN
    new = dataclasses.replace(card, published=None, expected=0)
    assert verdict(new, evidence(new, record_with(gaps))) == NEW


def test_a_stopped_ablation_goes_on_to_the_same_record(tmp_path, monkeypatch):
    straight = carry_out(SHORT, tmp_path / "straight.json")
    out, done = tmp_path / "stopped.json", []

    def stop(case, seed, gain):
        done.append((case, seed))
        if len(done) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out(SHORT, out, report=stop)
    assert len(done) == 3 and done[0] == ("two", 0) and done[1] == ("one", 0)
    assert carry_out(SHORT, out, report=lambda case, seed, gain: done.append((case, seed))) == straight
    assert len(done) == 4, "nothing is trained twice"
    with pytest.raises(DataError, match="made with another parameters"):
        carry_out(dataclasses.replace(SHORT, small={**SHORT.small, "steps": 3}), out)


def test_a_frozen_part_stands_still():
    study = dataclasses.replace(ABLATIONS["udvd"], small={**ABLATIONS["udvd"].small, "width": 4, "depth": 1})
    case = "UDD, filters frozen at bicubic"
    held = [name for name, one in network_of(study, case, 0).named_parameters() if not one.requires_grad]
    assert held and all("to_kernels" in name for name in held)
    assert all(one.requires_grad for one in network_of(study, "UDD", 0).parameters())


def test_weights_to_begin_with_are_the_kits_and_of_the_same_network():
    study = ABLATIONS["x16"]
    begun = network_of(study, study.whole, 0).state_dict()
    assert all(torch.equal(value, begun[key]) for key, value in network_of(study, "pixels alone", 1).state_dict().items())
    with pytest.raises(ParameterError, match="changes the network"):
        network_of(dataclasses.replace(study, cases={"narrow": {"width": 8}}), "narrow", 0)
    with pytest.raises(ParameterError, match="there is no course checkpoint 'x16_pixels'"):
        network_of(dataclasses.replace(study, start="x16_pixels"), study.whole, 0)


def test_where_nothing_is_drawn_photographs_are_cut_into_squares():
    pairs = judged_pairs(ABLATIONS["x16"])
    assert len({pair.name for pair in pairs}) == len(pairs) > 6
    assert {tuple(pair.clean.shape[-2:]) for pair in pairs} == {(192, 192)} and {pair.degraded.shape[-1] for pair in pairs} == {12}
    photograph = photos.load("coffee")
    square = next(pair for pair in pairs if pair.name == "coffee 192,384")
    assert torch.equal(square.clean, photograph[:, 192:384, 384:576])
    assert (downsample_bicubic(square.clean[None], 16)[0] - square.degraded)[:, 2:-2, 2:-2].abs().max() < 0.05


def test_the_command_shows_all_cards_and_makes_one_anew(tmp_path, monkeypatch):
    said = io.StringIO()
    console = Console(file=said, width=200)
    shell.table(console)
    assert all(name in said.getvalue() for name in CARDS) and AGREES in said.getvalue()
    monkeypatch.setattr(shell, "ABLATIONS", {"dmphn": SHORT})
    monkeypatch.setattr(studies, "CARDS", {"short": Card("Two levels help.", "dmphn", "two", "one", -1.07, source="nowhere")})
    record = shell.ablate("short", tmp_path / "out", console)
    assert record.is_file() and "-1.07 (nowhere)" in said.getvalue() and "2 seeds" in said.getvalue()
    with pytest.raises(ParameterError, match="Did you mean short"):
        shell.ablate("shrot", None, console)


def test_what_is_no_record_is_said(tmp_path):
    (tmp_path / "half.json").write_text('{"manifest": {')
    with pytest.raises(DataError, match="not the record"):
        read_record(tmp_path / "half.json")
    with pytest.raises(DataError, match="no whole case"):
        evidence(Card("", "", "whole", "other"), record_with(np.zeros((1, 2))))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        carry_out(SHORT, tmp_path / "file" / "record.json")
    with pytest.raises(ParameterError, match="no case"):
        preset_of(SHORT, "tow")
    with pytest.raises(ParameterError, match="a preset has no"):
        preset_of(dataclasses.replace(SHORT, cases={"two": {"depht": 3}}), "two")
