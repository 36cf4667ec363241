import { bitLength } from './bits.ts';
import {
  DELTAS,
  DICTIONARY,
  FRAME,
  PATCHED,
  type StreamForm,
  type StreamPlan,
  streamBits,
  zigzag,
} from './word-stream.ts';

/** Below this length a sorted form cannot save enough to pay for itself. */
const SORT_FROM = 4;
const NONE = new Uint32Array();

/** Chooses the shortest form of at least one word. */
export function planStream(words: Uint32Array): StreamPlan {
  const length = words.length;
  const width = deltaWidth(words);
  const deltas = { length, kind: DELTAS, width, extra: 0, base: words[0]!, sorted: NONE };
  if (width === 0 || length < SORT_FROM) return deltas;
  const sorted = words.slice().sort();
  const base = sorted[0]!;
  const frame = { length, kind: FRAME, width: bitLength(sorted[length - 1]! - base), extra: 0, base, sorted };
  const dictionary = planDictionary(sorted);
  const best = [frame, dictionary].reduce((a, b) => (cost(b) < cost(a) ? b : a), deltas);
  return planPatched(sorted, frame.width, cost(best)) ?? best;
}

/** Bits of the codes and of what a form has beside its width. */
function cost(form: StreamForm): number {
  return streamBits(form) + (form.kind >= PATCHED ? 8 : 0);
}

function deltaWidth(words: Uint32Array): number {
  let all = 0;
  for (let i = 1; i < words.length; i++) all |= zigzag(words[i]! - words[i - 1]!);
  return bitLength(all);
}

function planDictionary(sorted: Uint32Array): StreamPlan {
  let gaps = 0;
  let entries = 1;
  for (let i = 1; i < sorted.length; i++) {
    const gap = sorted[i]! - sorted[i - 1]!;
    if (gap > 0) entries++;
    gaps |= gap;
  }
  return {
    length: sorted.length,
    kind: DICTIONARY,
    width: bitLength(gaps),
    extra: entries,
    base: sorted[0]!,
    sorted,
  };
}

/** A frame that leaves out some words, where that costs less than `bits`. */
function planPatched(sorted: Uint32Array, frameWidth: number, bits: number): StreamPlan | null {
  const length = sorted.length;
  let best: StreamPlan | null = null;
  let least = bits;
  for (let width = frameWidth - 1; width > 0; width--) {
    const { first, size } = fullestWindow(sorted, 2 ** width - 2);
    const plan = { length, kind: PATCHED, width, extra: length - size, base: sorted[first]!, sorted };
    if (32 * plan.extra >= least) break;
    if (cost(plan) >= least) continue;
    best = plan;
    least = cost(plan);
  }
  return best;
}

/** Of the windows of words at most `span` apart, the one that holds most. */
function fullestWindow(sorted: Uint32Array, span: number): { first: number; size: number } {
  let best = { first: 0, size: 0 };
  let end = 0;
  for (let first = 0; end < sorted.length; first++) {
    while (end < sorted.length && sorted[end]! - sorted[first]! <= span) end++;
    if (end - first > best.size) best = { first, size: end - first };
  }
  return best;
}
