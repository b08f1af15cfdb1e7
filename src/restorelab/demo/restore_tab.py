"""Restore: a picture in, a network and its settings, the result beside it."""

import time
from dataclasses import dataclass
from functools import partial

import gradio as gr

from restorelab.demo.examples import EXAMPLES, example_file
from restorelab.demo.offers import SHORT, TASKS, Offer
from restorelab.demo.parts import Stop
from restorelab.demo.uploads import Picture, read_upload, take_any_file
from restorelab.demo.words import Labels, amount, say, seconds
from restorelab.demo.workshop import Workshop, result_file, shown_file, spoken, told_of, who
from restorelab.image import to_uint8
from restorelab.ops.resize import resize_bicubic
from restorelab.restore import RestoredImage

TILES = (0, 128, 256, 512, 1024)
MOST_STAGES = 4


@dataclass(frozen=True)
class Controls:
    """What a restoration depends on."""

    task: gr.Radio
    system: gr.Dropdown
    stage: gr.Slider
    tile: gr.Dropdown
    blur: gr.Slider
    noise: gr.Slider

    @property
    def values(self) -> list[gr.components.Component]:
        """In the order in which `restore_picture` takes them."""
        return [self.system, self.stage, self.tile, self.blur, self.noise]


def restore_tab(workshop: Workshop, labels: Labels, language: gr.Radio) -> Stop:
    """Build the tab inside of the `gr.Blocks` that is being made."""
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            labels.on(gr.Markdown(say("picture")), value="picture")
            upload = take_any_file(gr.Image(type="filepath", format="png", show_label=False, height=300, elem_id="upload"))
            labels.on(gr.Markdown(say("examples")), value="examples")
            with gr.Row():
                buttons = [(key, labels.on(gr.Button(say(f"example_{key}"), size="sm", min_width=110), value=f"example_{key}"))
                           for key, example in EXAMPLES.items() if example.task in _tasks(workshop)]  # fmt: skip
            controls = _controls(workshop, labels)
            forecast = gr.Markdown(say("no_forecast"), elem_id="forecast")
            with gr.Row():
                go = labels.on(gr.Button(say("go_restore"), variant="primary", elem_id="go_restore"), value="go_restore")
                stop = labels.on(gr.Button(say("stop"), elem_id="stop_restore"), value="stop")
        with gr.Column(scale=3, min_width=300):
            slider = gr.ImageSlider(label=say("before_after"), format="png", type="filepath", interactive=False,
                                    elem_id="before_after", max_height=640)  # fmt: skip
            labels.on(slider, label="before_after")
            said = gr.Markdown(elem_id="said")
            download = labels.on(gr.DownloadButton(say("download"), interactive=False, elem_id="download"), label="download")
    return Stop(stop, said, _wire(workshop, controls, upload, buttons, language, (forecast, go, slider, said, download)))


def _controls(workshop: Workshop, labels: Labels) -> Controls:
    tasks = _tasks(workshop)
    offers = list(workshop.offers.values())
    first = next(offer for offer in offers if offer.task == tasks[0])
    task = gr.Radio(task_choices(workshop, "en"), value=tasks[0], label=say("task"), elem_id="task")
    # All systems are choices from the beginning: gradio refuses others, and a caller of the API has not chosen a task.
    system = gr.Dropdown([(one.title, one.name) for one in offers], value=first.name, label=say("system"), elem_id="system")
    told = first.system == "udvd"
    blur = gr.Slider(0, 3, 1.0, step=0.05, label=say("blur"), visible=told, elem_id="blur")
    noise = gr.Slider(0, 25, 0, step=0.5, label=say("noise"), visible=told, elem_id="noise")
    with gr.Accordion(say("more"), open=False) as more:
        stage = gr.Slider(0, MOST_STAGES, 0, step=1, label=say("stage"))
        tile = gr.Dropdown(_tile_choices("en"), value=0, label=say("tile"))
    labels.on(task, label="task", choices=lambda language: task_choices(workshop, language))
    for component, key in ((system, "system"), (blur, "blur"), (noise, "noise"), (more, "more"), (stage, "stage")):
        labels.on(component, label=key)
    labels.on(tile, label="tile", choices=_tile_choices)
    return Controls(task, system, stage, tile, blur, noise)


def _tasks(workshop: Workshop) -> list[str]:
    there = {offer.task for offer in workshop.offers.values()}
    return [task for task in TASKS if task in there]


def task_choices(workshop: Workshop, language: str) -> list[tuple[str, str]]:
    """Of the tasks for which there is a network."""
    return [(say(task, language), task) for task in _tasks(workshop)]


def _tile_choices(language: str) -> list[tuple[str, int]]:
    return [(say("tile_n", language, side=side) if side else say("tile_0", language), side) for side in TILES]


