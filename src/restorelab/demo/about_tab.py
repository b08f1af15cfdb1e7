"""About: a card for every network, from what its own file says."""

import html
import json

import gradio as gr

from restorelab.checkpoint import Checkpoint
from restorelab.demo.offers import SHORT, Offer
from restorelab.demo.words import WORDS, Labels, say, seconds
from restorelab.demo.workshop import Workshop
from restorelab.systems import WEIGHTS, system

# Figures of a result that are not distances; those of a perceptual one bear the name of what measured it.
KNOWN = {"degraded_psnr", "restored_psnr", "gain", "degraded_ssim", "restored_ssim", "steps_done", "training_seconds"}
LIMITS = {"deblur": "cannot_deblur", "denoise": "cannot_denoise", "derain": "cannot_derain", "x16": "cannot_x16"}


def card(offer: Offer, found: Checkpoint, language: str = "en") -> str:
    """One network as Markdown: data, the degradation it learnt, figures with their protocol, limits, licence."""
    manifest = found.manifest
    count = sum(one.numel() for one in found.model.parameters())
    rows = {
        "card_trained": _data(manifest, language),
        "card_learnt": _learnt(manifest, language),
        "card_reached": _reached(manifest, language),
        "cannot": say(LIMITS.get(offer.task, "cannot_sr"), language),
        "card_size": f"{count:,}",
        "card_licence": _licence(offer, manifest, language),
    }
    task = say(f"for_{offer.task}", language) if offer.scale == 1 else say("for_scale", language, scale=offer.scale)
    lines = [f"### {SHORT[offer.system]}: {task}", f"{system(offer.system).title} (`{offer.name}`)", "", "| | |", "|---|---|"]
    unknown = say("card_unknown", language)
    return "\n".join([*lines, *(f"| **{say(name, language)}** | {value or unknown} |" for name, value in rows.items())])


def _data(manifest: dict, language: str) -> str:
    """Photographs with their terms, and how long it took."""
    data, result = (manifest.get(name) if isinstance(manifest.get(name), dict) else {} for name in ("data", "result"))
    lines = []
    if "photographs" in data:
        lines.append(say("photographs", language, count=data["photographs"], terms=_cell(data.get("terms", say("card_unknown", language)))))
    if "steps_done" in result and "training_seconds" in result:
        spent = seconds(result["training_seconds"], language)
        lines.append(say("took", language, steps=f"{result['steps_done']:,}", spent=spent, device=_cell(manifest.get("device", "?"))))
    begun = _parameters(manifest).get("start")
    return "<br>".join([*lines, *([say("began", language, start=_cell(str(begun).split(",")[0]))] if begun else [])])


def _learnt(manifest: dict, language: str) -> str:
    """The degradation of its training, in words: of its recipe, or of the law by which it was told one."""
    parameters = _parameters(manifest)
    if told := parameters.get("told"):
        steps = [told["blur"], {"kind": "downsample", "scale": told["scale"]}, {"kind": "gaussian_noise", "sigma": told["sigma"]}]
    else:
        steps = json.loads(parameters["recipe"])["steps"] if parameters.get("recipe") else []
    words = "; ".join(_step(step, language) for step in steps)
    named = parameters.get("data_set")
    return say("prepared_set", language, name=_cell(named), words=words) if named else words


def _step(step: dict, language: str) -> str:
    """A step of a recipe with its amounts; one without words of its own by its name."""
    key = f"kind_{step['kind']}"
    if key not in WORDS:
        return _cell(step["kind"].replace("_", " "))
    amounts = {name: _amount(value, 255 if name == "sigma" else 1) for name, value in step.items() if name != "kind"}
    return say(key, language, **amounts)


def _amount(value: object, times: int) -> str:
    if isinstance(value, list | tuple):
        return "–".join(f"{times * one:.3g}" for one in value)
    return f"{times * value:.3g}" if isinstance(value, int | float) else str(value)


def _parameters(manifest: dict) -> dict:
    return manifest["parameters"] if isinstance(manifest.get("parameters"), dict) else {}


def _reached(manifest: dict, language: str) -> str:
    """Every set of figures with its protocol; a figure without one is not shown."""
    result = manifest.get("result")
    if not isinstance(result, dict):
        return ""
    parts = {"": result} | {name: value for name, value in result.items() if isinstance(value, dict)}
    lines = [_line(name, part, language) for name, part in parts.items() if "protocol" in part and "restored_psnr" in part]
    where = f"{say('judged_on', language)}: {_cell(result['on'])}" if "on" in result else ""
    return "<br>".join(filter(None, [*lines, where]))


def _line(name: str, part: dict, language: str) -> str:
    said = f"PSNR {part['degraded_psnr']:.2f} → {part['restored_psnr']:.2f} dB"
    if "restored_ssim" in part:
        said += f", SSIM {part['degraded_ssim']:.3f} → {part['restored_ssim']:.3f}"
    further = {key: value for key, value in part.items() if key not in KNOWN and isinstance(value, int | float)}
    said += "".join(f", {say('distance', language)} {value:.3f} [{_cell(key)}]" for key, value in further.items())
    return f"{_cell(name) + ': ' if name else ''}{said} ({_cell(part['protocol'])})"


def _licence(offer: Offer, manifest: dict, language: str) -> str:
    """What the file says; of one that ships with the kit and says nothing, what the kit says."""
    if "converted_from" in manifest:
        return _cell(", ".join(str(manifest[key]) for key in ("note", "release") if key in manifest))
    if "licence" in manifest:
        return _cell(manifest["licence"])
    return say("licence_of_kit", language) if offer.path.parent == WEIGHTS else ""


def _cell(text: object) -> str:
    return html.escape(str(text), quote=False).replace("|", "\\|").replace("\n", " ")


def about_tab(workshop: Workshop, labels: Labels, language: gr.Radio) -> None:
    """Build the tab inside of the `gr.Blocks` that is being made."""
    write = lambda language: about(workshop, language)  # noqa: E731
    labels.on(gr.Markdown(write("en"), elem_id="cards"), value=write)


def about(workshop: Workshop, language: str) -> str:
    """All cards."""
    cards = [card(offer, workshop.checkpoint(offer), language) for offer in workshop.offers.values()]
    return "\n\n".join([say("about_lead", language), f"**{say('no_evidence', language)}**", *cards])
