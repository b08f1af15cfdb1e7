// Half floats from Python: a browser may not read them by itself yet.

/** All values of a DataView of little-endian half floats. */
function halvesOf(view) {
  return Float32Array.from({ length: view.byteLength / 2 }, (_, i) => halfOf(view.getUint16(2 * i, true)));
}

/** IEEE 754 binary16: 1 bit of sign, 5 of exponent, 10 of fraction. */
function halfOf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const [exponent, fraction] = [(bits >> 10) & 0x1f, bits & 0x3ff];
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
