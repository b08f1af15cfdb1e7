"""A chapter that does nothing but train, with the calls of the course's chapters: a network of 4 channels on crops of 64 pixels."""

from pathlib import Path

import tiny_chapter

NAME = "91_training"
PARAMETERS = """\
seed: int = 0  # decides every random number of the training
steps: int = 40  # updates of the weights
batch: int = 2  # samples per update
run_dir: str = ""  # where the run is written"""
WORK = """\
import dataclasses

import torch

from restorelab import checkpoint, presets
from restorelab.data.pairs import training_photos
from restorelab.train import session
from restorelab.train.run import Run

plan = presets.choose(presets.DMPHN, "smoke", steps=steps, batch=batch, validate_every=steps)
plan = dataclasses.replace(plan, model=dataclasses.replace(plan.model, width=4, patches=(1, 2)))
run = Run(run_dir, seed, presets.describe(plan), {}, "cpu")
trained = session.train(session.new_network("dmphn", plan, seed), plan, training_photos(), run, "cpu")
run.note(weights_sha256=checkpoint.save(run.checkpoints / "final.safetensors", trained, run.manifest["parameters"]))
run.finish(result={})"""


def make(clone: Path) -> Path:
    """A folder that looks like a clone of the repository with this chapter alone; go there to run it."""
    return tiny_chapter.write(clone, NAME, PARAMETERS, WORK)


def train_here(folder: Path) -> None:
    """The same training in this process, without a notebook."""
    names: dict = {}
    exec(PARAMETERS, names)
    exec(WORK, names | {"run_dir": str(folder)})
