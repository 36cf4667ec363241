import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import type { RunId } from '../../src/wafer/run.ts';
import type { Update } from '../../src/wafer/update.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { batch, RECORD } from './replica-fixture.ts';

const FABS = ['tw', 'az', 'de'];
const DIES = [0, 1, 2];

type Step =
  | {
      readonly type: 'run';
      readonly fab: number;
      readonly run: number;
      readonly fails: readonly number[];
      readonly final: boolean;
    }
  | { readonly type: 'judge'; readonly fab: number; readonly die: number; readonly pass: boolean }
  | { readonly type: 'mark'; readonly fab: number; readonly run: number }
  | {
      readonly type: 'deliver';
      readonly fab: number;
      readonly from: number;
      readonly order: readonly number[];
    };

const fab = fc.nat(FABS.length - 1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('run' as const),
      fab,
      run: fc.nat(4),
      fails: fc.subarray(DIES),
      final: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('judge' as const),
      fab,
      die: fc.constantFrom(...DIES),
      pass: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('mark' as const), fab, run: fc.nat(4) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('deliver' as const),
      fab,
      from: fab,
      order: fc.array(fc.nat(20), { maxLength: 5 }),
    }),
  },
);

const runId = (run: number) => `${run}`.repeat(32) as RunId;

/** Something that was said of the dies: attempts of a run, or a person's verdict about one. */
interface Said {
  readonly update: Update;
  /** Run of the attempts; null for a person. */
  readonly run: number | null;
  /** Verdict of each die. */
  readonly verdicts: ReadonlyMap<number, 'pass' | 'fail'>;
  /** All that its maker had, by what had come to the fab and what that had seen. */
  readonly knew: ReadonlySet<Update>;
}

/** What happened, kept by what was known where and when: no vectors. */
class Story {
  readonly fabs: readonly DocumentFab[];
  readonly #here = FABS.map(() => new Set<Update>());
  readonly #said: Said[] = [];
  readonly #marks: { readonly run: number; readonly knew: ReadonlySet<Update> }[] = [];
  /** What each edit that rests on attempts had seen. */
  readonly #seen = new Map<Update, ReadonlySet<Update>>();

  constructor(t: TestContext) {
    this.fabs = FABS.map((name) => new DocumentFab(t, name));
  }

