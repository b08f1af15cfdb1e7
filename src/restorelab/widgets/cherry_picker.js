// Results to choose from, and how far a choice flatters: looked up among all choices of as many.

const CHART = { width: 460, height: 190, bottom: 40, top: 22, bins: 24 };

async function render({ model, el }) {
  const rows = model.get("_rows");
  const gains = rows.map(({ gain }) => gain);
  const all = mean(gains);
  const root = rootElement("cherries", "Choosing the pictures of a figure");
  const spoken = liveLine();
  const choose = (numbers) => {
    model.set("chosen", [...numbers].sort((a, b) => a - b));
    model.save_changes();
  };
  const flip = (number) => {
    const chosen = model.get("chosen");
    choose(chosen.includes(number) ? chosen.filter((one) => one !== number) : [...chosen, number]);
  };
  const byGain = gains.map((_, number) => number).sort((a, b) => gains[b] - gains[a]);
  const thumbs = rows.map((row, number) => thumb(row, () => flip(number)));
  const ways = model.get("_ways").map(({ name, chosen }) => ({ chosen, node: element("button", { type: "button", onclick: () => choose(chosen) }, name) }));
  const [words, verdict] = [element("strong"), element("span")];
  const chart = histogram(gains);
  root.append(
    element("p", {}, "Press pictures to put them into the figure, or take a whole choice:"),
    element("div", { class: "ways" }, ...ways.map(({ node }) => node)),
    element(
      "div",
      { class: "columns" },
      element("div", { class: "thumbs", role: "group", "aria-label": "Results, by their gain" }, ...byGain.map((number) => thumbs[number].node)),
      element("figure", {}, element("p", { class: "verdict" }, words, element("br"), verdict), chart.node, element("figcaption", {}, model.get("_caption"))),
    ),
    spoken.node,
  );
  el.append(root);

  function show() {
    const chosen = model.get("chosen");
    thumbs.forEach(({ node }, number) => node.setAttribute("aria-pressed", chosen.includes(number)));
    ways.forEach(({ node, chosen: one }) => node.setAttribute("aria-pressed", String(one) === String(chosen)));
    const shown = chosen.length ? mean(chosen.map((number) => gains[number])) : null;
    const whole = `all ${gains.length}: ${withSign(all)} dB`;
    words.textContent = shown === null ? `Nothing is shown; ${whole}` : `Your figure: ${withSign(shown)} dB; ${whole}`;
    if (chosen.length === 0 || chosen.length === gains.length) {
      verdict.textContent = chosen.length ? "That is all there is: nobody was chosen, nobody can be misled." : "";
      chart.show([], null, all);
    } else {
      const means = choices(gains.length, chosen.length).map((one) => mean(one.map((number) => gains[number])));
      const share = flattery(means, shown);
      verdict.textContent = `${percent(share)} of the ${means.length} choices of ${chosen.length} look worse. ${judgement(share)}`;
      chart.show(means, shown, all);
    }
    spoken.say(`${words.textContent}. ${verdict.textContent}`);
  }

  model.on("change:chosen", show);
  show();
  await Promise.all(thumbs.map(({ draw }) => draw()));
  return () => model.off("change:chosen", show);
}

function thumb({ name, gain, picture }, onPress) {
  const canvas = element("canvas", { width: 1, height: 1, "aria-hidden": "true" });
  const node = element("button", { type: "button", class: "thumb", onclick: onPress, title: name, "aria-label": `${name}, ${withSign(gain)} dB` }, canvas, element("span", {}, `${withSign(gain)} dB`));
  const draw = async () => {
    const bitmap = await bitmapOf(picture);
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  };
  return { node, draw };
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Every choice of `count` of the numbers below `among`. */
function choices(among, count, first = 0) {
  if (count === 0) return [[]];
  const found = [];
  for (let number = first; number <= among - count; number += 1) {
    for (const rest of choices(among, count - 1, number + 1)) found.push([number, ...rest]);
  }
  return found;
}

/** Share of the means below, those equal counted half. */
function flattery(means, shown) {
  const [below, same] = [means.filter((one) => one < shown - 1e-9).length, means.filter((one) => Math.abs(one - shown) <= 1e-9).length];
  return (below + same / 2) / means.length;
}

function judgement(share) {
  if (share > 0.95) return "That is cherry-picking.";
  if (share > 0.75) return "That flatters.";
  if (share < 0.05) return "That slanders.";
  return share < 0.25 ? "That is harsh." : "That is fair.";
}

function percent(share) {
  const value = 100 * share;
  return `${value > 99 && value < 100 ? value.toFixed(1) : Math.round(value)} %`;
}

/** Means of all choices as bars; the choice and the mean of everything as lines. */
function histogram(gains) {
  const { width, height, bottom, top, bins } = CHART;
  const [low, high] = [Math.min(...gains, 0), Math.max(...gains, 0)];
  const x = (value) => 30 + ((value - low) / (high - low || 1)) * (width - 60);
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height}`, role: "img" });
  const bars = svgElement("g", { class: "bars" });
  const line = (kind) => svgElement("line", { class: kind, y1: top, y2: height - bottom });
  const text = (kind, y) => svgElement("text", { class: kind, y, "text-anchor": "middle" });
  const [shown, whole, label, wholeLabel] = [line("shown"), line("whole"), text("shown", top - 7), text("whole", height - bottom + 32)];
  const axis = svgElement("line", { class: "axis", x1: 20, x2: width - 20, y1: height - bottom, y2: height - bottom });
  const ticks = [...new Set([low, 0, high])].map((value) => {
    const node = text("tick", height - bottom + 15);
    node.setAttribute("x", x(value));
    node.textContent = `${withSign(value)} dB`;
    return node;
  });
  drawing.append(bars, axis, ...ticks, whole, shown, label, wholeLabel);
  const put = (mark, note, value, words) => {
    for (const node of [mark, note]) node.toggleAttribute("hidden", value === null);
    if (value === null) return;
    mark.setAttribute("x1", x(value));
    mark.setAttribute("x2", x(value));
    note.setAttribute("x", clamp(x(value), 60, width - 60));
    note.textContent = words;
  };

  function show(means, chosen, all) {
    const counts = new Array(bins).fill(0);
    for (const one of means) counts[Math.min(bins - 1, Math.floor(((one - low) / (high - low || 1)) * bins))] += 1;
    const most = Math.max(...counts, 1);
    const step = (width - 60) / bins;
    bars.replaceChildren(
      ...counts.map((count, bin) => {
        const tall = (count / most) * (height - bottom - top);
        return svgElement("rect", { x: 30 + bin * step, width: step - 1, y: height - bottom - tall, height: tall });
      }),
    );
    put(shown, label, chosen, "your figure");
    put(whole, wholeLabel, all, "the mean of all");
    drawing.setAttribute("aria-label", `Mean gains of ${means.length} choices, from ${withSign(low)} to ${withSign(high)} dB`);
  }

  return { node: drawing, show };
}

export default { render };
