// A SAM's gate, computed here as the network computes it: at every pixel the sigmoid of a weighted sum of the colours it saw there.

/** The colours a SAM saw, as Float32Arrays of one colour each: 256 levels between the lowest and the highest. */
async function coloursSeen({ picture, low, high }, count) {
  const bitmap = await bitmapOf(picture);
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const pen = canvas.getContext("2d");
  pen.drawImage(bitmap, 0, 0);
  const { data } = pen.getImageData(0, 0, bitmap.width, bitmap.height);
  const value = (level) => low + (level / 255) * (high - low);
  return Array.from({ length: count }, (_, c) => Float32Array.from({ length: data.length / 4 }, (_, i) => value(data[4 * i + c])));
}

function channelGate(weights, colours) {
  return Float32Array.from(colours[0], (_, i) => 1 / (1 + Math.exp(-weights.reduce((sum, weight, c) => sum + weight * colours[c][i], 0))));
}

/** The mean over all channels. Shuffled channels have the same one. */
function meanGate(sam, colours) {
  const mean = new Float32Array(colours[0].length);
  for (const weights of sam.weights) channelGate(weights, colours).forEach((value, i) => (mean[i] += value / sam.weights.length));
  return mean;
}

/** What the network used instead of the gate of `channel`, from 1, or of the mean of all for 0. `how`: see `_how` in Python. */
function usedGate(sam, colours, channel, how, width, painting) {
  if (typeof how === "number") return new Float32Array(colours[0].length).fill(how);
  const from = channel && how === "shuffled_channels" ? sam.channels[channel - 1] + 1 : channel;
  const gate = from ? channelGate(sam.weights[from - 1], colours) : meanGate(sam, colours);
  if (how === "mean_over_places") return inRegions(gate, sam.regions, width, meanOf);
  if (how === "shuffled_places") return inRegions(gate, sam.regions, width, (values) => values.map((_, i) => values[sam.places.getUint16(2 * i, true)]));
  return how === "painted" && painting ? paintedGate(gate, painting, width) : gate;
}

const meanOf = (values) => values.fill(values.reduce((sum, value) => sum + value, 0) / values.length);

/** `change(values)` of each region by itself: a SAM may see the picture in pieces. */
function inRegions(gate, regions, width, change) {
  const made = new Float32Array(gate.length);
  for (const [top, bottom, left, right] of regions) {
    const rows = Array.from({ length: bottom - top }, (_, y) => gate.slice((top + y) * width + left, (top + y) * width + right));
    const values = change(Float32Array.from(rows.flatMap((row) => [...row])));
    rows.forEach((row, y) => made.set(values.slice(y * row.length, (y + 1) * row.length), (top + y) * width + left));
  }
  return made;
}

/** `painting`: {cells, side}; a cell is 0, 1 or null. */
function paintedGate(gate, { cells, side }, width) {
  return gate.map((value, i) => cells[Math.floor(i / width / side)][Math.floor((i % width) / side)] ?? value);
}

/** Lowest, mean and highest. */
function rangeOf(gate) {
  const [low, high] = gate.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]);
  return { low, high, mean: gate.reduce((sum, value) => sum + value, 0) / gate.length };
}
