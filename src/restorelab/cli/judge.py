"""`restorelab evaluate`: a model on a set of pairs under a named protocol; files to read, to compare and to look at."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from rich.console import Console
from rich.markup import escape
from torch import Tensor

from restorelab import checkpoint, presets, viz
from restorelab.cli.bars import progress_bar
from restorelab.cli.pictures import find_model
from restorelab.data import photos
from restorelab.data.folders import FolderPairs
from restorelab.data.layouts import LAYOUTS, detect, find_pairs
from restorelab.data.pairs import Pair, photo_pairs
from restorelab.degrade import Recipe
from restorelab.devices import choose_device
from restorelab.errors import DataError, ParameterError, did_you_mean
from restorelab.evaluate import Difference, Evaluation, Metric, Restorer, as_input, difference, evaluate, restore_pair
from restorelab.files import sum_file, write_atomically
from restorelab.metrics import MATLAB_Y, Protocol, find_protocol, same_protocol
from restorelab.metrics.course_trunk import COURSE, perceptual_distance
from restorelab.metrics.niqe import niqe
from restorelab.metrics.psnr import rmse_of_psnr
from restorelab.ops.resize import resize_bicubic
from restorelab.systems import system

NOTHING = "input"  # as a model: the degraded picture as it is, enlarged bicubically where the clean one is larger
METRICS = ("lpips", COURSE, "niqe")  # lpips: the course trunk, and labelled so, where LPIPS's own is not on this machine


@dataclass(frozen=True)
class Asked:
    """What to evaluate on: `data` is a split of the bundled photographs, or a folder of pairs."""

    data: str
    protocol: str = "COURSE_RGB"
    set_name: str | None = None  # the published layout that the folder has, where it cannot be told from its names
    split: str | None = None  # of the folder, where it has several
    recipe: str | None = None  # for bundled photographs: a recipe as JSON, or a file of it
    draws: int = 1  # of the recipe for each
    metrics: tuple[str, ...] = ()  # further columns, of METRICS


def judge(name: str, weights: Path | None, asked: Asked, out: Path, device: str, against: Sequence[Path] | None,
          console: Console, task: str = "") -> Evaluation:  # fmt: skip
    """Evaluate, print the figures, and leave result.json, .csv, .md and contact_sheet.jpg in `out`; interrupted, it goes on there.

    task: which of the system's course checkpoints. against: earlier result.json files on the same data and protocol, to be compared
    with. All of them and this one stand in perception_distortion_NAME.png, one for each of the metrics.
    """
    protocol = find_protocol(asked.protocol)
    columns = {name: _column(name, protocol) for name in asked.metrics}
    model, whose = _model(name, weights, device, task)
    condition = presets.told if getattr(model, "condition_channels", 0) else None
    pairs, what = _told_pairs(asked, name) if condition else _pairs(asked)
    before = [Evaluation.from_json(_read(path)) for path in against or ()]
    for earlier in before:  # said now, and not after hours of restoring
        same_protocol(earlier.protocol, protocol)
    _make(out)
    model = _bicubic(pairs[0]) if model is None else model
    with progress_bar(console) as bar:
        task = bar.add_task("evaluating", total=len(pairs))
        result = evaluate(
            model, pairs, protocol, lambda done, total: bar.update(task, completed=done), condition=condition, named=(whose, what),
            metrics=dict(columns.values()), journal=out / "rows.jsonl",
        )  # fmt: skip
    labels = {name: label for name, (label, _) in columns.items()}
    compared = [(earlier, _differences(earlier, result, labels)) for earlier in before]
    _write(result, out)
    _draw(result, model, pairs, condition, out)
    planes = _draw_planes([*before, result], labels, out, console)
    _say(result, labels, planes, out, console)
    for earlier, lines in compared:
        for line in lines:
            console.print(escape(f"against {earlier.model}: {line}"))
    return result


def _column(name: str, protocol: Protocol) -> tuple[str, Metric]:
    """Of a name in METRICS: what stands over its column (which trunk, which Y), and the metric. Raises ParameterError."""
    if name not in METRICS:
        raise ParameterError(f"there is no metric {name!r}; there are {', '.join(METRICS)}.{did_you_mean(name, METRICS)}")
    if name == "niqe":
        y = MATLAB_Y if protocol.colour == "rgb" else protocol  # it looks at luma alone
        return f"NIQE ({y.name})", lambda restored, _: niqe(restored.cpu(), y)
    distance = perceptual_distance("alex" if name == "lpips" else COURSE)

    @torch.inference_mode()
    def measure(restored: Tensor, clean: Tensor) -> float:
        return float(distance(restored.cpu().clamp(0, 1)[None], clean.cpu()[None]))  # clamped, as a file would

    return distance.label, measure


def _differences(earlier: Evaluation, result: Evaluation, labels: Mapping[str, str]) -> list[Difference]:
    shared = [label for label in labels.values() if label in earlier.figures]
    return [difference(earlier, result, figure) for figure in ("restored_psnr", *shared)]


def _draw_planes(evaluations: Sequence[Evaluation], labels: Mapping[str, str], out: Path, console: Console) -> list[str]:
    """The perception-distortion plane of every metric that two evaluations have; returns the names of the files."""
    names, files = short_names([evaluation.model for evaluation in evaluations]), []
    for metric, label in labels.items():
        points = {}
        for name, evaluation in zip(names, evaluations, strict=True):
            if label in evaluation.figures:
                points[name] = (mean_rmse(evaluation), evaluation.mean(label))
            else:
                console.print(escape(f"{name} has no column {label!r}: evaluate it again with --metric {metric} to see it in the plane."))
        if len(points) > 1:
            title = f"{evaluations[-1].data}. Protocol: {evaluations[-1].protocol}"
            bundle, _ = viz.mime(viz.perception_distortion(points, "RMSE of 255", label, title), f"RMSE and {label}", lossless=True)
            files.append(f"perception_distortion_{metric}.png")
            write_atomically(out / files[-1], bundle["image/png"])
    return files


def mean_rmse(evaluation: Evaluation) -> float:
    """Root mean squared error of 0..255: the mean of the pictures' own, or of all pixels where the protocol pools errors."""
    if evaluation.protocol.pooling == "pooled error":
        return rmse_of_psnr(evaluation.mean("restored_psnr"))
    return fmean(rmse_of_psnr(row.restored_psnr) for row in evaluation.rows)


