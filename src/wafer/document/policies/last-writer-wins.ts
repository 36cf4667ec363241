import { highest, type Policy } from './policy.ts';

/** The greatest timestamp, then the greatest dot. */
export const lastWriterWins: Policy = {
  says: 'the last writer decides',
  manual: false,
  choose: (siblings) => highest(siblings, () => 0),
};
