// Two pictures of one place behind a movable edge.

/** `show([left, right])`: pictures {image, name, inset}; an inset is what a map lacks on every side. */
function splitView(width, height, zoom) {
  const canvas = pixelCanvas(width, height, zoom, "");
  const tags = ["left", "right"].map((side) => element("span", { class: `tag ${side}`, "aria-hidden": "true" }));
  const handle = element("div", {
    class: "handle",
    role: "slider",
    tabindex: 0,
    "aria-label": "Edge between the two pictures",
    "aria-valuemin": 0,
    "aria-valuemax": 100,
  });
  const node = element("div", { class: "split", style: `max-width: ${width * zoom}px` }, canvas, ...tags, handle);
  let edge = 0.5;
  let shown = [];

  function move(to) {
    edge = clamp(to, 0, 1);
    draw();
  }
  draggable(node, (x) => {
    handle.focus({ preventScroll: true });
    move(x);
  });
  const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.2, PageUp: 0.2, Home: -1, End: 1 };
  handle.addEventListener("keydown", (event) => {
    if (!(event.key in steps)) return;
    event.preventDefault();
    move(edge + steps[event.key]);
  });

  function draw() {
    const pen = canvas.getContext("2d");
    const at = Math.round(edge * width);
    pen.clearRect(0, 0, width, height);
    shown.forEach(({ image, inset = 0 }, side) => {
      pen.save();
      pen.beginPath();
      pen.rect(side ? at : 0, 0, side ? width - at : at, height);
      pen.clip();
      pen.drawImage(image, inset, inset);
      pen.restore();
    });
    handle.style.left = `${(100 * at) / width}%`;
    const percent = Math.round(100 * edge);
    handle.setAttribute("aria-valuenow", percent);
    const names = shown.map(({ name }) => name);
    handle.setAttribute("aria-valuetext", `${percent} percent ${names[0]}, the rest ${names[1]}`);
    canvas.setAttribute("aria-label", `Left of the edge: ${names[0]}. Right of it: ${names[1]}.`);
    tags.forEach((tag, side) => {
      tag.textContent = names[side];
      tag.style.maxWidth = `calc(${100 * (side ? 1 - edge : edge)}% - 14px)`;
      tag.hidden = (side ? 1 - edge : edge) < 0.12;
    });
  }

  const show = (pictures) => {
    shown = pictures;
    draw();
  };
  return { node, show };
}
