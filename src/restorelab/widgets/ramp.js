// Grey maps in colours, and the bar that says what the colours mean.

/** A grey map, as encoded, in the colours of the ramp (256 times red, green, blue). */
async function colouredMap(view, ramp) {
  const bitmap = await bitmapOf(view);
  const canvas = element("canvas", { width: bitmap.width, height: bitmap.height });
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const pixels = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  for (let at = 0; at < pixels.data.length; at += 4) {
    const grey = pixels.data[at];
    for (let c = 0; c < 3; c += 1) pixels.data[at + c] = ramp.getUint8(3 * grey + c);
  }
  pen.putImageData(pixels, 0, 0);
  return canvas;
}

/** As wide as `width` screen pixels, if there is room. `show(ramp, texts)`: the bar and what stands under its ends and, of three, its middle. */
function rampBar(width) {
  const canvas = element("canvas", { width: 256, height: 1, "aria-hidden": "true" });
  const ends = element("div", { class: "ramp-ends" });
  const node = element("div", { class: "ramp", style: `max-width: ${width}px` }, canvas, ends);
  const show = (ramp, texts) => {
    const pixels = new ImageData(256, 1);
    for (let grey = 0; grey < 256; grey += 1) pixels.data.set([...[0, 1, 2].map((c) => ramp.getUint8(3 * grey + c)), 255], 4 * grey);
    canvas.getContext("2d").putImageData(pixels, 0, 0);
    ends.replaceChildren(...texts.map((text) => element("span", {}, text)));
  };
  return { node, show };
}
