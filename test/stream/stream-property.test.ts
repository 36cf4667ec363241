import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { StreamResult } from '../../src/ingest/stream/stream-result.ts';
import { streamRunId } from '../../src/wafer/run.ts';
import { FakeStore, fakeNode, result, turn } from './fake-node.ts';

const run = streamRunId('tw', 'T1', 'S');

/** What a stored attempt is, in a form that compares. */
interface Expected {
  index: number;
  span: number;
  site: number;
  x: number | null;
  values: (number | null)[];
}

/** Dies of a site: how many results each has, and whether the last one says so. */
type Site = readonly { readonly results: number; readonly marked: boolean }[];

interface Plan {
  readonly sites: readonly Site[];
  /** Which site comes next, and how far the sequence jumps. */
  readonly order: readonly { readonly site: number; readonly gap: number }[];
  readonly cuts: readonly { readonly after: number; readonly how: 'abort' | 'crash' | 'take over' }[];
  /** Seed of what is durable when. */
  readonly seed: number;
  readonly bounds: { readonly batchResults: number; readonly writesInFlight: number };
}

const site = fc.array(fc.record({ results: fc.integer({ min: 1, max: 4 }), marked: fc.boolean() }), {
  minLength: 1,
  maxLength: 4,
});
const plan: fc.Arbitrary<Plan> = fc.record({
  sites: fc.array(site, { minLength: 1, maxLength: 4 }),
  order: fc.array(fc.record({ site: fc.nat(3), gap: fc.constantFrom(1, 1, 1, 5) }), { maxLength: 80 }),
  cuts: fc.array(fc.record({ after: fc.nat(40), how: fc.constantFrom('abort', 'crash', 'take over') }), {
    maxLength: 4,
  }),
  seed: fc.nat(),
  bounds: fc.record({
    batchResults: fc.integer({ min: 1, max: 12 }),
    writesInFlight: fc.integer({ min: 1, max: 4 }),
  }),
});

/** The results of a plan in stream order, and the attempts that they are, worked out die by die. */
function streamOf({ sites, order }: Plan): { results: StreamResult[]; attempts: Expected[] } {
  const left = sites.map((dies, number) =>
    dies.flatMap(({ results, marked }, die) =>
      Array.from({ length: results }, (_, i) => ({
        ...{ number, die, first: i === 0 },
        // A die that is marked as ended may be touched down again: the next one has the same place.
        x: dies.slice(0, die).filter((before) => !before.marked).length,
        lastOfDie: marked && i === results - 1,
      })),
    ),
  );
  const results: StreamResult[] = [];
  const attempts = new Map<string, Expected>();
  let sequence = 0;
  const steps = [...order, ...left.flatMap((of, number) => of.map(() => ({ site: number, gap: 1 })))];
  for (const { site: wanted, gap } of steps) {
    const next = left[wanted % sites.length]?.shift();
    if (!next) continue;
    sequence += gap;
    const value = sequence % 7 === 0 ? null : sequence / 10;
    const { number, die, x, lastOfDie } = next;
    results.push(
      result({ streamSequence: sequence, site: number, x, lastOfDie, value, name: `t${sequence % 3}` }),
    );
    const key = `${number}/${die}`;
    const attempt = attempts.get(key) ?? { index: sequence, span: 0, site: number, x, values: [] };
    attempts.set(key, { ...attempt, span: sequence - attempt.index, values: [...attempt.values, value] });
  }
  return { results, attempts: [...attempts.values()].sort((a, b) => a.index - b.index) };
}

function storedAttempts(store: FakeStore): Expected[] {
  return store.attempts(run).map(({ attempt }) => {
    const values = [...attempt.results.values];
    const rows = [...attempt.results.valueCounts].map((count) => (count === 0 ? null : values.shift()!));
    const { index, sequenceSpan, x } = attempt;
    return { index, span: sequenceSpan, site: attempt.site, x, values: rows };
  });
}

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

/** One node and one tester living through a plan. */
class Life {
  readonly store = new FakeStore();
  readonly expected: Expected[];
  readonly #plan: Plan;
  readonly #results: StreamResult[];
  readonly #random: () => number;
  #node;
  /** Where the tester resumes: a through_sequence that it heard of at any time. */
  #through = 0;

  constructor(plan: Plan) {
    this.#plan = plan;
    this.#random = chance(plan.seed);
    this.store.eager = false;
    this.#node = fakeNode(this.store);
    const { results, attempts } = streamOf(plan);
    this.#results = results;
    this.expected = attempts;
  }

