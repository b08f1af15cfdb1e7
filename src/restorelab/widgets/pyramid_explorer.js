// The pyramid explorer: all 32 ways of switching five levels came once, as residuals; the results are put together here.

const LEVELS = [2, 4, 8, 16, 32];
const WIDEST = 512; // screen pixels that a small picture is enlarged to, by a whole number
const MAP_SIDE = 96; // screen pixels

async function render({ model, el }) {
  const [height, width] = model.get("_size");
  const zoom = clamp(Math.floor(WIDEST / width), 1, 4);
  const scores = model.get("_scores");
  const moves = model.get("_moves");
  const judged = Object.keys(scores).length > 0;
  const root = rootElement("pyramid", "Feature pyramid, level by level");
  const spoken = liveLine();
  const switchTo = (levels) => {
    model.set("levels", levels);
    model.save_changes();
  };
  const current = () => model.get("levels");
  const cards = LEVELS.map((level) => levelCard(level, height, width, () => switchTo(switched(current(), level))));
  const split = splitView(width, height, zoom);
  const residual = pixelCanvas(width, height, zoom, "");
  const [number, change] = [element("strong"), element("span")];
  const bar = rampBar(width * zoom);
  const rest = model.get("_end");
  const all = element("button", { type: "button", onclick: () => switchTo(LEVELS) }, "All on");
  const none = element("button", { type: "button", onclick: () => switchTo([]) }, "All off");
  root.append(
    element("h4", {}, "What the decoder gets at each scale: press a level to switch it off or on"),
    element("div", { class: "cards", role: "group", "aria-label": "Levels of the pyramid" }, ...cards.map(({ node }) => node)),
    element("div", { class: "verdict standing" }, number, change, all, none),
    element(
      "div",
      { class: "pair" },
      element("figure", {}, element("h4", {}, "Input, and result"), split.node),
      element("figure", {}, element("h4", {}, "What was added to the input"), residual, bar.node),
    ),
    element("small", {}, notes(model.get("_protocol"))),
    spoken.node,
  );
  el.append(root);

  const degraded = pixelsOf(await bitmapOf(model.get("_degraded")));
  const keys = Object.keys(model.get("_residuals"));
  const added = Object.fromEntries(await Promise.all(keys.map(async (key) => [key, await bitmapOf(model.get("_residuals")[key])])));
  const names = Object.keys(model.get("_maps"));
  const ramp = model.get("_ramp");
  const maps = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await colouredMap(model.get("_maps")[name], ramp)])));
  bar.show(greys(), [`−${(255 * rest).toFixed(0)}: darker`, "0", `+${(255 * rest).toFixed(0)} of 255: brighter`]);

  function show() {
    const on = current();
    const key = on.join(",");
    const words = on.length === LEVELS.length ? "all levels" : on.length ? on.map((level) => `1/${level}`).join(", ") : "no level";
    residual.getContext("2d").drawImage(added[key], 0, 0);
    residual.setAttribute("aria-label", `What ${words} added to the input; mid-grey is nothing`);
    split.show([{ image: degraded.canvas, name: "input" }, { image: summed(degraded, added[key], rest), name: `result, ${words}` }]);
    cards.forEach((card, index) => {
      const level = LEVELS[index];
      const known = on.filter((other) => (level === 2 ? other === 2 : other >= level));
      const other = switched(on, level).join(",");
      const worth = judged ? (scores[other] - scores[key]) : moves[key][level];
      card.show(maps[`${level}: ${known.join(",")}`], on.includes(level), effect(on.includes(level), worth, judged));
    });
    number.textContent = judged ? `${scores[key].toFixed(2)} dB` : words;
    change.textContent = judged ? `with ${words}${key === LEVELS.join(",") ? "" : `; with all ${scores[LEVELS.join(",")].toFixed(2)} dB`}` : "";
    spoken.say(`${words}. ${judged ? number.textContent : ""}`);
  }

  model.on("change:levels", show);
  show();
  return () => model.off("change:levels", show);
}

function notes(protocol) {
  const worth = protocol
    ? `Under each level, what pressing it does to the PSNR (${protocol}).`
    : "Under each level, how far pressing it moves the result: root mean square, in grey levels of 255.";
  return `${worth} Maps: mean absolute activation, each scaled to its largest value. Residual and result are shown by way of JPEG; the numbers are not.`;
}

/** A map and its switch in one. */
function levelCard(level, height, width, onPress) {
  const canvas = element("canvas", { class: "pixels", "aria-hidden": "true", width: 1, height: 1 });
  const shown = MAP_SIDE / Math.max(height, width);
  Object.assign(canvas.style, { width: `${width * shown}px`, height: `${height * shown}px` });
  const state = element("span");
  const worth = element("small");
  const size = element("small", {}, `${Math.ceil(height / level)}×${Math.ceil(width / level)}`);
  const node = element("button", { type: "button", class: "card level", onclick: onPress }, element("strong", {}, `1/${level}`), size, canvas, state, worth);

  function show(map, on, words) {
    [canvas.width, canvas.height] = [map.width, map.height];
    canvas.getContext("2d").drawImage(map, 0, 0);
    node.setAttribute("aria-pressed", on);
    node.setAttribute("aria-label", `Level at 1 to ${level}, ${on ? "on" : "off"}. Pressing turns it ${words}`);
    state.textContent = on ? "on" : "off";
    worth.textContent = words;
  }

  return { node, show };
}

export default { render };
