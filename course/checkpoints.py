"""Train a course checkpoint: the small network that ships with the kit.

    python course/checkpoints.py dmphn --photos FOLDER --run runs/checkpoints/dmphn --licence "CID22, CC BY-SA 4.0, Cloudinary"

Stop it whenever you like and start it again with the same words: it goes on where it was. At the end the weights are judged on the
bundled test photographs and written, as float16 and with their manifest, to src/restorelab/weights/.
"""

import argparse
import dataclasses
import hashlib
import time
from pathlib import Path

from torch import nn
from torch.optim.swa_utils import AveragedModel

from restorelab import checkpoint, presets
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import TrainingPairs, photo_pairs, training_photos
from restorelab.evaluate import Evaluation, evaluate
from restorelab.metrics import COURSE_RGB
from restorelab.systems import system
from restorelab.train.loop import FitConfig, Progress, fit
from restorelab.train.objectives import OBJECTIVES
from restorelab.train.run import Run

DRAWS = 4  # shakes per test photograph: three photographs alone are too few to judge by


def main() -> None:
    args = arguments()
    preset = presets.choose(presets.DMPHN, "lab", crop=args.crop, leaves=args.leaves)
    cfg = FitConfig(steps=args.steps, batch=args.batch, learning_rate=args.learning_rate, warmup=200, ema=0.998, precision=args.precision,
                    workers=1, save_every=250, validate_every=500)  # fmt: skip
    pictures = training_photos() + (load_folder(args.photos) if args.photos else [])
    data = {"photographs": len(pictures), "sha256": fingerprint(pictures), "terms": args.licence}
    start = checkpoint.load(args.start) if args.start else None
    begun = {"start": f"{args.start.name}, sha256 {hashlib.sha256(args.start.read_bytes()).hexdigest()}"} if start else {}
    parameters = presets.describe(dataclasses.replace(preset, fit=cfg)) | begun
    watched = photo_pairs("validation", preset.recipe, draws=DRAWS, crop=256)

    def validate(model):
        found = evaluate(model, watched)
        return {"psnr": found.mean("restored_psnr"), "input_psnr": found.mean("degraded_psnr")}

    with Run(args.run, args.seed, parameters, data, args.device) as run:
        samples = TrainingPairs(pictures, preset.recipe, preset.crop, args.seed, preset.leaves)
        model = start.model if start else system(args.system).model(preset.model)
        model = (
            newest(run, model)
            if args.early
            else fit(model, OBJECTIVES[preset.objective], samples, cfg, run, device=args.device, validate=validate, watch=say)
        )
        result = evaluate(model, photo_pairs("test", preset.recipe, draws=DRAWS), COURSE_RGB)
        manifest = card(run, result, preset)
        checkpoint.save(args.out or system(args.system).course_checkpoint, model, manifest, half=True)
        run.finish(result=manifest["result"])
    print(manifest["result"])


def newest(run: Run, model: nn.Module) -> nn.Module:
    """The averaged weights of the newest saved state."""
    average = AveragedModel(model)
    average.load_state_dict(run.newest_state()["average"])
    return average.module.eval()


def say(progress: Progress) -> None:
    if progress.step % 50 == 0 or progress.validation:
        left = time.strftime("%H:%M:%S", time.gmtime(progress.remaining))
        print(f"step {progress.step}/{progress.steps}  loss {progress.loss:.5f}  {progress.samples_per_second:.1f} samples/s  "
              f"{left} left  {progress.validation or ''}", flush=True)  # fmt: skip


def card(run: Run, result: Evaluation, preset: presets.Preset) -> dict:
    """What the checkpoint says of itself."""
    facts = {key: run.manifest[key] for key in ("seed", "parameters", "data", "versions", "device")}
    figures = {name: round(result.mean(name), 3) for name in ("degraded_psnr", "restored_psnr", "gain", "degraded_ssim", "restored_ssim")}
    test = f"{len(result.rows)} pictures: the bundled test photographs, {DRAWS} draws each of the recipe"
    last = run.rows()[-1]
    judged = {"on": test, "recipe": preset.recipe.to_json(), "protocol": str(result.protocol)}
    judged["gains"] = {row.name: round(row.gain, 3) for row in result.rows}
    judged |= {"steps_done": run.newest_state()["step"], "training_seconds": last["seconds"]}
    notes = {"note": run.manifest["note"]} if "note" in run.manifest else {}
    return facts | notes | {"result": figures | judged}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=["dmphn"])
    parser.add_argument("--photos", help="a folder of photographs beside the bundled ones")
    parser.add_argument("--licence", default="bundled photographs only", help="whose the photographs are and on what terms")
    parser.add_argument("--run", type=Path, required=True, help="the run folder; an old one is taken up")
    parser.add_argument("--out", type=Path, help="where the weights go (default: into the package)")
    parser.add_argument("--start", type=Path, help="a checkpoint whose weights to begin with, instead of random ones")
    parser.add_argument("--early", action="store_true", help="train no further: judge and write the newest saved state")
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--crop", type=int, help="side of the training crops (default: the lab preset's)")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--leaves", type=float, help="share of synthetic dead-leaves scenes (default: the lab preset's)")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
