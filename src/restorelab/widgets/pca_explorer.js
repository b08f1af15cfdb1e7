// The PCA explorer: everything is computed here, from eigen-kernels and kernels that came once.

const KERNEL_ZOOM = 9; // screen pixels per tap of the three large kernels, at 15 x 15
const LARGE = 15 * KERNEL_ZOOM;
const GAIN = 10; // of the difference
const EIGEN_SHOWN = 20;
const CHART = { width: 420, height: 190, left: 58, right: 10, top: 10, bottom: 34 };

function render({ model, el }) {
  const side = model.get("_side");
  const taps = side * side;
  const names = model.get("_names");
  const kernels = rowsOf(model.get("_kernels"), taps);
  const basis = rowsOf(model.get("_basis"), taps);
  const [mean] = rowsOf(model.get("_mean"), taps);
  const energy = model.get("_energy");
  const root = rootElement("pca", "PCA explorer");
  const spoken = liveLine();

  const choices = names.map((name, index) => kernelButton(name, kernels[index], side, () => update({ chosen: index })));
  const kept = slider(
    { name: "numbers kept", words: `of the ${taps} of a kernel`, low: 0, high: basis.length, step: 1, unit: "" },
    model.get("kept"),
    (value) => update({ kept: value }),
  );
  kept.node.classList.add("kept");
  const views = ["the kernel", "rebuilt", `difference × ${GAIN}`].map((caption) => largeView(caption, side));
  const verdict = element("p", { class: "verdict" });
  const chart = chartView();
  const eigen = basis.slice(0, EIGEN_SHOWN).map((row, index) => eigenView(row, index, side));
  const legend = element("p", { class: "soft" }, "Difference and eigen-kernels: ", swatch("high"), " too much or positive, ", swatch("low"), " too little or negative, white is zero.");
  root.append(
    element("div", { class: "choices", role: "group", "aria-label": "Kernel" }, ...choices.map((choice) => choice.node)),
    kept.node,
    element("div", { class: "top" }, element("div", { class: "views" }, ...views.map((view) => view.node)), chart.node),
    verdict,
    element("h4", {}, `The first ${eigen.length} eigen-kernels, and how much of each is in this kernel`),
    element("div", { class: "eigen" }, ...eigen.map((view) => view.node)),
    legend,
    spoken.node,
  );

  function update(change) {
    Object.entries(change).forEach(([name, value]) => model.set(name, value));
    model.save_changes();
  }

  function show() {
    const [chosen, count] = [model.get("chosen"), model.get("kept")];
    const kernel = kernels[chosen];
    const code = basis.map((row) => row.reduce((sum, value, i) => sum + value * (kernel[i] - mean[i]), 0));
    const made = Float64Array.from(mean);
    const lost = [lostShare(kernel, made, mean)];
    const errors = [relativeError(kernel, made)];
    let shown = count === 0 ? Float64Array.from(made) : null;
    code.forEach((weight, t) => {
      basis[t].forEach((value, i) => {
        made[i] += weight * value;
      });
      lost.push(lostShare(kernel, made, mean));
      errors.push(relativeError(kernel, made));
      if (t + 1 === count) shown = Float64Array.from(made);
    });
    const most = Math.max(...kernel);
    views[0].draw((i) => grey(kernel[i] / most));
    views[1].draw((i) => grey(shown[i] / most));
    views[2].draw((i) => signed((GAIN * (shown[i] - kernel[i])) / most));
    kept.set(count);
    choices.forEach((choice, index) => choice.mark(index === chosen));
    eigen.forEach((view, index) => view.mark(index < count, code[index]));
    chart.draw(lost, energy, count);
    const error = percent(errors[count]);
    const first = errors.findIndex((value) => value < 0.01);
    const enough = first < 0 ? `even ${basis.length} leave more than 1 %` : `${first} would bring it below 1 %`;
    verdict.replaceChildren(
      element("strong", {}, `${count} of ${taps} numbers: error ${error}`),
      ` of the kernel (root of the sum of squares); ${enough}.`,
    );
    spoken.say(`${count} numbers, error ${error}`);
  }

  model.on("change:chosen", show);
  model.on("change:kept", show);
  el.append(root);
  show();
  return () => {
    model.off("change:chosen", show);
    model.off("change:kept", show);
  };
}

function rowsOf(view, length) {
  const values = Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
  return Array.from({ length: values.length / length }, (_, row) => values.slice(row * length, (row + 1) * length));
}

function squares(a, b) {
  return a.reduce((sum, value, i) => sum + (value - b[i]) ** 2, 0);
}

const relativeError = (kernel, made) => Math.sqrt(squares(kernel, made) / squares(kernel, kernel.map(() => 0)));

