// The attention viewer: gates are computed here from what each SAM saw; only a painted one is restored anew, by Python.

const WIDEST = 384; // screen pixels that a small picture is enlarged to, by a whole number
const PAUSE = 150; // milliseconds after the last stroke until Python is asked
const BRUSHES = [0, 1, null];
const COLOURS = ["red", "green", "blue"];

async function render({ model, el }) {
  const [height, width] = model.get("_size");
  const { cell, gain, seconds } = model.get("_facts");
  const [sams, samples, choices] = [model.get("_sams"), model.get("_samples"), model.get("_choices")];
  const names = choices.map(({ name }) => name);
  const zoom = Math.max(1, Math.floor(WIDEST / width));
  const ramp = model.get("_ramp");
  const view = freshId("view");
  const paintings = new Map(); // "picture,sam" -> rows of cells
  const answers = new Map(); // "picture,sam" -> what Python made of it
  const pictures = await Promise.all(samples.map((sample) => decoded(sample, sams[0].weights[0].length, ramp)));
  let [opacity, stretched, brush, changed, turn] = [0.7, false, 0, "picture", 0];
  let [waiting, silence, failed] = [null, null, false];

  const pick = (change) => {
    Object.entries(change).forEach(([name, value]) => model.set(name, value));
    model.save_changes();
  };
  const root = rootElement("attention", "Attention viewer");
  root.style.setProperty("--shown", `${width * zoom}px`);
  const spoken = liveLine();
  const sample = radioRow("Picture", samples.map(({ label }) => label), (picture) => pick({ picture }));
  const sam = radioRow("Supervised attention", sams.map((_, i) => `SAM ${i + 1}, after stage ${i + 1}`), (i) => pick({ sam: i + 1 }));
  const intervention = radioRow("Its gate is", names, (i) => pick({ intervention: names[i] }));
  const gate = gateView(height, width, zoom, cell, ramp, paint);
  const channel = slider({ name: "channel", words: "0: the mean of all channels", low: 0, high: sams[0].weights.length, step: 1 }, model.get("channel"), (value) => pick({ channel: value }));
  const opaque = slider({ name: "opacity", words: "of the gate over the picture", low: 0, high: 100, step: 5, unit: "%", times: 100 }, opacity, (value) => {
    opacity = value;
    show();
  });
  const stretch = checkbox("stretch the colours to what is there", stretched, (on) => {
    stretched = on;
    show();
  });
  const legend = rampBar();
  const [title, numbers, formula] = [element("h4"), element("p"), element("small")];
  const brushes = radioRow("Brush", ["0: closed", "1: open", "as it was"], (i) => {
    brush = BRUSHES[i];
    brushes.mark(i);
  });
  const clear = element("button", { type: "button", onclick: () => repaint(emptyCells()) }, "Clear");
  const tools = element("div", { class: "tools" }, brushes.node, clear, element("small", {}, "Press and drag over the picture: all channels of a cell are painted. Python restores it anew, so this needs a running kernel."));
  const split = splitView(width, height, zoom);
  const beside = radioRow("Show", ["before and after", `what changed, × ${gain}`], (i) => {
    changed = ["picture", "map"][i];
    show();
  });
  const score = element("p", { class: "score" });
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const table = changeTable(names.filter((name) => name !== "untouched"), sams.length);
  root.append(
    element("p", { class: "lead" }, element("strong", {}, "Attention shown is not yet attention that matters."), ` Weights: ${model.get("_weights")}.`),
    element("div", { class: "choices" }, sample.node, sam.node, intervention.node),
    element(
      "div",
      { class: "columns" },
      element("div", { class: "side" }, title, gate.node, tools, legend.node, numbers, formula, channel.node, opaque.node, stretch.node),
      element("div", { class: "side" }, score, problem, split.node, beside.node, table.node, element("small", {}, `dB against the untouched gate. PSNR: ${model.get("_protocol").split(", SSIM")[0]}. Pictures are shown as JPEG; numbers are of the pictures before that. In Python: `, element("code", {}, "restore(model, viewer.degraded, sam_override=viewer.override)"))),
    ),
    spoken.node,
  );
  el.append(root);

  const key = () => `${model.get("picture")},${model.get("sam")}`;
  const emptyCells = () => Array.from({ length: height / cell }, () => Array(width / cell).fill(null));

  function paint(row, column) {
    const cells = (paintings.get(key()) ?? emptyCells()).map((line) => [...line]);
    if (cells[row][column] === brush) return;
    cells[row][column] = brush;
    repaint(cells);
  }

  function repaint(cells) {
    paintings.set(key(), cells);
    answers.delete(key());
    ask();
    show();
  }

  /** Sent a moment later, so that a stroke is one question; while Python works, ipywidgets keeps only the last one. */
  function ask() {
    turn += 1;
    clearTimeout(waiting);
    complain("");
    failed = false;
    waiting = setTimeout(() => {
      model.set("_edit", { picture: model.get("picture"), sam: model.get("sam"), cells: paintings.get(key()), view, turn });
      model.save_changes();
      clearTimeout(silence);
      const patience = 5000 + 20000 * seconds;
      silence = setTimeout(giveUp, patience);
    }, PAUSE);
  }

  function giveUp() {
    complain("No answer from Python: painting needs a running kernel. If there is one, run this cell again.");
    failed = true;
    show();
  }

  function complain(sentence) {
    problem.textContent = sentence ? `⚠ ${sentence}` : "";
    problem.hidden = !sentence;
  }

  async function answered() {
    const answer = model.get("_answer");
    if (!("error" in answer) || (answer.view === view && answer.turn !== turn)) return;
    clearTimeout(silence);
    complain(answer.error);
    failed = Boolean(answer.error);
    if (failed) {
      show();
      return;
    }
    const at = `${answer.picture},${answer.sam}`;
    const { picture, map, ...numbers } = answer.outcome;
    const made = { ...numbers, picture: await bitmapOf(picture), map: await colouredMap(map, ramp) };
    if (model.get("_answer") !== answer) return; // a newer one is on its way
    paintings.set(at, answer.cells);
    answers.set(at, made);
    show();
  }

  /** What the chosen intervention made: {psnr, change, picture, map}; null when nothing was done, undefined when it is not known yet. */
  function outcome(chosen) {
    const picture = pictures[model.get("picture")];
    if (chosen === "untouched") return null;
    if (chosen !== "painted") return picture.outcomes[chosen][model.get("sam") - 1];
    return paintings.has(key()) ? answers.get(key()) : null;
  }

  function show() {
    const [at, number, chosen] = [model.get("picture"), model.get("sam"), model.get("intervention")];
    const asked = model.get("channel");
    const width_of = sams[number - 1].weights.length;
    const channelShown = Math.min(asked, width_of);
    sample.mark(at);
    sam.mark(number - 1);
    intervention.mark(names.indexOf(chosen));
    beside.mark(changed === "map" ? 1 : 0);
    brushes.mark(BRUSHES.indexOf(brush));
    tools.hidden = chosen !== "painted";
    gate.allowPainting(chosen === "painted");
    channel.input.max = width_of;
    channel.set(channelShown);
    const cells = paintings.get(key());
    const painting = cells && { cells, side: cell };
    const used = usedGate(sams[number - 1], pictures[at].seen[number - 1], channelShown, choices[names.indexOf(chosen)].how, width, painting);
    showGate(used, number, channelShown, chosen);
    showOutcome(outcome(chosen), chosen);
    const painted = sams.map((_, i) => answers.get(`${at},${i + 1}`)?.change ?? null);
    table.show({ ...pictures[at].changes, painted }, chosen, number);
  }

  function showGate(used, number, channelShown, chosen) {
    const { low, high, mean } = rangeOf(used);
    const [from, to] = stretched ? [low, high] : [0, 1];
    const many = sams[number - 1].weights.length;
    const what = `SAM ${number}, ${channelShown ? `channel ${channelShown} of ${many}` : `mean of ${many} channels`}`;
    title.textContent = `${what}: ${chosen}`;
    numbers.textContent = `${low.toFixed(3)} to ${high.toFixed(3)}, mean ${mean.toFixed(3)}`;
    const sum = (channelShown ? sams[number - 1].weights[channelShown - 1] : []).map((weight, c, all) => `${withSign(weight)} ${all.length === 3 ? COLOURS[c] : "grey"}`);
    formula.textContent = channelShown
      ? `Untouched, this channel is sigmoid(${sum.join(" ")}) of the pixel that stage ${number} restored.`
      : `Each channel is the sigmoid of a weighted sum of the colours that stage ${number} restored there.`;
    legend.show(ramp, [`${from.toFixed(2)} closed`, `${to.toFixed(2)} open`]);
    gate.draw(pictures[model.get("picture")].degraded, used, from, to, opacity);
    gate.label(`Gate of ${what}, ${chosen}, over the degraded picture: from ${low.toFixed(3)} to ${high.toFixed(3)}, mean ${mean.toFixed(3)}.`);
  }

  function showOutcome(made, chosen) {
    const at = model.get("picture");
    const plain = { image: pictures[at].restored, name: "restored, untouched" };
    const busy = made === undefined && !failed;
    root.toggleAttribute("data-busy", busy);
    split.node.setAttribute("aria-busy", busy);
    const base = `${samples[at].psnr.toFixed(2)} dB`;
    if (!made) {
      const gained = `untouched, ${signedDecibels(samples[at].gain)} dB against the degraded picture`;
      const words = busy ? "Python restores it…" : made === undefined ? `${gained}; painted, it is not known` : gained;
      score.replaceChildren(element("strong", {}, `PSNR ${base}`), ` ${words}`);
      split.show([{ image: pictures[at].degraded, name: "degraded" }, plain]);
      spoken.say(busy ? words : `PSNR ${base}, ${words}`);
      return;
    }
    const words = Math.abs(made.change) < 0.005 ? "hardly a change" : made.change < 0 ? "worse" : "better";
    score.replaceChildren(element("strong", {}, `${signedDecibels(made.change)} dB`), ` ${words}: PSNR ${made.psnr.toFixed(2)} dB, untouched ${base}`);
    const after = { image: made.picture, name: `gate ${chosen}` };
    split.show(changed === "map" ? [after, { image: made.map, name: `what changed, × ${gain}` }] : [plain, after]);
    spoken.say(`${chosen} at SAM ${model.get("sam")}: ${signedDecibels(made.change)} dB, ${words}`);
  }

  /** Python, another view or the page itself chose something; a painting without its answer is asked for again. */
  function moved() {
    if (model.get("intervention") === "painted" && paintings.has(key()) && !answers.has(key())) ask();
    show();
  }

  const handlers = { "change:_answer": answered };
  for (const name of ["picture", "sam", "channel", "intervention"]) handlers[`change:${name}`] = moved;
  Object.entries(handlers).forEach(([event, handler]) => model.on(event, handler));
  await answered();
  show();
  return () => {
    clearTimeout(waiting);
    clearTimeout(silence);
    Object.entries(handlers).forEach(([event, handler]) => model.off(event, handler));
  };
}

/** A sample with its files as bitmaps, and its changes as rows of numbers. */
async function decoded(sample, colours, ramp) {
  const outcomes = {};
  const changes = {};
  for (const [name, places] of Object.entries(sample.outcomes)) {
    const shown = places.filter(({ picture }) => picture);
    outcomes[name] = await Promise.all(shown.map(async (one) => ({ ...one, picture: await bitmapOf(one.picture), map: await colouredMap(one.map, ramp) })));
    changes[name] = places.map(({ change }) => change);
  }
  return {
    degraded: await bitmapOf(sample.degraded),
    restored: await bitmapOf(sample.restored),
    seen: await Promise.all(sample.seen.map((seen) => coloursSeen(seen, colours))),
    outcomes,
    changes,
  };
}

export default { render };
