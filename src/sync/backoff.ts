/** Bounds of a wait before dialling again. */
export interface BackoffBounds {
  readonly minMs: number;
  readonly maxMs: number;
}

/**
 * Wait before the next try: doubles with each failure up to the cap; a random half of it is taken off, so that
 * fabs that lost the same link do not come back in step.
 *
 * @param failures tries that failed since the last success, ≥ 0; 0 waits not at all
 * @param random uniform in [0, 1)
 */
export function backoffMs(failures: number, bounds: BackoffBounds, random: number): number {
  if (failures === 0) return 0;
  const full = Math.min(bounds.maxMs, bounds.minMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(full * (1 - random / 2));
}

/** Uniform in [0, 1), of four random bytes. */
export function fraction(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0) / 2 ** 32;
}
