"""Sphinx's settings for the slides: reveal.js presentations that ask nothing of any network."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "restorelab"
author = copyright = "The restorelab authors"
language = "en"

extensions = ["myst_parser", "sphinx_revealjs", "mathml"]
myst_enable_extensions = ["dollarmath"]
html_math_renderer = "mathml"

revealjs_html_theme = "revealjs-simple"
revealjs_style_theme = "white"
revealjs_static_path = ["static"]
revealjs_css_files = ["slides.css"]
revealjs_script_conf = {
    **{"width": 1280, "height": 720, "margin": 0.04, "center": False, "display": "flex"},  # a slide is a column: slides.css
    **{"hash": True, "slideNumber": "c/t", "transition": "none"},
}
revealjs_script_plugins = [{"name": "RevealNotes", "src": "revealjs/plugin/notes/notes.js"}]
