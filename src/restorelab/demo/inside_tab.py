"""Look inside: what a network computed on the way to its result, and what happens when one interferes."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from restorelab.demo.examples import EXAMPLES, example_file, fitting
from restorelab.demo.jobs import Refused
from restorelab.demo.offers import Offer
from restorelab.demo.parts import LOOKED_AT, SHOWN, Stop, middle, pixels
from restorelab.demo.uploads import read_upload, take_any_file
from restorelab.demo.words import Labels, say
from restorelab.demo.workshop import Workshop, shown_file, spoken, told_of, who
from restorelab.discriminator import Discriminator
from restorelab.models.dmphn import DMPHN
from restorelab.ops.pad import pad_to_multiple
from restorelab.restore import RestoredImage
from restorelab.viz import signed
from restorelab.widgets import KernelMicroscope

SIDE = 192  # pixels of the picture looked into, at most
GAIN = 4.0  # of what was added, to be seen
LARGE = 768  # pixels along the longer side of a result to click on, at least
TOLD_BLUR, TOLD_NOISE = 1.0, 0.0  # what UDVD is told of a visitor's picture: pixels, [0, 1] units
KEPT = 900  # seconds that a session's result is kept


@dataclass(frozen=True)
class Looked:
    """What a session has looked into; it stays on the server."""

    system: str
    degraded: Float[Tensor, "3 h w"]
    restored: RestoredImage


def views(offer: Offer, model: object, restored: RestoredImage, language: str = "en") -> list[tuple[Tensor, str]]:
    """Pictures of what is in `restored.stages` and `.maps`, each with its words."""
    shown, maps = [], restored.maps
    if len(restored.stages) > 1:
        shown += [(one, say("stage_of", language, number=number)) for number, one in enumerate(restored.stages, start=1)]
    if isinstance(model, DMPHN):
        return shown + levels(model, maps["residual"], language)
    shown += [gates(one, number, language) for number, one in enumerate(maps.get("sam", ()), start=1)]
    shown += [(strength(one), say("pyramid", language, scale=2**number)) for number, one in enumerate(maps.get("pyramid", ()), start=1)]
    shown += [(strength(one), say("features", language, number=number)) for number, one in enumerate(maps.get("features", ()), start=1)]
    if offer.system == "deblurgan_v2":
        shown.append((signed(maps["residual"][0], GAIN), say("added", language)))
    return shown


def levels(model: DMPHN, residuals: Sequence[Float[Tensor, "3 h w"]], language: str = "en") -> list[tuple[Tensor, str]]:
    """What each level of the last hierarchy found, in the order of their making."""
    last = model.stacks[-1]
    shown = []
    for level in last.order:
        key = "level_last" if level == last.answer else "level"
        words = say(key, language, number=level + 1, patches=model.cfg.patches[level])
        shown.append((signed(residuals[level], GAIN), words))
    return shown


def gates(mask: Float[Tensor, "k h w"], number: int, language: str = "en") -> tuple[Float[Tensor, "1 h w"], str]:
    """Supervised attention, mean over the channels, from its lowest (black) to its highest (white), which the words say."""
    shown, low, high = _stretched(mask.mean(0, keepdim=True))
    return shown, say("mask", language, number=number, low=f"{low:.3f}", high=f"{high:.3f}")


@torch.inference_mode()
def verdict(judge: Discriminator, image: Float[Tensor, "3 h w"], language: str = "en") -> tuple[Float[Tensor, "1 h w"], str]:
    """The logit of every pixel, from the lowest (black: taken for made up) to the highest (white: photographed), which the words say."""
    height, width = image.shape[-2:]
    whole = pad_to_multiple(image[None].cpu(), (64, 64))
    shown, low, high = _stretched(judge.network(whole).decoder_map[0, :, :height, :width])
    return shown, say("verdict", language, low=f"{low:.2f}", high=f"{high:.2f}")


def _stretched(map: Float[Tensor, "1 h w"]) -> tuple[Float[Tensor, "1 h w"], float, float]:
    """Its lowest value as black and its highest as white; and these two."""
    low, high = float(map.min()), float(map.max())
    return (map - low) / max(high - low, 1e-12), low, high


def strength(features: Float[Tensor, "k h w"]) -> Float[Tensor, "1 h w"]:
    """Mean absolute value over the channels, the largest made white."""
    mean = features.abs().mean(0, keepdim=True)
    return mean / mean.max().clamp(min=1e-12)


def times_larger(image: Float[Tensor, "3 h w"]) -> int:
    """By how much a result is enlarged to be clicked on. A click is told in pixels of the picture only if that is not shown any larger."""
    return -(-LARGE // max(image.shape[-2:]))


def enlarged(image: Float[Tensor, "3 h w"]) -> UInt8[np.ndarray, "h2 w2 3"]:
    """Every pixel as a square."""
    times = times_larger(image)
    return pixels(image).repeat(times, axis=0).repeat(times, axis=1)


def microscope(looked: Looked, row: int, column: int) -> str:
    """The kernel microscope at a pixel of the result, as HTML: a page of its own within the page."""
    height, width = looked.restored.image.shape[-2:]
    row, column = min(max(row, 0), height - 1), min(max(column, 0), width - 1)
    crop_height, crop_width = min(96, height), min(96, width)
    top, left = min(max(row - 48, 0), height - crop_height), min(max(column - 48, 0), width - crop_width)
    widget = KernelMicroscope(looked.degraded, looked.restored, at=(row, column), crop=(top, left, crop_height, crop_width))
    page = html.escape(widget.to_html(), quote=True)
    return f'<iframe class="microscope" title="{html.escape(repr(widget), quote=True)}" sandbox="allow-scripts" srcdoc="{page}"></iframe>'


def inside_tab(workshop: Workshop, labels: Labels, language: gr.Radio) -> Stop:
    """Build the tab inside of the `gr.Blocks` that is being made."""
    lead = lambda language: say("inside_lead", language, side=SIDE)  # noqa: E731
    labels.on(gr.Markdown(lead("en")), value=lead)
    offers = list(workshop.offers.values())
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            system = gr.Dropdown(
                [(one.title, one.name) for one in offers], value=offers[0].name, label=say("system"), elem_id="inside_system"
            )
            labels.on(system, label="system")
            labels.on(gr.Markdown(say("picture")), value="picture")
            upload = take_any_file(gr.Image(type="filepath", format="png", show_label=False, height=220, elem_id="inside_upload"))
            with gr.Row():
                go = labels.on(gr.Button(say("go_inside"), variant="primary", elem_id="go_inside"), value="go_inside")
                stop = labels.on(gr.Button(say("stop")), value="stop")
            said = gr.Markdown(elem_id="said_inside")
            with gr.Row(visible=False) as pixel:
                row = labels.on(gr.Number(0, precision=0, minimum=0, label=say("row"), min_width=80), label="row")
                column = labels.on(gr.Number(0, precision=0, minimum=0, label=say("column"), min_width=80), label="column")
                show = labels.on(gr.Button(say("show_kernel"), elem_id="show_kernel"), value="show_kernel")
            with gr.Column(visible=False) as attention:
                gate = labels.on(gr.Slider(0, 1, 1.0, step=0.05, label=say("gate")), label="gate")
                intervene = labels.on(gr.Button(say("intervene"), elem_id="intervene"), value="intervene")
        with gr.Column(scale=3, min_width=300):
            result = labels.on(gr.Image(label=say("result"), height=420, elem_id="inside_result", **LOOKED_AT), label="result")
            maps = labels.on(
                gr.Gallery(label=say("maps"), columns=3, height="auto", object_fit="contain", elem_id="maps", **SHOWN), label="maps"
            )
    kernel = gr.HTML(elem_id="kernel")
    looked = gr.State(None, time_to_live=KEPT)
    jobs = [
        _wire_look(workshop, go, [system, upload, language], [result, maps, said, pixel, attention, kernel, looked, row, column]),
        _wire_gate(workshop, intervene, [gate, looked, language], [maps, said]),
    ]
    _wire_kernel(workshop, (result, show, row, column), looked, language, kernel)
    return Stop(stop, said, jobs)


def _wire_look(workshop: Workshop, go: gr.Button, inputs: list, outputs: list) -> gr.events.Dependency:
    @spoken
    def look(system: str, picture: str | None, language: str, request: gr.Request, progress=gr.Progress()) -> tuple:
        """Restore the middle of a picture, or of an example, and keep what the network showed on its way."""
        offer = workshop.offer(system)
        with workshop.desk.job(who(request)) as job:
            workshop.tidy()
            key = fitting(offer.task)
            path = picture or example_file(key)
            degraded = middle(read_upload(path, workshop.limits).pixels, max(SIDE // offer.scale, workshop.limits.least_side))
            blur, noise = (TOLD_BLUR, TOLD_NOISE) if picture else (EXAMPLES[key].blur, EXAMPLES[key].noise)
            told = told_of(blur, noise)
            report = lambda share: progress(share, desc=say("at_work", language))  # noqa: E731
            restored = workshop.restore(offer, degraded, job, report, told=told if offer.system == "udvd" else None, explain=True)
            judge = workshop.judge(offer)
            judged = [verdict(judge, restored.image, language)] if judge else []
        looked = Looked(offer.name, degraded, restored)
        found = [(degraded, say("given_in", language)), *views(offer, workshop.checkpoint(offer).model, restored, language), *judged]
        shown = [(shown_file(pixels(one)), words) for one, words in found]
        udvd = offer.system == "udvd"
        row, column = (side // 2 for side in restored.image.shape[-2:])
        words = say(f"see_{offer.system}", language, **({"blur": f"{blur:g}", "noise": f"{255 * noise:.3g}"} if udvd else {}))
        words += f" {say('verdict_means', language, right=f'{judge.accuracy:.0%}')}" if judge else ""
        gated = bool(restored.maps.get("sam"))
        return (shown_file(enlarged(restored.image)), shown, words, gr.update(visible=udvd), gr.update(visible=gated),
                microscope(looked, row, column) if udvd else "", looked, row, column)  # fmt: skip

    return go.click(look, inputs, outputs, api_visibility="private", show_progress_on=outputs[:1], concurrency_limit=1,
                    concurrency_id=workshop.desk.queue)  # fmt: skip


def _wire_kernel(workshop: Workshop, controls: tuple, looked: gr.State, language: gr.Radio, kernel: gr.HTML) -> None:
    result, show, row, column = controls

    @spoken
    def clicked(looked: Looked | None, language: str, event: gr.SelectData) -> tuple:
        """The filter of the pixel that was clicked."""
        if looked is None or workshop.offer(looked.system).system != "udvd":
            return gr.skip(), gr.skip(), gr.skip()
        column, row = (int(place) // times_larger(looked.restored.image) for place in event.index)
        return microscope(looked, row, column), row, column

    @spoken
    def asked(looked: Looked | None, row: int, column: int, language: str) -> str:
        """The filter of the pixel that was named."""
        if looked is None:
            raise Refused("no_picture")
        return microscope(looked, int(row or 0), int(column or 0))

    result.select(clicked, [looked, language], [kernel, row, column], api_visibility="private")
    show.click(asked, [looked, row, column, language], kernel, api_visibility="private")


def _wire_gate(workshop: Workshop, button: gr.Button, inputs: list, outputs: list) -> gr.events.Dependency:
    @spoken
    def intervene(gate: float, looked: Looked | None, language: str, request: gr.Request, progress=gr.Progress()) -> tuple:
        """The result as it was, and with every gate of the supervised attention at one value."""
        if looked is None:
            raise Refused("no_picture")
        offer = workshop.offer(looked.system)
        with workshop.desk.job(who(request)) as job:
            report = lambda share: progress(share, desc=say("at_work", language))  # noqa: E731
            changed = workshop.restore(offer, looked.degraded, job, report, sam_override=float(gate)).image
        moved = changed - looked.restored.image
        shown = [(looked.restored.image, say("result", language)), (changed, say("intervened", language, gate=gate)),
                 (signed(moved, GAIN), say("difference", language))]  # fmt: skip
        words = say("moved", language, gate=gate, moved=f"{255 * float(moved.abs().mean()):.2f}")
        return [(shown_file(pixels(one)), caption) for one, caption in shown], words

    return button.click(intervene, inputs, outputs, api_visibility="private", show_progress_on=outputs[:1], concurrency_limit=1,
                        concurrency_id=workshop.desk.queue)  # fmt: skip
