import { highest, type Policy } from './policy.ts';

/** "fail" before all bins, the greater bin number before the lesser, then "pass", then anything else. */
export const worstBin: Policy = {
  says: 'the worst bin is shown',
  manual: false,
  choose: (siblings) => highest(siblings, ({ value }) => badness(value)),
};

function badness(value: string | null): number {
  if (value === null) return -3;
  if (value === '"fail"') return Number.MAX_SAFE_INTEGER;
  if (value === '"pass"') return -1;
  const bin = Number(value);
  return Number.isFinite(bin) && bin >= 0 ? bin : -2;
}
