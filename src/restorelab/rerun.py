"""From a checkpoint's manifest back to the training that made it, so that anyone can do it again."""

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from restorelab import checkpoint, presets
from restorelab.checkpoint import Checkpoint
from restorelab.data.online import BlurDownNoise
from restorelab.degrade import IsotropicBlur, Recipe, SRMDBlur
from restorelab.errors import CheckpointError, ParameterError, did_you_mean
from restorelab.presets import Preset
from restorelab.presets.against import Against
from restorelab.systems import WEIGHTS, system
from restorelab.train.loop import FitConfig
from restorelab.train.run import device_name, versions

BLURS = {blur.kind: blur for blur in (IsotropicBlur, SRMDBlur)}


@dataclass(frozen=True)
class Recorded:
    """A training as a checkpoint's manifest tells it."""

    training: str  # of presets.TRAININGS
    preset: Preset
    parameters: dict  # as they were recorded, but for what the training began with
    seed: int
    photographs: int
    sha256: str  # of their pixels, see data/folders.fingerprint
    terms: str  # whose they are, where that was recorded
    changes: tuple[str, ...]  # what was done by hand: why the recorded parameters alone do not give these very weights
    start: Path | None = None  # the course checkpoint whose weights it began with


def course_checkpoints() -> dict[str, Path]:
    """Those that ship with the kit, by the name of the file."""
    return {path.stem: path for path in sorted(WEIGHTS.glob("*.safetensors")) if checkpoint.written_by_us(path)}


def find(name: str | Path) -> Path:
    """`dmphn_shake`, or the path of any checkpoint. Raises ParameterError, listing those of the course, for neither."""
    path, there = Path(name), course_checkpoints()
    name = str(name)
    if name in there:
        return there[name]
    if path.suffix or path.exists():
        return path
    raise ParameterError(f"there is no course checkpoint {name!r}; there are {', '.join(there)}.{did_you_mean(name, there)}")


def recorded(found: Checkpoint) -> Recorded:
    """What the manifest says. Raises CheckpointError where it does not tell of a training (as of converted weights)."""
    manifest = found.manifest
    parameters, data = (dict(manifest.get(key) or {}) for key in ("parameters", "data"))
    changes = [f"a note says: {manifest['note']}"] if "note" in manifest else []
    began = parameters.pop("start", "")
    start = _course_checkpoint_of(began)
    if began and not start:
        changes.append(f"it began with the weights of {began}, and not with random ones")
    try:
        training = _training(found.system, parameters)
        preset = _preset(training, parameters)
        facts = data["photographs"], data["sha256"], data.get("terms", "")
        done = manifest.get("result", {}).get("steps_done", preset.fit.steps)
        if done != preset.fit.steps:
            changes.append(f"it was stopped after {done} of {preset.fit.steps} steps")
        return Recorded(training, preset, parameters | {"training": training}, manifest["seed"], *facts, tuple(changes), start)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise CheckpointError(
            f"the manifest of this checkpoint does not tell how it was trained ({error!r}): it cannot be done again."
        ) from error


def _course_checkpoint_of(began: str) -> Path | None:
    """The one whose file has the sum that a manifest names: `NAME, sha256 SUM`."""
    _, _, wanted = began.partition("sha256 ")
    sums = {hashlib.sha256(path.read_bytes()).hexdigest(): path for path in course_checkpoints().values()} if wanted else {}
    return sums.get(wanted)


def other_circumstances(found: Checkpoint, device: str) -> list[str]:
    """What is not as it was then, in words: weights are promised to the bit only where there is nothing."""
    there, here = found.manifest.get("versions", {}), versions()
    now = {"restorelab": here["restorelab"], "PyTorch": here["torch"], "processor": device_name(device)}
    then = {"restorelab": there.get("restorelab"), "PyTorch": there.get("torch"), "processor": found.manifest.get("device")}
    differences = [f"{what} was {then[what]} and is {now[what]}" for what in now if then[what] != now[what]]
    code = found.manifest.get("parameters", {}).get("kernel_code")
    if code and code != presets.kernel_code().fingerprint:
        differences.append("the code that tells a kernel is another one now")
    return differences


def same_weights(model: nn.Module, found: Checkpoint) -> bool:
    """To the bit, or to the bit of float16, in which most checkpoints are written."""
    mine, theirs = model.state_dict(), found.model.state_dict()
    return any(all(torch.equal(rounded(mine[key]), theirs[key]) for key in theirs) for rounded in (_as_it_is, _through_half))


def _as_it_is(value: torch.Tensor) -> torch.Tensor:
    return value.cpu()


def _through_half(value: torch.Tensor) -> torch.Tensor:
    return value.cpu().half().float() if value.is_floating_point() else value.cpu()


def _training(name: str, parameters: dict) -> str:
    """The first checkpoints do not say which training they are of: theirs has the name of their system."""
    training = parameters.get("training", name)
    if presets.TRAININGS[training][0] != name:
        raise ValueError(f"{training} is not a training of {name}")
    return training


def _preset(training: str, facts: dict) -> Preset:
    """The inverse of `presets.describe`; what it leaves out (notes, how the result is judged) is the training's."""
    entry, choices = presets.TRAININGS[training]
    values = {
        "model": _built(system(entry).config, facts["model"]),
        "fit": _built(FitConfig, facts["fit"]),
        **{name: facts[name] for name in ("crop", "leaves", "objective")},
        "data_set": facts.get("data_set", ""),
        "interpolation": facts.get("interpolation", 1.0),
        "told": _law(facts["told"]) if "told" in facts else None,
        "against": _against(facts["against"]) if "against" in facts else None,
    }
    values |= {"recipe": Recipe.from_json(facts["recipe"])} if facts["recipe"] else {}
    return dataclasses.replace(choices[facts.get("preset", "lab")], **values)


def _built(kind: type, values: dict) -> object:
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def _law(facts: dict) -> BlurDownNoise:
    blur = dict(facts["blur"])
    return _built(BlurDownNoise, facts | {"blur": _built(BLURS[blur.pop("kind")], blur)})


def _against(facts: dict) -> Against:
    """Without what only says which files lay on the machine."""
    names = {field.name for field in dataclasses.fields(Against)}
    return _built(Against, {name: value for name, value in facts.items() if name in names})
