"""Degrade and judge: a sharp photograph, a recipe, and what every network that fits makes of it, with true scores."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
from jaxtyping import Float
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.data import photos
from restorelab.data.pairs import Pair
from restorelab.degrade import CameraShake, Degraded, Downsample, GaussianNoise, IsotropicBlur, Jpeg, Recipe, degrade
from restorelab.degrade.kernels import isotropic_kernels, pad_or_crop
from restorelab.demo.jobs import Job, Refused, Report
from restorelab.demo.offers import Offer
from restorelab.demo.parts import SHOWN, Stop, as_picture, middle
from restorelab.demo.uploads import read_upload, take_any_file
from restorelab.demo.words import Labels, say
from restorelab.demo.workshop import LEAST_STD, Workshop, shown_file, spoken, told_kernel, who
from restorelab.evaluate import as_input
from restorelab.image import to_uint8
from restorelab.metrics import COURSE_RGB, psnr, ssim
from restorelab.metrics.course_trunk import perceptual_distance
from restorelab.metrics.feature_distance import FeatureDistance
from restorelab.metrics.psnr import rmse
from restorelab.presets.preset import kernel_code
from restorelab.viz import COLOURS

SIDE = 384  # pixels of the sharp picture, at most; its middle is taken
SCALES = (1, 2, 3, 4, 16)
MOST_STEPS = 8  # of a visitor's recipe, whose time is not watched
FIRST = {"shake": 7.0, "soft": 0.0, "grain": 1.0, "quality": 100, "shrink": 1}


@dataclass(frozen=True)
class Judged:
    """One picture beside the sharp one."""

    name: str  # in the visitor's language
    plain: str  # in English, for a plot: its fonts have no Chinese
    image: Float[Tensor, "3 h w"]
    psnr: float  # dB
    ssim: float
    distance: float  # perceptual
    rmse: float  # in 0..255

    @property
    def row(self) -> list[str]:
        return [self.name, f"{self.psnr:.2f}", f"{self.ssim:.4f}", f"{self.distance:.4f}"]


def recipe_of(shake: float, soft: float, grain: float, quality: float, shrink: int) -> Recipe:
    """Of the sliders, in the order light meets the steps; a step that does nothing is left out."""
    steps = (
        (soft > 0, lambda: IsotropicBlur(max(soft, LEAST_STD))),
        (shake > 0, lambda: CameraShake(shake)),
        (shrink > 1, lambda: Downsample(int(shrink))),
        (grain > 0, lambda: GaussianNoise(grain / 255)),
        (quality < 100, lambda: Jpeg(int(quality))),
    )
    return Recipe(tuple(make() for wanted, make in steps if wanted))


def judge_all(workshop: Workshop, clean: Float[Tensor, "3 h w"], recipe: Recipe, seed: int, job: Job, report: Report,
              language: str = "en") -> tuple[list[Judged], str]:  # fmt: skip
    """-> (the sharp picture, the degraded one, then one of each network of that scale; the label of the perceptual distance).

    Raises Refused where no network enlarges as many times as the recipe shrinks.
    """
    fitting = [offer for offer in workshop.offers.values() if offer.scale == recipe.scale]
    if not fitting:
        raise Refused("nobody", scale=recipe.scale)
    height, width = (side - side % recipe.scale for side in clean.shape[-2:])
    clean = clean[:, :height, :width]
    degraded = degrade(clean, recipe, np.random.default_rng(seed))
    measure = perceptual_distance()
    start = "given" if recipe.scale == 1 else "bicubic"
    scored = [_scored(say(start, language), say(start), as_input(Pair("", degraded.image, clean, degraded.truth)), clean, measure)]
    for number, offer in enumerate(fitting):
        part = lambda share, number=number: report((number + share) / len(fitting))  # noqa: E731
        restored = workshop.restore(offer, degraded.image, job, part, told=_told(offer, degraded)).image
        scored.append(_scored(offer.title, offer.title, restored, clean, measure))
    sharp = Judged(say("sharp", language), say("sharp"), clean, math.inf, 1.0, 0.0, 0.0)
    return [sharp, *scored], measure.label


def _scored(name: str, plain: str, image: Tensor, clean: Tensor, measure: FeatureDistance) -> Judged:
    far = float(measure(image[None], clean[None])) if min(clean.shape[-2:]) >= measure.min_side else math.nan
    return Judged(name, plain, image, psnr(image, clean, COURSE_RGB), ssim(image, clean, COURSE_RGB), far, rmse(image, clean, COURSE_RGB))


def _told(offer: Offer, degraded: Degraded) -> Tensor | None:
    """The truth, as far as UDVD has words for it: one kernel for the whole picture, and Gaussian noise."""
    if offer.system != "udvd":
        return None
    size = kernel_code().size
    kernel = degraded.truth.get("kernel")
    kernel = isotropic_kernels(np.array([LEAST_STD]), size)[0] if kernel is None else pad_or_crop(kernel, size)
    return told_kernel(kernel / kernel.sum(), float(degraded.truth.get("sigma", 0.0)))


def perception_figure(judged: Sequence[Judged], trunk: str) -> Figure:
    """Perceptual distance over error (Blau and Michaeli 2018): the lower left corner is the sharp picture.

    With a legend, unlike `viz.perception_distortion`: the names of the networks are long, and their points near one another.
    """
    figure = Figure(figsize=(5.2, 3.8), layout="constrained")
    figure.get_layout_engine().set(rect=(0, 0, 1, 0.9))  # above it the page writes its label
    axis = figure.subplots()
    for number, one in enumerate(judged):
        axis.plot(one.rmse, one.distance, "o", markersize=9, color=COLOURS[number % len(COLOURS)], label=one.plain)
    axis.set(xlabel="distortion: root mean squared error, 0 to 255", ylabel=f"perceptual distance\n({trunk})")
    axis.set_xlim(left=-0.03 * max(one.rmse for one in judged) - 0.1)
    axis.grid(alpha=0.25)
    axis.legend(fontsize=8)
    return figure


def judge_tab(workshop: Workshop, labels: Labels, language: gr.Radio) -> Stop:
    """Build the tab inside of the `gr.Blocks` that is being made."""
    labels.on(gr.Markdown(say("judge_lead")), value="judge_lead")
    scales = [scale for scale in SCALES if scale in {offer.scale for offer in workshop.offers.values()}]
    with gr.Row():
        with gr.Column(scale=2, min_width=300):
            tests = [(photos.PHOTOS[name].title, name) for name in photos.names("test")]
            photo = labels.on(gr.Dropdown(tests, value=tests[0][1], label=say("photograph")), label="photograph")
            labels.on(gr.Markdown(say("picture")), value="picture")
            upload = take_any_file(gr.Image(type="filepath", format="png", show_label=False, height=180, elem_id="judge_upload"))
            first = FIRST | {"shrink": scales[0]}
            sliders = [
                gr.Slider(0, 20, first["shake"], step=0.5, label=say("shake")),
                gr.Slider(0, 3, first["soft"], step=0.1, label=say("soft")),
                gr.Slider(0, 50, first["grain"], step=0.5, label=say("grain")),
                gr.Slider(10, 100, first["quality"], step=5, label=say("quality")),
                gr.Radio(_shrinks(scales, "en"), value=scales[0], label=say("shrink")),
            ]
            for slider, key in zip(sliders, FIRST, strict=True):
                labels.on(slider, label=key, **({"choices": lambda language: _shrinks(scales, language)} if key == "shrink" else {}))
            recipe = gr.Textbox(recipe_of(**first).to_json(), lines=3, max_lines=8, max_length=4000, label=say("recipe"), elem_id="recipe")
            seed = gr.Number(0, precision=0, minimum=0, maximum=2**31, label=say("seed"))
            labels.on(recipe, label="recipe")
            labels.on(seed, label="seed")
            with gr.Row():
                go = labels.on(gr.Button(say("go_judge"), variant="primary", elem_id="go_judge"), value="go_judge")
                stop = labels.on(gr.Button(say("stop")), value="stop")
        with gr.Column(scale=3, min_width=300):
            gallery = gr.Gallery(label=say("side_by_side"), columns=2, height="auto", elem_id="side_by_side", **SHOWN)
            table = gr.Dataframe(headers=_headers("en"), label=say("scores"), interactive=False, elem_id="scores")
            said = gr.Markdown()
            plane = gr.Image(label=say("plane"), alt_text=say("plane_alt"), elem_id="plane", **SHOWN)
            for component, key in ((gallery, "side_by_side"), (table, "scores"), (plane, "plane")):
                labels.on(component, label=key)
    for slider in sliders:
        slider.input(lambda *values: recipe_of(*values).to_json(), sliders, recipe, api_visibility="private", queue=False)
    return Stop(stop, said, [_wire(workshop, go, [photo, upload, recipe, seed, language], [gallery, table, said, plane])])


def _headers(language: str) -> list[str]:
    return ["", "PSNR (dB)", "SSIM", say("distance", language)]


def _shrinks(scales: Sequence[int], language: str) -> list[tuple[str, int]]:
    return [(say("shrink_n", language, scale=scale) if scale > 1 else say("shrink_1", language), scale) for scale in scales]


def _wire(workshop: Workshop, go: gr.Button, inputs: list, outputs: list) -> gr.events.Dependency:
    @spoken
    def judge(photo: str, picture: str | None, recipe: str, seed: int, language: str, request: gr.Request, progress=gr.Progress()) -> tuple:
        """A bundled photograph, or a picture's file instead, and a recipe -> pictures, scores, what they mean, a plot."""
        steps = Recipe.from_json(recipe)
        if len(steps.steps) > MOST_STEPS:
            raise Refused("too_many_steps", most=MOST_STEPS)
        with workshop.desk.job(who(request)) as job:
            workshop.tidy()
            clean = middle(read_upload(picture, workshop.limits).pixels if picture else photos.load(photo), SIDE)
            report = lambda share: progress(share, desc=say("at_work", language))  # noqa: E731
            judged, trunk = judge_all(workshop, clean, steps, int(seed or 0), job, report, language)
        shown = [(shown_file(to_uint8(one.image)), one.name if not one.rmse else f"{one.name}: {one.psnr:.2f} dB") for one in judged]
        words = say("judged", language, protocol=COURSE_RGB, trunk=trunk)
        table = {"headers": _headers(language), "data": [one.row for one in judged[1:]]}
        return shown, table, words, shown_file(as_picture(perception_figure(judged, trunk)))

    return go.click(
        judge, inputs, outputs, api_name="judge", show_progress_on=[outputs[0]], concurrency_limit=1, concurrency_id=workshop.desk.queue
    )
