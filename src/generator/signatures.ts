import type { Die } from './die-map.ts';
import type { Random } from './random.ts';

/** Patterns of failing dies that processes leave on wafers. */
export type SignatureKind = 'edge-ring' | 'edge-loc' | 'center' | 'loc' | 'scratch' | 'donut' | 'near-full';

/** Share of the wafers that each pattern is found on. */
export type SignatureRates = Readonly<Record<SignatureKind, number>>;

/** Shares met in the field; 85 % of the wafers have none. */
export const SIGNATURE_RATES: SignatureRates = {
  'edge-ring': 0.056,
  'edge-loc': 0.03,
  center: 0.025,
  loc: 0.021,
  scratch: 0.007,
  donut: 0.003,
  'near-full': 0.001,
};

/** A pattern on one wafer. */
export interface Signature {
  readonly kind: SignatureKind | 'none';
  /** Probability that the pattern makes this die fail, 0 to 1. */
  hits(die: Die): number;
}

const NONE: Signature = { kind: 'none', hits: () => 0 };

/** Draws the pattern of a wafer, mostly none. */
export function drawSignature(random: Random, rates: SignatureRates): Signature {
  let left = random.uniform();
  for (const [kind, rate] of Object.entries(rates) as [SignatureKind, number][]) {
    if (left < rate) return { kind, hits: SHAPES[kind](random) };
    left -= rate;
  }
  return NONE;
}

const SHAPES: Record<SignatureKind, (random: Random) => (die: Die) => number> = {
  'edge-ring': (random) => {
    const inner = random.between(0.74, 0.86);
    return (die) => (die.r2 > inner ? 0.45 : 0);
  },
  'edge-loc': (random) => {
    const [u, v] = pointOn(random, 0.9);
    return (die) => (die.r2 > 0.55 && distance2(die, u, v) < 0.16 ? 0.7 : 0);
  },
  center: (random) => {
    const outer = random.between(0.06, 0.14);
    return (die) => (die.r2 < outer ? 0.65 : 0);
  },
  loc: (random) => {
    const [u, v] = pointOn(random, random.between(0.3, 0.6));
    const size = random.between(0.03, 0.06);
    return (die) => (distance2(die, u, v) < size ? 0.7 : 0);
  },
  scratch: (random) => {
    const [u, v] = pointOn(random, random.between(0.1, 0.6));
    const [du, dv] = pointOn(random, 1);
    const half = random.between(0.25, 0.5);
    return (die) => {
      const along = (die.u - u) * du + (die.v - v) * dv;
      const across = (die.u - u) * dv - (die.v - v) * du;
      return Math.abs(along) < half && Math.abs(across) < 0.06 ? 0.8 : 0;
    };
  },
  donut: (random) => {
    const inner = random.between(0.1, 0.16);
    return (die) => (die.r2 > inner && die.r2 < inner + 0.2 ? 0.55 : 0);
  },
  'near-full': () => () => 0.9,
};

/** A point at this distance from the centre, in a random direction; found by rejection, without sine or cosine. */
function pointOn(random: Random, radius: number): [u: number, v: number] {
  for (;;) {
    const u = random.between(-1, 1);
    const v = random.between(-1, 1);
    const r2 = u * u + v * v;
    if (r2 < 0.01 || r2 > 1) continue;
    const scale = radius / Math.sqrt(r2);
    return [u * scale, v * scale];
  }
}

function distance2(die: Die, u: number, v: number): number {
  return (die.u - u) * (die.u - u) + (die.v - v) * (die.v - v);
}
