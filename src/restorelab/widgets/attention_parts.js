// Parts of the attention viewer: the gate over the picture with its brush, and the table of what interventions did.

/** The gate over the picture. `onPaint(row, column)` paints a cell; while `painting` is on, arrow keys move a cursor over the cells. */
function gateView(height, width, zoom, cell, ramp, onPaint) {
  const canvas = pixelCanvas(width, height, zoom, "");
  canvas.classList.add("gate");
  canvas.tabIndex = -1;
  canvas.setAttribute("data-lm-suppress-shortcuts", "true");
  const [rows, columns] = [height / cell, width / cell];
  let cursor = [Math.floor(rows / 2), Math.floor(columns / 2)];
  let painting = false;
  let last = null;

  /** `gate` over `picture` (a bitmap), colours from `low` to `high`. */
  function draw(picture, gate, low, high, opacity) {
    last = [picture, gate, low, high, opacity];
    const pen = canvas.getContext("2d");
    const layer = new ImageData(width, height);
    gate.forEach((value, i) => {
      const level = 3 * Math.round(255 * clamp((value - low) / Math.max(high - low, 1e-9), 0, 1));
      for (let c = 0; c < 3; c += 1) layer.data[4 * i + c] = ramp.getUint8(level + c);
      layer.data[4 * i + 3] = 255;
    });
    const over = new OffscreenCanvas(width, height);
    over.getContext("2d").putImageData(layer, 0, 0);
    pen.filter = "grayscale(1)"; // else the picture's colours and the gate's mix
    pen.drawImage(picture, 0, 0);
    pen.filter = "none";
    pen.globalAlpha = opacity;
    pen.drawImage(over, 0, 0);
    pen.globalAlpha = 1;
    if (painting && canvas.matches(":focus-visible")) drawCursor(pen);
  }

  function drawCursor(pen) {
    for (const [colour, inset] of [["black", 0.5], ["white", 1.5]]) {
      pen.strokeStyle = colour;
      pen.strokeRect(cursor[1] * cell + inset, cursor[0] * cell + inset, cell - 2 * inset, cell - 2 * inset);
    }
  }

  const redraw = () => last && draw(...last);
  draggable(canvas, (x, y) => {
    if (!painting) return;
    cursor = [clamp(Math.floor(y * rows), 0, rows - 1), clamp(Math.floor(x * columns), 0, columns - 1)];
    onPaint(...cursor);
  });
  const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
  canvas.addEventListener("keydown", (event) => {
    if (!painting) return;
    if (event.key in moves) {
      const [down, right] = moves[event.key];
      cursor = [clamp(cursor[0] + down, 0, rows - 1), clamp(cursor[1] + right, 0, columns - 1)];
      redraw();
    } else if (event.key === " " || event.key === "Enter") onPaint(...cursor);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  canvas.addEventListener("focus", redraw);
  canvas.addEventListener("blur", redraw);

  function label(text) {
    const how = painting ? " Arrow keys move over its cells, space or enter paints one." : "";
    canvas.setAttribute("aria-label", text + how);
  }
  function allowPainting(on) {
    painting = on;
    canvas.tabIndex = on ? 0 : -1;
    canvas.setAttribute("role", on ? "application" : "img");
    canvas.classList.toggle("painting", on);
  }
  return { node: canvas, draw, label, allowPainting };
}

/** What every intervention did to the PSNR, at each SAM and at all; bars are on one scale. */
function changeTable(names, sams) {
  const columns = [...Array.from({ length: sams }, (_, i) => `at SAM ${i + 1}`), ...(sams > 1 ? [sams === 2 ? "at both" : "at all"] : [])];
  const body = element("tbody");
  const head = element("tr", {}, element("th", { scope: "col" }, "gate"), ...columns.map((text) => element("th", { scope: "col" }, text)));
  const caption = element("caption", {}, "Change in PSNR when the gate is replaced");
  const node = element("table", {}, caption, element("thead", {}, head), body);

  /** `changes`: name -> numbers in dB, one for each column, null where not known. */
  function show(changes, chosen, sam) {
    const known = Object.values(changes).flat().filter((value) => value !== null);
    const most = Math.max(...known.map(Math.abs), 0.01);
    const rows = names.map((name) => {
      const cells = columns.map((_, i) => changeCell(changes[name][i] ?? null, most, name === chosen && i === sam - 1));
      return element("tr", {}, element("th", { scope: "row" }, name), ...cells);
    });
    body.replaceChildren(...rows);
  }
  return { node, show };
}

function changeCell(value, most, here) {
  if (value === null) return element("td", { class: here ? "here" : "" }, "–");
  const bar = element("span", { class: value < 0 ? "bar loss" : "bar win", style: `width: ${Math.round((100 * Math.abs(value)) / most)}%`, "aria-hidden": "true" });
  return element("td", { class: here ? "here" : "", "aria-current": here }, element("span", {}, signedDecibels(value)), element("span", { class: "track" }, bar));
}

function signedDecibels(value) {
  return Math.abs(value).toFixed(2) === "0.00" ? "±0.00" : withSign(value);
}
