"""Formulas as MathML, which browsers draw by themselves: no script, no fonts to send, and screen readers can read them.

docutils has the converter; Sphinx asks for a renderer.
"""

import re

from docutils import nodes
from docutils.utils.math import latex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_SIZES = re.compile(r"\\[bB]igg?[lr]?(?![a-zA-Z])")  # MathML stretches brackets by itself


def setup(app: Sphinx) -> dict:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True}


def to_mathml(formula: str, display: bool = False) -> str:
    """LaTeX -> MathML. Raises docutils' MathError for what the converter does not know."""
    try:
        return latex2mathml.tex2mathml(_SIZES.sub("", formula), as_block=display)
    except AttributeError as error:  # it looks for the table that a line break or a column would belong to
        raise latex2mathml.MathError(f"cannot be shown: {formula!r}. Is there a backslash too many?") from error


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(to_mathml(node.astext()))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula" tabindex="0">{to_mathml(node.astext(), display=True)}</div>\n')
    raise nodes.SkipNode
