"""What every widget shares: its front end read from the files beside it, a still picture for where no kernel runs, a page of its own.

An untrusted clone, GitHub and nbconvert show no widget. They show the picture that stands in the same output.
"""

import base64
import html
import io
import json
from pathlib import Path

import anywidget
import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from restorelab.image import to_uint8
from restorelab.viz import mime

HERE = Path(__file__).parent
QUALITIES = (90, 80, 70, 60, 50)  # of photographs sent to the browser; what is judged pixel by pixel goes as PNG

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 2rem auto; max-width: 70rem; padding: 0 1rem; font: 16px/1.5 system-ui, sans-serif; background: Canvas; color: CanvasText }}
{css}
</style>
<h1>{title}</h1>
<div id="widget"></div>
<noscript><img alt="{alt}" src="data:image/png;base64,{png}"></noscript>
<script type="module">
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
const state = JSON.parse({state}, (_, value) => (value?.base64 === undefined ? value : bytes(value.base64)));
const listeners = [];
const model = {{
  get: (name) => state[name],
  set: (name, value) => {{
    state[name] = value;
    listeners.filter(([event]) => event === `change:${{name}}`).forEach(([, call]) => call());
  }},
  on: (event, call) => listeners.push([event, call]),
  off: () => {{}},
  save_changes: () => {{}},
}};
const widget = (await import("data:text/javascript;base64,{esm}")).default;
await widget.render({{ model, el: document.getElementById("widget") }});
document.body.dataset.drawn = "";  // for whoever waits for the picture
</script>
</html>
"""


def source(suffix: str, *names: str) -> str:
    """The files of these names beside this one, joined: parts first, the widget's own file last."""
    return "\n".join((HERE / f"{name}{suffix}").read_text(encoding="utf-8") for name in names)


def jpeg(image: Float[Tensor, "c h w"], most: int | None = None) -> bytes:
    """For pictures to look at: small, colour at full resolution; in at most so many bytes, if that can be done decently."""
    pixels = to_uint8(image)
    for quality in QUALITIES:
        file = _encode(pixels, "JPEG", quality=quality, subsampling=0)
        if most is None or len(file) <= most:
            break
    return file


def png(image: Float[Tensor, "c h w"]) -> bytes:
    """For pixels to count on."""
    return _encode(to_uint8(image), "PNG", compress_level=1)


def _encode(array: UInt8[np.ndarray, "h w c"], kind: str, **options) -> bytes:
    file = io.BytesIO()
    Image.fromarray(array[..., 0] if array.shape[2] == 1 else array).save(file, kind, **options)
    return file.getvalue()


class Pictured(anywidget.AnyWidget):
    """A widget that leaves a picture and a sentence in the notebook, beside the view that needs a live page."""

    def figure(self) -> Figure:
        """The still picture, which makes the widget's point by itself."""
        raise NotImplementedError

    def __repr__(self) -> str:
        """A sentence that says what the picture shows: alternative text, and stable from run to run."""
        raise NotImplementedError

    def _repr_mimebundle_(self, **kwargs: object) -> tuple[dict, dict]:
        view, metadata = super()._repr_mimebundle_(**kwargs)
        still = {"image/png": base64.b64encode(_still(self)).decode(), "text/plain": repr(self)}
        return {**view, **still}, {**metadata, "image/png": {"alt": repr(self)}}


def page(widget: Pictured, title: str) -> str:
    """The widget as one HTML file that needs no kernel, no server and no network. For widgets that live in the browser alone."""
    own = set(widget.trait_names(sync=True)) - set(anywidget.AnyWidget.class_trait_names(sync=True)) - {"_esm", "_css", "_anywidget_id"}
    state = json.dumps({name: getattr(widget, name) for name in sorted(own)}, default=_as_base64)
    return _PAGE.format(
        title=html.escape(title),
        alt=html.escape(repr(widget)),
        css=widget._css,
        png=base64.b64encode(_still(widget)).decode(),
        state=json.dumps(state).replace("<", "\\u003c"),  # no tag inside of a script
        esm=base64.b64encode(widget._esm.encode()).decode(),
    )


def _still(widget: Pictured) -> bytes:
    """The still picture as a PNG, packed tighter than matplotlib does and without its alpha."""
    drawn = mime(widget.figure(), "", lossless=True)[0]["image/png"]
    with Image.open(io.BytesIO(drawn)) as picture:
        return _encode(np.asarray(picture.convert("RGB")), "PNG", optimize=True)


def _as_base64(value: bytes) -> dict:
    return {"base64": base64.b64encode(value).decode()}
