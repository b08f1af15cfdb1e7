// What every widget uses. static.py joins these files, the widget's own last: there is no build step and nothing is fetched.

/** element("p", { class: "hint", onclick }, "text", child): attributes as in HTML, functions become listeners. */
function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function svgElement(tag, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

/** JupyterLab takes arrow keys and single letters for its own, unless the focused element itself declines. */
function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  if (node.matches("input, select, button, [tabindex]")) node.setAttribute("data-lm-suppress-shortcuts", "true");
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** The widget's outermost element. */
function rootElement(kind, label) {
  return element("section", { class: `restorelab ${kind}`, "aria-label": label });
}

let unique = 0;
function freshId(stem) {
  unique += 1;
  return `restorelab-${stem}-${unique}-${Math.random().toString(36).slice(2, 8)}`;
}

function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

/** With its sign, a minus as wide as a plus. */
function withSign(value, digits = 2) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(digits)}`;
}

/** Decimals that a slider of this step needs. */
function decimalsOf(step) {
  return Math.min(6, (String(step).split(".")[1] || "").length);
}

/** A canvas of so many picture pixels, shown `zoom` screen pixels to each of them. */
function pixelCanvas(width, height, zoom, label) {
  const canvas = element("canvas", { width, height, role: "img", "aria-label": label, class: "pixels" });
  canvas.style.width = `${width * zoom}px`;
  canvas.style.aspectRatio = `${width} / ${height}`;
  return canvas;
}

/** The bitmap of an encoded picture (JPEG or PNG bytes from Python). */
function bitmapOf(view) {
  return createImageBitmap(new Blob([view]));
}

/** A line that screen readers speak, a moment after the last change and not at every step of a drag. */
function liveLine() {
  const node = element("div", { class: "spoken", role: "status", "aria-live": "polite" });
  let timer;
  const say = (text) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      node.textContent = text;
    }, 500);
  };
  return { node, say };
}

/** Drag with mouse, pen or finger: `move(x, y)` in units of the element, 0 to 1, at press and while held. */
function draggable(node, move, done = () => {}) {
  const at = (event) => {
    const box = node.getBoundingClientRect();
    move((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height, event);
  };
  node.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    event.target.focus?.();
    node.setPointerCapture(event.pointerId);
    at(event);
  });
  node.addEventListener("pointermove", (event) => node.hasPointerCapture(event.pointerId) && at(event));
  node.addEventListener("pointerup", done);
}
