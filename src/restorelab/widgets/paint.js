// A map painted over the picture: a coarse grid of numbers, each written out; the fog is thick where they are large.
// The places span the picture corner to corner, as Python spreads them; between them the numbers change evenly.

const PAINT_WIDTH = 640; // canvas pixels: twice as fine as the screen
const PAINT_EDGE = 30; // canvas pixels around the picture, as the outermost places lie on its border

/** Editor of a field that holds rows of numbers. `picture()` is the bitmap of the clean picture, or null while it is decoded. */
function mapEditor(step, control, picture, changed) {
  let brush = clamp(3, control.low, control.high);
  let [row, column] = [0, 0];
  let focused = false;
  const map = () => step[control.name];
  const canvas = element("canvas", {
    class: "paint",
    width: PAINT_WIDTH,
    height: PAINT_WIDTH,
    tabindex: 0,
    role: "application",
    "aria-label": `Map of ${control.words}. Arrow keys move over its places, space or enter paints one.`,
  });
  const spoken = liveLine();
  const size = slider({ ...control, type: "slider", name: "brush", words: "what the brush paints" }, brush, (value) => {
    brush = value;
    draw();
  });
  const fill = element("button", { type: "button", onclick: () => paintAll(() => brush) }, "Fill all");
  const ramp = element("button", { type: "button", onclick: () => paintAll(across) }, "Sharp to blurred");
  const hint = element("p", {}, `Press and drag to paint. A number is ${control.words}${control.unit ? `, in ${control.unit}` : ""}; between the numbers it changes evenly.`);
  const buttons = element("div", { class: "buttons" }, fill, ramp);
  const tools = element("div", { class: "tools" }, hint, size.node, buttons);
  const node = element("figure", { class: "direct wide" }, canvas, tools, spoken.node);

  const across = (_, at) => {
    const share = at / Math.max(1, map()[0].length - 1);
    return Number((control.low + share * (brush - control.low)).toFixed(decimalsOf(control.step)));
  };

  function paintAll(value) {
    step[control.name] = map().map((cells, y) => cells.map((_, x) => value(y, x)));
    draw();
    changed();
  }

  function paint() {
    if (map()[row][column] === brush) return;
    const painted = map().map((cells) => [...cells]);
    painted[row][column] = brush;
    step[control.name] = painted;
    draw();
    changed();
  }

  /** Where a place lies on the canvas. */
  function centre(y, x) {
    const share = (at, count) => (count > 1 ? at / (count - 1) : 0.5);
    const [inner, outer] = [canvas.width - 2 * PAINT_EDGE, canvas.height - 2 * PAINT_EDGE];
    return [PAINT_EDGE + share(x, map()[0].length) * inner, PAINT_EDGE + share(y, map().length) * outer];
  }

  function draw() {
    const backdrop = picture();
    const ratio = backdrop ? backdrop.height / backdrop.width : 0.75;
    const inner = canvas.width - 2 * PAINT_EDGE;
    canvas.height = Math.round(inner * ratio) + 2 * PAINT_EDGE;
    const pen = canvas.getContext("2d");
    const frame = [PAINT_EDGE, PAINT_EDGE, inner, canvas.height - 2 * PAINT_EDGE];
    pen.clearRect(0, 0, canvas.width, canvas.height);
    if (backdrop) pen.drawImage(backdrop, ...frame);
    drawFog(pen, frame);
    map().forEach((cells, y) => cells.forEach((value, x) => drawNumber(pen, centre(y, x), value)));
    if (focused) drawCursor(pen, centre(row, column));
  }

  /** The map as fog, one small pixel per place, enlarged so that the pixels' middles fall on the places. */
  function drawFog(pen, [left, top, wide, high]) {
    const [rows, columns] = [map().length, map()[0].length];
    const fog = new OffscreenCanvas(columns, rows);
    const pixels = new ImageData(columns, rows);
    map().flat().forEach((value, i) => pixels.data.set([215, 225, 235, 235 * clamp(value / control.high, 0, 1) ** 0.7], 4 * i));
    fog.getContext("2d").putImageData(pixels, 0, 0);
    const [x, y] = [wide / Math.max(1, columns - 1), high / Math.max(1, rows - 1)];
    pen.save();
    pen.beginPath();
    pen.rect(left, top, wide, high);
    pen.clip();
    pen.drawImage(fog, left - x / 2, top - y / 2, x * columns, y * rows);
    pen.restore();
  }

  function drawNumber(pen, [x, y], value) {
    pen.font = "600 21px system-ui, sans-serif";
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.lineWidth = 5;
    pen.strokeStyle = "rgb(0 0 0 / 0.85)";
    pen.fillStyle = "white";
    const text = value.toFixed(decimalsOf(control.step));
    pen.strokeText(text, x, y);
    pen.fillText(text, x, y);
  }

  function drawCursor(pen, [x, y]) {
    for (const [colour, width] of [["white", 8], ["black", 3]]) {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.strokeRect(x - 26, y - 20, 52, 40);
    }
  }

  function nearest(share, count, edge) {
    return clamp(Math.round(((share - edge) / (1 - 2 * edge)) * (count - 1)), 0, count - 1);
  }

  draggable(canvas, (x, y) => {
    row = nearest(y, map().length, PAINT_EDGE / canvas.height);
    column = nearest(x, map()[0].length, PAINT_EDGE / canvas.width);
    paint();
  });

  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (event.key in moves) {
      row = clamp(row + moves[event.key][0], 0, map().length - 1);
      column = clamp(column + moves[event.key][1], 0, map()[0].length - 1);
      draw();
    } else if (event.key === " " || event.key === "Enter") paint();
    else return;
    event.preventDefault();
    event.stopPropagation(); // enter would go into the cell's editor
    spoken.say(`row ${row + 1}, column ${column + 1}: ${map()[row][column].toFixed(decimalsOf(control.step))} ${control.unit}`);
  });
  canvas.addEventListener("focus", () => {
    focused = canvas.matches(":focus-visible");
    draw();
  });
  canvas.addEventListener("blur", () => {
    focused = false;
    draw();
  });

  draw();
  return { node, refresh: draw, showTruth: () => {}, set: draw };
}
