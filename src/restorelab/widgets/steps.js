// The list of steps: one card each, in the order light meets them.

/**
 * `recipe` {steps, bits} is changed in place. `page` has: kinds, by name; picture(), the clean bitmap; changed(), called after a
 * change of numbers; anotherSeed().
 */
function stepList(recipe, page) {
  const list = element("ol", { class: "steps" });
  const adder = element("select", { "aria-label": "Kind of step to add" });
  adder.append(...Object.values(page.kinds).map(({ kind, title }) => element("option", { value: kind }, title)));
  const add = element("button", { type: "button", onclick: () => append(adder.value) }, "Add at the end");
  const empty = element("p", { class: "empty" }, "No steps: the degraded picture is the clean one. Add a step.");
  const node = element("div", {}, list, empty, element("div", { class: "adder" }, adder, add));
  const closed = new WeakSet(); // steps whose cards are folded
  let cards = [];

  function build() {
    cards = recipe.steps.map((step, index) => stepCard(step, index, recipe.steps.length, page, { move, remove, closed }));
    list.replaceChildren(...cards.map((card) => card.node));
    empty.hidden = recipe.steps.length > 0;
  }

  function append(kind) {
    recipe.steps.forEach((step) => closed.add(step)); // room for the new one beside the picture
    recipe.steps.push(structuredClone(page.kinds[kind].first));
    rebuilt();
    list.lastChild.scrollIntoView({ block: "nearest" });
  }

  function remove(index) {
    recipe.steps.splice(index, 1);
    rebuilt();
    (list.children[Math.min(index, list.children.length - 1)]?.querySelector(".remove") ?? adder).focus();
  }

  function move(index, by) {
    const [step] = recipe.steps.splice(index, 1);
    recipe.steps.splice(index + by, 0, step);
    rebuilt();
    const buttons = list.children[index + by].querySelectorAll(".move");
    const same = buttons[by < 0 ? 0 : 1];
    (same.disabled ? buttons[by < 0 ? 1 : 0] : same).focus(); // whoever pressed it can press again
  }

  function rebuilt() {
    build();
    page.changed();
  }

  build();
  return {
    node,
    build,
    refresh: () => cards.forEach((card) => card.refresh()),
    showTruth: (facts) => cards.forEach((card, index) => card.showTruth(facts.filter((fact) => fact.step === index))),
  };
}

function stepCard(step, index, count, page, { move, remove, closed }) {
  const { title, about, controls } = page.kinds[step.kind];
  const name = `step ${index + 1}, ${title}`;
  const button = (text, label, attributes) => element("button", { type: "button", "aria-label": label, title: label, ...attributes }, text);
  const fold = element("button", { type: "button", class: "fold", onclick: () => show(closed.has(step)) });
  const header = element(
    "header",
    {},
    element("span", { class: "number", "aria-hidden": "true" }, String(index + 1)),
    element("h4", {}, fold),
    button("↑", `Earlier: move ${name} up`, { class: "move", disabled: index === 0, onclick: () => move(index, -1) }),
    button("↓", `Later: move ${name} down`, { class: "move", disabled: index === count - 1, onclick: () => move(index, 1) }),
    button("✕", `Remove ${name}`, { class: "remove", onclick: () => remove(index) }),
  );
  const editor = directEditor(step, controls, page, () => {
    Object.entries(fields).forEach(([field, control]) => control.set(step[field]));
    page.changed();
  });
  const plain = controls.filter((control) => control.type !== "map");
  const fields = Object.fromEntries(
    plain.map((control) => [
      control.name,
      fieldControl(control, step, () => {
        editor?.refresh();
        page.changed();
      }),
    ]),
  );
  const rows = element("div", { class: "fields" }, ...Object.values(fields).map((field) => field.node));
  const body = element("div", { class: "body" }, editor?.node, plain.length ? rows : null);
  const caption = element("p", { class: "about" });
  const node = element("li", { "aria-label": name }, header, caption, body);

  function show(open) {
    if (open) closed.delete(step);
    else closed.add(step);
    body.hidden = !open;
    fold.setAttribute("aria-expanded", open);
    fold.textContent = `${open ? "▾" : "▸"} ${title}`;
    caption.textContent = open ? about : controls.map((control) => `${control.name} ${inWords(control, step[control.name])}`).join(" · ");
  }

  show(!closed.has(step));
  return { node, refresh: () => editor?.refresh(), showTruth: (facts) => editor?.showTruth(facts) };
}

/** What can be drawn instead of dialled; null for a step of plain numbers. Told by the fields, so that new steps profit. */
function directEditor(step, controls, page, changed) {
  const byName = Object.fromEntries(controls.map((control) => [control.name, control]));
  const painted = controls.find((control) => control.type === "map");
  if (painted) return mapEditor(step, painted, page.picture, changed);
  if (byName.std && byName.ratio && byName.angle) return ellipseEditor(step, byName, changed);
  if (step.kind === "camera_shake") return shakePreview(page.anotherSeed);
  return null;
}
