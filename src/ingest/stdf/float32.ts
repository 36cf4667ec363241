const scratch = new DataView(new ArrayBuffer(4));

/** Value of a float32 by its bits. A NaN loses its payload here, so values are carried as bits. */
export function float32Value(bits: number): number {
  scratch.setUint32(0, bits);
  return scratch.getFloat32(0);
}

/** Bits of the float32 nearest to a value. */
export function float32Bits(value: number): number {
  scratch.setFloat32(0, value);
  return scratch.getUint32(0);
}

/**
 * Bits of the float32 that a VAX F_floating stands for. Its two 16-bit words are little-endian, the high
 * one first; exponent 0 is zero, there is neither NaN nor infinity.
 */
export function vaxFloat32Bits(high: number, low: number): number {
  const exponent = (high >>> 7) & 0xff;
  if (exponent === 0) return 0;
  const fraction = 0.5 + (((high & 0x7f) << 16) | low) / 2 ** 24;
  return float32Bits((high & 0x8000 ? -fraction : fraction) * 2 ** (exponent - 128));
}
