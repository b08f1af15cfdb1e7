// Small kernels as grids of numbers in signed colours, with their centre of mass and width.

const HIGH = [179, 88, 6]; // ends of ColorBrewer's PuOr, told apart by the colour-blind
const LOW = [84, 39, 136];
const NUMBERED = 7; // taps: a wider kernel has no room for numbers

/** A weight as red, green, blue: white is 0; the root lets small weights be seen beside a large one. */
function signedColour(weight, most) {
  const end = weight > 0 ? HIGH : LOW;
  const strength = Math.sqrt(clamp(Math.abs(weight) / most, 0, 1));
  return end.map((value) => Math.round(255 + strength * (value - 255)));
}

/** Three decimals and a true minus; no minus before a zero. */
function written(value, digits = 3) {
  const text = Math.abs(value).toFixed(digits);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** A square table of side x side cells. `fill(text of cell i, colour of cell i)`. */
function weightGrid(name, side, caption) {
  const cells = Array.from({ length: side * side }, () => element("td"));
  const rows = Array.from({ length: side }, (_, row) => element("tr", {}, ...cells.slice(row * side, (row + 1) * side)));
  const table = element("table", { "aria-label": caption }, element("tbody", {}, ...rows));
  const note = element("small");
  const node = element("figure", { class: `weights ${name}`, style: `--taps: ${side}` }, element("figcaption", {}, caption), table, note);

  function fill(textOf, colourOf) {
    cells.forEach((cell, i) => {
      const colour = colourOf(i);
      cell.textContent = side > NUMBERED ? "" : textOf(i);
      cell.style.background = `rgb(${colour.join(" ")})`;
      cell.style.color = 0.3 * colour[0] + 0.59 * colour[1] + 0.11 * colour[2] < 130 ? "#fff" : "#111";
    });
  }

  return { node, fill, note: (text) => note.replaceChildren(text) };
}

/** Sum with signs; centre (taps from the middle tap) and standard deviations of the weights' absolute values. As Python's kernel_numbers. */
function kernelNumbers(kernel, side) {
  const middle = (side - 1) / 2;
  let [total, mass, row, column] = [0, 0, 0, 0];
  kernel.forEach((weight, i) => {
    const size = Math.abs(weight);
    total += weight;
    mass += size;
    row += size * (Math.floor(i / side) - middle);
    column += size * ((i % side) - middle);
  });
  if (!mass) return { total: 0, row: 0, column: 0, long: 0, short: 0, angle: 0 };
  [row, column] = [row / mass, column / mass];
  let [yy, xx, xy] = [0, 0, 0];
  kernel.forEach((weight, i) => {
    const [y, x] = [Math.floor(i / side) - middle - row, (i % side) - middle - column];
    const share = Math.abs(weight) / mass;
    yy += share * y * y;
    xx += share * x * x;
    xy += share * x * y;
  });
  const [half, apart] = [(xx + yy) / 2, Math.hypot((xx - yy) / 2, xy)];
  const [long, short] = [half + apart, half - apart].map((variance) => Math.sqrt(Math.max(variance, 0)));
  return { total, row, column, long, short, angle: (90 / Math.PI) * Math.atan2(2 * xy, xx - yy) };
}

/** Centre of mass as a dot, one standard deviation as an ellipse, in output pixels; `unit` of them are a tap, `middle` is the field's. */
function outline(numbers, middle, unit) {
  const [x, y] = [middle + unit * numbers.column, middle + unit * numbers.row];
  const ellipse = { cx: x, cy: y, rx: unit * numbers.long, ry: unit * numbers.short, transform: `rotate(${numbers.angle} ${x} ${y})` };
  return [
    svgElement("ellipse", { class: "halo", ...ellipse }),
    svgElement("ellipse", { class: "spread", ...ellipse }),
    svgElement("circle", { class: "centre", cx: x, cy: y, r: 0.3 }),
  ];
}

/** A kernel as a picture in a field of `field` output pixels, a tap being `unit` of them, so that two kernels can be compared. */
function scaledKernel(name, caption) {
  const canvas = element("canvas", { role: "img", class: "pixels" });
  const over = svgElement("svg", { "aria-hidden": "true" });
  const note = element("small");
  const frame = element("div", { class: "field" }, canvas, over);
  const node = element("figure", { class: `scaled ${name}` }, element("figcaption", {}, caption), frame, note);

  function show(kernel, side, unit, field, most) {
    const numbers = kernelNumbers(kernel, side);
    const picture = new ImageData(side, side);
    kernel.forEach((weight, i) => picture.data.set([...signedColour(weight, most), 255], 4 * i));
    [canvas.width, canvas.height] = [side, side];
    canvas.getContext("2d").putImageData(picture, 0, 0);
    canvas.style.width = `${(100 * side * unit) / field}%`;
    over.setAttribute("viewBox", `0 0 ${field} ${field}`);
    over.replaceChildren(...outline(numbers, field / 2, unit));
    const wide = `${(unit * numbers.long).toFixed(2)} × ${(unit * numbers.short).toFixed(2)} output pixels`;
    canvas.setAttribute("aria-label", `${caption}, width ${wide}`);
    note.textContent = wide;
  }

  return { node, show };
}

/** What the colours mean. */
function weightLegend() {
  const canvas = element("canvas", { width: 101, height: 1, "aria-hidden": "true" });
  const [low, high] = [element("span"), element("span")];
  const node = element("div", { class: "legend" }, "weights: ", low, canvas, high, "; white is 0");
  const show = (most) => {
    const strip = new ImageData(101, 1);
    for (let i = 0; i <= 100; i += 1) strip.data.set([...signedColour(((i - 50) / 50) * most, most), 255], 4 * i);
    canvas.getContext("2d").putImageData(strip, 0, 0);
    [low.textContent, high.textContent] = [written(-most, 2), written(most, 2)];
  };
  return { node, show };
}