def short_names(models: Sequence[str]) -> list[str]:
    """What models are called in a plot: "DMPHN" of "DMPHN, ..., weights a.safetensors", and the part that tells it from another DMPHN."""
    split, names = [model.split(", ") for model in models], []
    for head, *parts in split:
        others = [rest for first, *rest in split if first == head and rest != parts]
        telling = (part for place, part in enumerate(parts) if all(rest[place : place + 1] != [part] for rest in others))
        names.append(f"{head}, {next(telling, '')}".removesuffix(", ") if others else head)
    return names


def _model(name: str, weights: Path | None, device: str, task: str) -> tuple[Restorer | None, str]:
    if name == NOTHING:
        return None, "input, not restored (enlarged bicubically where smaller)"
    found = find_model(name, weights, task)
    where = f"weights {weights.name}" if weights else " ".join(filter(None, ["course checkpoint", task]))
    digest = sum_file(weights or checkpoint.course_path(name, task)).read_text()[:12]
    return found.model.to(choose_device(device)), f"{system(name).title}, {where}, sha256 {digest}"


def _bicubic(pair: Pair) -> Restorer:
    scale = pair.clean.shape[-1] // pair.degraded.shape[-1]
    return (lambda image: image) if scale == 1 else (lambda image: resize_bicubic(image[None], scale=scale)[0].clamp(0, 1))


