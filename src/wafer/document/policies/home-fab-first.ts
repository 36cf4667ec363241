import { highest, type Policy } from './policy.ts';

/** What the wafer's home fab wrote; where it wrote nothing, or no home is named, the last writer. */
export const homeFabFirst: Policy = {
  says: "the wafer's home fab decides, else the last writer",
  manual: false,
  choose: (siblings, { homeFab }) => highest(siblings, ({ dot }) => Number(dot.fab === homeFab)),
};
