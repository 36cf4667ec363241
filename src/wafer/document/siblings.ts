import type { Dot } from '../../clocks/dot.ts';
import { compareDots } from '../../clocks/dot.ts';
import { VersionVector } from '../../clocks/version-vector.ts';
import type { Sibling } from './edit.ts';

/**
 * The siblings of a field after one more write: those that it has not seen, and itself unless one of them has seen it.
 * In the end they hang on the set of writes alone, whatever their order and however often each arrives: a write is
 * covered by the context of whatever replaced it (Preguiça et al., "Dotted Version Vectors", 2010).
 */
export function mergeWrite(siblings: readonly Sibling[], write: Sibling): readonly Sibling[] {
  if (siblings.some(({ dot, context }) => context.covers(write.dot) || compareDots(dot, write.dot) === 0)) {
    return siblings;
  }
  const kept = siblings.filter(({ dot }) => !write.context.covers(dot));
  return [...kept, write].sort((a, b) => compareDots(a.dot, b.dot));
}

/** What whoever writes now has seen of a field. */
export function contextOf(siblings: readonly Sibling[]): VersionVector {
  return siblings.reduce(
    (seen, { dot, context }) => seen.join(context).join(VersionVector.of([dot])),
    VersionVector.empty,
  );
}

/** Dots of siblings, sorted. */
export function dotsOf(siblings: readonly Sibling[]): Dot[] {
  return siblings.map(({ dot }) => dot).sort(compareDots);
}

/** Whether a field has a value by any of its siblings; else all have removed it. */
export function isLive(siblings: readonly Sibling[]): boolean {
  return siblings.some(({ value }) => value !== null);
}

/** Whether siblings differ. Equal concurrent values merge silently. */
export function differ(siblings: readonly Sibling[]): boolean {
  return siblings.some(({ value }) => value !== siblings[0]!.value);
}