  async play(step: Step): Promise<void> {
    const fab = this.fabs[step.fab]!;
    const here = this.#here[step.fab]!;
    const before = fab.born.length;
    const knew = new Set(here);
    if (step.type === 'deliver') {
      const { born } = this.fabs[step.from]!;
      const updates = born.length === 0 ? [] : step.order.map((i) => born[i % born.length]!);
      await fab.take(...updates);
      for (const update of updates) here.add(update);
      return;
    }
    if (step.type === 'run') await this.#run(step, fab, knew);
    else {
      for (const update of here) for (const seen of this.#seen.get(update) ?? []) knew.add(seen);
      if (step.type === 'judge')
        await fab.patch([['add', `/verdicts/${step.die},-1`, step.pass ? 'pass' : 'fail']]);
      else await fab.patch([['add', `/final_runs/${runId(step.run)}`, true]]);
      const [update] = fab.born.slice(before) as [Update];
      this.#seen.set(update, knew);
      if (step.type === 'mark') this.#marks.push({ run: step.run, knew });
      else
        this.#said.push({
          update,
          run: null,
          verdicts: new Map([[step.die, step.pass ? 'pass' : 'fail']]),
          knew,
        });
    }
    for (const update of fab.born.slice(before)) here.add(update);
  }

  /** A run is one file: at whichever fab it is handed in, it has the same attempts. */
  async #run(
    { run, fails, final }: Extract<Step, { type: 'run' }>,
    fab: DocumentFab,
    knew: ReadonlySet<Update>,
  ) {
    const known = this.#said.find((said) => said.run === run);
    const verdicts =
      known?.verdicts ?? new Map(DIES.map((die) => [die, fails.includes(die) ? 'fail' : 'pass'] as const));
    const attempts = batch(DIES).attempts.map((attempt) => ({
      ...attempt,
      partFlags: verdicts.get(attempt.x!) === 'fail' ? 8 : 0,
    }));
    const before = fab.born.length;
    void fab.bench.replica.write(batch([], { run: { id: runId(run), startedAtUs: run }, attempts }));
    void fab.bench.replica.recordRun({ id: runId(run), startedAtUs: run }, { ...RECORD, final });
    await fab.bench.commit();
    const update = fab.born.slice(before).find(({ header }) => header.kind === 'results');
    if (update) this.#said.push({ update, run, verdicts, knew });
    if (final) this.#marks.push({ run, knew: new Set() });
  }

  async end(): Promise<void> {
    for (const [i, fab] of this.fabs.entries()) {
      const others = this.fabs.filter((other) => other !== fab).flatMap(({ born }) => born);
      await fab.take(...(i % 2 === 0 ? others.toReversed() : others));
    }
  }

  /** The verdicts about a die that stand against each other, by the definition. */
  conflict(die: number): string[] {
    const attempts = new Map(this.#births().map((births) => [births[0]!, births] as const));
    const people = this.#said.filter(
      ({ run, verdicts, update }) => run === null && verdicts.has(die) && !this.#replaced(update, die),
    );
    const items = [...attempts.keys(), ...people];
    const knows = (item: Said, other: Said): boolean => {
      const births = attempts.get(other)?.map(({ update }) => update) ?? [other.update];
      // People who judge a die replace each other as writes of a field do.
      if (item.run === null && other.run === null) return false;
      const marked =
        item.run === null ? [] : this.#marks.filter(({ run }) => run === item.run).map(({ knew }) => knew);
      return [item.knew, ...marked].some((known) => births.some((update) => known.has(update)));
    };
    const stand = items.filter((item) => !items.some((other) => other !== item && knows(other, item)));
    const values = new Set(stand.map(({ verdicts }) => verdicts.get(die)));
    if (values.size < 2 || stand.every(({ run }) => run === null)) return [];
    return stand
      .map(
        ({ update, verdicts }) =>
          `${update.header.dot.fab}:${update.header.dot.sequence} ${verdicts.get(die)}`,
      )
      .sort();
  }

  /** The final runs, each with all that brought it, the smallest dot first: its content counts. */
  #births(): Said[][] {
    const final = new Set(this.#marks.map(({ run }) => run));
    const runs = Map.groupBy(
      this.#said.filter(({ run }) => run !== null && final.has(run)),
      ({ run }) => run,
    );
    const order = ({ update: { header } }: Said) =>
      `${header.dot.fab} ${String(header.dot.sequence).padStart(6, '0')}`;
    return [...runs.values()].map((births) => births.sort((a, b) => (order(a) < order(b) ? -1 : 1)));
  }

  /** Whether a later verdict of a person about the die had seen this one. */
  #replaced(update: Update, die: number): boolean {
    return this.#said.some(
      ({ run, verdicts, knew }) => run === null && verdicts.has(die) && knew.has(update),
    );
  }
}

test('verdicts stand against each other where both are final, differ and did not know of each other: none missed, none invented', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 24 }), async (steps) => {
      const story = new Story(t);
      for (const each of steps) await story.play(each);
      await story.end();
      const digests = story.fabs.map(({ store }) => store.foldDigest());
      assert.equal(new Set(digests).size, 1);
      for (const fab of story.fabs) {
        for (const die of DIES) {
          const found = fab
            .conflicts()
            .find(
              ({ kind, field, state }) =>
                kind === 'verdict' && state !== 'settled' && field === `/verdicts/${die},-1`,
            );
          const members = (found?.members ?? [])
            .map(({ dot, value }) => `${dot.fab}:${dot.sequence} ${JSON.parse(value!)}`)
            .sort();
          assert.deepEqual(members, story.conflict(die), `die ${die} at ${fab.store.origin.fab}`);
        }
      }
      assert.equal(story.fabs[0]!.store.rebuild().digest, digests[0]);
      for (const fab of story.fabs) fab.store.close();
    }),
    { numRuns: 40, endOnFailure: true },
  );
});
