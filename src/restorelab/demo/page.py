"""How the page looks: gradio's own theme with the fonts of the machine, and a few rules for narrow screens and the keyboard."""

import gradio as gr

FONTS = ["system-ui", "-apple-system", "Segoe UI", "Noto Sans", "Noto Sans CJK SC", "sans-serif"]

CSS = """
/* As wide as there is room, and not as its words: or the page jumps with the language. */
.gradio-container { width: 100%; max-width: min(1280px, 100vw) !important; margin: 0 auto !important }
.main { width: 100%; min-width: 0 !important; max-width: 100%; padding: 1rem min(2rem, 2vw) !important }
#head { align-items: flex-end }
#lead h1 { margin: 0 0 .25rem }
#said, #forecast { min-height: 1.5rem }
:is(button, [role="tab"], [role="slider"], input, select, textarea, a):focus-visible {
  outline: 3px solid #e69f00 !important; outline-offset: 2px
}
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

# gradio's slider of before and after knows mouse and finger alone. So that Tab reaches it and arrows move it, a key becomes a short drag.
SLIDER_KEYS = """<script>
(() => {
  const slider = "#before_after [data-testid=slider]";
  const steps = { ArrowLeft: -0.02, ArrowRight: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 };
  const place = (handle) => new DOMMatrix(getComputedStyle(handle).transform).m41 / handle.parentElement.clientWidth;
  const tell = (handle) => handle.setAttribute("aria-valuenow", Math.round(100 * place(handle)));
  const dress = () => document.querySelectorAll(`${slider}:not([tabindex])`).forEach((handle) => {
    const said = { tabindex: 0, role: "slider", "aria-valuemin": 0, "aria-valuemax": 100, "aria-orientation": "horizontal" };
    Object.entries(said).forEach(([name, value]) => handle.setAttribute(name, value));
    tell(handle);
  });
  const named = (handle) => handle.setAttribute("aria-label", handle.closest("#before_after").querySelector("label").innerText.trim());
  new MutationObserver(dress).observe(document, { childList: true, subtree: true });
  document.addEventListener("focusin", ({ target }) => target.matches?.(slider) && (named(target), tell(target)));
  document.addEventListener("keydown", (event) => {
    const step = steps[event.key], handle = event.target;
    if (step === undefined || !handle.matches?.(slider)) return;
    event.preventDefault();
    const frame = handle.parentElement, share = Math.min(Math.max(place(handle) + step, 0), 1);
    const box = frame.getBoundingClientRect(), at = { view: window, bubbles: true, clientY: box.top + box.height / 2 };
    at.clientX = box.left + frame.clientLeft + share * frame.clientWidth;
    handle.dispatchEvent(new MouseEvent("mousedown", at));
    window.dispatchEvent(new MouseEvent("mouseup", at));
    requestAnimationFrame(() => tell(handle));
  });
})();
</script>"""


def theme() -> gr.themes.Base:
    """Without fonts from the web: nothing is fetched from anywhere but this server."""
    return gr.themes.Default(font=FONTS, font_mono=["ui-monospace", "Consolas", "monospace"])
