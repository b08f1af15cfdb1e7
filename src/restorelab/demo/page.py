"""How the page looks: gradio's own theme with the fonts of the machine, and a few rules for narrow screens and the keyboard."""

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "sans-serif"]

CSS = """
.gradio-container { max-width: min(1280px, 100vw) !important; margin: 0 auto !important }
.main { min-width: 0 !important; max-width: 100%; padding: 1rem min(2rem, 2vw) !important }
#head { align-items: flex-end }
#lead h1 { margin: 0 0 .25rem }
#said, #forecast { min-height: 1.5rem }
:is(button, [role="tab"], input, select, textarea, a):focus-visible { outline: 3px solid #e69f00 !important; outline-offset: 2px }
iframe.microscope { width: 100%; height: 66rem; border: 0; border-radius: 8px }
#cards table { width: 100%; table-layout: fixed }
#cards thead { display: none }
#cards td:first-child { width: 10rem }
#language .wrap { flex-wrap: nowrap }
#language label { white-space: nowrap }
#maps .grid-wrap, #side_by_side .grid-wrap { min-height: 0; max-height: none; overflow: visible; padding-top: 2.25rem }
#maps .caption-label, #side_by_side .caption-label { white-space: normal; max-width: calc(100% - .75rem) }
@media (max-width: 640px) {
  #head { display: block }
  #head > *, #language { min-width: 0 !important; max-width: 100%; flex-grow: 1 !important }
  .tabs, .tab-wrapper { min-width: 0 !important; max-width: calc(100vw - 2rem) }
  #scores { max-width: 100%; overflow-x: auto }
  #lead h1 { font-size: 1.35rem }
  iframe.microscope { height: 100rem }
  #cards td:first-child { width: 6rem }
}
"""


def theme() -> gr.themes.Base:
    """Without fonts from the web: nothing is fetched from anywhere but this server."""
    return gr.themes.Default(font=FONTS, font_mono=["ui-monospace", "Consolas", "monospace"])
