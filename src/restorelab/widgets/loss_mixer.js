// Recorded trainings: a slider per loss chooses one of them.

const PLANE = { width: 300, height: 220, margin: 16 };
const SHOWN = 256; // screen pixels, the side of a picture

async function render({ model, el }) {
  const axes = model.get("_axes");
  const judges = model.get("_judges");
  const mixtures = model.get("_mixtures");
  const others = model.get("_others");
  const names = Object.keys(others);
  const root = rootElement("mixer", "Loss mixer");
  const spoken = liveLine();
  const pick = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const [left, right] = ["made", "beside"].map((kind) => element("img", { class: kind, width: SHOWN, height: SHOWN, alt: "" }));
  const urls = {};
  for (const [key, { picture }] of Object.entries(mixtures)) urls[key] = URL.createObjectURL(new Blob([picture]));
  for (const name of names) urls[name] = URL.createObjectURL(new Blob([others[name]]));
  const [title, beside] = [element("h3"), element("h3")];
  const dials = axes.map(({ name, levels }, index) => levelSlider(name, levels, (level) => pick("chosen", model.get("chosen").with(index, level))));
  const view = radioRow("Beside it", names, (index) => pick("beside", names[index]));
  const cells = judges.map(() => [element("td"), element("td"), element("td")]);
  const table = figureTable(judges, cells);
  const plane = scatter(judges, mixtures);
  root.append(
    element("div", { class: "dials" }, ...dials.map((dial) => dial.node)),
    element("div", { class: "pair" }, element("figure", {}, title, left), element("figure", {}, beside, right, view.node)),
    element("div", { class: "pair" }, table, element("figure", {}, plane.node)),
    element("small", {}, model.get("_notes")),
    spoken.node,
  );
  el.append(root);

  function show() {
    const chosen = model.get("chosen");
    const one = mixtures[chosen.join(",")];
    const base = mixtures[axes.map(() => 0).join(",")];
    const weights = axes.map(({ name, levels }, index) => `${name} ${levels[chosen[index]]}`).join(", ");
    dials.forEach((dial, index) => dial.set(chosen[index]));
    left.src = urls[chosen.join(",")];
    left.alt = `The result of the training with ${weights}`;
    title.textContent = chosen.some(Boolean) ? weights : "pixels alone (all at 0)";
    beside.textContent = model.get("beside");
    right.src = urls[model.get("beside")];
    right.alt = `To compare with: ${model.get("beside")}`;
    view.mark(names.indexOf(model.get("beside")));
    judges.forEach(({ higher }, index) => {
      const change = one.figures[index] - base.figures[index];
      const word = Math.abs(change) < 1e-12 ? "" : change > 0 === higher ? "better" : "worse";
      cells[index][0].textContent = one.words[index];
      cells[index][1].textContent = base.words[index];
      cells[index][2].textContent = word;
      cells[index][2].className = word;
    });
    plane.mark(chosen.join(","), weights);
    spoken.say(`${weights}: ${judges.map(({ name }, index) => `${name} ${one.words[index]}, ${cells[index][2].textContent || "the same"}`).join("; ")}`);
  }

  const changes = ["change:chosen", "change:beside"];
  changes.forEach((change) => model.on(change, show));
  show();
  await Promise.all([left, right].map((picture) => picture.decode().catch(() => {})));
  return () => {
    changes.forEach((change) => model.off(change, show));
    Object.values(urls).forEach((url) => URL.revokeObjectURL(url));
  };
}

/** A slider over a few levels that have names. */
function levelSlider(name, levels, onMove) {
  const id = freshId("weight");
  const output = element("output", { for: id });
  const input = element("input", { type: "range", id, min: 0, max: levels.length - 1, step: 1, oninput: () => onMove(Number(input.value)) });
  const marks = element("div", { class: "levels", "aria-hidden": "true" }, ...levels.map((level) => element("span", {}, level)));
  const node = element("div", { class: "dial" }, element("label", { for: id }, name, " ", output), input, marks);
  const set = (level) => {
    input.value = level;
    input.setAttribute("aria-valuetext", levels[level]);
    output.textContent = levels[level];
  };
  return { node, set };
}

function figureTable(judges, cells) {
  const head = ["judge", "this mixture", "all at 0", ""].map((text) => element("th", { scope: "col" }, text));
  const lines = judges.map(({ name, higher }, index) =>
    element("tr", {}, element("th", { scope: "row" }, name, element("small", {}, higher ? " ↑" : " ↓")), ...cells[index]),
  );
  return element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...lines));
}

/** All mixtures in the plane of the first two judges; the one chosen is ringed. */
function scatter(judges, mixtures) {
  const { width, height, margin } = PLANE;
  const ends = [0, 1].map((axis) => {
    const values = Object.values(mixtures).map(({ figures }) => figures[axis]);
    return [Math.min(...values), Math.max(...values)];
  });
  const at = (figures) => {
    const [x, y] = figures.slice(0, 2).map((value, axis) => (value - ends[axis][0]) / (ends[axis][1] - ends[axis][0] || 1));
    return [margin + x * (width - 2 * margin), height - margin - y * (height - 2 * margin)];
  };
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img" });
  drawing.append(svgElement("rect", { x: 1, y: 1, width: width - 2, height: height - 2, class: "frame" }));
  for (const { figures } of Object.values(mixtures)) {
    const [cx, cy] = at(figures);
    drawing.append(svgElement("circle", { cx, cy, r: 4 }));
  }
  const ring = svgElement("circle", { r: 8, class: "ring" });
  drawing.append(ring);
  const [across, up] = judges.map(({ name, higher }, index) => `${index ? "↑" : "→"} ${name}, ${higher ? "higher" : "lower"} is better`);
  const node = element("div", {}, element("small", {}, up), drawing, element("small", {}, across));
  const mark = (key, weights) => {
    const [cx, cy] = at(mixtures[key].figures);
    ring.setAttribute("cx", cx);
    ring.setAttribute("cy", cy);
    drawing.setAttribute("aria-label", `All mixtures by ${judges[0].name} and ${judges[1].name}; ringed: ${weights}`);
  };
  return { node, mark };
}

export default { render };
