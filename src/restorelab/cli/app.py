"""The commands and their words. Each hands its work to a module of its own, imported only when it is called."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from restorelab.errors import ParameterError, RestorelabError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown",
                  help="Image restoration, taught on full implementations. Start with `restorelab lab`.")  # fmt: skip
console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


def checkpoint_file(given: Path | None) -> Path | None:
    """Of what names a checkpoint on a command line: a file, or one of the course without folder and ending."""
    from restorelab import rerun

    return given and rerun.find(given)


OtherWeights = Annotated[
    Path | None,
    typer.Option(
        help="Instead of the system's first course checkpoint: a file (.safetensors), or a name that `restorelab info` lists.",
        callback=checkpoint_file,
    ),
]


def main() -> None:
    """Run the command line; an error of the user's making is one line on standard error and exit status 1."""
    warnings.showwarning = lambda message, *_: problems.print(f"[yellow]note:[/] {escape(str(message))}")
    try:
        app()
    except RestorelabError as error:
        problems.print(f"[red]error:[/] {escape(str(error))}")
        sys.exit(1)
    except KeyboardInterrupt:
        problems.print("stopped")
        sys.exit(130)


@app.command()
def lab(
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    port: Annotated[int, typer.Option(help="First port to try.")] = 8888,
) -> None:
    """Open JupyterLab on the welcome chapter."""
    from restorelab.cli import lab as jupyter

    jupyter.open_lab(browser, port)


@app.command()
def run(
    chapter: Annotated[str, typer.Argument(help="05_multi_patch_dmphn, or just 05.")],
    preset: Annotated[
        str | None,
        typer.Option(help="smoke (a minute on a laptop; the default), lab (20 minutes on a GPU) or paper (the published recipe)."),
    ] = None,
    parameter: Annotated[
        list[str], typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter of the chapter; repeatable.")
    ] = [],  # noqa: B006
    device: Annotated[str | None, typer.Option(help="auto (the default), cpu or cuda.")] = None,
    seed: Annotated[int | None, typer.Option(help="Decides every random number (default 0).")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the chapter's newest unfinished run, with its parameters.")] = False,
    out: Annotated[Path | None, typer.Option(help="The run folder; with --resume, the one to go on with.")] = None,
) -> None:
    """Run a chapter as an experiment: its notebook is executed with other parameters and kept, with a manifest, in a run folder."""
    from restorelab.cli import chapters

    options = {"preset": preset, "device": device, "seed": seed}  # those left open stay what the chapter says: not every one has all
    parameters = {name: str(value) for name, value in options.items() if value is not None} | chapters.split_pairs(parameter)
    chapters.run_chapter(chapter, parameters, resume, out, console)


@app.command()
def restore(
    images: Annotated[list[Path], typer.Argument(help="Pictures: PNG, JPEG, WebP, TIFF, BMP, GIF or PNM, 8 or 16 bits.")],
    model: Annotated[str, typer.Option(help="The system to restore with.")] = "dmphn",
    task: Annotated[str, typer.Option(help="Which course checkpoint, of a system that has several: deblurring, denoising, ...")] = "",
    weights: OtherWeights = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the results (default: beside each picture).")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    precision: Annotated[str, typer.Option(help="float32, or bfloat16 (faster where the machine has it).")] = "float32",
    tile: Annotated[int | None, typer.Option(help="Work in tiles of about this side, for large pictures and small memories.")] = None,
    stage: Annotated[int | None, typer.Option(help="Stop after this stage of a network that has several.")] = None,
    condition: Annotated[
        str | None,
        typer.Option(
            help="What a network that asks is told, as numbers with commas. UDVD: PCA coefficients of the blur, then the noise sigma."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace results that are already there.")] = False,
) -> None:
    """Restore pictures. NAME.jpg becomes NAME_restored.png; a 16-bit picture stays one."""
    from restorelab.cli import pictures

    how = {"precision": precision, "tile": tile, "stage": stage, "condition": pictures.numbers(condition)}
    failed = pictures.restore_files(images, model, weights, out, device, how, overwrite, console, problems, task)
    if failed:
        raise typer.Exit(1)


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="A released .pth, .h5, .pkl or .safetensors file, or DMPHN's folder of them.")],
    out: Annotated[Path | None, typer.Option(help="Where the checkpoint goes (default: beside the source).")] = None,
    half: Annotated[bool, typer.Option("--half", help="Store float16: half the size, three digits.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a checkpoint that is already there.")] = False,
) -> None:
    """Turn weights that the authors published into a checkpoint for `restorelab restore --weights`."""
    from restorelab.cli import weights

    result = weights.convert(source, out, half, overwrite)
    weights.describe(result, console)


