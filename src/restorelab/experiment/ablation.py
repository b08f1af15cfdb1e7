"""Ablations: short trainings that differ in one thing each, judged on the same pictures, and the record of what came of them.

Cases of one seed see the same samples. A record says how it was made, and holds the PSNR of every picture after every training, so that
differences can be paired.
"""

import copy
import dataclasses
import itertools
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from torch import nn

from restorelab import checkpoint, presets, rerun
from restorelab.data.folders import fingerprint
from restorelab.data.pairs import Pair, training_photos
from restorelab.errors import DataError, ParameterError, did_you_mean
from restorelab.evaluate import evaluate
from restorelab.files import sha256_of, write_atomically
from restorelab.metrics import COURSE_RGB
from restorelab.train import session
from restorelab.train.run import Run, device_name, versions

Report = Callable[[str, int, float], None]  # case, seed, mean gain over the degraded pictures in dB


@dataclass(frozen=True)
class Ablation:
    """Which trainings are compared."""

    training: str  # of presets.TRAININGS; its lab preset is changed
    small: Mapping[str, object]  # what makes every case short, as `presets.choose` takes it
    cases: Mapping[str, Mapping[str, object]]  # name -> fields of the preset or its parts that it changes; the first is the whole
    judged: int  # side of what is judged of the test photographs, in pixels; see `judged_pairs`
    seeds: tuple[int, ...] = (0, 1, 2)
    frozen: Mapping[str, str] = dataclasses.field(default_factory=dict)  # case -> part of the names of parameters that stand still
    start: str = ""  # the course checkpoint whose weights every case begins with; empty: weights drawn by the seed

    @property
    def whole(self) -> str:
        return next(iter(self.cases))

    @property
    def judged_on(self) -> str:
        size, preset = f"{self.judged}x{self.judged}", preset_of(self, self.whole)
        if session.draws(preset) == 1:
            return f"the squares of {size} that the bundled test photographs are cut into"
        return f"the middle {size} of the bundled test photographs, {session.DRAWS} draws of the degradation for each"


def preset_of(ablation: Ablation, case: str) -> presets.Preset:
    """What one case trains. Raises ParameterError for a case or a field that does not exist."""
    if case not in ablation.cases:
        raise ParameterError(f"there is no case {case!r}; there are {', '.join(ablation.cases)}.{did_you_mean(case, ablation.cases)}")
    chosen = presets.changed(presets.TRAININGS[ablation.training][1]["lab"], ablation.small)
    chosen = dataclasses.replace(chosen, fit=dataclasses.replace(chosen.fit, workers=0, freeze_norms=0))  # the latter is for long trainings
    if ablation.start:
        chosen = dataclasses.replace(chosen, model=_start(ablation.start).cfg)
    return presets.changed(chosen, ablation.cases[case])


@cache
def _start(name: str) -> nn.Module:
    """The network of a course checkpoint, read once. Raises ParameterError where the kit has none of this name."""
    return checkpoint.load(rerun.find(name)).model


def carry_out(ablation: Ablation, out: Path, cases: Sequence[str] = (), report: Report | None = None) -> dict:
    """Train and judge the cases (all, unless some are named) with every seed; the record, which is kept in `out` after every training.

    A record that is there is gone on with. Raises DataError for one that was made otherwise or cannot be written, ParameterError for a
    case that is none.
    """
    pictures = training_photos()
    record = _taken_up(out, _manifest(ablation, pictures))
    for seed in ablation.seeds:
        for case in cases or ablation.cases:
            of_case = record["restored_psnr"].setdefault(case, {})
            if str(seed) not in of_case:
                of_case[str(seed)], gain = _judged(ablation, case, seed, pictures)
                write_facts(out, record)
                if report:
                    report(case, seed, gain)
    return record


def judged_pairs(ablation: Ablation) -> list[Pair]:
    """The pictures of the record. A degradation that draws nothing at random gives one picture for each photograph, so that is cut up."""
    preset, side = preset_of(ablation, ablation.whole), ablation.judged
    if session.draws(preset) > 1:
        return presets.watched_pairs(preset, "test", session.DRAWS, crop=side)
    return [square for pair in presets.watched_pairs(preset, "test") for square in _squares(pair, side)]


