// What Python sent of a block of dynamic filters, as something that answers for every pixel.

/** A block's bytes as something that answers for every pixel of the window; the arithmetic is that of Python's term_by_term. */
function dynamicBlock(sent, height, width) {
  const { name, scale, taps, most, channels, share } = sent;
  const [kernels, residual, input, axes] = ["kernels", "residual", "input", "axes"].map((part) => halvesOf(sent[part]));
  const [pixels, count] = [height * width, taps * taps];
  const [wide, high] = [width / scale + taps - 1, height / scale + taps - 1];
  const margin = (taps - 1) / 2;
  const values = new Float32Array(channels * pixels).fill(NaN);

  function terms(row, column) {
    const [y, x] = [Math.floor(row / scale), Math.floor(column / scale)];
    const kernel = Array.from({ length: count }, (_, tap) => kernels[tap * pixels + row * width + column]);
    const neighbourhood = Array.from({ length: channels }, (_, c) =>
      Array.from({ length: count }, (_, tap) => input[c * wide * high + (y + Math.floor(tap / taps)) * wide + x + (tap % taps)]),
    );
    const sums = neighbourhood.map((around) => around.reduce((sum, value, tap) => sum + value * kernel[tap], 0));
    const residuals = sums.map((_, c) => residual[c * pixels + row * width + column]);
    return { kernel, neighbourhood, sums, residuals, values: sums.map((sum, c) => sum + residuals[c]) };
  }

  const coloured = (valueOf) => [0, 1, 2].map((c) => 255 * valueOf(channels === 1 ? 0 : c));
  const given = (i) => {
    const [y, x] = [Math.floor(i / (width / scale)), i % (width / scale)];
    return coloured((c) => input[c * wide * high + (y + margin) * wide + x + margin]);
  };
  const made = (i) => {
    if (Number.isNaN(values[i])) terms(Math.floor(i / width), i % width).values.forEach((value, c) => values.set([value], c * pixels + i));
    return coloured((c) => values[c * pixels + i]);
  };
  const atlasAt = (i) => [0, 1, 2].map((c) => sent.atlas.getUint8(3 * i + c));
  return { name, scale, taps, most, channels, share, axes, terms, given, made, atlasAt };
}

function trueKernels({ kernels, labels, side }, width) {
  if (!kernels) return null;
  const [weights, count] = [halvesOf(kernels), side * side];
  const at = (row, column) => {
    const label = labels.getUint8(row * width + column);
    return Array.from(weights.subarray(label * count, (label + 1) * count));
  };
  return { side, at };
}