def _pairs(asked: Asked) -> tuple[Sequence[Pair], str]:
    """The pairs, and what they are in words."""
    if asked.data in photos.SPLITS:
        recipe = _recipe(asked.recipe)
        pairs = photo_pairs(asked.data, recipe, asked.draws)
        return pairs, f"bundled {asked.data} photographs, {asked.draws} draw(s) of {recipe.to_json()}"
    if asked.recipe:
        raise ParameterError("a folder of pairs is degraded already: leave out --recipe.")
    folder = Path(asked.data).expanduser()
    if not folder.is_dir():
        hint = did_you_mean(asked.data, photos.SPLITS)
        raise DataError(f"--data is {', '.join(photos.SPLITS)} (the bundled photographs) or a folder; there is no {asked.data}.{hint}")
    splits = find_pairs(asked.set_name, folder) if asked.set_name else {name: m.pairs for name, m in detect(folder).items()}
    split = _split(splits, asked.split, folder)
    if not all(pair.degraded and pair.clean for pair in splits[split]):
        note = LAYOUTS[asked.set_name].note if asked.set_name else ""
        raise DataError(
            f"{folder}{f' ({split})' if split else ''} has no pairs of a degraded and a clean picture to score. {note}".rstrip()
        )
    return FolderPairs(splits[split]), f"{asked.set_name or folder.name}{f' ({split})' if split else ''}, {len(splits[split])} pairs"


def _told_pairs(asked: Asked, name: str) -> tuple[Sequence[Pair], str]:
    """For a network that is told the degradation: bundled photographs, degraded by the law that it was trained with."""
    if asked.data not in photos.SPLITS or asked.recipe:
        raise ParameterError(
            f"{name} is told the blur and the noise of every picture, which folders and recipes do not say: evaluate it on --data "
            f"{', '.join(photos.SPLITS)}, without --recipe."
        )
    preset = presets.TRAININGS[name][1]["lab"]
    pairs = presets.watched_pairs(preset, asked.data, asked.draws)
    return pairs, f"bundled {asked.data} photographs, {asked.draws} draw(s) of {preset.told}"


def _split(splits: dict, wanted: str | None, folder: Path) -> str:
    if wanted is None and len(splits) == 1:
        return next(iter(splits))
    if wanted not in splits:
        tests = [name for name in splits if "test" in name.lower()]
        if wanted is None and len(tests) == 1:
            return tests[0]
        raise DataError(f"{folder} has the splits {', '.join(splits)}: choose one with --split.")
    return wanted


def _recipe(text: str | None) -> Recipe:
    if text is None:
        return presets.SHAKE
    return Recipe.from_json(text if text.lstrip().startswith("{") else _read(Path(text)))


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read ({error}).") from error


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ParameterError(f"the folder {out} cannot be made ({error.strerror}): give another --out.") from error


def _write(result: Evaluation, out: Path) -> None:
    for suffix, text in ((".json", result.to_json()), (".csv", result.to_csv()), (".md", result.to_markdown())):
        write_atomically(out / f"result{suffix}", text.encode())


def _draw(result: Evaluation, model: Restorer, pairs: Sequence[Pair], condition: Callable[[Pair], Tensor] | None, out: Path) -> None:
    names = [row.name for row in result.rows]
    shown = {}
    for row in (result.best, result.typical, result.worst):
        pair = pairs[names.index(row.name)]
        shown[row.name] = (as_input(pair), restore_pair(model, pair, condition), pair.clean)
    bundle, _ = viz.mime(viz.contact_sheet(result, shown), "best, median and worst picture")
    write_atomically(out / "contact_sheet.jpg", bundle["image/jpeg"])


def _say(result: Evaluation, labels: Mapping[str, str], planes: Sequence[str], out: Path, console: Console) -> None:
    for row in (result.best, result.typical, result.worst):
        scores = f"{row.degraded_psnr:.2f} -> {row.restored_psnr:.2f} dB ({row.gain:+.2f}), SSIM {row.restored_ssim:.4f}"
        console.print(escape(f"{row.name}: {scores}"))
    before, after, ssim = (result.mean(figure) for figure in ("degraded_psnr", "restored_psnr", "restored_ssim"))
    further = "".join(f", {label} {result.mean(label):.4f}" for label in labels.values())
    console.print(escape(f"mean of {len(result.rows)} pictures: PSNR {after:.3f} dB (input {before:.3f}), SSIM {ssim:.4f}{further}"))
    console.print(escape(result.caption()))
    console.print(escape(f"written to {out}: {', '.join(('result.json', 'result.csv', 'result.md', 'contact_sheet.jpg', *planes))}"))
