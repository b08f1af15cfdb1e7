// One of several, as a row of buttons that are radio inputs: one stop of the Tab key, arrow keys inside.

/** `options`: texts. `onPick(index)`. `mark` shows the choice; `forbid(index, why)` takes an option away, or gives it back for "". */
function radioRow(legend, options, onPick) {
  const name = freshId("radio");
  const note = element("small", { id: freshId("note") });
  const inputs = options.map((_, index) => element("input", { type: "radio", name, value: index, onchange: () => onPick(index) }));
  const labels = options.map((text, index) => element("label", {}, inputs[index], element("span", {}, text)));
  const row = element("div", { class: "options" }, ...labels);
  const node = element("fieldset", { class: "radios", "aria-describedby": note.id }, element("legend", {}, legend), row, note);
  const mark = (chosen, words = "") => {
    inputs.forEach((input, index) => {
      input.checked = index === chosen;
    });
    note.textContent = words;
    note.hidden = !words;
  };
  const forbid = (index, why) => {
    inputs[index].disabled = Boolean(why);
    labels[index].title = why;
  };
  return { node, mark, forbid };
}
