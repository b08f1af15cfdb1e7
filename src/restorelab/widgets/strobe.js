// Strobe or smooth: pictures that came once, a slider through them.

async function render({ model, el }) {
  const frames = model.get("_frames");
  const [height, width] = model.get("_size");
  const root = rootElement("strobe", "Strobe or smooth");
  const spoken = liveLine();
  const [canvas, last] = ["", `The picture of ${words(frames.at(-1).count)}, to compare with`].map((label) => pixelCanvas(width, height, 1, label));
  const title = element("h3");
  const goal = element("h3", {}, `${words(frames.at(-1).count)}, to compare with`);
  const note = element("p");
  const id = freshId("frames");
  const input = element("input", {
    type: "range",
    id,
    min: 0,
    max: frames.length - 1,
    step: 1,
    oninput: () => {
      model.set("chosen", Number(input.value));
      model.save_changes();
    },
  });
  const marks = frames.map(({ count }, index) => {
    const pick = () => {
      model.set("chosen", index);
      model.save_changes();
    };
    return element("button", { type: "button", "aria-label": words(count), onclick: pick }, String(count));
  });
  root.append(
    element("div", { class: "pair" }, element("figure", {}, title, canvas, note), element("figure", {}, goal, last, element("p", {}, frames.at(-1).note))),
    element("label", { for: id }, "Frames averaged in one exposure"),
    element("div", { class: "dial", style: `--count: ${frames.length}` }, input, element("div", { class: "marks" }, ...marks)),
    spoken.node,
  );
  el.append(root);

  const bitmaps = await Promise.all(frames.map(({ picture }) => bitmapOf(picture)));

  last.getContext("2d").drawImage(bitmaps.at(-1), 0, 0);

  function show() {
    const chosen = clamp(model.get("chosen"), 0, frames.length - 1);
    const { count, note: said } = frames[chosen];
    canvas.getContext("2d").drawImage(bitmaps[chosen], 0, 0);
    canvas.setAttribute("aria-label", `The picture of ${words(count)}. ${said}`);
    title.textContent = words(count);
    note.textContent = said;
    input.value = chosen;
    input.setAttribute("aria-valuetext", words(count));
    marks.forEach((mark, index) => mark.setAttribute("aria-pressed", index === chosen));
    spoken.say(`${words(count)}. ${said}`);
  }

  model.on("change:chosen", show);
  show();
  return () => model.off("change:chosen", show);
}

function words(count) {
  return count === 1 ? "1 frame: frozen" : `${count} frames averaged`;
}

export default { render };
