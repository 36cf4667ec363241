import { compareBirths } from '../edit.ts';
import type { Policy } from './policy.ts';

/** Every value that differs, the earliest first: an array where there are several. A removal removes what it saw alone. */
export const keepAll: Policy = {
  says: 'all values are kept',
  manual: false,
  choose: (siblings) => {
    const kept = siblings.filter(({ value }) => value !== null).sort(compareBirths);
    const values = [...new Set(kept.map(({ value }) => value!))];
    const value = values.length > 1 ? `[${values.join(',')}]` : (values[0] ?? null);
    return { value, chosen: kept.length > 0 ? kept : siblings };
  },
};
