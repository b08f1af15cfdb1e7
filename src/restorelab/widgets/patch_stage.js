// The picture of the patch explorer with its cuts, and the lens that enlarges a place.

const LENS = { side: 32, zoom: 8 }; // picture pixels a side; screen pixels to each of them

/** `onLens([row, column])`: the place that the lens is moved to. */
function patchStage(height, width, zoom, onLens) {
  const canvas = pixelCanvas(width, height, zoom, "");
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" });
  const side = Math.min(LENS.side, height, width);
  const lens = element("button", { type: "button", class: "lens", "aria-label": "Lens: arrow keys move it over the picture" });
  Object.assign(lens.style, { width: `${(100 * side) / width}%`, height: `${(100 * side) / height}%` });
  const node = element("div", { class: "stage", style: `max-width: ${width * zoom}px` }, canvas, drawing, lens);
  let place = [0, 0];

  draggable(node, (x, y) => onLens([Math.round(y * height), Math.round(x * width)]));
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  lens.addEventListener("keydown", (event) => {
    if (!(event.key in moves)) return;
    event.preventDefault();
    const step = event.shiftKey ? 8 : 1;
    onLens(place.map((at, axis) => at + step * moves[event.key][axis]));
  });

  /** `lit`: the number of the patch that a level looks at; null: none is dimmed. */
  function show(image, label, { rows, columns }, lit) {
    canvas.getContext("2d").drawImage(image, 0, 0);
    canvas.setAttribute("aria-label", label);
    const [tall, wide] = [height / rows, width / columns];
    const patches = Array.from({ length: rows * columns }, (_, number) => ({ number, top: Math.floor(number / columns) * tall, left: (number % columns) * wide }));
    const box = ({ top, left }, kind) => svgElement("rect", { x: left, y: top, width: wide, height: tall, class: kind });
    const dimmed = lit === null ? [] : patches.filter(({ number }) => number !== lit).map((patch) => box(patch, "dim"));
    const edges = ["halo", "cut"].flatMap((kind) => patches.map((patch) => box(patch, kind)));
    const numbers = patches.length > 1 ? patches.map((patch) => patchNumber(patch, zoom)) : [];
    drawing.replaceChildren(...dimmed, ...edges, ...numbers);
  }

  /** The corner of what the lens shows: it stays inside the picture. */
  function corner() {
    return [clamp(Math.round(place[0] - side / 2), 0, height - side), clamp(Math.round(place[1] - side / 2), 0, width - side)];
  }

  function moveLens(to) {
    place = to;
    const [top, left] = corner();
    Object.assign(lens.style, { top: `${(100 * top) / height}%`, left: `${(100 * left) / width}%` });
  }

  return { node, show, moveLens, corner, side };
}

function patchNumber({ number, top, left }, zoom) {
  const text = svgElement("text", { x: left + 7 / zoom, y: top + 18 / zoom, "font-size": 15 / zoom });
  text.textContent = number;
  return text;
}

/** A part of a picture, enlarged; marks at its border show where the cuts run, and hide nothing. */
function lensView(side) {
  const canvas = pixelCanvas(side, side, LENS.zoom, "");
  const share = (part) => `${(100 * part) / (side + 4)}%`; // two pixels of border for the marks
  Object.assign(canvas.style, { width: share(side), margin: share(2) });
  const marks = svgElement("svg", { viewBox: `0 0 ${side + 4} ${side + 4}`, "aria-hidden": "true" });
  const node = element("div", { class: "enlarged", style: `max-width: ${(side + 4) * LENS.zoom}px` }, marks, canvas);

  function show(image, [top, left], [rows, columns], label) {
    canvas.getContext("2d").drawImage(image, -left, -top);
    canvas.setAttribute("aria-label", label);
    const inside = (cuts, start) => cuts.map((cut) => cut - start).filter((at) => at > 0 && at < side);
    const mark = (x1, y1, x2, y2) => svgElement("line", { x1, y1, x2, y2 });
    const [far, near] = [side + 4, side + 2.4];
    const across = inside(rows, top).flatMap((at) => [mark(0, at + 2, 1.6, at + 2), mark(near, at + 2, far, at + 2)]);
    const down = inside(columns, left).flatMap((at) => [mark(at + 2, 0, at + 2, 1.6), mark(at + 2, near, at + 2, far)]);
    marks.replaceChildren(...across, ...down);
  }

  return { node, show };
}
