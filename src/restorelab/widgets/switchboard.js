// The convention switchboard: every combination was scored in Python; here they are looked up.

const REMEMBERED = 12; // places of the dot that are still shown
const AXIS = { width: 560, height: 74, left: 16, right: 16, base: 40 };
const COURSE = 0; // position of every switch in the course's own convention

async function render({ model, el }) {
  const switches = model.get("_switches");
  const scores = model.get("_scores");
  const refused = model.get("_refused");
  const printed = model.get("_printed");
  const root = rootElement("switchboard", "Convention switchboard");
  const spoken = liveLine();
  const keyOf = (chosen) => chosen.join(",");
  const course = switches.map(() => COURSE);
  const turned = (chosen, number, position) => chosen.map((old, index) => (index === number ? position : old));
  const current = () => (keyOf(model.get("chosen")) in scores ? model.get("chosen") : course);
  const choose = (chosen) => {
    model.set("chosen", chosen);
    model.save_changes();
  };

  const radios = switches.map(({ name, options }, number) =>
    radioRow(name, options.map(({ label }) => label), (position) => choose(turned(current(), number, position))),
  );
  const jumps = printed.map(({ who, chosen }) => element("button", { type: "button", onclick: () => choose(chosen) }, who));
  const pictures = model.get("_pictures").map(({ name, picture }) => thumbnail(name, picture));
  const all = Object.values(scores);
  const readouts = [
    readout("PSNR", all.map(([decibels]) => decibels), scores[keyOf(course)][0], { digits: 2, unit: " dB", step: 1, marks: 0 }),
    readout("SSIM", all.map(([, similarity]) => similarity), scores[keyOf(course)][1], { digits: 3, unit: "", step: 0.02, marks: 2 }),
  ];
  const who = element("p", { class: "who" });
  root.append(
    element(
      "div",
      { class: "columns" },
      element(
        "div",
        { class: "side" },
        element("div", { class: "pictures" }, ...pictures.map(({ node }) => node), element("p", {}, "The same two pictures all the time. Not a pixel of them changes.")),
        ...readouts.map(({ node }) => node),
        element("small", {}, "Every tick is a combination of the switches; open circles are where you have been."),
        who,
      ),
      element("div", { class: "switches" }, ...radios.map(({ node }) => node)),
    ),
    element("div", { class: "jumps", role: "group", "aria-label": "Score as somebody prints it" }, element("span", {}, "Score as in:"), ...jumps),
    spoken.node,
  );
  el.append(root);

  function show() {
    const chosen = current();
    const score = scores[keyOf(chosen)];
    radios.forEach((radio, number) => {
      const { options } = switches[number];
      const reasons = options.map((_, position) => refused[keyOf(turned(chosen, number, position))] ?? "");
      reasons.forEach((why, position) => radio.forbid(position, why));
      radio.mark(chosen[number], [options[chosen[number]].about, ...new Set(reasons.filter(Boolean))].join(". Struck out: "));
    });
    const said = readouts.map((view, index) => view.show(score[index]));
    const found = printed.find((one) => keyOf(one.chosen) === keyOf(chosen));
    jumps.forEach((jump, index) => jump.setAttribute("aria-pressed", printed[index] === found));
    who.replaceChildren("Who prints this: ", element("strong", {}, found ? found.who : "no published table that we know"), ".");
    spoken.say(`${said.join(". ")}. ${who.textContent}`);
  }

  model.on("change:chosen", show);
  show();
  await Promise.all(pictures.map(({ draw }) => draw()));
  return () => model.off("change:chosen", show);
}

function thumbnail(name, picture) {
  const canvas = element("canvas", { role: "img", "aria-label": `The ${name} picture` });
  const draw = async () => {
    const bitmap = await bitmapOf(picture);
    [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
    canvas.getContext("2d").drawImage(bitmap, 0, 0);
  };
  return { node: element("figure", {}, canvas, element("figcaption", {}, name)), draw };
}

/** A number, how far it is from the course's, and an axis with the dot, where it has been, and where else it can go. */
function readout(title, values, own, { digits, unit, step, marks }) {
  const number = element("strong");
  const moved = element("span");
  const low = Math.floor(Math.min(...values) / step) * step;
  const high = Math.ceil(Math.max(...values) / step) * step;
  const { width, height, left, right, base } = AXIS;
  const x = (value) => left + ((value - low) / (high - low || 1)) * (width - left - right);
  const text = (content, attributes) => svgElement("text", attributes, content);
  const count = Math.round((high - low) / step);
  const every = Math.ceil(count / 8);
  const ticks = Array.from({ length: count + 1 }, (_, tick) => low + tick * step).flatMap((value, tick) => [
    svgElement("line", { class: "rule", x1: x(value), x2: x(value), y1: base, y2: base + 5 }),
    tick % every ? null : text(`${value.toFixed(marks)}`, { x: x(value), y: base + 18, "text-anchor": "middle" }),
  ]);
  const rug = [...new Set(values)].map((value) => svgElement("line", { class: "rug", x1: x(value), x2: x(value), y1: base - 9, y2: base }));
  const anchor = x(own) < 90 ? "start" : x(own) > width - 90 ? "end" : "middle";
  const home = [
    svgElement("line", { class: "home", x1: x(own), x2: x(own), y1: 14, y2: base + 5 }),
    text("the course's own", { x: x(own), y: 11, "text-anchor": anchor }),
  ];
  const way = svgElement("line", { class: "way", y1: base - 14, y2: base - 14, x1: x(own) });
  const trail = svgElement("g");
  const dot = svgElement("circle", { class: "dot", cy: base - 14, r: 8 });
  const axis = svgElement("line", { class: "rule", x1: left, x2: width - right, y1: base, y2: base });
  const drawing = svgElement("svg", { viewBox: `0 0 ${width} ${height - 12}`, role: "img" });
  drawing.append(axis, ...ticks.filter(Boolean), ...rug, ...home, way, trail, dot);
  const node = element("div", { class: "readout" }, element("h4", {}, title), element("div", { class: "big" }, number, moved), drawing);
  const been = [];

  function show(value) {
    const words = `${value.toFixed(digits)}${unit}`;
    const by = value - own;
    const same = Math.abs(by) < 0.5 * 10 ** -digits;
    number.textContent = words;
    moved.textContent = same ? "as the course's own" : `${withSign(by, digits)}${unit} from the course's own`;
    moved.classList.toggle("off-course", !same);
    trail.replaceChildren(...been.map((old, age) => svgElement("circle", { class: "been", cx: x(old), cy: base - 14, r: 4, opacity: (age + 1) / been.length })));
    if (been.at(-1) !== value) been.push(value);
    if (been.length > REMEMBERED) been.shift();
    dot.setAttribute("cx", x(value));
    way.setAttribute("x2", x(value));
    const range = `${low.toFixed(marks)} to ${high.toFixed(marks)}${unit}`;
    drawing.setAttribute("aria-label", `${title} ${words} on an axis from ${range}; the course's own is ${own.toFixed(digits)}${unit}`);
    return `${title} ${words}, ${moved.textContent}`;
  }

  return { node, show };
}

export default { render };
