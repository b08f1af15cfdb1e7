// The patch explorer: residuals came once, for all ways of switching the levels; what a level was handed is put together here.

const VIEWS = ["handed", "found", "result"];
const WIDEST = 512; // screen pixels that a small picture is enlarged to, by a whole number
const PAUSE = { patch: 600, whole: 1600 }; // milliseconds until the next step

async function render({ model, el }) {
  const [height, width] = model.get("_size");
  const path = model.get("_path");
  const outcomes = model.get("_outcomes");
  const judged = Boolean(model.get("_protocol"));
  const [end, skip] = [model.get("_end"), model.get("_skip")];
  const steps = walk(path);
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const zoom = clamp(Math.floor(WIDEST / width), 1, 4);
  let [position, timer] = [-1, null];

  const pick = (change) => {
    Object.entries(change).forEach(([name, value]) => model.set(name, value));
    model.save_changes();
  };
  const stepOf = (level) => path.find((step) => step.level === level);
  const root = rootElement("patches", "Patch by patch, level by level");
  const spoken = liveLine();
  const columns = path.map((step) => levelColumn(step, () => goTo(step.level), () => pick({ levels: switched(model.get("levels"), step.level) })));
  const stage = patchStage(height, width, zoom, (lens) => pick({ lens }));
  const close = lensView(stage.side);
  const view = radioRow("Show", ["what it is handed", "what it finds", "the result"], (index) => {
    stop();
    pick({ view: VIEWS[index] });
  });
  const play = element("button", { type: "button", class: "play", onclick: () => (timer ? stop() : start()) });
  const back = element("button", { type: "button", "aria-label": "One step back", onclick: () => goStep(-1) }, "◂");
  const forth = element("button", { type: "button", "aria-label": "One step on", onclick: () => goStep(1) }, "▸");
  const tools = element("div", { class: "tools", role: "group", "aria-label": "Walk over the patches: arrow keys, too" }, play, back, forth);
  const [title, lensTitle, ratio, control, number, change] = [element("h3"), element("h4"), element("strong"), element("small"), element("strong"), element("span")];
  const bar = rampBar(width * zoom);
  const all = element("button", { type: "button", onclick: () => pick({ levels: path.map(({ level }) => level).sort() }) }, "All on");
  root.append(
    element("small", {}, `Weights: ${model.get("_weights")}.`),
    element("h4", {}, "Finest level first: press a level to look at it, and “on” to silence it"),
    element("div", { class: "path", role: "group", "aria-label": "Levels, in the order of their work" }, ...columns.map(({ node }) => node)),
    element("div", { class: "standing" }, number, change, all),
    element(
      "div",
      { class: "columns" },
      element("figure", {}, tools, view.node, title, stage.node, bar.node),
      element("figure", {}, lensTitle, close.node, element("p", { class: "ratio" }, ratio, element("br"), control)),
    ),
    element("small", {}, notes(model.get("_protocol"), end)),
    spoken.node,
  );
  el.append(root);

  const picture = pixelsOf(await bitmapOf(model.get("_degraded")));
  const grey = pixelsOf(await createImageBitmap(flat(width, height)));
  const residuals = {};
  for (const [name, { file, end: own }] of Object.entries(model.get("_residuals"))) residuals[name] = { file: await bitmapOf(file), own };
  bar.show(greys(), [`−${(255 * end).toFixed(0)}: darker`, "0", `+${(255 * end).toFixed(0)} of 255: brighter`]);

  const residual = (level) => {
    const name = `${level}: ${model.get("levels").filter((other) => other > level).join(",")}`;
    return model.get("levels").includes(level) ? residuals[name] : null;
  };
  /** A picture and what a level found added to it. */
  const added = (base, level) => (residual(level) ? summed(base, residual(level).file, residual(level).own) : base.canvas);
  const found = (level) => (residual(level) ? summed(grey, residual(level).file, residual(level).own / (2 * end)) : grey.canvas);
  const handed = (level) => (level === path[0].level ? picture.canvas : added(picture, level + 1));
  const result = () => added(skip ? picture : grey, 1);

  function goStep(by) {
    stop();
    takeStep(position + by);
  }

  function takeStep(to) {
    position = clamp(to, 0, steps.length - 1);
    const { level, view: seen } = steps[position];
    pick({ level, view: seen });
    show();
  }

  /** To a level as a whole; the walk goes on with its first patch. */
  function goTo(level) {
    stop();
    position = steps.findIndex((step) => step.level === level) - 1;
    pick({ level });
  }

  function start() {
    if (position >= steps.length - 1) position = -1;
    if (calm) takeStep(position + 1);
    else timer = setTimeout(advance, 0);
  }

  function advance() {
    takeStep(position + 1);
    if (position === steps.length - 1) stop();
    else timer = setTimeout(advance, steps[position].patch === null ? PAUSE.whole : PAUSE.patch);
    show();
  }

  function stop() {
    clearTimeout(timer);
    timer = null;
    play.textContent = calm ? "▸ Next step" : position < steps.length - 1 && position >= 0 ? "▶ Go on" : "▶ Play";
  }

  /** The patch that is lit: that of the walk, as long as nobody looks at something else. */
  function litPatch(level, seen) {
    const step = steps[position];
    return step && step.level === level && step.view === seen ? step.patch : null;
  }

  function show() {
    const [level, seen, levels] = [model.get("level"), model.get("view"), model.get("levels")];
    const step = stepOf(level);
    const lit = litPatch(level, seen);
    const words = sentence(step, seen, lit, levels);
    title.textContent = words;
    stage.show(seen === "handed" ? handed(level) : seen === "found" ? found(level) : result(), words, step, lit);
    bar.node.style.visibility = seen === "found" ? "" : "hidden"; // keeps its place, so that nothing jumps
    view.mark(VIEWS.indexOf(seen));
    if (timer) play.textContent = "❚❚ Pause";
    columns.forEach((column) => column.show(level, levels, worth(levels, column.level), judged));
    showOutcome(levels);
    showLens(step, levels);
    spoken.say(words);
  }

  function worth(levels, level) {
    const [now, then] = [levels, switched(levels, level)].map((one) => outcomes[one.join(",")]);
    return judged ? then.psnr - now.psnr : now.moves[level];
  }

  function showOutcome(levels) {
    const [now, best] = [outcomes[levels.join(",")], outcomes[path.map(({ level }) => level).sort().join(",")]];
    const words = levels.length === path.length ? "with all levels" : levels.length ? `with level${levels.length > 1 ? "s" : ""} ${[...levels].reverse().join(", ")} on` : "with every level silenced";
    number.textContent = judged ? `${now.psnr.toFixed(2)} dB` : words;
    const apart = judged ? `${withSign(now.psnr - best.psnr)} dB against all levels` : `the result is ${now.moved.toFixed(1)} of 255 away from that of all levels`;
    change.textContent = `${judged ? words : ""}${levels.length < path.length ? `${judged ? ", " : ""}${apart}` : ""}`;
    all.disabled = levels.length === path.length;
  }

  function showLens(step, levels) {
    stage.moveLens(model.get("lens"));
    const { level } = step;
    lensTitle.textContent = `What level ${level} finds, ${LENS.zoom} × enlarged under the lens`;
    close.show(found(level), stage.corner(), step.cuts, `What level ${level} finds around row ${model.get("lens")[0]}, column ${model.get("lens")[1]}; mid-grey is nothing`);
    const seam = residual(level) ? model.get("_residuals")[`${level}: ${levels.filter((other) => other > level).join(",")}`].seam : null;
    const where = step.rows * step.columns > 1 ? "its cuts" : "the cuts of the level before";
    ratio.textContent = seam === null ? "No seam to measure" : `Across ${where}, neighbours differ ${seam.toFixed(2)} times as much as elsewhere`;
    control.textContent = seam === null ? "" : `A hard edge would raise this, a soft band would not: look. The picture itself has ${step.picture.toFixed(2)} at the same places.`;
  }

  tools.addEventListener("keydown", arrows);
  function arrows(event) {
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    goStep(by);
  }

  const changes = ["level", "levels", "view", "lens"].map((name) => `change:${name}`);
  changes.forEach((event) => model.on(event, show));
  stop();
  show();
  return () => {
    clearTimeout(timer);
    changes.forEach((event) => model.off(event, show));
  };
}

function flat(width, height) {
  return new ImageData(new Uint8ClampedArray(4 * width * height).map((_, at) => (at % 4 === 3 ? 255 : 127.5)), width, height);
}

function notes(protocol, end) {
  const gain = `What levels find is shown × ${(0.5 / end).toFixed(1)} around mid-grey, the same for all.`;
  const worth = protocol ? `PSNR: ${protocol.split(", SSIM")[0]}.` : "“Moves”: how far pressing it moves the result: root mean square, in grey levels of 255.";
  return `${gain} ${worth} A silenced level still tells the next what it saw, and nothing was trained anew. Pictures go through JPEG; the numbers do not.`;
}

export default { render };
