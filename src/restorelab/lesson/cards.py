"""What the lesson tools show: a card, as HTML in a notebook and as plain text everywhere else.

Colours are JupyterLab's own variables with a fallback, so that cards read well in dark and in light themes, and no colour is
the only sign of anything: each card has a mark and a word as well. Text in backticks becomes code.
"""

import html
import re
import sys
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

# tone -> the colour of the bar on the left
_TONES = {
    "good": "var(--jp-success-color1, #2e8b45)",
    "bad": "var(--jp-error-color1, #d0453a)",
    "odd": "var(--jp-warn-color1, #c77700)",
    "calm": "var(--jp-info-color1, #2f7fc1)",
    "quiet": "var(--jp-border-color0, #8a8a8a)",
}
_CARD = "border-left: 4px solid {tone}; padding: 0.1em 0.9em; margin: 0.5em 0; line-height: 1.5; max-width: 60em"
_PRE = (
    "margin: 0.4em 0; padding: 0; background: transparent; color: inherit; font-size: 0.92em; "
    "white-space: pre; max-height: 40em; overflow: auto"
)


@dataclass(frozen=True)
class Code:
    """Lines that keep their shape inside a card."""

    text: str
    html: str = ""  # highlighted already, else `text` is escaped


@dataclass(frozen=True)
class Card:
    """A heading, such as "✓ Passed", its subject, and what there is to say."""

    tone: str
    heading: str
    subject: str = ""
    body: tuple[str | Code, ...] = ()

    @property
    def text(self) -> str:
        head = f"{self.heading}: {self.subject}" if self.subject else self.heading
        return "\n".join([head, *(_indent(part.text if isinstance(part, Code) else part) for part in self.body)])

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        subject = f' &nbsp;<span style="opacity: 0.8">{rich(self.subject)}</span>' if self.subject else ""
        parts = "".join(_block(part) for part in self.body)
        style = _CARD.format(tone=_TONES[self.tone])
        return f'<div style="{style}"><div style="margin: 0.2em 0"><b>{html.escape(self.heading)}</b>{subject}</div>{parts}</div>'


@runtime_checkable
class Shown(Protocol):
    """What can be shown: a card, or anything else with a text and its HTML."""

    text: str

    def _repr_html_(self) -> str: ...


def show(card: Shown) -> None:
    """Display it where there is something to display it with, and print it elsewhere."""
    if "IPython" in sys.modules:
        from IPython import display, get_ipython

        if get_ipython() is not None:
            return display.display(card)
    try:
        print(card.text)
    except UnicodeEncodeError:  # an old Windows console
        encoding = sys.stdout.encoding or "ascii"
        print(card.text.encode(encoding, "replace").decode(encoding))


def _indent(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())


def rich(text: str) -> str:
    """The text as HTML: `code` and *emphasis* as a notebook has them, everything else as it stands."""
    return re.sub(r"`([^`]+)`|(?<![\w*])\*(?=\S)([^*`]+)(?<=\S)\*(?![\w*])", _mark, html.escape(text))


def _mark(found: re.Match) -> str:
    return f"<code>{found[1]}</code>" if found[1] else f"<em>{found[2]}</em>"


def _block(part: str | Code) -> str:
    if isinstance(part, str):
        return f'<div style="margin: 0.3em 0">{rich(part)}</div>'
    return f'<pre style="{_PRE}">{part.html or html.escape(part.text)}</pre>'
