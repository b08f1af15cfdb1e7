"""`restorelab train`: a preset from the shell, with a run that can be killed and resumed; and what every training from a shell shares."""

import hashlib
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape
from torch import nn

from restorelab import checkpoint, presets
from restorelab.cli.bars import progress_bar
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import training_photos
from restorelab.devices import choose_device
from restorelab.errors import ParameterError, did_you_mean
from restorelab.evaluate import Evaluation
from restorelab.train import session
from restorelab.train.distributed import rank, world_size
from restorelab.train.loop import Progress, check_feasible
from restorelab.train.run import Run, new_run_folder

SAY_EVERY = 10.0  # seconds, where no terminal can show a moving bar


def train(name: str, preset_name: str, out: Path | None, photos: Path | None, device: str, seed: int, given: dict, console: Console,
          start: Path | None = None) -> Path:  # fmt: skip
    """Train what `name` says (of `presets.TRAININGS`), judge it on the test photographs, keep weights and manifest; the run's folder."""
    if name not in presets.TRAININGS:
        raise ParameterError(
            f"there is no training {name!r}; there are {', '.join(presets.TRAININGS)}.{did_you_mean(name, presets.TRAININGS)}"
        )
    preset = presets.choose(presets.TRAININGS[name][1], preset_name, **given)
    device = choose_device(device)
    pictures, facts = photographs(photos)
    model, begun = beginning(name, preset, seed, start)
    parameters = presets.describe(preset) | {"training": name, "preset": preset_name} | begun
    with Run(out or new_run_folder(name), seed, parameters, facts, device) as run:
        console.print(escape(preset.note))
        trained = carry_out(name, preset, model, pictures, run, device, console)
        if rank() > 0:
            return run.folder  # the first process judges and keeps, for all
        result, _ = keep(name, preset, trained, run)
        gain = f"{result.mean('degraded_psnr'):.2f} -> {result.mean('restored_psnr'):.2f} dB ({result.mean('gain'):+.2f})"
        console.print(escape(f"{gain} on {len(result.rows)} pictures; {result.protocol}"))
        console.print(escape(f"weights: {run.checkpoints / 'final.safetensors'}"))
    return run.folder


def photographs(folder: Path | None) -> tuple[list[np.ndarray], dict]:
    """The bundled ones and those of a folder, and what a manifest says of them."""
    pictures = training_photos() + (load_folder(folder) if folder else [])
    return pictures, {"photographs": len(pictures), "sha256": fingerprint(pictures)}


def beginning(name: str, preset: presets.Preset, seed: int, start: Path | None) -> tuple[nn.Module, dict]:
    """The network of a training, its weights drawn by `seed` or those of the checkpoint `start`; and what a manifest says of that.

    Raises ParameterError for the weights of another network, and for none where the preset keeps a part of them; TrainingError for
    settings that cannot be carried out: nothing has been written then.
    """
    model, begun = _first_weights(name, preset, seed, start)
    check_feasible(model, preset.fit, adversarial=preset.against is not None)
    return model, begun


def _first_weights(name: str, preset: presets.Preset, seed: int, start: Path | None) -> tuple[nn.Module, dict]:
    if start is None:
        if preset.interpolation < 1:
            raise ParameterError("interpolation keeps a part of the weights that a training begins with: name them with start.")
        return session.new_network(name, preset, seed), {}
    found = checkpoint.load(start)
    if (found.system, found.model.cfg) != (presets.TRAININGS[name][0], preset.model):
        raise ParameterError(f"{start} is of another network ({found.system}, {found.model.cfg}) than the preset's ({preset.model}).")
    return found.model, {"start": f"{start.name}, sha256 {hashlib.sha256(start.read_bytes()).hexdigest()}"}


def carry_out(name: str, preset: presets.Preset, model: nn.Module, pictures: list[np.ndarray], run: Run, device: str,
              console: Console) -> nn.Module:  # fmt: skip
    """Train, or go on where the run stopped, with a forecast and a bar."""
    console.print(escape(f"{name}, {preset.fit.steps} steps, seed {run.seed}\nrun folder: {run.folder}"))
    if world_size() == 1:  # a forecast takes a step or two, which the processes would have to take together
        console.print(f"This takes {session.predict(model, preset, pictures, run.seed, device)}.")
    with Bars(preset.fit.steps, console) as bars:
        return session.train(model, preset, pictures, run, device, bars)


def keep(name: str, preset: presets.Preset, trained: nn.Module, run: Run, out: Path | None = None) -> tuple[Evaluation, dict]:
    """Judge the weights on the test photographs and write them with their manifest: into the run, or as float16 to `out`; both returned."""
    result = session.judge(trained, preset, (name, session.judged_on(preset)))
    card = manifest(run, result)
    checkpoint.save(out or run.checkpoints / "final.safetensors", trained, card, half=out is not None)
    run.finish(result=card["result"])
    return result, card


def manifest(run: Run, result: Evaluation) -> dict:
    """What a checkpoint says of itself."""
    facts = {key: run.manifest[key] for key in ("seed", "parameters", "data", "versions", "device")}
    figures = {name: round(result.mean(name), 3) for name in result.figures}
    judged = {"on": result.data, "recipe": facts["parameters"]["recipe"], "protocol": str(result.protocol)}
    judged |= {"gains": {row.name: round(row.gain, 3) for row in result.rows}}
    judged |= {"steps_done": run.newest_state()["step"], "training_seconds": run.rows()[-1]["seconds"]}
    notes = {"note": run.manifest["note"]} if "note" in run.manifest else {}
    return facts | notes | {"result": figures | judged}


class Bars:
    """A watcher of `fit`: a bar with the loss, the pace and the time left; plain lines where the output is not a terminal."""

    def __init__(self, steps: int, console: Console):
        self._console, self._next = console, 0.0
        self._bar = progress_bar(console)
        self._task = self._bar.add_task("training", total=steps)

    def __enter__(self) -> "Bars":
        self._bar.start()
        return self

    def __exit__(self, *_) -> None:
        self._bar.stop()

    def __call__(self, progress: Progress) -> None:
        words = f"loss {progress.loss:.5f}, {progress.samples_per_second:.1f} samples/s"
        if progress.validation:
            words += f", validation {progress.validation['psnr']:.2f} dB (input {progress.validation['input_psnr']:.2f})"
            more = {name: value for name, value in progress.validation.items() if name not in ("psnr", "input_psnr")}
            words += "".join(f", {name} {value:.4f}" for name, value in more.items())
        self._bar.update(self._task, completed=progress.step, description=words)
        if progress.notice:
            self._console.print(f"step {progress.step}: {progress.notice}")
        if not self._console.is_terminal and (time.monotonic() >= self._next or progress.validation):
            self._next = time.monotonic() + SAY_EVERY
            left = time.strftime("%H:%M:%S", time.gmtime(progress.remaining))
            self._console.print(f"step {progress.step}/{progress.steps}: {words}, {left} left")
