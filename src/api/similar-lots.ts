import type { Store } from '../store/store.ts';
import { nearestFew } from '../words/nearest.ts';

/** Lots that are told. */
const MAX_TOLD = 3;

/** Names that are looked at before the one that was given, and behind it. */
const LOOK_EACH = 500;

/**
 * Lots of which something is known here, and whose names are near to one that was given, or begin with it; the likeliest first,
 * at most 3. Of very many lots, those that stand far from it by their names are not looked at.
 */
export function similarLots({ lots }: Pick<Store, 'lots'>, name: string): string[] {
  const names = lots.namesAbout(name, LOOK_EACH).filter((lot) => lot !== name);
  const begun = names.filter((lot) => lot.startsWith(name)).slice(0, MAX_TOLD);
  const likely = new Set([...nearestFew(name, names, MAX_TOLD), ...begun]);
  return [...likely].filter((lot) => lots.countWafers(lot) > 0).slice(0, MAX_TOLD);
}