class Restoring:
    """What the tab's events do."""

    def __init__(self, workshop: Workshop):
        self.workshop = workshop

    @spoken
    def restore_picture(
        self, picture: str | None, system: str, stage: int, tile: int, blur: float, noise: float, language: str, request: gr.Request,
        progress=gr.Progress(),
    ) -> tuple:  # fmt: skip
        """A picture's file -> (before, after) as PNG of 8 bits, the result as PNG of 16 bits, and what was done, in words."""
        workshop = self.workshop
        offer = workshop.offer(system)
        with workshop.desk.job(who(request)) as job:
            workshop.tidy()
            given = read_upload(picture, workshop.limits, offer.scale)
            progress(0, desc=say("measuring", language))
            told = told_of(blur, noise / 255) if offer.system == "udvd" else None
            report = lambda share: progress(share, desc=say("at_work", language))  # noqa: E731
            began = time.perf_counter()
            restored = workshop.restore(offer, given.pixels, job, report, told=told, tile=int(tile) or None, stage=int(stage) or None)
            took = time.perf_counter() - began
        before = given.pixels if offer.scale == 1 else resize_bicubic(given.pixels[None], tuple(restored.image.shape[-2:]))[0]
        pair = shown_file(to_uint8(before)), shown_file(to_uint8(restored.image))
        return pair, result_file(restored.image, given.name), _words(offer, given, restored, took, language)

    @spoken
    def predict(self, picture: str | None, system: str, stage: int, tile: int, language: str, request: gr.Request) -> str:
        """What a restoration would cost, in words."""
        if not picture:
            return say("no_forecast", language)
        workshop = self.workshop
        offer = workshop.offer(system)
        with workshop.desk.job(who(request)) as job:
            given = read_upload(picture, workshop.limits, offer.scale)
            cost = workshop.cost(offer, (given.height, given.width), int(stage) or None, int(tile) or None, job)
            workshop.check_cost(cost)
        return say("forecast", language, width=given.width, height=given.height, bits=given.bits, device=workshop.device,
                   seconds=seconds(cost.seconds, language), memory=amount(cost.memory))  # fmt: skip

    def for_task(self, task: str) -> tuple:
        """The networks of a task, and what their settings allow."""
        fitting = [offer for offer in self.workshop.offers.values() if offer.task == task]
        names = [(one.title, one.name) for one in fitting]
        return gr.update(choices=names, value=fitting[0].name), *self.for_system(fitting[0].name)

    def for_system(self, system: str) -> tuple:
        """-> updates of stage, blur, noise."""
        offer = self.workshop.offer(system)
        count = self.workshop.checkpoint(offer).model.stage_count
        told = gr.update(visible=offer.system == "udvd")
        return gr.update(value=0, interactive=count > 1), told, told

    def show_example(self, key: str) -> tuple:
        """-> the picture, its task, and updates of system, stage, blur, noise."""
        example = EXAMPLES[key]
        system, stage, told, _ = self.for_task(example.task)
        return example_file(key), example.task, system, stage, told | {"value": example.blur}, told | {"value": 255 * example.noise}


def _wire(workshop: Workshop, controls: Controls, upload: gr.Image, buttons: list, language: gr.Radio, outputs: tuple) -> list:
    forecast, go, slider, said, download = outputs
    doing = Restoring(workshop)
    computing = {"concurrency_limit": 1, "concurrency_id": workshop.desk.queue}
    private = {"api_visibility": "private"}
    told = [controls.stage, controls.blur, controls.noise]
    picked = [
        button.click(partial(doing.show_example, key), None, [upload, controls.task, controls.system, *told], **private)
        for key, button in buttons
    ]
    picked.append(controls.task.input(doing.for_task, controls.task, [controls.system, *told], **private))
    controls.system.input(doing.for_system, controls.system, told, **private)
    asked = [upload, controls.system, controls.stage, controls.tile, language]
    changes = [upload.upload, upload.clear, controls.system.input, controls.stage.release, controls.tile.input, language.change]
    forecasts = [
        change(doing.predict, asked, forecast, show_progress="hidden", **computing, **private)
        for change in [*changes, *(event.then for event in picked)]
    ]
    done = go.click(doing.restore_picture, [upload, *controls.values, language], [slider, download, said], api_name="restore",
                    show_progress_on=[slider], **computing)  # fmt: skip
    done.success(lambda: gr.update(interactive=True), None, download, queue=False, **private)
    return [done, *forecasts]


def _words(offer: Offer, given: Picture, restored: RestoredImage, took: float, language: str) -> str:
    height, width = restored.image.shape[-2:]
    text = say("done", language, system=SHORT[offer.system], width=given.width, height=given.height, width_out=width, height_out=height,
               seconds=seconds(took, language), cut=f"; {restored.tiling}" if restored.tiling else "")  # fmt: skip
    return "\n\n".join([text, say("invents" if offer.task == "x16" else "blind_truth", language), *given.notes])
