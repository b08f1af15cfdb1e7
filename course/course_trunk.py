"""Train the course trunk: the small network whose features the kit's own perceptual distance compares.

    OMP_NUM_THREADS=1 python course/course_trunk.py --photos FOLDER --run runs/course_trunk --licence "CID22, CC BY-SA 4.0, Cloudinary"

Nobody labels anything. Of a crop of a photograph three more pictures are made: one changed in a way that leaves the content as it is
(moved by up to 2 pixels, brighter, stronger, flatter), one degraded weakly, and one degraded in the same way but more. The network learns,
in the very distance that is used later,

* to find the changed crop among all pictures of the batch (instance discrimination; van den Oord, Li and Vinyals 2018, arXiv:1807.03748);
* that more degraded is farther, and degraded is farther than changed, unless its squared error is much smaller;
* to say from each layer's mean features how strong blur, noise, JPEG and downsampling are.

The weights of the channels (heads) are learned with it, by the same exercises. `--only-heads` keeps a random trunk and learns these
alone: the comparison that says what the trunk's features are worth. `--control` judges
weights so made beside the others; the control of those that ship was made with `--only-heads --steps 400 --learning-rate 2e-2`.

Stop it whenever you like and start it again with the same words: it goes on where it was. At the end the weights are judged on the
bundled test photographs (`course/known_rankings.py`) and written, as float16 and with their manifest, to src/restorelab/weights/.
"""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from known_rankings import RANDOM_TRUNKS, UNSEEN, accuracy, compare, judged_pictures, of_features, table, tiles_of
from torch import Tensor, nn
from torch.nn import functional

from restorelab.data import photos
from restorelab.data.augment import draw_turn
from restorelab.data.crops import turned
from restorelab.data.folders import fingerprint, load_folder
from restorelab.data.pairs import training_photos
from restorelab.data.scenes import dead_leaves
from restorelab.degrade import Downsample, GaussianBlur, GaussianNoise, Jpeg, Recipe, degrade
from restorelab.image import from_uint8, to_uint8
from restorelab.metrics.course_trunk import (
    FORMAT,
    LABEL,
    WEIGHTS,
    WIDTHS,
    CourseDistance,
    CourseTrunk,
    load_course_trunk,
    random_state,
)
from restorelab.metrics.feature_distance import unit_length
from restorelab.ops.resize import resize_bicubic
from restorelab.tensor_file import write
from restorelab.train.run import Run

CROP, MARGIN = 48, 12  # pixels; together with both margins a multiple of every scale below
SCALES = (2, 3, 4, 6)
KINDS = ("blur", "noise", "jpeg", "downsample")
MOVE = 2  # pixels, the farthest a changed crop is moved
QUICK, QUICK_TILES = "chelsea", 2  # what the tests judge again
CONTROL = "random trunk, learned heads"
HELD_OUT = 8  # photographs of the folder that are watched and not trained on
SCENES, SCENE_SIDE = 24, 256  # dead leaves
TEMPERATURE = 0.1  # of the instance discrimination, in units of a layer's distance
STEEPNESS = 4.0  # of the ranking: a distance half as large again is in order for sure

# Samples


def sample(pictures: list[np.ndarray], seed: int, number: int) -> tuple[Tensor, Tensor]:
    """Sample `number` -> clean, changed, weakly and more strongly degraded crop, `4 3 c c`, and the degradations' levels, `2 kinds`."""
    rng = np.random.default_rng([seed, number])
    picture = pictures[rng.integers(len(pictures))]
    side = CROP + 2 * MARGIN
    top, left = (int(rng.integers(size - side + 1)) for size in picture.shape[:2])
    wide = from_uint8(turned(picture[top : top + side, left : left + side], draw_turn(rng)))
    weak, strong = _levels(rng)
    noise = rng.integers(2**32)  # half of the pairs share their noise, the others have the same strength of it in other places
    again = noise if rng.random() < 0.5 else rng.integers(2**32)
    views = [_cut(wide), _changed(wide, rng), _degraded(wide, weak, noise), _degraded(wide, strong, again)]
    return torch.stack(views), torch.from_numpy(np.stack([weak, strong])).float()


def _cut(wide: Tensor, down: int = 0, right: int = 0) -> Tensor:
    return wide[:, MARGIN + down : MARGIN + down + CROP, MARGIN + right : MARGIN + right + CROP]


def _changed(wide: Tensor, rng: np.random.Generator) -> Tensor:
    """Moved with probability 0.7, and made brighter, stronger and flatter (or the opposite) with probability 0.5 each."""
    down, right = rng.integers(-MOVE, MOVE + 1, 2) * (rng.random() < 0.7)
    image = _cut(wide, int(down), int(right))
    drawn = rng.uniform([-0.12, 0.85, 0.75], [0.12, 1.18, 1.25])
    offset, gain, contrast = np.where(rng.random(3) < 0.5, drawn, [0.0, 1.0, 1.0]).tolist()
    mean = image.mean((1, 2), keepdim=True)
    return ((mean + (image - mean) * contrast) * gain + offset).clamp(0, 1)


