"""How the page looks: gradio's own theme with the fonts of the machine, and a few rules for narrow screens and the keyboard."""

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "sans-serif"]

CSS = """
.gradio-container { max-width: 1280px !important; margin: 0 auto !important }
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
#inside_result img { width: 100%; height: 100%; object-fit: contain }
@media (max-width: 640px) {
  .gradio-container { padding: .5rem !important }
  .gradio-container main { padding: .5rem !important }
  #head { display: block }
  #head > * { min-width: 0 !important; max-width: 100% }
  .gradio-container main, .gradio-container main > .column { min-width: 0 !important; max-width: 100vw !important }
  .tabs, .tab-wrapper { min-width: 0 !important; max-width: calc(100vw - 2rem) }
  .tab-container { flex-wrap: wrap; height: auto !important }
  #lead h1 { font-size: 1.35rem }
  iframe.microscope { height: 100rem }
  #cards td:first-child { width: 6rem }
}
"""


def theme() -> gr.themes.Base:
    """Without fonts from the web: nothing is fetched from anywhere but this server."""
    return gr.themes.Default(font=FONTS, font_mono=["ui-monospace", "Consolas", "monospace"])
