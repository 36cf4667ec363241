import { lastWriterWins } from './last-writer-wins.ts';
import type { Policy } from './policy.ts';

/** A person decides; until then the last writer's value is shown. */
export const manual: Policy = {
  ...lastWriterWins,
  says: 'a person decides, and until then the last write is shown',
  manual: true,
};
