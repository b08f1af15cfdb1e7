// Before and after: two pictures that came once, and an edge between them.

const WIDEST = 640; // screen pixels that a small picture is enlarged to, by a whole number

async function render({ model, el }) {
  const [height, width] = model.get("_size");
  const sides = model.get("_sides");
  const root = rootElement("compare", "Before and after");
  const split = splitView(width, height, clamp(Math.floor(WIDEST / width), 1, 4));
  const [left, right] = sides.map(({ name }) => name);
  const protocol = model.get("_protocol");
  const notes = [protocol && `Decibels are the PSNR against the clean picture: ${protocol}.`, model.get("_lossless") || "Shown as JPEG."];
  const hint = element("p", {}, `Drag the edge: ${left} is left of it, ${right} right. Keys: arrows move it; Home and End show one alone.`);
  root.append(split.node, hint, element("small", {}, notes.filter((note) => note && note !== true).join(" ")));
  el.append(root);

  const images = await Promise.all(sides.map(({ picture }) => bitmapOf(picture)));
  split.show(sides.map(({ name, note }, side) => ({ image: images[side], name: note ? `${name} ${note}` : name })));
}

export default { render };