@app.command()
def info(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A course checkpoint's name, a file of ours or one that authors published. Without it: all of the course.",
            callback=checkpoint_file,
        ),
    ] = None,
) -> None:
    """Say what a checkpoint is: its network, its parameters, where it comes from and what it reached."""
    from restorelab.cli import weights

    if source is None:
        weights.show_course_checkpoints(console)
    else:
        weights.describe(source, console)


@app.command()
def sweep(
    chapter: Annotated[str, typer.Argument(help="05_multi_patch_dmphn, or just 05.")],
    over: Annotated[
        list[str],
        typer.Option(metavar="NAME=V1,V2,...", help="Vary a parameter, preset and seed included; repeatable. All combinations are run."),
    ] = [],  # noqa: B006
    parameter: Annotated[
        list[str], typer.Option("--parameter", "-p", metavar="NAME=VALUE", help="Set a parameter for all runs; repeatable.")
    ] = [],  # noqa: B006
    preset: Annotated[str | None, typer.Option(help="smoke, lab or paper, for all runs.")] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu or cuda, for all runs. With --slurm, cuda asks for one GPU per run.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The sweep's folder; with --resume, the one to go on with.")] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the chapter's newest unfinished sweep: run what is not finished.")
    ] = False,
    slurm: Annotated[
        bool, typer.Option("--slurm", help="On a SLURM cluster instead of this machine. SBATCH_ACCOUNT and the like are heeded.")
    ] = False,
    partition: Annotated[str | None, typer.Option(help="SLURM's partition.")] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0, help="Limit for one run (here: none; SLURM: 60, after which it is queued again, up to 3 times).")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Runs at a time (here: 1; SLURM: as there is room).")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be run, and where; nothing else.")] = False,
) -> None:
    """Run a chapter over a grid of parameters, here or by SLURM, and collect one table. A killed sweep goes on with --resume."""
    from restorelab.cli import chapters
    from restorelab.cli import sweep as sweeps

    options = {"preset": preset, "device": device}
    fixed = {name: value for name, value in options.items() if value is not None} | chapters.split_pairs(parameter)
    if not sweeps.sweep_chapter(chapter, over, fixed, sweeps.Where(slurm, partition, minutes, jobs), resume, out, dry_run, console):
        raise typer.Exit(1)


@app.command()
def ablate(
    name: Annotated[str | None, typer.Argument(help="A card, such as mprnet-sam. Without it: all cards, as recorded.")] = None,
    out: Annotated[Path | None, typer.Option(help="The folder of the record; one that was begun is gone on with.")] = None,
) -> None:
    """What is a part of a network worth? Published, and measured here: train with and without it, and compare."""
    from restorelab.cli import ablate as shell

    if name is None:
        shell.table(console)
    else:
        shell.ablate(name, out, console)


