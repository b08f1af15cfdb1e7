"""Small things that several tabs share."""

import gradio as gr
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from restorelab.demo.workshop import Workshop, who
from restorelab.image import to_uint8

# Pictures to look at. gradio's own way is lossy WebP, and a button that sends them to a site.
SHOWN = {"format": "png", "interactive": False, "buttons": ["download", "fullscreen"]}


def wire_stop(button: gr.Button, workshop: Workshop) -> None:
    """Stop this page's job; without waiting in the queue behind it."""

    def stop_job(request: gr.Request) -> None:
        workshop.desk.stop(who(request))

    button.click(stop_job, None, None, queue=False, api_visibility="private")


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
