// The playground: sends what is asked for to Python, shows what Python made of it.

const SILENCE = 5000; // milliseconds without an answer before the page says so

function render({ model, el }) {
  const root = rootElement("playground", "Degradation playground");
  const view = freshId("view");
  const kinds = Object.fromEntries(model.get("_kinds").map((kind) => [kind.kind, kind]));
  const recipe = JSON.parse(model.get("_answer").recipe);
  let { seed } = model.get("_answer");
  let at = model.get("_loupe").at;
  let turn = 0;
  let waiting;
  let silence;

  /** Sent a moment later, so that a drag is one question and not fifty; while Python works, ipywidgets keeps only the last one. */
  function ask() {
    turn += 1;
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      model.set("_edit", { recipe: JSON.stringify(recipe), seed, at, view, turn });
      model.save_changes();
      clearTimeout(silence);
      silence = setTimeout(() => complain("No answer from Python. If the kernel was restarted, run this cell again."), SILENCE);
    }, 25);
  }

  const setSeed = (value) => {
    seed = value;
    seedInput.value = seed;
    ask();
  };
  const pictures = pictureView(model, (row, column) => {
    at = [Math.round(Math.max(0, row)), Math.round(Math.max(0, column))];
    ask();
  });
  const page = { kinds, picture: () => pictures.shown.clean, changed: ask, anotherSeed: () => setSeed(seed + 1) };
  const steps = stepList(recipe, page);
  const truth = truthView();
  const spoken = liveLine();
  const score = element("strong");
  const protocol = element("span");
  const problem = element("p", { class: "problem", role: "alert", hidden: true });
  const seedInput = element("input", { type: "number", min: 0, step: 1, value: seed, onchange: () => setSeed(Number(seedInput.value)) });
  const bits = element("select", { onchange: () => setBits(JSON.parse(bits.value)) });
  bits.append(...[[8, "8 bits"], [16, "16 bits"], [null, "no rounding"]].map(([value, text]) => element("option", { value: JSON.stringify(value) }, text)));
  const setBits = (value) => {
    recipe.bits = value;
    ask();
  };
  const python = codeBlock("As Python");
  const json = codeBlock("As JSON, to share");

  const settings = element(
    "div",
    { class: "settings" },
    element("label", {}, "Stored with ", bits),
    element("label", {}, "Seed of the random numbers ", seedInput),
    element("button", { type: "button", onclick: () => setSeed(seed + 1) }, "Another draw"),
  );
  root.append(
    element(
      "div",
      { class: "columns" },
      element("div", { class: "left" }, pictures.node, element("p", { class: "score" }, "PSNR ", score, element("br"), protocol), pictures.close, truth.node),
      element("div", { class: "right" }, element("h3", {}, "Steps, in the order light meets them"), steps.node, settings, problem),
    ),
    element("div", { class: "codes" }, python.node, json.node),
    spoken.node,
  );

  function complain(sentence) {
    problem.textContent = sentence ? `⚠ ${sentence}` : "";
    problem.hidden = !sentence;
  }

  /** Take over a recipe that was not made here: set in Python, or in another view of the same widget. */
  function adopt(answer) {
    const other = answer.view !== view;
    if (answer.error || !(other || answer.turn === turn)) return;
    if (other) at = model.get("_loupe").at;
    if (answer.seed !== seed) seedInput.value = seed = answer.seed;
    if (JSON.stringify(JSON.parse(answer.recipe)) === JSON.stringify(recipe)) return;
    const taken = JSON.parse(answer.recipe);
    if (!other) return; // the same recipe in other letters: the learner's hands are still on it
    Object.assign(recipe, taken);
    bits.value = JSON.stringify(recipe.bits);
    steps.build();
  }

  function show() {
    const answer = model.get("_answer");
    clearTimeout(silence);
    complain(answer.error);
    if (answer.error) return;
    adopt(answer);
    score.textContent = answer.psnr === "inf" ? "∞: equal to the clean picture" : `${answer.psnr} dB`;
    protocol.textContent = `${answer.protocol.split(", SSIM")[0]}${shrunkNote(answer)}`;
    python.set(answer.code);
    json.set(answer.recipe);
    truth.show(answer.facts);
    if (JSON.parse(answer.recipe).steps.length === recipe.steps.length) steps.showTruth(answer.facts);
    spoken.say(`PSNR ${score.textContent}`);
  }

  const handlers = {
    "change:_answer": show,
    "change:_clean": () => pictures.load("clean", "_clean"),
    "change:_degraded": () => pictures.load("degraded", "_degraded"),
    "change:_loupe": () => pictures.loadLoupes(),
  };
  Object.entries(handlers).forEach(([event, handler]) => model.on(event, handler));
  el.append(root);
  bits.value = JSON.stringify(recipe.bits);
  show();
  pictures.load("clean", "_clean").then(() => steps.refresh());
  pictures.load("degraded", "_degraded");
  pictures.loadLoupes();
  return () => {
    clearTimeout(waiting);
    clearTimeout(silence);
    Object.entries(handlers).forEach(([event, handler]) => model.off(event, handler));
  };
}

function shrunkNote({ size, pixels }) {
  const scale = Math.round(size[0] / pixels[0]);
  if (scale < 2) return "";
  return `; ${pixels[1]} × ${pixels[0]} pixels, each repeated ${scale} × ${scale} times to be compared`;
}

/** Text with a button that copies it. */
function codeBlock(title) {
  const pre = element("pre", { tabindex: 0, "aria-label": title });
  const button = element("button", { type: "button", "aria-label": `Copy: ${title}`, onclick: copy }, "Copy");
  let timer;

  async function copy() {
    const text = pre.textContent;
    try {
      await navigator.clipboard.writeText(text);
      told("Copied");
    } catch {
      getSelection().selectAllChildren(pre); // no clipboard without https: leave it selected
      told("Selected: press Ctrl+C");
    }
  }

  function told(text) {
    button.textContent = text;
    clearTimeout(timer);
    timer = setTimeout(() => {
      button.textContent = "Copy";
    }, 2000);
  }

  const node = element("div", { class: "code" }, element("div", { class: "bar" }, element("h4", {}, title), button), pre);
  const set = (text) => {
    pre.textContent = text;
  };
  return { node, set };
}

export default { render };
