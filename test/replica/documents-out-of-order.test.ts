import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { allConflicts, conflictId, settlementOf } from '../../src/wafer/document/conflict.ts';
import type { Json } from '../../src/wafer/document/json.ts';
import { DocumentState } from '../../src/wafer/document/view.ts';
import type { RunId } from '../../src/wafer/run.ts';
import { decodeEdit } from '../../src/wire/edit.ts';
import { DocumentFab, MESH, W1 } from '../support/document-bench.ts';
import { batch } from './replica-fixture.ts';

const FABS = ['tw', 'az', 'de', 'il', 'kr'];

type Step =
  | { readonly type: 'patch'; readonly fab: number; readonly op: number; readonly value: number }
  | { readonly type: 'retire' | 'attempt' | 'settle' | 'rule'; readonly fab: number; readonly value: number }
  | {
      readonly type: 'deliver';
      readonly fab: number;
      readonly from: number;
      readonly order: readonly number[];
    };

const fab = fc.nat(FABS.length - 1);
const value = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ type: fc.constant('patch' as const), fab, op: fc.nat(6), value }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constantFrom('retire' as const, 'attempt' as const, 'settle' as const, 'rule' as const),
      fab,
      value,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('deliver' as const),
      fab,
      from: fab,
      order: fc.array(fc.nat(50), { maxLength: 6 }),
    }),
  },
);

/** Patches; each may not fit the document as it is, and then writes nothing. */
const OPERATIONS: readonly ((value: number) => readonly [op: string, path: string, value?: Json])[] = [
  (n) => ['replace', '/disposition', ['hold', 'release', 'ship', 'scrap'][n % 4]!],
  (n) => ['add', `/holds/H${n % 2}`, { reason: `${n}` }],
  (n) => ['remove', `/holds/H${n % 2}`],
  (n) => ['add', '/attributes/oven', n],
  (n) => ['add', '/attributes/oven', { name: `${n}` }],
  (n) => ['add', '/rebins/1,1', n],
  (n) => ['add', '/tags/urgent', n % 2 === 0],
];

class Story {
  readonly fabs: readonly DocumentFab[];
  #attempts = 0;

  constructor(t: TestContext) {
    this.fabs = FABS.map((name) => new DocumentFab(t, name));
  }

  async play(step: Step): Promise<void> {
    const fab = this.fabs[step.fab]!;
    fab.bench.world.advance(step.type === 'deliver' ? 0 : (step.value % 4) * 3);
    // What does not fit is refused, and nothing is written.
    await this.#do(step, fab).catch((error: { code?: string }) => {
      if (!['precondition', 'conflict', 'invalid', 'not-found'].includes(error.code ?? '')) throw error;
    });
  }

  async #do(step: Step, fab: DocumentFab): Promise<unknown> {
    switch (step.type) {
      case 'patch':
        return fab.patch([OPERATIONS[step.op]!(step.value)]);
      case 'retire':
        return fab.retire();
      case 'attempt': {
        const run = { id: `${step.fab}`.repeat(32) as RunId, startedAtUs: step.fab };
        const done = fab.bench.replica.write(batch([this.#attempts++], { run }));
        await fab.bench.commit();
        return done;
      }
      case 'settle': {
        const standing = fab.conflicts().filter(({ state }) => state !== 'settled');
        const conflict = standing[step.value % Math.max(1, standing.length)];
        if (!conflict) return undefined;
        const { dot } = conflict.members[step.value % conflict.members.length]!;
        return fab.resolve(conflict.id, { choose: { fab: dot.fab, sequence: dot.sequence } });
      }
      case 'rule':
        return fab.patch(
          [
            [
              'add',
              '/policies/*/~1disposition',
              ['most-restrictive', 'manual', 'last-writer-wins'][step.value % 3]!,
            ],
          ],
          { wafer: MESH },
        );
      case 'deliver': {
        const born = this.fabs[step.from]!.born;
        return born.length === 0 ? undefined : fab.take(...step.order.map((i) => born[i % born.length]!));
      }
    }
  }

  /** Gives every fab everything, each in an order of its own, some of it twice. */
  async end(): Promise<void> {
    for (const [i, fab] of this.fabs.entries()) {
      const all = this.fabs.flatMap(({ born }) => born);
      const mixed = all.map((update, at) => ({ update, key: (at * 7919 + i * 104_729) % 1009 }));
      const order = mixed.sort((a, b) => a.key - b.key).map(({ update }) => update);
      await fab.take(...order, ...order.slice(0, 3));
    }
  }
}

test('whatever reached a fab when, in the end all have the same tables, and the conflicts of their edits', async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const story = new Story(t);
      for (const each of steps) await story.play(each);
      await story.end();
      const [first, ...rest] = story.fabs as [DocumentFab, ...DocumentFab[]];
      const digest = first.store.foldDigest();
      for (const fab of rest) {
        assert.equal(fab.store.foldDigest(), digest);
        assert.deepEqual(fab.conflicts(), first.conflicts(), 'standing and settled conflicts are told alike');
        assert.deepEqual(fab.document(), first.document());
      }
      assert.equal(first.store.rebuild().digest, digest, 'a rebuild gives the same');
      assert.deepEqual(ofFields(first), inMemory(story), 'the tables have the conflicts that the edits have');
      for (const fab of story.fabs) fab.store.close();
    }),
    { numRuns: 12, endOnFailure: true },
  );
});

/** Ids of the standing conflicts of the wafer that attempts are no part of. */
function ofFields(fab: DocumentFab): string[] {
  return fab
    .conflicts()
    .filter(
      ({ state, wafer, members }) =>
        state !== 'settled' &&
        wafer.waferId === W1.waferId &&
        !members.some(({ field }) => field === '/attempts'),
    )
    .map(({ id }) => id)
    .sort();
}

/** The same from a document in memory, to which the edits come in the order of their birth. */
function inMemory({ fabs }: Story): string[] {
  const state = new DocumentState();
  for (const { header, payload } of fabs.flatMap(({ born }) => born)) {
    if (header.wafer.waferId === W1.waferId && (header.kind === 'edit' || header.kind === 'retire'))
      state.apply(decodeEdit(payload), header);
  }
  const { basis } = fabs[0]!.store.documents.of(W1);
  return allConflicts(state, basis)
    .map((conflict) => conflictId(W1, settlementOf(conflict)))
    .filter((id) => !fabs[0]!.store.conflicts.get(id)?.members.some(({ field }) => field === '/attempts'))
    .sort();
}

test('a write that has not come yet is not lost to one that was made meanwhile, however much later the rest is', async (t) => {
  const [tw, az] = [new DocumentFab(t, 'tw'), new DocumentFab(t, 'az')];
  await az.patch([['add', '/limits_revision', 'B']]);
  await az.patch([['add', '/attributes/oven', 'O-7']]);
  await tw.take(az.born[1]!);
  await tw.patch([['add', '/limits_revision', 'C']]);
  await tw.take(az.born[0]!);
  await az.take(...tw.born);
  for (const fab of [tw, az]) {
    assert.deepEqual(fab.standing(), [
      'ruled field /limits_revision: az /limits_revision="B", tw /limits_revision="C"',
    ]);
  }
});
