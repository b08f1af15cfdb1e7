// Make PSNR lie: pictures, maps and numbers came once; everything else happens here.

const ZOOM = 2; // screen pixels per picture pixel
const VIEWS = ["picture", "ssim", "error"];
const MEASURES = [
  { name: "psnr", title: "PSNR", digits: 2, unit: " dB", better: 1 },
  { name: "ssim", title: "SSIM", digits: 3, unit: "", better: 1 },
  { name: "lpips", title: "", digits: 4, unit: "", better: -1 },
];

async function render({ model, el }) {
  const faults = model.get("_faults");
  const [height, width] = model.get("_size");
  const ramp = model.get("_ramp");
  const root = rootElement("equal-error", "Pictures of equal error");
  const spoken = liveLine();
  const pick = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const fault = radioRow("What spoils the picture", faults.map(({ name }) => name), (index) => pick("chosen", index));
  const view = radioRow("Show on the right", ["the picture", "where SSIM is low", "squared error"], (index) => pick("view", VIEWS[index]));
  const split = splitView(width, height, ZOOM);
  const scores = MEASURES.map((measure) => scoreView({ ...measure, title: measure.title || model.get("_label") }, faults));
  const legend = legendOf(ramp);
  root.append(
    element("p", { class: "question" }, element("strong", {}, `All of these have the same PSNR${exactly(faults) ? "" : ", but for rounding"}.`), " Which would you rather have?"),
    element("div", { class: "choices" }, fault.node, view.node),
    element(
      "div",
      { class: "columns" },
      element("div", { class: "seen" }, split.node, legend.node),
      element(
        "div",
        { class: "side" },
        element("div", { class: "scores" }, ...scores.map(({ node }) => node)),
        element("small", {}, "Shown as JPEG; the numbers are of the pictures before that."),
      ),
    ),
    spoken.node,
  );
  el.append(root);

  const clean = await bitmapOf(model.get("_clean"));
  const pictures = await Promise.all(faults.map(({ picture }) => bitmapOf(picture)));
  const maps = {
    ssim: await Promise.all(faults.map(({ ssim_map: map }) => colouredMap(map, ramp))),
    error: await Promise.all(faults.map(({ error_map: map }) => colouredMap(map, ramp))),
  };

  function show() {
    const chosen = clamp(model.get("chosen"), 0, faults.length - 1);
    const seen = model.get("view");
    const { name } = faults[chosen];
    const spoiled = { image: pictures[chosen], name };
    if (seen === "picture") split.show([{ image: clean, name: "clean" }, spoiled]);
    else {
      const image = maps[seen][chosen];
      const inset = (width - image.width) / 2;
      split.show([spoiled, { image, inset, name: seen === "ssim" ? `${name}: where SSIM is low` : `${name}: squared error` }]);
    }
    legend.show(seen, model.get("_brightest"));
    fault.mark(chosen);
    view.mark(VIEWS.indexOf(seen));
    const said = scores.map((score) => score.show(chosen));
    spoken.say(`${name}. ${said.join(". ")}.`);
  }

  const changes = ["change:chosen", "change:view"];
  changes.forEach((change) => model.on(change, show));
  show();
  return () => changes.forEach((change) => model.off(change, show));
}

/** One number, large, and where it stands among those of the other faults. */
function scoreView({ name, title, digits, unit, better }, faults) {
  const values = faults.map((fault) => fault[name]);
  const words = (value) => `${value.toFixed(digits)}${unit}`;
  const number = element("strong");
  const rank = element("span");
  const note = better > 0 ? "higher is better" : "lower is better";
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const place = (value) => 8 + 144 * (better > 0 ? (value - low) / (high - low) : (high - value) / (high - low));
  const dots = values.map((value) => svgElement("circle", { cx: name === "psnr" || high === low ? 80 : place(value), cy: 8, r: 4 }));
  const line = svgElement("line", { x1: 8, x2: 152, y1: 8, y2: 8 });
  const strip = svgElement("svg", { viewBox: "0 0 160 16", "aria-hidden": "true" }, line, ...dots);
  const ends = element("div", { class: "ends", "aria-hidden": "true" }, element("span", {}, "worse"), element("span", {}, "better"));
  const node = element("div", { class: "score" }, element("h4", {}, title), number, element("div", { class: "place" }, rank, strip, ends));

  function show(chosen) {
    number.textContent = words(values[chosen]);
    rank.textContent = name === "psnr" ? `the same for all${exactly(faults) ? "" : ", but for rounding"}` : `${ranked(values, chosen, better)}; ${note}`;
    dots.forEach((dot, index) => dot.classList.toggle("here", index === chosen));
    strip.append(dots[chosen]); // on top of the others
    return `${title} ${words(values[chosen])}, ${rank.textContent}`;
  }

  return { node, show };
}

/** Rounding to 8 bits moves some faults by a fraction of a decibel. */
function exactly(faults) {
  const values = faults.map(({ psnr }) => psnr);
  return Math.max(...values) - Math.min(...values) < 0.05;
}

function ranked(values, chosen, better) {
  const place = 1 + values.filter((value) => better * value > better * values[chosen]).length;
  if (place === 1) return `best of ${values.length}`;
  return place === values.length ? `worst of ${values.length}` : `place ${place} of ${values.length}`;
}

/** What the colours of a map mean; beside the picture itself, what to do. */
function legendOf(ramp) {
  const hint = element("span");
  const bar = rampBar(300);
  const node = element("div", { class: "legend" }, hint, bar.node);
  const show = (seen, brightest) => {
    bar.node.hidden = seen === "picture";
    hint.textContent = seen === "picture" ? "Drag the edge: clean on the left, spoiled on the right." : "Bright is bad. Left of the edge, the spoiled picture itself.";
    bar.show(ramp, seen === "ssim" ? ["SSIM 1: alike", "0 or less: unlike"] : ["no error", `${brightest} times the mean, or more`]);
  };
  return { node, show };
}

export default { render };