@app.command()
def train(
    training: Annotated[
        str | None,
        typer.Argument(help="dmphn, udvd, mprnet, mprnet_denoise, mprnet_derain, deblurgan_v2(_pixel), x16(_perceptual)."),
    ] = None,
    preset: Annotated[str, typer.Option(help="smoke (a minute), lab (20 minutes on a GPU) or paper (the published recipe).")] = "smoke",
    photos: Annotated[Path | None, typer.Option(help="A folder of photographs to train on, beside the bundled ones.")] = None,
    course: Annotated[
        str | None, typer.Option(help="Train a checkpoint again as its manifest says: one of the course (udvd_x2), or any by its path.")
    ] = None,
    start: Annotated[
        Path | None,
        typer.Option(
            help="Begin with the weights of this checkpoint (a file, or a name that `restorelab info` lists) and not with random ones.",
            callback=checkpoint_file,
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="The run folder; one that was begun is gone on with.")] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seed: Annotated[int, typer.Option(help="Decides every random number.")] = 0,
    steps: Annotated[int, typer.Option(help="Updates of the weights; 0 keeps the preset's.")] = 0,
    batch: Annotated[int, typer.Option(help="Samples per update; 0 keeps the preset's.")] = 0,
    crop: Annotated[int, typer.Option(help="Side of the training crops; 0 keeps the preset's.")] = 0,
    learning_rate: Annotated[float, typer.Option(help="Peak of the schedule; 0 keeps the preset's.")] = 0.0,
    precision: Annotated[str, typer.Option(help="float32, bfloat16 or auto; empty keeps the preset's.")] = "",
    shard: Annotated[bool, typer.Option("--shard", help="Under torchrun: every process keeps a part of the weights, not all.")] = False,
) -> None:
    """Train a system by one of its presets. Stop it whenever you like, and go on with the same words and `--out`.

    On several GPUs: `torchrun --nproc_per_node=4 -m restorelab train mprnet`. The batch is that of all processes together.
    """
    from restorelab.cli import training as shell
    from restorelab.train.distributed import process_group, rank

    given = {"steps": steps, "batch": batch, "crop": crop, "learning_rate": learning_rate, "precision": precision, "shard": shard}
    if (training is None) == (course is None) or (course and (start or any(given.values()))):
        raise ParameterError("name a training, or a checkpoint to train again with --course, which takes no other parameters.")
    with process_group():
        told = Console(quiet=True) if rank() else console  # one of several processes tells
        if course:
            from restorelab.cli import again

            again.train_again(course, photos, out, device, told)
        else:
            shell.train(training, preset, out, photos, device, seed, given, told, start)


@app.command()
def evaluate(
    out: Annotated[Path, typer.Option(help="Folder for result.json, .csv, .md and the pictures; an interrupted evaluation goes on in it.")],
    model: Annotated[
        str, typer.Option(help="The system, or `input` for the pictures as they are (bicubic where they are smaller).")
    ] = "dmphn",
    data: Annotated[str, typer.Option(help="test, validation or train (the bundled photographs), or a folder of pairs.")] = "test",
    protocol: Annotated[str, typer.Option(help="How it is scored: COURSE_RGB, GoPro/HIDE, SR x2, deraining, ...")] = "COURSE_RGB",
    task: Annotated[str, typer.Option(help="Which course checkpoint, of a system that has several: deblurring, denoising, ...")] = "",
    weights: OtherWeights = None,
    set_name: Annotated[str | None, typer.Option("--set", help="The published set whose layout the folder has.")] = None,
    split: Annotated[str | None, typer.Option(help="Which split of the folder, where it has several.")] = None,
    recipe: Annotated[str | None, typer.Option(help="For bundled photographs: a recipe as JSON, or a file of it.")] = None,
    draws: Annotated[int, typer.Option(min=1, help="Draws of the recipe for every bundled photograph.")] = 1,
    metric: Annotated[
        list[str],
        typer.Option(help="A further column, repeatable: lpips (where its trunk is not on this machine: the course trunk), course, niqe."),
    ] = [],  # noqa: B006
    against: Annotated[
        list[Path],
        typer.Option(
            help="An earlier result.json to compare with (paired bootstrap); repeatable. With --metric, all of them are drawn in the "
            "plane of distortion and perception, perception_distortion_METRIC.png."
        ),
    ] = [],  # noqa: B006
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
) -> None:
    """Score a model on pairs: every picture, mean, median, worst, and what they look like. Every figure carries its protocol."""
    from restorelab.cli import judge

    asked = judge.Asked(data, protocol, set_name, split, recipe, draws, tuple(metric))
    judge.judge(model, weights, asked, out, device, against, console, task)


data_app = typer.Typer(no_args_is_help=True, help="Data sets: look them over before training on them.")
app.add_typer(data_app, name="data")


