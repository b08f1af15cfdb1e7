// The pictures of the playground: clean against degraded behind a movable edge, a loupe, and the truth.

const LOUPE_ZOOM = 3; // screen pixels per picture pixel

/** The picture with its edge, and the loupe. `moveLoupe(row, column)` asks Python for other pixels. */
function pictureView(model, moveLoupe) {
  const canvas = element("canvas", { class: "pixels", role: "img", "aria-label": "Left of the edge the clean picture, right of it the degraded one" });
  const lens = element("button", { type: "button", class: "lens", "aria-label": "Loupe: arrow keys move it over the picture" });
  const tags = [tag("clean", "left"), tag("degraded", "right")];
  const stage = element("div", { class: "stage" }, canvas, lens, ...tags);
  const edge = element("input", { type: "range", min: 0, max: 100, step: 1, value: 50, class: "edge", "aria-label": "Edge between clean and degraded" });
  const spread = (text) => element("span", { "aria-hidden": "true" }, text);
  const legend = element("div", { class: "legend" }, spread("◂ all degraded"), spread("move the edge"), spread("all clean ▸"));
  const loupes = ["clean", "degraded"].map((name) => {
    const canvas = pixelCanvas(1, 1, LOUPE_ZOOM, `${name}, a part of it enlarged ${LOUPE_ZOOM} times`);
    return { name, canvas, node: element("figure", {}, canvas, element("figcaption", {}, `${name}, ${LOUPE_ZOOM}×`)) };
  });
  const close = element("div", { class: "loupes" }, ...loupes.map((loupe) => loupe.node));
  const node = element("div", { class: "pictures" }, stage, edge, legend);
  const shown = { clean: null, degraded: null };
  edge.addEventListener("input", draw);

  async function load(name, trait) {
    const view = model.get(trait);
    if (!view?.byteLength) return;
    const bitmap = await bitmapOf(view);
    if (model.get(trait) !== view) return; // a newer one is on its way
    shown[name] = bitmap;
    draw();
  }

  function draw() {
    const { clean, degraded } = shown;
    if (!clean) return;
    [canvas.width, canvas.height] = [clean.width, clean.height];
    stage.style.maxWidth = edge.style.maxWidth = legend.style.maxWidth = `${clean.width}px`;
    const pen = canvas.getContext("2d");
    pen.drawImage(clean, 0, 0);
    const at = Math.round((Number(edge.value) / 100) * clean.width);
    tags[0].hidden = at < clean.width / 5;
    tags[1].hidden = at > (4 * clean.width) / 5;
    edge.setAttribute("aria-valuetext", `${edge.value} percent clean`);
    if (degraded && at < degraded.width) {
      const wide = degraded.width - at;
      pen.drawImage(degraded, at, 0, wide, degraded.height, at, 0, wide, degraded.height);
    }
    if (at > 0 && at < clean.width) {
      pen.fillStyle = "black";
      pen.fillRect(at - 1, 0, 3, clean.height);
      pen.fillStyle = "white";
      pen.fillRect(at, 0, 1, clean.height);
    }
    placeLens();
  }

  function placeLens() {
    const { at, side } = model.get("_loupe");
    const [height, width] = model.get("_answer").size;
    const share = (part, whole) => `${(100 * part) / whole}%`;
    Object.assign(lens.style, {
      top: share(at[0], height),
      left: share(at[1], width),
      width: share(Math.min(side, width), width),
      height: share(Math.min(side, height), height),
    });
  }

  async function loadLoupes() {
    const now = model.get("_loupe");
    for (const { name, canvas } of loupes) {
      const bitmap = await bitmapOf(now[name]);
      if (model.get("_loupe") !== now) return;
      [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
      canvas.style.width = `${bitmap.width * LOUPE_ZOOM}px`;
      canvas.style.aspectRatio = `${bitmap.width} / ${bitmap.height}`;
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
    }
    placeLens();
  }

  draggable(stage, (x, y) => {
    const [height, width] = model.get("_answer").size;
    const { side } = model.get("_loupe");
    moveLoupe(y * height - side / 2, x * width - side / 2);
  });
  const moves = { ArrowUp: [-8, 0], ArrowDown: [8, 0], ArrowLeft: [0, -8], ArrowRight: [0, 8] };
  lens.addEventListener("keydown", (event) => {
    const by = moves[event.key];
    if (!by) return;
    event.preventDefault();
    const { at } = model.get("_loupe");
    moveLoupe(at[0] + by[0], at[1] + by[1]);
  });

  return { node, close, load, loadLoupes, shown };
}

function tag(text, side) {
  return element("span", { class: `tag ${side}`, "aria-hidden": "true" }, text);
}

/** What was done, as Python reports it: pictures for kernels and maps, lines of text for numbers. Paths are drawn in their step. */
function truthView() {
  const tiles = element("div", { class: "tiles" });
  const numbers = element("ul");
  const node = element("div", { class: "truth" }, element("h4", {}, "The truth: what was done"), tiles, numbers);

  async function show(facts) {
    const drawn = facts.filter((fact) => fact.picture).map(factTile);
    const written = facts.filter((fact) => !fact.picture && !fact.path);
    tiles.replaceChildren(...drawn.map((tile) => tile.node));
    numbers.replaceChildren(...written.map((fact) => element("li", {}, element("code", {}, fact.key), ` ${fact.text} (step ${fact.step + 1})`)));
    node.hidden = drawn.length + written.length === 0;
    await Promise.all(drawn.map((tile) => tile.draw()));
  }

  return { node, show };
}

const FACT_SIDE = 96; // screen pixels of a kernel or map

function factTile(fact) {
  const label = `${fact.key} of step ${fact.step + 1}: ${fact.text}`;
  const canvas = element("canvas", { class: "pixels", width: 1, height: 1, role: "img", "aria-label": label });
  const caption = element("figcaption", {}, element("code", {}, fact.key), ` (step ${fact.step + 1})`, element("br"), fact.text);
  const draw = async () => {
    const bitmap = await bitmapOf(fact.picture);
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    const zoom = FACT_SIDE / Math.max(bitmap.width, bitmap.height);
    canvas.style.width = `${bitmap.width * zoom}px`;
    canvas.style.height = `${bitmap.height * zoom}px`;
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  };
  return { node: element("figure", {}, canvas, caption), draw };
}
