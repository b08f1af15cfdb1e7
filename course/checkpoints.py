"""Train a course checkpoint: the small network that ships with the kit.

    python course/checkpoints.py dmphn --photos FOLDER --run runs/checkpoints/dmphn --licence "CID22, CC BY-SA 4.0, Cloudinary"

Stop it whenever you like and start it again with the same words: it goes on where it was. At the end the weights are judged on the
bundled test photographs and written, as float16 and with their manifest, to src/restorelab/weights/.
"""

import argparse
from pathlib import Path

from rich.console import Console
from torch import nn
from torch.optim.swa_utils import AveragedModel

from restorelab import checkpoint, discriminator, presets, rerun
from restorelab.cli.training import beginning, carry_out, keep, photographs
from restorelab.presets.against import Against
from restorelab.train import session
from restorelab.train.games import UNetHinge
from restorelab.train.run import Run

CHANGED = ("steps", "batch", "crop", "learning_rate", "leaves", "precision", "objective", "pixel_weight", "freeze_norms", "interpolation")
JUDGED = 100  # last steps of a training, over which its discriminator's accuracy is told


def main() -> None:
    args = arguments()
    _, choices = presets.TRAININGS[args.training]
    given = {name: getattr(args, name) for name in CHANGED}
    preset = presets.choose(choices, "lab", validate_every=500, **given)
    out = args.out or shipped_of(args.training)
    pictures, data = photographs(args.photos)
    model, begun = beginning(args.training, preset, args.seed, args.start)
    parameters = presets.describe(preset) | {"training": args.training} | begun
    with Run(args.run, args.seed, parameters, data | {"terms": args.licence}, args.device) as run:
        if args.early:
            trained = session.between(model, newest(run, model), preset.interpolation)
        else:
            console = Console(highlight=False, soft_wrap=True)
            trained = carry_out(args.training, preset, model, pictures, run, args.device, console)
        _, card = keep(args.training, preset, trained, run, out)
        if preset.against and preset.against.game == "unet hinge":
            keep_discriminator(preset.against, run, out)
    print(card["result"])


def shipped_of(training: str) -> Path:
    """The course checkpoint that this very training made: a system may have several."""
    for path in rerun.course_checkpoints().values():
        if rerun.recorded(checkpoint.load(path)).training == training:
            return path
    raise SystemExit(f"{training} has no course checkpoint yet: say with --out where the weights go.")


def newest(run: Run, model: nn.Module) -> nn.Module:
    """The averaged weights of the newest saved state."""
    average = AveragedModel(model)
    average.load_state_dict(run.newest_state()["average"])
    return average.module.eval()


def keep_discriminator(against: Against, run: Run, out: Path) -> None:
    """Beside the network's weights, as it was at the end."""
    game = UNetHinge(width=against.discriminator_width)
    game.load_state_dict(run.newest_state()["adversary"]["game"])
    last = [row["discriminator_accuracy"] for row in run.rows()[-JUDGED:]]
    discriminator.save(out, game.discriminator, sum(last) / len(last))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("training", choices=presets.TRAININGS)
    parser.add_argument("--photos", type=Path, help="a folder of photographs beside the bundled ones")
    parser.add_argument("--licence", default="bundled photographs only", help="whose the photographs are and on what terms")
    parser.add_argument("--run", type=Path, required=True, help="the run folder; an old one is taken up")
    parser.add_argument("--out", type=Path, help="where the weights go (default: into the package)")
    parser.add_argument("--start", type=Path, help="a checkpoint whose weights to begin with, instead of random ones")
    parser.add_argument("--early", action="store_true", help="train no further: judge and write the newest saved state")
    parser.add_argument("--steps", type=int, help="(default: the lab preset's, as for all that follow)")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--crop", type=int, help="side of the training crops")
    parser.add_argument("--learning-rate", type=float)
    parser.add_argument("--leaves", type=float, help="share of synthetic dead-leaves scenes")
    parser.add_argument("--precision")
    parser.add_argument("--objective", help="what the pixels are judged by, see train/objectives.py")
    parser.add_argument("--pixel-weight", type=float, help="what that counts beside a discriminator")
    parser.add_argument("--freeze-norms", type=int, help="the step from which on batch norms use what they have stored")
    parser.add_argument("--interpolation", type=float, help="how far from the weights of --start to the trained ones those kept lie")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