/** Share of the kernel's energy, about the mean, that is not in `made`. */
const lostShare = (kernel, made, mean) => squares(kernel, made) / Math.max(squares(kernel, mean), 1e-30);

function percent(share) {
  return `${(100 * share).toFixed(share < 0.001 ? 3 : share < 0.1 ? 2 : 1)} %`;
}

function grey(share) {
  const value = clamp(255 * share, 0, 255);
  return [value, value, value];
}

const HIGH = [179, 88, 6]; // ends of ColorBrewer's PuOr, told apart by the colour-blind
const LOW = [84, 39, 136];

function signed(share) {
  const end = share > 0 ? HIGH : LOW;
  const strength = clamp(Math.abs(share), 0, 1);
  return end.map((value) => 255 + strength * (value - 255));
}

function swatch(kind) {
  const colour = kind === "high" ? HIGH : LOW;
  return element("span", { class: "swatch", style: `background: rgb(${colour.join(" ")})` });
}

function paintTaps(canvas, side, colourOf) {
  const picture = new ImageData(side, side);
  for (let i = 0; i < side * side; i += 1) picture.data.set([...colourOf(i), 255], 4 * i);
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function kernelButton(name, kernel, side, onChoose) {
  const canvas = pixelCanvas(side, side, 45 / side, "");
  canvas.setAttribute("aria-hidden", "true");
  canvas.removeAttribute("role");
  const most = Math.max(...kernel);
  paintTaps(canvas, side, (i) => grey(kernel[i] / most));
  const node = element("button", { type: "button", onclick: onChoose }, canvas, element("span", {}, name));
  return { node, mark: (chosen) => node.setAttribute("aria-pressed", chosen) };
}

function largeView(caption, side) {
  const canvas = pixelCanvas(side, side, LARGE / side, caption);
  const node = element("figure", {}, canvas, element("figcaption", {}, caption));
  return { node, draw: (colourOf) => paintTaps(canvas, side, colourOf) };
}

function eigenView(row, index, side) {
  const canvas = pixelCanvas(side, side, 54 / side, `eigen-kernel ${index + 1}`);
  const most = Math.max(...row.map(Math.abs));
  paintTaps(canvas, side, (i) => signed(row[i] / most));
  const weight = element("span");
  const node = element("figure", {}, canvas, element("figcaption", {}, element("strong", {}, String(index + 1)), " ", weight));
  const mark = (used, value) => {
    node.classList.toggle("unused", !used);
    weight.textContent = used ? withSign(value, 3) : "not kept";
  };
  return { node, mark };
}

/** Energy lost over numbers kept, on a logarithmic axis: this kernel, and the whole family where it is known. */
function chartView() {
  const { width, height, left, right, top, bottom } = CHART;
  const node = element("figure", { class: "chart" });
  const caption = element("figcaption");

  function draw(lost, energy, count) {
    const family = energy.length ? [1, ...energy.map((share) => 1 - share)] : [];
    const floor = -6; // 0.0001 %
    const x = (kept) => left + (kept / (lost.length - 1)) * (width - left - right);
    const y = (share) => top + (clamp(Math.log10(Math.max(share, 1e-12)), floor, 0) / floor) * (height - top - bottom);
    const line = (values, name) => svgElement("polyline", { class: name, points: values.map((share, kept) => `${x(kept)},${y(share)}`).join(" ") });
    const text = (content, attributes) => svgElement("text", attributes, content);
    const rules = [0, -2, -4, -6].flatMap((power) => [
      svgElement("line", { class: "rule", x1: left, x2: width - right, y1: y(10 ** power), y2: y(10 ** power) }),
      text(`${Number((100 * 10 ** power).toPrecision(1))} %`, { x: left - 6, y: y(10 ** power) + 4, "text-anchor": "end" }),
    ]);
    const ticks = [0, 10, 20, 30, 40]
      .filter((kept) => kept < lost.length)
      .map((kept) => text(String(kept), { x: x(kept), y: height - bottom + 16, "text-anchor": "middle" }));
    const here = [
      svgElement("line", { class: "here", x1: x(count), x2: x(count), y1: top, y2: height - bottom }),
      svgElement("circle", { class: "here", cx: x(count), cy: y(lost[count]), r: 5 }),
    ];
    const title = text("numbers kept", { x: (left + width - right) / 2, y: height - 2, "text-anchor": "middle" });
    const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": `Energy lost: ${percent(lost[count])} with ${count} numbers` });
    drawing.append(...rules, ...ticks, title, family.length ? line(family, "family") : "", line(lost, "one"), ...here);
    caption.textContent = `energy lost: solid, this kernel${family.length ? "; dashed, the whole family" : ""}`;
    node.replaceChildren(drawing, caption);
  }

  return { node, draw };
}

export default { render };
