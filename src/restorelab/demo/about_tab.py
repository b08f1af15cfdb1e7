"""About: a card for every network, from what its own file says."""

import html

import gradio as gr

from restorelab.checkpoint import Checkpoint
from restorelab.demo.offers import SHORT, Offer
from restorelab.demo.words import Labels, say
from restorelab.demo.workshop import Workshop
from restorelab.systems import system

FIGURES = ("degraded_psnr", "restored_psnr", "gain", "degraded_ssim", "restored_ssim")
LIMITS = {"deblur": "cannot_deblur", "denoise": "cannot_denoise", "derain": "cannot_derain", "x16": "cannot_x16"}


def card(offer: Offer, found: Checkpoint, language: str = "en") -> str:
    """One network as Markdown: data, figures with their protocol, limits, licence."""
    data = found.manifest.get("data")
    rows = {
        say("card_trained", language): _data(data) if isinstance(data, dict) else say("card_unknown", language),
        say("card_reached", language): _reached(found.manifest) or say("card_unknown", language),
        say("card_size", language): f"{sum(one.numel() for one in found.model.parameters()):,}",
        say("card_licence", language): say("licence_text", language) if _ours(found) else say("card_unknown", language),
        say("cannot", language): say(LIMITS.get(offer.task, "cannot_sr"), language),
    }
    lines = [
        f"### {SHORT[offer.system]}: {say(offer.task, language)}",
        f"{system(offer.system).title} (`{offer.name}`)",
        "",
        "| | |",
        "|---|---|",
    ]
    return "\n".join([*lines, *(f"| **{name}** | {value} |" for name, value in rows.items())])


def _ours(found: Checkpoint) -> bool:
    """A checkpoint of the course's own training says what it was trained on; one converted from a release says where it comes from."""
    return "converted_from" not in found.manifest and isinstance(found.manifest.get("data"), dict)


def _data(data: dict) -> str:
    count = f"{data['photographs']} photographs: " if "photographs" in data else ""
    return _cell(count + str(data.get("terms", "")))


def _reached(manifest: dict) -> str:
    """Every set of figures with its protocol; a figure without one is not shown."""
    result = manifest.get("result")
    if not isinstance(result, dict):
        return ""
    parts = {"": result} | {name: value for name, value in result.items() if isinstance(value, dict)}
    lines = [_line(name, part) for name, part in parts.items() if "protocol" in part and "restored_psnr" in part]
    where = f"On: {_cell(result['on'])}" if "on" in result else ""
    return "<br>".join(filter(None, [*lines, where]))


def _line(name: str, part: dict) -> str:
    said = f"PSNR {part['degraded_psnr']:.2f} → {part['restored_psnr']:.2f} dB"
    if "restored_ssim" in part:
        said += f", SSIM {part['degraded_ssim']:.3f} → {part['restored_ssim']:.3f}"
    return f"{_cell(name) + ': ' if name else ''}{said} ({_cell(part['protocol'])})"


def _cell(text: str) -> str:
    return html.escape(str(text), quote=False).replace("|", "\\|").replace("\n", " ")


def about_tab(workshop: Workshop, labels: Labels, language: gr.Radio) -> None:
    """Build the tab inside of the `gr.Blocks` that is being made."""
    write = lambda language: about(workshop, language)  # noqa: E731
    labels.on(gr.Markdown(write("en"), elem_id="cards"), value=write)


def about(workshop: Workshop, language: str) -> str:
    """All cards."""
    cards = [card(offer, workshop.checkpoint(offer), language) for offer in workshop.offers.values()]
    return "\n\n".join([say("about_lead", language), f"**{say('no_evidence', language)}**", *cards])
