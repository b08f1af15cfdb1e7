// A Gaussian blur as an ellipse with two handles: one turns and stretches the long axis, the other sets the short one.

const ELLIPSE_SIDE = 200; // screen pixels of the drawing
const ELLIPSE_REACHES = [5, 10, 20, 40, 80]; // picture pixels from its centre to its edge: the first with room for the blur
const ELLIPSE_MARGIN = 16; // screen pixels kept free for the handles

/** Editor of a step with std, ratio and angle. `limits` are the controls of the three by name. */
function ellipseEditor(step, limits, changed) {
  const half = ELLIPSE_SIDE / 2;
  const kernel = element("canvas", { class: "pixels under", "aria-hidden": "true", width: 1, height: 1 });
  const outline = svgElement("ellipse", { class: "outline" });
  const axis = svgElement("line", { class: "axis" });
  const long = handle("Long axis of the blur: left and right turn it, up and down change its length");
  const short = handle("Short axis of the blur: up and down make the ellipse rounder or flatter");
  const drawing = svgElement("svg", { viewBox: `${-half} ${-half} ${ELLIPSE_SIDE} ${ELLIPSE_SIDE}` }, axis, outline, short, long);
  const frame = element("div", { class: "ellipse" }, kernel, drawing);
  const caption = element("figcaption", {}, "grey: the kernel; ellipse: one standard deviation. Drag the round handles.");
  const node = element("figure", { class: "direct" }, frame, caption);

  let side = 1; // picture pixels of the kernel
  let zoom = 1; // screen pixels per picture pixel; held still during a drag, or the handle would run away
  const fit = () => {
    zoom = (half - ELLIPSE_MARGIN) / (ELLIPSE_REACHES.find((reach) => reach > 1.5 * step.std) ?? 1.5 * step.std);
  };

  function draw() {
    const { std, ratio, angle } = step;
    kernel.style.width = kernel.style.height = `${side * zoom}px`;
    const turn = `rotate(${-angle})`; // the picture's rows point down, the angle counts upwards
    outline.setAttribute("rx", std * zoom);
    outline.setAttribute("ry", std * ratio * zoom);
    outline.setAttribute("transform", turn);
    const radians = (angle * Math.PI) / 180;
    const [cos, sin] = [Math.cos(radians), Math.sin(radians)];
    const end = { x1: -std * zoom * cos, y1: std * zoom * sin, x2: std * zoom * cos, y2: -std * zoom * sin };
    Object.entries(end).forEach(([name, value]) => axis.setAttribute(name, value));
    place(long, end.x2, end.y2, `standard deviation ${std.toFixed(1)} pixels, ${Math.round(angle)} degrees`, angle, limits.angle);
    place(short, -std * ratio * zoom * sin, -std * ratio * zoom * cos, `ratio ${ratio.toFixed(2)}`, ratio, limits.ratio);
  }

  function set(name, value) {
    const { low, high, step: grain } = limits[name];
    const rounded = Number((Math.round(value / grain) * grain).toFixed(decimalsOf(grain)));
    step[name] = clamp(rounded, low, high);
  }

  const moved = () => {
    draw();
    changed();
  };

  dragHandle(long, (x, y) => {
    set("std", Math.hypot(x, y) / zoom);
    const degrees = (Math.atan2(-y, x) * 180) / Math.PI;
    set("angle", (degrees + 360) % 180);
    moved();
  });
  dragHandle(short, (x, y) => {
    set("ratio", Math.hypot(x, y) / zoom / step.std);
    moved();
  });

  function dragHandle(grip, move) {
    grip.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      grip.focus();
      grip.setPointerCapture(event.pointerId);
    });
    grip.addEventListener("pointermove", (event) => {
      if (!grip.hasPointerCapture(event.pointerId)) return;
      const box = drawing.getBoundingClientRect();
      const unit = ELLIPSE_SIDE / box.width;
      move((event.clientX - box.left) * unit - half, (event.clientY - box.top) * unit - half);
    });
    grip.addEventListener("pointerup", () => {
      fit();
      draw();
    });
  }

  const keys = (grip, moves) =>
    grip.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move) return;
      event.preventDefault();
      move(event.shiftKey ? 5 : 1);
      fit();
      moved();
    });
  const by = (name, sign) => (times) => set(name, step[name] + sign * times * limits[name].step);
  const turn = (sign) => (times) => set("angle", (step.angle + sign * times + 180) % 180);
  keys(long, { ArrowUp: by("std", 1), ArrowDown: by("std", -1), ArrowLeft: turn(1), ArrowRight: turn(-1) });
  keys(short, { ArrowUp: by("ratio", 1), ArrowDown: by("ratio", -1), ArrowRight: by("ratio", 1), ArrowLeft: by("ratio", -1) });

  /** The kernel as Python made it, under the ellipse at the same scale. */
  async function showTruth(facts) {
    const fact = facts.find((one) => one.name === "kernel" && one.picture);
    if (!fact) return;
    const bitmap = await bitmapOf(fact.picture);
    [kernel.width, kernel.height] = [bitmap.width, bitmap.height];
    kernel.getContext("2d").drawImage(bitmap, 0, 0);
    side = fact.side;
    draw();
  }

  const refresh = () => {
    fit();
    draw();
  };
  refresh();
  return { node, refresh, showTruth };
}

function handle(label) {
  return svgElement("circle", { class: "handle", r: 7, tabindex: 0, role: "slider", "aria-label": label });
}

function place(grip, x, y, text, value, limits) {
  grip.setAttribute("cx", x);
  grip.setAttribute("cy", y);
  grip.setAttribute("aria-valuetext", text);
  grip.setAttribute("aria-valuenow", value);
  grip.setAttribute("aria-valuemin", limits.low);
  grip.setAttribute("aria-valuemax", limits.high);
}
