/**
 * Logarithm, exponential and normal quantile from additions, multiplications and divisions alone. Machines round
 * those alike, while Math.log and Math.exp may differ in the last digit from one machine to the next.
 */

/** Natural logarithm of a positive finite number, to about 1e-11. */
export function ln(value: number): number {
  let mantissa = value;
  let exponent = 0;
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    exponent--;
  }
  while (mantissa > Math.SQRT2) {
    mantissa /= 2;
    exponent++;
  }
  const t = (mantissa - 1) / (mantissa + 1);
  const s = t * t;
  const series = 1 + s * (1 / 3 + s * (1 / 5 + s * (1 / 7 + s * (1 / 9 + s * (1 / 11 + s / 13)))));
  return exponent * Math.LN2 + 2 * t * series;
}

/** e to the power of a number between −700 and 700, to about 1e-12 of its size. */
export function exp(power: number): number {
  const halvings = Math.round(power / Math.LN2);
  const rest = power - halvings * Math.LN2;
  let sum = 1;
  for (let term = 12; term >= 1; term--) sum = 1 + (sum * rest) / term;
  for (let i = 0; i < halvings; i++) sum *= 2;
  for (let i = 0; i > halvings; i--) sum /= 2;
  return sum;
}

/**
 * The standard normal value below which a share `p` lies; p from 2^-33 to 1 − 2^-33, to about 1e-7.
 * Source: M. J. Wichura, Algorithm AS 241 (PPND7), Applied Statistics 37 (1988). Its third range, beyond
 * 6.7 standard deviations, is not reached from 32 random bits.
 */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    const over = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
    return (q * over) / (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }
  const r = Math.sqrt(-ln(q < 0 ? p : 1 - p)) - 1.6;
  const over = ((0.17023821103 * r + 1.3067284816) * r + 2.75681539) * r + 1.4234372777;
  const size = over / ((0.12021132975 * r + 0.7370016425) * r + 1);
  return q < 0 ? -size : size;
}
