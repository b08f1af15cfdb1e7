"""The page: one function per tab, one table of words, one workshop."""

import gradio as gr

from restorelab.demo.about_tab import about_tab
from restorelab.demo.inside_tab import inside_tab
from restorelab.demo.jobs import Limits
from restorelab.demo.judge_tab import judge_tab
from restorelab.demo.offers import Offer, offers
from restorelab.demo.parts import wire_stops
from restorelab.demo.restore_tab import restore_tab
from restorelab.demo.words import LANGUAGES, Labels, say
from restorelab.demo.workshop import Workshop, who
from restorelab.devices import choose_device

TABS = {"restore": restore_tab, "judge": judge_tab, "inside": inside_tab, "about": about_tab}
CACHE = (300, 1800)  # seconds: every so often, files older than that are deleted


def build_demo(found: dict[str, Offer] | None = None, device: str = "auto", limits: Limits = Limits()) -> gr.Blocks:
    """The whole demo as a `gr.Blocks`, not yet served: give it to `serve`, or in a notebook call `.launch(**launch_options(demo))`.

    found: what it offers, by default the course checkpoints that are there; see `offers`. Its `workshop` is an attribute of the result.
    Raises ParameterError where there is nothing to offer, or no such device.
    """
    workshop = Workshop(found or offers(), choose_device(device), limits)
    labels = Labels()

    def leave(request: gr.Request) -> None:
        workshop.desk.stop(who(request))

    with gr.Blocks(title=say("title"), analytics_enabled=False, delete_cache=CACHE) as demo:
        with gr.Row(elem_id="head"):
            labels.on(gr.Markdown(f"# {say('title')}\n{say('lead')}", elem_id="lead"), value=_head)
            language = labels.on(gr.Radio([(word, code) for code, word in LANGUAGES.items()], value="en", label=say("language"),
                                          elem_id="language", scale=0, min_width=240), label="language")  # fmt: skip
        stops = []
        with gr.Tabs(overflow_behavior="wrap"):
            for name, build in TABS.items():
                with gr.Tab(say(f"tab_{name}"), id=name) as tab:
                    labels.on(tab, label=f"tab_{name}")
                    stops.append(build(workshop, labels, language))
        wire_stops([stop for stop in stops if stop], workshop, language)
        language.change(labels.updates, language, labels.components(), api_visibility="private", queue=False, show_progress="hidden")
        demo.load(_of_browser, None, language, api_visibility="private", queue=False, show_progress="hidden")
        demo.unload(leave)
    demo.queue(max_size=limits.waiting)
    demo.workshop = workshop
    return demo


def _head(language: str) -> str:
    return f"# {say('title', language)}\n{say('lead', language)}"


def _of_browser(request: gr.Request) -> str | dict:
    """The language that the browser asks for first. English is there already: said once more, it could undo what was clicked meanwhile."""
    return "zh" if request.headers.get("accept-language", "").lower().startswith("zh") else gr.skip()
