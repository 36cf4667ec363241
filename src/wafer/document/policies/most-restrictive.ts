import { highest, type Policy } from './policy.ts';

/** Dispositions and verdicts, the least restrictive first. A flag that is set restricts more than one that is not. */
const RANKS: readonly (readonly (string | null)[])[] = [
  ['"ship"'],
  ['"release"'],
  [null, '"none"', 'false'],
  ['"hold"', 'true'],
  ['"scrap"'],
];

/** The value that lets the least happen: scrap, hold, nothing, release, ship. Values it does not know rank as nothing. */
export const mostRestrictive: Policy = {
  says: 'the most restrictive value is shown',
  manual: false,
  choose: (siblings) => highest(siblings, ({ value }) => rankOf(value)),
};

function rankOf(value: string | null): number {
  const rank = RANKS.findIndex((values) => values.includes(value));
  return rank === -1 ? 2 : rank;
}
