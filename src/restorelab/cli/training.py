"""`restorelab train`: a preset from the shell, with a run that can be killed and resumed."""

import time
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from restorelab import checkpoint, presets
from restorelab.cli.bars import progress_bar
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import training_photos
from restorelab.devices import choose_device
from restorelab.errors import ParameterError, did_you_mean
from restorelab.evaluate import Evaluation
from restorelab.train import session
from restorelab.train.loop import Progress
from restorelab.train.run import Run, new_run_folder

SAY_EVERY = 10.0  # seconds, where no terminal can show a moving bar


def train(
    name: str, preset_name: str, out: Path | None, photos: Path | None, device: str, seed: int, given: dict, console: Console
) -> Path:
    """Train what `name` says (of `presets.TRAININGS`), judge it on the test photographs, keep weights and manifest; the run's folder."""
    if name not in presets.TRAININGS:
        raise ParameterError(
            f"there is no training {name!r}; there are {', '.join(presets.TRAININGS)}.{did_you_mean(name, presets.TRAININGS)}"
        )
    preset = presets.choose(presets.TRAININGS[name][1], preset_name, **given)
    device = choose_device(device)
    pictures = training_photos() + (load_folder(photos) if photos else [])
    facts = {"photographs": len(pictures), "sha256": fingerprint(pictures)}
    model = session.new_network(name, preset, seed)
    with Run(out or new_run_folder(name), seed, presets.describe(preset) | {"training": name, "preset": preset_name}, facts, device) as run:
        console.print(escape(f"{preset.note}\nrun folder: {run.folder}"))
        console.print(f"This takes {session.predict(model, preset, pictures, seed, device)}.")
        with Bars(preset.fit.steps, console) as bars:
            trained = session.train(model, preset, pictures, run, device, bars)
        result = session.judge(trained, preset, (name, session.judged_on(preset)))
        card = manifest(run, result)
        checkpoint.save(run.checkpoints / "final.safetensors", trained, card)
        run.finish(result=card["result"])
        gain = f"{result.mean('degraded_psnr'):.2f} -> {result.mean('restored_psnr'):.2f} dB ({result.mean('gain'):+.2f})"
        console.print(escape(f"{gain} on {len(result.rows)} pictures; {result.protocol}"))
        console.print(escape(f"weights: {run.checkpoints / 'final.safetensors'}"))
    return run.folder


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