def _levels(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Levels in [0, 1] of each kind: of one kind, or in a quarter of the samples of two, and more of the same."""
    count = 2 if rng.random() < 0.25 else 1
    chosen = rng.permutation(len(KINDS))[:count]
    low, high = np.sort(rng.random((2, count)), axis=0)
    weak, strong = np.zeros(len(KINDS)), np.zeros(len(KINDS))
    weak[chosen], strong[chosen] = np.maximum(low, 0.01), np.maximum(high, low + 0.1).clip(0, 1)
    return weak, strong


def _degraded(wide: Tensor, levels: np.ndarray, seed: int) -> Tensor:
    blur, noise, jpeg, fewer = levels
    rng = np.random.default_rng(seed)
    if blur:
        wide = degrade(wide, Recipe((GaussianBlur(0.4 * 10.0**blur),), bits=None), rng).image
    if fewer:
        small = Downsample(SCALES[min(int(len(SCALES) * fewer), len(SCALES) - 1)]).apply(wide, rng)[0]
        wide = resize_bicubic(small[None], size=tuple(wide.shape[-2:]))[0]
    last = [GaussianNoise(0.006 * 27.0**noise)] if noise else []
    last += [Jpeg(95 - 87 * jpeg)] if jpeg else []
    return _cut(degrade(wide.clamp(0, 1), Recipe(tuple(last)), rng).image)


# The exercises


class Pupil(nn.Module):
    """The trunk, the logarithms of the heads, and for each layer a reader of degradations that is thrown away afterwards."""

    def __init__(self, seed: int, only_heads: bool = False):
        super().__init__()
        self.trunk = CourseTrunk()
        state = random_state(seed)
        self.trunk.load_state_dict({key.removeprefix("trunk."): value for key, value in state.items() if key.startswith("trunk.")})
        self.trunk.requires_grad_(not only_heads)
        self.log_heads = nn.ParameterList(torch.zeros(width) for width in WIDTHS)
        torch.manual_seed(seed)
        self.readers = nn.ModuleList(nn.Linear(width, len(KINDS)) for width in WIDTHS)

    def state(self) -> dict[str, Tensor]:
        """As `CourseDistance` takes it; the distance is the mean over the layers."""
        heads = {f"head{n}": head.detach().exp().reshape(1, -1, 1, 1) / len(WIDTHS) for n, head in enumerate(self.log_heads)}
        return heads | {f"trunk.{key}": value.detach().clone() for key, value in self.trunk.state_dict().items()}


def loss_of(pupil: Pupil, views: Tensor, levels: Tensor) -> dict[str, Tensor]:
    """The three exercises on `b 4 3 c c` and `b 2 kinds`."""
    layers = pupil.trunk(views.flatten(0, 1))
    units = [unit_length(x).unflatten(0, views.shape[:2]) for x in layers]
    errors = (views[:, 1:] - views[:, :1]).square().mean((2, 3, 4))  # of changed, weak, strong
    fair = errors[:, 1:] >= 0.8 * errors[:, :1]  # a fault that can hardly be seen may be nearer than a change
    find = torch.stack([_find(x, fair) for x in units]).mean()
    weighed = [(x[:, 1:] - x[:, :1]).square().mean((3, 4)) @ head.exp() for x, head in zip(units, pupil.log_heads, strict=True)]
    changed, weak, strong = torch.log(sum(weighed) + 1e-6).unbind(1)
    order = _in_order(weak, strong).mean()
    order = order + (fair * torch.stack([_in_order(changed, weak), _in_order(changed, strong)], 1)).sum() / fair.sum().clamp(min=1)
    wanted = torch.cat([torch.zeros_like(levels[:, :1]), levels], 1)
    seen = [x.unflatten(0, views.shape[:2])[:, [0, 2, 3]].mean((3, 4)) for x in layers]
    read = torch.stack([functional.mse_loss(reader(x), wanted) for x, reader in zip(seen, pupil.readers, strict=True)]).mean()
    return {"find": find, "order": order, "read": read}


def _find(x: Tensor, fair: Tensor) -> Tensor:
    """Cross entropy of picking the changed crop, by distance to the clean one, among the other changed and all degraded ones."""
    count, pixels = x.shape[0], x.shape[-1] * x.shape[-2]
    clean, others = x[:, 0].flatten(1), x[:, 1:].transpose(0, 1).flatten(0, 1).flatten(1)
    logits = 2 * (clean @ others.T / pixels) / TEMPERATURE  # minus the squared distance of unit vectors, but for a constant
    own = torch.eye(count, dtype=torch.bool, device=x.device)
    unfair = torch.cat([torch.zeros_like(own), own & ~fair[:, :1], own & ~fair[:, 1:]], 1)
    return functional.cross_entropy(logits.masked_fill(unfair, -math.inf), torch.arange(count, device=x.device))


def _in_order(near: Tensor, far: Tensor) -> Tensor:
    """Small where the logarithm `near` is well below `far`."""
    return functional.softplus(STEEPNESS * (near - far)) / STEEPNESS


# Training


def train(pupil: Pupil, pictures: list[np.ndarray], args: argparse.Namespace, run: Run, watched: list) -> None:
    learned = [parameter for parameter in pupil.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, lr=args.learning_rate, weight_decay=1e-4)
    done, spent = _resume(run, pupil, optimizer)
    clock = time.perf_counter() - spent
    for step in range(done + 1, args.steps + 1):
        made = [sample(pictures, args.seed, (step - 1) * args.batch + i) for i in range(args.batch)]
        views, levels = (torch.stack(part) for part in zip(*made, strict=True))
        for group in optimizer.param_groups:
            group["lr"] = args.learning_rate * min(step / 50, 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / args.steps)))
        losses = loss_of(pupil, views, levels)
        (losses["find"] + 2 * losses["order"] + 4 * losses["read"]).backward()
        nn.utils.clip_grad_norm_(pupil.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        row = {"step": step, "seconds": round(time.perf_counter() - clock, 1)} | {
            name: round(loss.item(), 4) for name, loss in losses.items()
        }
        if step % 250 == 0 or step == args.steps:
            found = accuracy(of_features(CourseDistance(pupil.state())), watched)
            row |= {"validation": {kind: round(share, 4) for kind, share in found.items()}}
            run.save_state(
                step, {"step": step, "seconds": row["seconds"], "pupil": pupil.state_dict(), "optimizer": optimizer.state_dict()}
            )
        run.log(row)
        if step % 25 == 0:
            print(json.dumps(row), flush=True)


def _resume(run: Run, pupil: Pupil, optimizer: torch.optim.Optimizer) -> tuple[int, float]:
    state = run.newest_state()
    if state is None:
        return 0, 0.0
    pupil.load_state_dict(state["pupil"])
    optimizer.load_state_dict(state["optimizer"])
    run.forget_after(state["step"])
    return state["step"], state["seconds"]


# What is written


def save(path: Path, state: dict[str, Tensor], manifest: dict) -> str:
    """The file that `restorelab.metrics.course_trunk` reads, and its sha256, which is returned."""
    return write(path, state, {"format": FORMAT, "manifest": manifest}, "course trunk")


def rounded(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """As it comes back from the file: what is judged is what ships."""
    return {key: value.half().float() for key, value in state.items()}


def judge(metrics: list[CourseDistance]) -> tuple[dict, dict[str, dict[str, float]]]:
    """What the manifest says of the first of them, and the table's rows."""
    tiles = tiles_of(judged_pictures())
    rows = compare(metrics, tiles)
    quick = compare(metrics[:1], tiles_of([photos.load(QUICK)], QUICK_TILES), random_trunks=1)
    count = sum(len(tile.known) for tile in tiles)
    result = {
        "on": f"{count} rankings of {len(tiles)} tiles of the bundled test photographs",
        "never trained on": UNSEEN,
        "random trunks": RANDOM_TRUNKS,
    }
    for name, found in (("rankings in order", rows), (f"rankings in order, {QUICK_TILES} tiles of {QUICK}", quick)):
        result[name] = {who: {kind: round(share, 4) for kind, share in row.items()} for who, row in found.items()}
    return result, rows


def main() -> None:
    args = arguments()
    folder = load_folder(args.photos) if args.photos else []
    scenes = [to_uint8(dead_leaves(SCENE_SIDE, SCENE_SIDE, np.random.default_rng([args.seed, n]))) for n in range(SCENES)]
    used = training_photos() + folder[:-HELD_OUT]
    watched = tiles_of([photos.load(name) for name in photos.names("validation")] + [from_uint8(one) for one in folder[-HELD_OUT:]], 1)
    data = {"photographs": len(used), "sha256": fingerprint(used), "terms": args.licence, "scenes": SCENES}
    parameters = {key: getattr(args, key) for key in ("steps", "batch", "learning_rate", "only_heads")}
    with Run(args.run, args.seed, parameters, data) as run:
        pupil = Pupil(args.seed, args.only_heads)
        train(pupil, used + scenes, args, run, watched)
        metrics = [CourseDistance(rounded(pupil.state()), CONTROL if args.only_heads else LABEL)]
        metrics += [CourseDistance(load_course_trunk(args.control), CONTROL)] if args.control else []
        result, rows = judge(metrics)
        facts = {key: run.manifest[key] for key in ("seed", "parameters", "data", "versions", "device")}
        save(args.out, pupil.state(), facts | {"training_seconds": run.rows()[-1]["seconds"], "result": result})
        run.finish(result=result)
    print(table(rows))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--photos",
        help="a folder of photographs beside the bundled ones; its last 8 are watched, not trained on; 216 pixels a side or more",
    )
    parser.add_argument("--licence", default="bundled photographs only", help="whose the photographs are and on what terms")
    parser.add_argument("--run", type=Path, required=True, help="the run folder; an old one is taken up")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where the weights go (default: into the package)")
    parser.add_argument("--only-heads", action="store_true", help="keep the random trunk and learn the heads alone")
    parser.add_argument("--control", type=Path, help="weights made with --only-heads, to be judged beside these")
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=16, help="samples per step, of four crops each")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
