// The kernel microscope: kernels, residuals and pictures came once, as half floats; every product is worked out here.

const SHOWN = ["result", "error", "clean"];
const GAIN = 4; // of the error
const CHANNELS = { 1: ["grey"], 3: ["red", "green", "blue"] };
const MOVES = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
const FAR = 8; // pixels of an arrow key with shift

function render({ model, el }) {
  const [top, left, height, width] = model.get("_window");
  const blocks = model.get("_blocks").map((block) => dynamicBlock(block, height, width));
  const truth = trueKernels(model.get("_truth"), width);
  const clean = model.get("_clean");
  const names = CHANNELS[blocks[0].channels];
  const root = rootElement("microscope", "Kernel microscope");
  const spoken = liveLine();
  let hovered = null; // row, column within the window

  const set = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const stage = radioRow("Stage", blocks.map(({ name }) => name), (index) => set("stage", index));
  const shown = radioRow("Show", ["the result", `its error × ${GAIN}`, "the clean picture"], (index) => set("shown", SHOWN[index]));
  const colour = radioRow("Terms of", names, (index) => set("colour", index));
  const atlas = element("input", { type: "checkbox", onchange: () => set("atlas", atlas.checked) });
  const given = pictureView("given", width, height);
  const made = pictureView("made", width, height);
  const map = atlasLegend(model.get("_plane"));
  const verdict = element("p", { class: "verdict" });
  const grids = [["kernel", "kernel"], ["neighbourhood", "its neighbourhood"], ["product", "kernel × neighbourhood"]].map(
    ([name, caption]) => weightGrid(name, blocks[0].taps, caption),
  );
  const sums = sumTable(names);
  const predicted = scaledKernel("predicted", "the predicted kernel");
  const real = truth && scaledKernel("true", "the true blur at this pixel");
  const legend = weightLegend();
  shown.node.hidden = !clean.byteLength;
  colour.node.hidden = names.length === 1;
  root.append(
    element("div", { class: "choices" }, stage.node, shown.node, element("label", { class: "atlas" }, atlas, " Kernel atlas")),
    element(
      "div",
      { class: "pictures" },
      given.figure,
      made.figure,
      element("div", { class: "compared" }, predicted.node, real?.node, element("small", {}, compared(Boolean(real)))),
    ),
    map.node,
    verdict,
    colour.node,
    element("div", { class: "equation" }, grids[0].node, sign("×"), grids[1].node, sign("="), grids[2].node, sums.node),
    legend.node,
    spoken.node,
  );
  el.append(root);

  const block = () => blocks[clamp(model.get("stage"), 0, blocks.length - 1)];
  const kept = () => [clamp(model.get("at")[0] - top, 0, height - 1), clamp(model.get("at")[1] - left, 0, width - 1)];

  /** What depends on the stage and not on the pixel. */
  function showPictures() {
    const now = block();
    const overlay = model.get("atlas");
    const view = clean.byteLength ? model.get("shown") : "result";
    paint(given.canvas, width / now.scale, height / now.scale, now.given);
    given.say(`Given to ${now.name}: ${now === blocks[0] ? "the degraded picture" : `the picture of ${blocks[blocks.indexOf(now) - 1].name}`}`);
    const looks = { result: (i) => now.made(i), error: (i) => errorAt(now, i), clean: (i) => cleanAt(i) };
    paint(made.canvas, width, height, overlay ? (i) => tinted(now.atlasAt(i), looks[view](i)) : looks[view]);
    const words = { result: `Made by ${now.name}`, error: `Error of ${now.name} × ${GAIN}`, clean: "The clean picture" }[view];
    made.say(overlay ? `${words}, under the kernel atlas` : words);
    map.node.hidden = !overlay;
    map.show(now);
    legend.show(now.most);
    atlas.checked = overlay;
    stage.mark(blocks.indexOf(now));
    shown.mark(SHOWN.indexOf(view));
    showPixel();
  }

  function showPixel() {
    const now = block();
    const [row, column] = hovered ?? kept();
    const channel = clamp(model.get("colour"), 0, names.length - 1);
    const terms = now.terms(row, column);
    const numbers = kernelNumbers(terms.kernel, now.taps);
    const around = (i) => terms.neighbourhood.map((values) => 255 * clamp(values[i], 0, 1));
    const product = (i) => terms.kernel[i] * terms.neighbourhood[channel][i];
    grids[0].fill((i) => written(terms.kernel[i]), (i) => signedColour(terms.kernel[i], now.most));
    grids[0].note(`sum ${written(numbers.total)}`);
    grids[1].fill((i) => written(terms.neighbourhood[channel][i]), (i) => (names.length === 1 ? Array(3).fill(around(i)[0]) : around(i)));
    grids[1].note(names.length === 1 ? "" : `the numbers: ${names[channel]}`);
    grids[2].fill((i) => written(product(i)), (i) => signedColour(product(i), now.most));
    grids[2].note(`sum ${written(terms.sums[channel])}`);
    sums.show(terms, channel);
    showScaled(now, terms.kernel, row, column);
    colour.mark(channel);
    const unit = now.scale > 1 ? "taps (input pixels)" : "taps (pixels)";
    const place = `row ${top + row}, column ${left + column}`;
    verdict.replaceChildren(
      element("strong", {}, `${now.name}, ${place}`),
      `: the kernel sums to ${written(numbers.total)}; centre of mass ${away(numbers)}; `,
      `width ${numbers.long.toFixed(2)} by ${numbers.short.toFixed(2)} ${unit}.`,
    );
    mark(now, row, column);
    return `${now.name}, ${place}: sum ${written(numbers.total)}, value ${terms.values.map((value) => written(value)).join(", ")}`;
  }

  function showScaled(now, kernel, row, column) {
    const blur = truth?.at(row, column);
    const field = Math.max(now.taps * now.scale, truth?.side ?? 0);
    predicted.show(kernel, now.taps, now.scale, field, now.most);
    real?.show(blur, truth.side, 1, field, Math.max(...blur));
  }

  /** The pixel on the right; on the left what its kernel covers. Dashed: the one that is kept, while another is looked at. */
  function mark(now, row, column) {
    const [y, x] = [row, column].map((place) => Math.floor(place / now.scale) - (now.taps - 1) / 2);
    const side = now.taps * now.scale;
    given.mark([["seen", y * now.scale, x * now.scale, side], ["middle", now.scale * Math.floor(row / now.scale), now.scale * Math.floor(column / now.scale), now.scale]]);
    const [keptRow, keptColumn] = kept();
    made.mark([["seen", row - 2.5, column - 2.5, 6], ["middle", row, column, 1], ...(hovered ? [["kept", keptRow - 2.5, keptColumn - 2.5, 6]] : [])]);
  }

  function errorAt(now, i) {
    const [was, is] = [cleanAt(i), now.made(i)];
    return Array(3).fill((GAIN * was.reduce((sum, value, c) => sum + Math.abs(value - clamp(is[c], 0, 255)), 0)) / 3);
  }

  function cleanAt(i) {
    return [0, 1, 2].map((c) => clean.getUint8((names.length === 1 ? 0 : c) * width * height + i));
  }

  const pin = (row, column) => {
    hovered = null;
    set("at", [top + clamp(row, 0, height - 1), left + clamp(column, 0, width - 1)]);
  };
  const placeOf = (x, y) => [clamp(Math.floor(y * height), 0, height - 1), clamp(Math.floor(x * width), 0, width - 1)];
  for (const view of [given, made]) {
    draggable(view.node, (x, y) => {
      made.node.focus({ preventScroll: true }); // for the arrow keys
      pin(...placeOf(x, y));
    });
    view.node.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch" || event.buttons) return;
      const box = view.node.getBoundingClientRect();
      hovered = placeOf((event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
      showPixel();
    });
    view.node.addEventListener("pointerleave", () => {
      hovered = null;
      showPixel();
    });
  }
  made.node.addEventListener("keydown", (event) => {
    if (!(event.key in MOVES)) return;
    const far = event.shiftKey ? FAR : 1;
    pin(...kept().map((place, axis) => place + far * MOVES[event.key][axis]));
    event.preventDefault();
    event.stopPropagation();
  });

  const aloud = () => spoken.say(showPixel());
  const changes = { at: aloud, stage: showPictures, colour: showPixel, shown: showPictures, atlas: showPictures };
  Object.entries(changes).forEach(([name, call]) => model.on(`change:${name}`, call));
  showPictures();
  return () => Object.entries(changes).forEach(([name, call]) => model.off(`change:${name}`, call));
}

