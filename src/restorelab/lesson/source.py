"""`show_source(DMPHN.forward)`: the real code, as it stands in the package."""

import html
import inspect
import sys
from pathlib import Path
from typing import Any

from restorelab.lesson.cards import Card, Code, show

# kind of token (pygments) -> class in the HTML; the longest match counts
_CLASSES = {
    "Token.Keyword": "k",
    "Token.Operator.Word": "k",
    "Token.Name.Function": "f",
    "Token.Name.Class": "f",
    "Token.Name.Decorator": "f",
    "Token.Name.Builtin": "b",
    "Token.Literal.String": "s",
    "Token.Literal.Number": "n",
    "Token.Comment": "c",
}
# JupyterLab's own colours, and where they are not known, tones that can be read on white and on black.
_STYLE = """<style>
.rl-code .k { color: var(--jp-mirror-editor-keyword-color, #1f8a4c); font-weight: 600 }
.rl-code .f { color: var(--jp-mirror-editor-def-color, #3b7ddd) }
.rl-code .b { color: var(--jp-mirror-editor-builtin-color, #1f8a8a) }
.rl-code .s { color: var(--jp-mirror-editor-string-color, #c2542d) }
.rl-code .n { color: var(--jp-mirror-editor-number-color, #1f8a8a) }
.rl-code .c { color: var(--jp-mirror-editor-comment-color, #7a7a7a); font-style: italic }
</style>"""

_NONE = "Python keeps no text of it: it belongs to a compiled library, or was not read from a file or a cell."


def show_source(obj: Any) -> None:
    """Show the source of a function, a method, a class or a module, with the file and line where it stands. Nothing is left out."""
    if isinstance(obj, property):
        obj = obj.fget
    if not (inspect.ismodule(obj) or hasattr(obj, "__qualname__")):
        obj = type(obj)  # of a model, say, the class that it was made from
    name = getattr(obj, "__qualname__", None) or obj.__name__
    try:
        lines, first = inspect.getsourcelines(obj)
    except (TypeError, OSError):
        return show(Card("quiet", "○ No source", f"`{name}`", (_NONE,)))
    code = "".join(lines).rstrip("\n")
    show(Card("calm", name, f"{_file(obj)}, line {max(first, 1)}", (Code(code, highlighted(code)),)))


def _file(obj: Any) -> str:
    """The file relative to the folder that its package lies in: restorelab/models/dmphn.py."""
    module = sys.modules.get(getattr(obj, "__module__", None) or "")
    module = module if getattr(module, "__file__", None) else inspect.getmodule(inspect.unwrap(obj))
    if not getattr(module, "__file__", None):
        return "defined in this notebook"
    depth = module.__name__.count(".") + hasattr(module, "__path__")
    path = Path(module.__file__)
    return Path(*path.parts[-1 - depth :]).as_posix()


def highlighted(code: str) -> str:
    """HTML with the parts of speech marked; without pygments, the escaped code."""
    try:
        from pygments import lex
        from pygments.lexers import PythonLexer
    except ImportError:
        return html.escape(code)
    marked = "".join(_span(str(kind), text) for kind, text in lex(code, PythonLexer(stripnl=False, ensurenl=False)))
    return f'{_STYLE}<span class="rl-code">{marked}</span>'


def _span(kind: str, text: str) -> str:
    text = html.escape(text)
    while kind and kind not in _CLASSES:
        kind = kind.rpartition(".")[0]
    return f'<span class="{_CLASSES[kind]}">{text}</span>' if kind else text
