import { type Dot, formatDot, parseOriginKey, sequence } from '../../clocks/dot.ts';
import { VersionVector } from '../../clocks/version-vector.ts';

/** Dots as columns have them: `tw.1-8f3a5c2e90:57`, a blank between them, in their order. */
export function dotsText(dots: readonly Dot[]): string {
  return dots.map(formatDot).join(' ');
}

/** Dots of a column. */
export function parseDots(text: string): Dot[] {
  return text === '' ? [] : text.split(' ').map(parseDot);
}

/** Dot of its text. @throws WafersyncError `invalid` */
export function parseDot(text: string): Dot {
  const colon = text.lastIndexOf(':');
  return { ...parseOriginKey(text.slice(0, colon)), sequence: sequence(Number(text.slice(colon + 1))) };
}

/** A causal context as columns have it: the greatest sequence of each origin, written as a dot. */
export function contextText(context: VersionVector): string {
  return dotsText(context.entries().map(([origin, head]) => ({ ...origin, sequence: sequence(head) })));
}

/** Context of a column. */
export function parseContext(text: string): VersionVector {
  return text === '' ? VersionVector.empty : VersionVector.of(parseDots(text));
}
