"""The commands and their words. Each hands its work to a module of its own, imported only when it is called."""

import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from restorelab.errors import RestorelabError

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode="markdown",
                  help="Image restoration, taught on full implementations. Start with `restorelab lab`.")  # fmt: skip
console = Console(highlight=False, soft_wrap=True)
problems = Console(stderr=True, highlight=False, soft_wrap=True)


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
    weights: Annotated[Path | None, typer.Option(help="A checkpoint (.safetensors) instead of the course checkpoint.")] = None,
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
    failed = pictures.restore_files(images, model, weights, out, device, how, overwrite, console, problems)
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
def info(source: Annotated[Path, typer.Argument(help="A checkpoint of ours, or a file the authors published.")]) -> None:
    """Say what a checkpoint is: its network, its parameters, where it comes from and what it reached."""
    from restorelab.cli import weights

    weights.describe(source, console)


@app.command()
def doctor() -> None:
    """Say what this machine has, and what can and cannot be done on it."""
    from restorelab.doctor import examine

    findings = examine()
    for finding in findings:
        mark = "[green]ok[/]  " if finding.fine else "[yellow]look[/]"
        console.print(
            f"{mark} [bold]{finding.subject}[/]: {finding.value}" + (f" ({finding.advice})" if finding.advice and not finding.fine else "")
        )
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)