/** A canvas to point at, marks over it and a caption. */
function pictureView(kind, width, height) {
  const canvas = element("canvas", { class: "pixels", "aria-hidden": "true" });
  const over = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" });
  const keys = kind === "made";
  const attributes = keys ? { tabindex: 0, role: "application" } : { role: "img" };
  const node = element("div", { class: "view", style: `aspect-ratio: ${width} / ${height}`, ...attributes }, canvas, over);
  const caption = element("figcaption");
  const figure = element("figure", { class: `picture ${kind}` }, caption, node);
  const say = (text) => {
    caption.textContent = text;
    node.setAttribute("aria-label", keys ? `${text}. Arrow keys move to another pixel, with shift by ${FAR}.` : text);
  };
  const mark = (squares) => {
    const drawn = squares.flatMap(([name, y, x, side]) => ["back", "front"].map((layer) => svgElement("rect", { class: `${name} ${layer}`, x, y, width: side, height: side })));
    over.replaceChildren(...drawn);
  };
  return { figure, node, canvas, say, mark };
}

function paint(canvas, width, height, colourOf) {
  const picture = new ImageData(width, height);
  for (let i = 0; i < width * height; i += 1) picture.data.set([...colourOf(i), 255], 4 * i);
  [canvas.width, canvas.height] = [width, height];
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

/** The atlas' colour, as light as the picture is. */
function tinted(colour, under) {
  const light = under.reduce((sum, value) => sum + clamp(value, 0, 255), 0) / 765; // what is shown is cut to that
  return colour.map((value) => clamp(value * (0.45 + light), 0, 255));
}

/** The plane of colours, with what a kernel changes by along its two sides. */
function atlasLegend(bytes) {
  const side = Math.sqrt(bytes.byteLength / 3);
  const plane = element("canvas", { role: "img", "aria-label": "Colours of the kernel atlas", class: "pixels plane" });
  paint(plane, side, side, (i) => [0, 1, 2].map((c) => bytes.getUint8(3 * i + c)));
  const axes = ["to the right, yellow", "up, magenta"].map((words) => {
    const canvas = element("canvas", { class: "pixels", role: "img", "aria-label": `What changes ${words}` });
    return { canvas, node: element("figure", {}, canvas, element("figcaption", {}, words)) };
  });
  const words = element("small");
  const node = element("div", { class: "map" }, plane, ...axes.map((axis) => axis.node), words);
  const show = ({ name, axes: weights, taps, share }) => {
    const most = weights.reduce((high, weight) => Math.max(high, Math.abs(weight)), 1e-9);
    axes.forEach(({ canvas }, axis) => paint(canvas, taps, taps, (i) => signedColour(weights[axis * taps * taps + i], most)));
    words.textContent =
      `Two numbers of each kernel of ${name} as a colour: how much of these two patterns must be added to the mean kernel. ` +
      `They hold ${(100 * share).toFixed(0)} % of what differs between the kernels here. Blue and green: taken away.`;
  };
  return { node, show };
}

/** Sum + residual = value, a row for each colour. */
function sumTable(names) {
  const head = ["", "sum of the products", "+ residual", "= value"].map((text) => element("th", { scope: "col" }, text));
  const cells = names.map(() => ["sum", "residual", "value"].map((name) => element("td", { class: name })));
  const rows = names.map((name, c) => element("tr", {}, element("th", { scope: "row" }, name), ...cells[c]));
  const table = element("table", { class: "sums" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  const show = ({ sums, residuals, values }, channel) => {
    names.forEach((_, c) => {
      [sums, residuals, values].forEach((numbers, i) => {
        cells[c][i].textContent = written(numbers[c]);
      });
      rows[c].classList.toggle("here", c === channel && names.length > 1);
    });
  };
  return { node: table, show };
}

function away({ row, column }) {
  const words = [`${Math.abs(row).toFixed(2)} ${row < 0 ? "up" : "down"}`, `${Math.abs(column).toFixed(2)} ${column < 0 ? "left" : "right"}`];
  return `${words.join(", ")} of the middle`;
}

function compared(known) {
  const words = "Dot and ellipse: centre of mass and width (one standard deviation) of the weights, signs left out.";
  return known ? `Both to one scale. ${words}` : words;
}

function sign(text) {
  return element("span", { class: "sign", "aria-hidden": "true" }, text);
}

export default { render };
