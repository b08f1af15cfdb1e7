// Levels that are switched on and off, and what they add to a picture.

/** The levels that are on after this one was switched. */
function switched(on, level) {
  const others = on.filter((other) => other !== level);
  return others.length < on.length ? others : [...on, level].sort((a, b) => a - b);
}

/** What pressing the switch of a level would do. */
function effect(on, worth, judged) {
  const verb = on ? "off" : "on";
  return judged ? `${verb}: ${withSign(worth)} dB` : `${verb} moves ${worth.toFixed(1)}`;
}

function pixelsOf(bitmap) {
  const canvas = element("canvas", { width: bitmap.width, height: bitmap.height });
  const pen = canvas.getContext("2d", { willReadFrequently: true });
  pen.drawImage(bitmap, 0, 0);
  return { canvas, data: pen.getImageData(0, 0, bitmap.width, bitmap.height).data };
}

/** Input plus residual, whose mid-grey is zero and whose white is `end` of the whole range. */
function summed(degraded, residual, end) {
  const added = pixelsOf(residual);
  const pixels = new ImageData(residual.width, residual.height);
  for (let at = 0; at < pixels.data.length; at += 1) {
    pixels.data[at] = at % 4 === 3 ? 255 : degraded.data[at] + 2 * end * (added.data[at] - 127.5); // clamped and rounded by its type
  }
  added.canvas.getContext("2d").putImageData(pixels, 0, 0);
  return added.canvas;
}

function greys() {
  return new DataView(Uint8Array.from({ length: 768 }, (_, at) => Math.floor(at / 3)).buffer);
}
