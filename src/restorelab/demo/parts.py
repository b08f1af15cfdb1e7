"""Small things that several tabs share."""

from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.demo.words import say
from restorelab.demo.workshop import Workshop, who
from restorelab.image import to_uint8

# Pictures to look at. gradio's own way is lossy WebP, and a button that sends them to a site.
SHOWN = {"format": "png", "interactive": False, "buttons": ["download", "fullscreen"]}

LOOKED_AT = SHOWN | {"buttons": ["fullscreen"]}  # enlarged to be seen, and not to be kept


@dataclass(frozen=True)
class Stop:
    """A tab's button to stop, where it says so, and the events that it stops."""

    button: gr.Button
    said: gr.Markdown
    jobs: list[gr.events.Dependency]


def wire_stops(stops: Sequence[Stop], workshop: Workshop, language: gr.Radio) -> None:
    """Every button stops what this page has at work and drops what it has waiting, of all tabs; without waiting in the queue itself."""

    def stop_jobs(language: str, request: gr.Request) -> str:
        workshop.desk.stop(who(request))
        return say("stopped_all", language)

    every = [job for stop in stops for job in stop.jobs]
    for stop in stops:
        stop.button.click(stop_jobs, language, stop.said, cancels=every, queue=False, show_progress="hidden", api_visibility="private")


def pixels(image: Float[Tensor, "c h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """For gradio, which takes no grey picture of one channel."""
    return to_uint8(image.expand(3, -1, -1))


def middle(image: Float[Tensor, "3 h w"], side: int) -> Float[Tensor, "3 h2 w2"]:
    """At most `side` pixels a side, from the middle."""
    height, width = image.shape[-2:]
    top, left = max(height - side, 0) // 2, max(width - side, 0) // 2
    return image[:, top : top + side, left : left + side]


def as_picture(figure: Figure) -> np.ndarray:
    """Pixels `h w 3` of a figure."""
    figure.set_dpi(160)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].copy()
