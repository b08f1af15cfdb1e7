// Coarse to fine: pictures, error maps and numbers came once; a slider goes through them.

const VIEWS = ["signed", "absolute", "clean"];
const WIDEST = 520; // screen pixels that a small picture is enlarged to, by a whole number

async function render({ model, el }) {
  const stages = model.get("_stages");
  const [height, width] = model.get("_size");
  const zoom = clamp(Math.floor(WIDEST / width), 1, 4);
  const ramps = model.get("_ramps");
  const judged = Boolean(ramps.signed);
  const end = model.get("_end").toFixed(0);
  const root = rootElement("stages", "Stages, coarse to fine");
  const spoken = liveLine();
  const pick = (name, value) => {
    model.set(name, value);
    model.save_changes();
  };
  const [left, right] = ["", ""].map((label) => pixelCanvas(width, height, zoom, label));
  const [title, beside] = [element("h3"), element("h3")];
  const view = radioRow("Beside it", ["error, signed", "error, absolute", "clean picture"], (index) => pick("view", VIEWS[index]));
  const legend = rampBar(width * zoom);
  const id = freshId("stage");
  const words = ({ name, psnr, milliseconds }) => [name, psnr, milliseconds === null ? "" : `${milliseconds.toFixed(0)} ms`].filter(Boolean);
  const input = element("input", { type: "range", id, min: 0, max: stages.length - 1, step: 1, oninput: () => pick("chosen", Number(input.value)) });
  const marks = stages.map((stage, index) => {
    const [name, ...numbers] = words(stage).map((text) => element("span", {}, text));
    const label = words(stage).join(", ");
    return element("button", { type: "button", "aria-label": label, onclick: () => pick("chosen", index) }, name, ...numbers);
  });
  root.append(
    element(
      "div",
      { class: "pair" },
      element("figure", {}, title, left),
      judged ? element("figure", {}, beside, right, legend.node) : null,
    ),
    element("label", { for: id }, "Stage, coarse to fine"),
    element("div", { class: "dial", style: `--count: ${stages.length}` }, input, element("div", { class: "marks" }, ...marks)),
    judged ? view.node : "",
    element("small", {}, model.get("_notes")),
    spoken.node,
  );
  el.append(root);

  const pictures = await Promise.all(stages.map(({ picture }) => bitmapOf(picture)));
  const beside_of = { clean: [] };
  if (judged) {
    const clean = await bitmapOf(model.get("_clean"));
    beside_of.clean = stages.map(() => clean);
    for (const kind of ["signed", "absolute"]) beside_of[kind] = await Promise.all(stages.map((stage) => colouredMap(stage[kind], ramps[kind])));
  }

  function show() {
    const chosen = clamp(model.get("chosen"), 0, stages.length - 1);
    const { name, psnr } = stages[chosen];
    left.getContext("2d").drawImage(pictures[chosen], 0, 0);
    left.setAttribute("aria-label", `The picture after ${name}${psnr ? `, ${psnr}` : ""}`);
    title.textContent = psnr ? `${name}: ${psnr}` : name;
    input.value = chosen;
    input.setAttribute("aria-valuetext", words(stages[chosen]).join(", "));
    marks.forEach((mark, index) => mark.setAttribute("aria-pressed", index === chosen));
    if (judged) showBeside(chosen, model.get("view"), name);
    spoken.say(words(stages[chosen]).join(", "));
  }

  function showBeside(chosen, seen, name) {
    right.getContext("2d").drawImage(beside_of[seen][chosen], 0, 0);
    beside.textContent = seen === "clean" ? "the clean picture" : `${name} minus clean${seen === "signed" ? "" : ", without its sign"}`;
    right.setAttribute("aria-label", seen === "clean" ? "The clean picture" : `${seen} error of ${name}, from ${seen === "signed" ? -end : 0} to ${end} of 255`);
    legend.node.style.visibility = seen === "clean" ? "hidden" : ""; // keeps its place, so that nothing jumps
    if (seen !== "clean") legend.show(ramps[seen], seen === "signed" ? [`−${end}: too dark`, "0", `+${end}: too bright`] : ["0: no error", `${end} of 255, or more`]);
    view.mark(VIEWS.indexOf(seen));
  }

  const changes = ["change:chosen", "change:view"];
  changes.forEach((change) => model.on(change, show));
  show();
  return () => changes.forEach((change) => model.off(change, show));
}

export default { render };