  async live() {
    for (const { after, how } of this.#plan.cuts) await this.#piece(after, how);
    const { session } = await this.#send(Number.POSITIVE_INFINITY);
    const receipt = await this.#settle(session.finish());
    this.#check(receipt);
    return receipt;
  }

  async #piece(after: number, how: string): Promise<void> {
    const { session } = await this.#send(after);
    this.#hear(session.progress);
    if (how === 'abort') this.#hear(await this.#settle(session.abort('cut')));
    if (how !== 'crash') return;
    // A process that is dead writes nothing more: what it was about to do is done first.
    await turn();
    this.store.crash(() => this.#random() < 0.5);
    this.#node = fakeNode(this.store);
  }

  /** The tester sends again everything after what it knows to be durable. */
  async #send(most: number) {
    const session = this.#node.open(this.#plan.bounds);
    const rest = this.#results.filter(({ streamSequence }) => streamSequence > this.#through).slice(0, most);
    for (const each of rest) {
      await this.#settle(session.take(each));
      this.#check(session.progress);
      if (this.#random() < 0.2) this.#hear(session.progress);
    }
    return { session };
  }

  #hear(receipt: { throughSequence: number; accepted: number; duplicates: number }): void {
    this.#check(receipt);
    this.#through = Math.max(this.#through, receipt.throughSequence);
  }

  /** A receipt never claims more than is durable. */
  #check(receipt: { throughSequence: number; accepted: number; duplicates: number }): void {
    const durable = new Set(this.store.attempts(run).map(({ attempt }) => attempt.index));
    let results = 0;
    for (const { index, values } of this.expected) {
      if (durable.has(index)) results += values.length;
      else
        assert.ok(
          index > receipt.throughSequence,
          `${index} is not durable, through ${receipt.throughSequence}`,
        );
    }
    assert.ok(receipt.accepted + receipt.duplicates <= results);
  }

  /** Waits for work while commits and timers happen in any order. */
  async #settle<T>(work: Promise<T>): Promise<T> {
    let done = false;
    const mark = () => {
      done = true;
    };
    work.then(mark, mark);
    for (let waited = 0; ; waited++) {
      for (let i = 0; i < 4; i++) await Promise.resolve();
      if (this.#random() < 0.3) this.store.commit(Math.floor(this.#random() * this.store.waiting.length));
      if (this.#random() < 0.1) this.#node.world.fire();
      if (done) return work;
      if (waited % 16 === 15) await turn();
      assert.ok(waited < 10_000, 'nothing moves any more');
    }
  }
}

test('a stream of up to four sites, cut anywhere any number of times and resumed, holds each attempt of the uncut one once', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (lived) => {
      const life = new Life(lived);
      const receipt = await life.live();
      assert.deepEqual(storedAttempts(life.store), life.expected);
      // Whole attempts only, each written to be added: none was handed in again, none in part.
      const written = life.store.batches.flatMap(({ attempts }) => attempts.map(({ index }) => index));
      assert.equal(new Set(written).size, written.length);
      for (const { attempts } of life.store.batches) {
        assert.deepEqual(
          attempts.map(({ index }) => index),
          attempts.map(({ index }) => index).sort((a, b) => a - b),
        );
      }
      // A tester that has heard that all is durable has nothing left to send, and so no run to end.
      if (receipt.runId === null) return;
      const results = life.expected.reduce((sum, { values }) => sum + values.length, 0);
      assert.equal(
        receipt.throughSequence,
        Math.max(...life.expected.map(({ index, span }) => index + span)),
      );
      const { record } = life.store.records.at(-1)!;
      assert.deepEqual([record.attempts, record.results], [life.expected.length, results]);
    }),
    { numRuns: 300 },
  );
});

test('an interleaved stream handed in twice adds nothing and is counted as duplicates', async () => {
  await fc.assert(
    fc.asyncProperty(plan, async (lived) => {
      const { store, stream } = fakeNode();
      const { results } = streamOf(lived);
      const first = await stream(results, lived.bounds);
      const batches = store.batches.length;
      const second = await stream(results, lived.bounds);
      assert.equal(first.accepted, results.length);
      assert.deepEqual(second, { ...first, accepted: 0, duplicates: results.length });
      assert.equal(store.batches.length, batches);
    }),
    { numRuns: 100 },
  );
});
