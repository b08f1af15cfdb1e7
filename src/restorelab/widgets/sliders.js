// One number as a labelled slider, and its relatives: what a field of a step looks like.

/** A field's value with its unit, as a person reads it. */
function inWords({ type, step, unit, times = 1 }, field) {
  if (field === null) return "None";
  if (typeof field === "boolean") return field ? "on" : "off";
  if (type === "map") return `${field.length} × ${field[0].length} places`;
  if (Array.isArray(field)) return field.map((end) => inWords({ step, unit, times }, end)).join(" to ");
  if (typeof field !== "number") return String(field);
  return `${Number((field * times).toFixed(decimalsOf(step)))}${unit ? ` ${unit}` : ""}`;
}

/** A slider over `control` {name, words, low, high, step, unit, times}; `onMove` gets the field's value, not the number shown. */
function slider(control, value, onMove) {
  const { low, high, step, times = 1 } = control;
  const shown = (field) => field * times;
  const digits = decimalsOf(step);
  const id = freshId(control.name);
  const words = (field) => inWords(control, field);
  const output = element("output", { for: id });
  const input = element("input", {
    type: "range",
    id,
    step,
    min: Math.min(low, shown(value)),
    max: Math.max(high, shown(value)),
    "aria-describedby": `${id}-words`,
    oninput: () => {
      const field = Number(Number(input.value).toFixed(digits)) / times;
      write(field);
      onMove(field);
    },
  });
  const write = (field) => {
    output.textContent = words(field);
    input.setAttribute("aria-valuetext", words(field));
  };
  const set = (field) => {
    input.min = Math.min(low, shown(field));
    input.max = Math.max(high, shown(field));
    input.value = shown(field);
    write(field);
  };
  set(value);
  const node = element(
    "div",
    { class: "field" },
    element("label", { for: id }, element("code", {}, control.name), output),
    input,
    element("small", { id: `${id}-words` }, control.words),
  );
  return { node, set, input };
}

function checkbox(words, value, onMove, name = "") {
  const input = element("input", { type: "checkbox", onchange: () => onMove(input.checked) });
  input.checked = value;
  const label = name ? [element("code", {}, name), ` ${words}`] : [words];
  const node = element("label", { class: "switch" }, input, element("span", {}, ...label));
  const set = (field) => {
    input.checked = field;
  };
  return { node, set, input };
}

/** A slider for a field that may be left open (null in JSON, None in Python). */
function openSlider(control, value, onMove) {
  const usual = value ?? Math.round((control.low + control.high) / 4);
  const inner = slider(control, usual, onMove);
  const output = inner.node.querySelector("output");
  const left = checkbox(control.open, value === null, (open) => {
    const field = open ? null : Number(inner.input.value) / (control.times ?? 1);
    set(field);
    onMove(field);
  });
  inner.node.append(left.node);
  function set(field) {
    left.set(field === null);
    inner.input.disabled = field === null;
    if (field === null) output.textContent = "None";
    else inner.set(field);
  }
  set(value);
  return { node: inner.node, set };
}

/** Two numbers to draw between; a recipe may hold one number for both. */
function pairSlider(control, value, onMove) {
  const both = Array.isArray(value) ? [...value] : [value, value];
  const ends = ["lowest", "highest"].map((words, end) =>
    slider({ ...control, words }, both[end], (field) => {
      both[end] = field;
      const other = 1 - end;
      both[other] = end === 0 ? Math.max(both[1], field) : Math.min(both[0], field);
      ends[other].set(both[other]);
      onMove([...both]);
    }),
  );
  const node = element("div", { class: "pair" }, element("small", {}, control.words), ...ends.map((end) => end.node));
  const set = (field) => {
    [both[0], both[1]] = Array.isArray(field) ? field : [field, field];
    ends.forEach((end, i) => end.set(both[i]));
  };
  return { node, set };
}

function choice(control, value, onMove) {
  const input = element("select", { "aria-label": control.name, onchange: () => onMove(control.choices[input.selectedIndex]) });
  input.append(...control.choices.map((option) => element("option", {}, String(option))));
  const set = (field) => {
    input.selectedIndex = control.choices.indexOf(field);
  };
  set(value);
  return { node: element("label", { class: "field" }, element("code", {}, control.name), input), set };
}

/** The control of one field; `step` is the step's JSON object, which the control writes to. */
function fieldControl(control, step, changed) {
  const onMove = (value) => {
    step[control.name] = value;
    changed();
  };
  const value = step[control.name];
  const makers = { slider, open: openSlider, pair: pairSlider, choice };
  if (control.type === "switch") return checkbox(control.words, value, onMove, control.name);
  if (control.type in makers) return makers[control.type](control, value, onMove);
  return { node: element("small", { class: "field" }, control.words), set: () => {} };
}