def _squares(pair: Pair, side: int) -> Iterator[Pair]:
    scale, (height, width) = pair.clean.shape[-1] // pair.degraded.shape[-1], pair.clean.shape[-2:]
    for top, left in itertools.product(range(0, height - side + 1, side), range(0, width - side + 1, side)):
        small = pair.degraded[:, top // scale : (top + side) // scale, left // scale : (left + side) // scale]
        large = pair.clean[:, top : top + side, left : left + side]
        yield dataclasses.replace(pair, name=f"{pair.name} {top},{left}", clean=large, degraded=small)


def read_record(path: Path) -> dict:
    """Raises DataError where there is no whole record."""
    try:
        record = json.loads(path.read_text())
        record["manifest"]["protocol"], record["restored_psnr"]
        return record
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} is not the record of an ablation ({error!r}): make it anew with restorelab ablate.") from error


def _taken_up(out: Path, manifest: dict) -> dict:
    if not out.is_file():
        record = {"manifest": manifest, "restored_psnr": {}}
        write_facts(out, record)  # before hours of training, a place that cannot be written to is noticed
        return record
    record = read_record(out)
    other = [
        key
        for key in ("parameters", "begun from", "data", "protocol", "judged on", "versions")
        if record["manifest"].get(key) != manifest.get(key)
    ]
    if other:
        raise DataError(f"{out} was made with another {other[0]}: name another folder, or remove it.")
    return record


def write_facts(out: Path, facts: dict) -> None:
    """As JSON, in one step. Raises DataError where it cannot be written."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(out, (json.dumps(facts, indent=1) + "\n").encode())
    except OSError as error:
        raise DataError(f"{out} cannot be written: {error.strerror}. Name another folder.") from error


def _manifest(ablation: Ablation, pictures: list[np.ndarray]) -> dict:
    facts = {"parameters": presets.describe(preset_of(ablation, ablation.whole)), "seeds": list(ablation.seeds)}
    if ablation.start:
        facts["begun from"] = {"checkpoint": ablation.start, "sha256": sha256_of(rerun.find(ablation.start).read_bytes())}
    facts |= {"data": {"photographs": len(pictures), "sha256": fingerprint(pictures)}}
    facts |= {"versions": versions(), "device": device_name("cpu"), "protocol": str(COURSE_RGB)}
    facts["judged on"] = ablation.judged_on
    facts["parameters of each"] = {case: sum(one.numel() for one in network_of(ablation, case, 0).parameters()) for case in ablation.cases}
    return json.loads(json.dumps(facts))


def network_of(ablation: Ablation, case: str, seed: int) -> nn.Module:
    """Untrained, or with the weights that the ablation begins with; what is frozen stands still."""
    network, held = _begun(ablation, case, seed), ablation.frozen.get(case)
    for name, parameter in network.named_parameters():
        if held and held in name:
            parameter.requires_grad_(False)
    return network


def _begun(ablation: Ablation, case: str, seed: int) -> nn.Module:
    if ablation.start:
        network = copy.deepcopy(_start(ablation.start))
        if network.cfg != preset_of(ablation, case).model:
            raise ParameterError(f"{case!r} changes the network, which {ablation.start!r} holds no weights for.")
        return network
    return session.new_network(ablation.training, preset_of(ablation, case), seed)


def _judged(ablation: Ablation, case: str, seed: int, pictures: list[np.ndarray]) -> tuple[dict[str, float], float]:
    chosen = preset_of(ablation, case)
    with tempfile.TemporaryDirectory() as folder, Run(folder, seed) as run:
        network = session.train(network_of(ablation, case, seed), chosen, pictures, run, "cpu")
    result = evaluate(network, judged_pairs(ablation), COURSE_RGB, condition=presets.condition_of(chosen))
    return {row.name: round(row.restored_psnr, 4) for row in result.rows}, result.mean("gain")
