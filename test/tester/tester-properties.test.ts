import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { TesterClient } from '../../src/tester/tester-client.ts';
import type { TesterResult } from '../../src/tester/tester-result.ts';
import { streamRunId } from '../../src/wafer/run.ts';
import { FakeStore, fakeNode, turn } from '../stream/fake-node.ts';
import { MemoryLine } from './memory-line.ts';

const run = streamRunId('tw', 'T1', 'S');

/** A tester's day: results of up to three sites that take turns, and what happens on the way. */
const day = fc.record({
  /** Which site comes next, whether its die ends with the result, and the test. */
  results: fc.array(
    fc.record({
      site: fc.nat(2),
      last: fc.boolean(),
      test: fc.nat(3),
      timed: fc.boolean(),
      valued: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  ),
  /** How many steps pass before each cut. */
  cuts: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 6 }),
  seed: fc.nat(),
  bufferedResults: fc.integer({ min: 1, max: 20 }),
  batchResults: fc.integer({ min: 1, max: 7 }),
  window: fc.integer({ min: 1, max: 4 }),
});

type Day = typeof day extends fc.Arbitrary<infer T> ? T : never;

/** Small seeded generator (mulberry32): numbers in [0, 1). */
function chance(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const TIME = 1_700_000_000_000_000;

/** The results of a day in order. Each site goes from die to die. */
function resultsOf({ results }: Day): TesterResult[] {
  const dies = [0, 0, 0];
  return results.map(({ site, last, test, timed, valued }, i) => {
    const x = dies[site]!;
    if (last) dies[site]!++;
    return {
      ...{ waferId: 'W', lot: 'L', x, y: site, site, lastOfDie: last },
      test: { name: `t${test}`, number: test, units: 'V' },
      value: valued ? i + 0.1 : null,
      passed: i % 3 > 0,
      timestampUs: timed ? TIME + i : 0,
    };
  });
}

/** What is durable, result by result, with the attempt that it is in. */
function durable(store: FakeStore) {
  return store.attempts(run).flatMap(({ attempt, tests }) => {
    const { results, index, x, site, startedAtUs } = attempt;
    let value = 0;
    return Array.from({ length: results.length }, (_, i) => ({
      ...{ index, x, site },
      test: tests[results.tests[i]!]!.name,
      passed: results.testFlags[i] === 0,
      value: results.valueCounts[i] === 1 ? results.values[value++]! : null,
      timeUs: (startedAtUs ?? 0) + (results.timesUs?.[i] ?? 0),
    }));
  });
}

/** What must be durable: the results by attempt, worked out from the tester's side. */
function expected(results: readonly TesterResult[]) {
  const first = new Map<string, number>();
  return results
    .map(({ site, x, test, passed, value, timestampUs }, i) => {
      const die = `${site} ${x}`;
      if (!first.has(die)) first.set(die, i + 1);
      return { index: first.get(die)!, x, site, test: test.name, passed, value, timeUs: timestampUs };
    })
    .sort((a, b) => a.index - b.index);
}

/** Lets commits, timers and cuts happen in any order until the work is done. */
async function live(
  work: Promise<unknown>,
  lived: Day,
  store: FakeStore,
  worlds: { fire(): boolean }[],
  line: MemoryLine,
) {
  const random = chance(lived.seed);
  const cuts = new Set(
    lived.cuts.map((_, i) => lived.cuts.slice(0, i + 1).reduce((sum, steps) => sum + steps, 0)),
  );
  let done = false;
  const mark = () => {
    done = true;
  };
  work.then(mark, mark);
  for (let step = 0; !done; step++) {
    if (cuts.has(step)) line.cut();
    if (random() < 0.5) store.commit(Math.floor(random() * store.waiting.length));
    for (const world of worlds) if (random() < 0.4) world.fire();
    await turn();
    assert.ok(step < 20_000, 'nothing moves any more');
  }
}

function clientOf(lived: Day, store: FakeStore) {
  const node = fakeNode(store);
  const line = new MemoryLine(node.parts);
  line.window = lived.window;
  const world = fakeNode(store).world;
  const { bufferedResults, batchResults } = lived;
  const client = new TesterClient({ world, openCall: line.open, bounds: { bufferedResults, batchResults } });
  return { client, line, worlds: [node.world, world] };
}

test('through any cuts every result is durable once, in its attempt and in order', async () => {
  await fc.assert(
    fc.asyncProperty(day, async (lived) => {
      const store = new FakeStore();
      store.eager = false;
      const results = resultsOf(lived);
      const { client, line, worlds } = clientOf(lived, store);
      const work = (async () => {
        for (const result of results) await client.add(result);
        return client.finish();
      })();
      await live(work, lived, store, worlds, line);
      const receipt = await work;
      assert.deepEqual(durable(store), expected(results));
      assert.deepEqual([receipt.results, receipt.runId, receipt.streamId], [results.length, run, 'S']);
      const { record } = store.records.at(-1)!;
      assert.deepEqual([record.complete, record.results], [true, results.length]);
      const written = store.batches.flatMap(({ attempts }) => attempts.map(({ index }) => index));
      assert.equal(new Set(written).size, written.length, 'no attempt is written twice');
    }),
    { numRuns: 300 },
  );
});

test('a client that begins again from the first result, after a crash, sends what is missing', async () => {
  await fc.assert(
    fc.asyncProperty(day, fc.double({ min: 0, max: 1, noNaN: true }), async (lived, share) => {
      const store = new FakeStore();
      store.eager = false;
      const results = resultsOf(lived);
      const first = clientOf(lived, store);
      const begun = (async () => {
        for (const result of results.slice(0, Math.floor(share * results.length)))
          await first.client.add(result);
      })();
      await live(begun, lived, store, first.worlds, first.line);
      first.client.close();
      for (let i = 0; i < 20; i++) {
        await turn();
        store.commit(0);
      }
      const again = clientOf(lived, store);
      const work = (async () => {
        for (const result of results) await again.client.add(result);
        return again.client.finish();
      })();
      await live(work, lived, store, [...again.worlds, ...first.worlds], again.line);
      const { durableBefore } = await work;
      assert.deepEqual(durable(store), expected(results));
      assert.ok(again.line.sentResults >= results.length - durableBefore);
    }),
    { numRuns: 150 },
  );
});
