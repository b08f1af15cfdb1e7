"""Sphinx's settings. No script, font or style comes from elsewhere, so the site opens from a USB stick."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

project = "restorelab"
author = copyright = "The restorelab authors"
language = "en"

extensions = ["myst_nb", "mathml"]
exclude_patterns = ["extra"]
nb_execution_mode = "off"  # the notebooks in the repository are executed, and tested
nb_ipywidgets_js = {}  # widgets are pages of their own (bake.py), without a manager
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
html_math_renderer = "mathml"

html_theme = "sphinx_book_theme"
html_title = "restorelab"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_js_files = ["site.js"]
html_extra_path = ["extra"]  # pictures, widgets, notebooks to download
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would fetch the pages, which browsers refuse from file://
html_context = {"default_mode": "auto"}  # light or dark, as the reader's system is; a switch in the header
html_theme_options = {
    "navbar_persistent": [],  # the search stands in the sidebar already
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_source_button": False,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
