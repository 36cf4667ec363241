import fc from 'fast-check';
import type { Origin } from '../../src/clocks/dot.ts';
import type { AttemptSummary } from '../../src/wafer/attempt.ts';
import type { Update } from '../../src/wafer/update.ts';
import { attempt, origin, record, run, runUpdate, update } from './fixtures.ts';

/** Few of everything, so that attempts meet, contradict each other and move between dies, wafers and runs. */
const ORIGINS: readonly Origin[] = [origin('az'), origin('tw', 2), origin('tw', 1)];
const RUNS = [run('a'), run('b')];
const STARTS = [100, 200, 300];

const anyAttempt: fc.Arbitrary<AttemptSummary> = fc
  .record({
    index: fc.nat({ max: 5 }),
    die: fc.constantFrom([0, 0], [0, 1], [1, 0], [-3, 7], [null, null]),
    hardBin: fc.constantFrom(1, 2, null),
    partFlags: fc.constantFrom(0, 0x08, 0x10),
    resultCount: fc.nat({ max: 3 }),
  })
  .map(({ index, die, ...rest }) => attempt(index, { ...rest, x: die[0]!, y: die[1]! }));

/** Attempts in growing order of index. */
const batch = fc
  .uniqueArray(anyAttempt, { selector: ({ index }) => index, maxLength: 5 })
  .map((attempts) => attempts.toSorted((a, b) => a.index - b.index));

type Born = (from: Origin, at: number) => Update;

const anyBirth: fc.Arbitrary<Born> = fc
  .record({
    run: fc.constantFrom(...RUNS),
    start: fc.constantFrom(...STARTS),
    waferId: fc.constantFrom('W1', 'W2'),
    content: fc.oneof(
      { weight: 5, arbitrary: batch },
      { weight: 1, arbitrary: fc.record({ attempts: fc.nat({ max: 2 }), complete: fc.boolean() }) },
    ),
  })
  .map(({ run: id, start, waferId, content }) => (from, at) => {
    const head = { run: { id, startedAtUs: start } };
    if ('attempts' in content) {
      return runUpdate(from, at, record({ ...content, fileName: `${from.fab}-${at}` }), head);
    }
    return update(from, at, content, { ...head, wafer: { lot: 'L', waferId, insertion: '' } });
  });

/** Updates of a few origins, each origin's sequences from 1 without holes. */
export const anyHistory: fc.Arbitrary<Update[]> = fc
  .array(fc.tuple(fc.constantFrom(...ORIGINS), anyBirth), { minLength: 1, maxLength: 14 })
  .map((births) => {
    const heads = new Map<Origin, number>();
    return births.map(([from, born]) => {
      const at = (heads.get(from) ?? 0) + 1;
      heads.set(from, at);
      return born(from, at);
    });
  });

/** An order of arrival, with some updates arriving twice, cut into transactions. */
export function anyArrival(history: readonly Update[]): fc.Arbitrary<Update[][]> {
  const all = fc.shuffledSubarray([...history], { minLength: history.length });
  const again = fc.subarray([...history], { maxLength: Math.min(3, history.length) });
  return fc.tuple(all, again, fc.integer({ min: 1, max: 5 })).map(([first, second, size]) => {
    const arriving = [...first, ...second];
    const groups: Update[][] = [];
    for (let i = 0; i < arriving.length; i += size) groups.push(arriving.slice(i, i + size));
    return groups;
  });
}
