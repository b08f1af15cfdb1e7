"""The grid behind the loss mixer of chapter 07: python course/07_perceptual_x16/ablation.py

From the weights of the course's pixel network begin as many short trainings as there are mixtures of three further terms. Their figures go
to course/recorded/07_loss_mixer.json, with what became of one photograph, after every training. Stopped and started again it goes on
after the last. Same seed, same samples, same weights to begin with; the mixtures differ in nothing else.
"""

import dataclasses
import hashlib
import itertools
import json
import warnings
from pathlib import Path

import torch
from torch import Tensor, nn

from restorelab import checkpoint, presets
from restorelab.data.folders import fingerprint
from restorelab.data.pairs import TrainingPairs, training_photos
from restorelab.evaluate import evaluate
from restorelab.files import write_atomically
from restorelab.metrics import COURSE_RGB
from restorelab.metrics.course_trunk import COURSE, CourseDistance, perceptual_distance, random_state
from restorelab.metrics.niqe import FewBlocksWarning, niqe
from restorelab.ops.resize import downsample_bicubic
from restorelab.restore import restore
from restorelab.systems import system
from restorelab.train.loop import fit
from restorelab.train.run import Run, device_name, runs_folder, versions
from restorelab.widgets.static import jpeg

OUT = Path(__file__).parents[1] / "recorded" / "07_loss_mixer.json"
PICTURES = OUT.with_suffix("")  # a folder of JPEGs, one for each mixture
SEED = 0
SHOWN, SIDE, BYTES = "coffee", 256, 26_000  # the middle of this photograph, in a file of at most so many bytes
SMALL = dict(steps=80, batch=2, crop=128, learning_rate=2e-4, warmup=5, ema=0.9, save_every=40)
AGAINST = dict(discriminator_width=8, discriminator_rate=5e-4, perceptual_network=COURSE)
ADVERSARIAL, PERCEPTUAL, FEATURES = (0.0, 1e-2, 1e-3), (0.0, 1e-2), (0.0, 1.0)
JUDGES = ("course trunk, not LPIPS", "untrained trunk", "NIQE", "PSNR after shrinking")
TRAINED_ON = "course trunk, on crops of the training photographs"
CROPS = 12  # of those

Weights = tuple[float, float, float]  # of the discriminator's verdict, of the distance in features, of the discriminator's features


def main() -> None:
    torch.set_num_threads(1)  # the record's manifest says so
    pictures, begun = training_photos(), next(one.path for one in system("x16").weights if one.name == "x16_pixel")
    (shown,) = [one for one in presets.watched_pairs(presets.X16["lab"], "test", crop=SIDE) if one.name == SHOWN]
    write_atomically(PICTURES / "clean.jpg", jpeg(shown.clean, BYTES))
    rows = json.loads(OUT.read_text())["mixtures"] if OUT.is_file() else {}
    for weights in (None, *itertools.product(ADVERSARIAL, PERCEPTUAL, FEATURES)):
        called = "pixel network, as begun" if weights is None else name(weights)
        if called in rows:
            continue
        network = checkpoint.load(begun).model
        if weights:
            network = trained(preset(weights, network.cfg), weights, pictures, network)
        rows[called] = {"weights": weights, TRAINED_ON: on_training_crops(network, pictures)} | judged(network)
        write_atomically(PICTURES / f"{file_name(weights)}.jpg", jpeg(restore(network, shown.degraded).image, BYTES))
        record = {"manifest": manifest(begun, pictures), "mixtures": rows}
        write_atomically(OUT, (json.dumps(record, indent=1) + "\n").encode())
        print(called, {judge: value for judge, value in rows[called].items() if judge != "pictures"}, flush=True)


def name(weights: Weights) -> str:
    return "adversarial {:g}, perceptual {:g}, features {:g}".format(*weights)


def file_name(weights: Weights | None) -> str:
    return "begun" if weights is None else "_".join(f"{weight:g}" for weight in weights)


def preset(weights: Weights, model: object) -> presets.Preset:
    """The smoke preset, a little longer, for the network that is begun with."""
    chosen = presets.choose(presets.X16_PERCEPTUAL, "smoke", **SMALL, **AGAINST)
    mix = dict(zip(("adversarial_weight", "perceptual_weight", "feature_weight"), weights, strict=True))
    return dataclasses.replace(chosen, model=model, against=dataclasses.replace(chosen.against, **mix))


def trained(chosen: presets.Preset, weights: Weights, pictures: list, network: nn.Module) -> nn.Module:
    """Where nothing of the discriminator is minded, none is trained."""
    samples, _ = presets.training_samples(chosen, pictures, SEED)
    adversary = presets.adversary(chosen, SEED) if weights[0] + weights[2] > 0 else None
    with Run(runs_folder() / OUT.stem / file_name(weights), SEED, presets.describe(chosen)) as run:
        return fit(network, presets.objective(chosen), samples, chosen.fit, run, device="cpu", adversary=adversary)


def judged(network: nn.Module) -> dict:
    """Means over the bundled test photographs, and the figures of each."""
    course, untrained = perceptual_distance(COURSE), CourseDistance(random_state(SEED))
    metrics = {
        JUDGES[0]: lambda restored, clean: float(course(restored[None], clean[None])),
        JUDGES[1]: lambda restored, clean: float(untrained(restored[None], clean[None])),
        JUDGES[2]: lambda restored, clean: niqe(restored),
        JUDGES[3]: lambda restored, clean: consistency(restored, clean),
    }
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore", FewBlocksWarning)  # the chapter says it
        found = evaluate(network, presets.watched_pairs(presets.X16["lab"], "test"), COURSE_RGB, metrics=metrics)
    rows = {row.name: {"PSNR": round(row.restored_psnr, 4)} | {key: round(row.more[key], 5) for key in JUDGES} for row in found.rows}
    return {"PSNR": round(found.mean("restored_psnr"), 4)} | {key: round(found.mean(key), 5) for key in JUDGES} | {"pictures": rows}


@torch.inference_mode()
def on_training_crops(network: nn.Module, pictures: list) -> float:
    """The distance that is trained on, where it is trained on."""
    samples = TrainingPairs(pictures, presets.X16["lab"].recipe, SMALL["crop"], SEED + 1, leaves=0.0)
    small, clean = (torch.stack(several) for several in zip(*(samples[number] for number in range(CROPS)), strict=True))
    return round(float(CourseDistance()(network(small).image.clamp(0, 1), clean).mean()), 5)


def consistency(restored: Tensor, clean: Tensor) -> float:
    """PSNR in dB of the restored picture, shrunk, against the clean one, shrunk."""
    small, target = (downsample_bicubic(one[None], 16)[0] for one in (restored, clean))
    return float(-10 * (small - target).square().mean().log10())


def manifest(begun: Path, pictures: list) -> dict:
    course = checkpoint.load(begun)
    facts = {"parameters": presets.describe(preset((1e-3, 1e-2, 1.0), course.model.cfg)), "seed": SEED}
    facts["begun from"] = {"checkpoint": begun.stem, "sha256": hashlib.sha256(begun.read_bytes()).hexdigest()}
    facts |= {"data": {"photographs": len(pictures), "sha256": fingerprint(pictures)}}
    facts |= {"versions": versions(), "device": device_name("cpu"), "protocol": str(COURSE_RGB)}
    facts |= {"judged on": "whole bundled test photographs", "shown": f"the middle {SIDE}x{SIDE} of '{SHOWN}'"}
    return facts | {"parameters of the network": sum(one.numel() for one in course.model.parameters())}


if __name__ == "__main__":
    main()