@data_app.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="A folder of pairs (input/target, blur/sharp, LR/HR, ...) or of pictures.")],
    set_name: Annotated[str | None, typer.Option("--set", help="The published set whose layout it has.")] = None,
) -> None:
    """Find the classical disasters: input equals target, misnamed files, leaks between train and test, swapped colours, ..."""
    from restorelab.cli.data import check

    if check(folder, console, set_name):
        raise typer.Exit(1)


@app.command()
def demo(
    weights: Annotated[
        list[str], typer.Option(metavar="TASK=FILE", help="Further checkpoints, such as deblur=mine.safetensors; repeatable.")
    ] = [],  # noqa: B006
    host: Annotated[
        str, typer.Option(help="Address to listen on; others than this machine need RESTORELAB_DEMO_AUTH=user:password.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port.")] = 7860,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    browser: Annotated[bool, typer.Option(help="Open a browser window.")] = True,
    folder: Annotated[Path | None, typer.Option(help="Temporary folder. It is EMPTIED at start and end.")] = None,
) -> None:
    """Serve the web demo: restore, judge, look inside."""
    from restorelab.cli import demo as web

    web.serve(weights, host, port, device, browser, folder, console)


@app.command("lab-release")
def lab_release(
    chapter: Annotated[str, typer.Argument(help="05_multi_patch_dmphn, or just 05.")],
    out: Annotated[Path, typer.Option(help="Folder to put the lab in.")] = Path("labs"),
    hidden: Annotated[Path | None, typer.Option(help="The teacher's folder of hidden tests (default: course/teacher).")] = None,
    nbgrader: Annotated[
        bool, typer.Option("--nbgrader", help="Make --out an nbgrader course instead: source with solutions, for the teacher.")
    ] = False,
) -> None:
    """Make the student version of a chapter: points, locked checks, no solution and no hidden test in it."""
    from restorelab.cli import labs

    labs.release_lab(chapter, out, hidden, nbgrader, console)


@app.command()
def grade(
    submissions: Annotated[Path, typer.Argument(help="A folder with NAME.ipynb, or NAME/ with notebooks in it.")],
    out: Annotated[Path | None, typer.Option(help="Folder for the tables and pages (default: SUBMISSIONS_graded); gone on with.")] = None,
    lab: Annotated[str | None, typer.Option(help="Only this chapter (default: whichever a notebook is).")] = None,
    hidden: Annotated[Path | None, typer.Option(help="The teacher's folder of hidden tests (default: course/teacher).")] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Submissions at a time.")] = 1,
    seconds: Annotated[int, typer.Option(min=1, help="Processor time for one exercise.")] = 10,
    memory: Annotated[float, typer.Option(min=0.1, help="Gigabytes for one exercise.")] = 1.0,
) -> None:
    """Grade a folder of submissions, each exercise in a process of its own; killed, the same words go on with it."""
    from restorelab.cli import labs

    labs.grade_folder(submissions, out, lab, hidden, jobs, (seconds, memory), console)


@app.command()
def doctor(
    bench: Annotated[bool, typer.Option("--bench", help="Measure this machine (a minute) and foretell trainings and chapters.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="With --bench: one line of JSON.")] = False,
    device: Annotated[str, typer.Option(help="With --bench: auto, cpu or cuda.")] = "auto",
) -> None:
    """Say what this machine has, and what can and cannot be done on it."""
    if bench:
        from restorelab.cli import bench as measured
        from restorelab.devices import choose_device

        measured.bench(choose_device(device), as_json, console)
        return
    from restorelab.doctor import examine

    findings = examine()
    for finding in findings:
        mark = "[green]ok[/]  " if finding.fine else "[yellow]look[/]"
        console.print(
            f"{mark} [bold]{finding.subject}[/]: {finding.value}" + (f" ({finding.advice})" if finding.advice and not finding.fine else "")
        )
    from restorelab.cli import progress as learner

    learner.brief(console)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def progress(
    forget: Annotated[bool, typer.Option("--forget", help="Say where it is kept, and delete it.")] = False,
) -> None:
    """How far you are in the course: exercises passed, predictions made, minutes left. It stays on this machine."""
    from restorelab.cli import progress as learner

    if forget:
        learner.forget(console)
    else:
        learner.whole(console)
