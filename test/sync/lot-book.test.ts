import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Commit } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { LotBook, touchedBy } from '../../src/sync/lot-book.ts';
import type { Update } from '../../src/wafer/update.ts';
import { attempt, openStore, origin, record, run, runUpdate, take, update } from '../store/fixtures.ts';

const AZ = origin('az');
const A = { id: run('a'), startedAtUs: 100 };
const of = (lot: string) => ({ lot, waferId: 'W1', insertion: '' });

function commitOf(...updates: Update[]): Commit<unknown> {
  const added = updates.map((one) => ({ update: one, token: null, applied: true }));
  return { added, released: [], received: [], programs: [], refolded: [], housekept: [] };
}

function bookOf(t: TestContext) {
  const store = openStore(t);
  const commits = new EventSource<Commit<unknown>>();
  const book = new LotBook({ store, commits });
  const commit = (...updates: Update[]) => {
    take(store, ...updates);
    commits.emit(commitOf(...updates));
  };
  return { store, book, commit, commits };
}

test('a lot is looked up once until something of it comes', (t) => {
  const { book, commit } = bookOf(t);
  assert.equal(book.of('L1').known, false);
  commit(update(AZ, 1, [attempt(0)], { run: A, wafer: of('L1') }));
  const before = book.of('L1');
  const { digest } = before.digest;
  assert.deepEqual([before.known, before.dots.size, before.wafers.length], [true, 1, 1]);
  commit(update(AZ, 2, [attempt(0)], { wafer: of('L2'), run: { ...A, id: run('b') } }));
  assert.equal(book.of('L1'), before);
  commit(update(AZ, 3, [attempt(1, { x: 1 })], { run: A, wafer: of('L1') }));
  const after = book.of('L1');
  assert.notEqual(after, before);
  assert.deepEqual([after.dots.size, after.wafers[0]?.attempts, after.runs[0]?.recorded], [2, 2, null]);
  assert.notEqual(after.digest.digest, digest);
  commit(runUpdate(AZ, 4, record({ attempts: 2, lot: 'L1' }), { run: A }));
  assert.equal(book.of('L1').runs[0]?.recorded, 2);
});

test('at most some lots are remembered: those that were asked for last', (t) => {
  const { book } = bookOf(t);
  const [first, second] = [book.of('L1'), book.of('L2')];
  for (let i = 3; i <= 16; i++) book.of(`L${i}`);
  assert.equal(book.of('L1'), first);
  book.of('L17');
  assert.equal(book.of('L1'), first);
  assert.notEqual(book.of('L2'), second);
});

test('what a commit may have changed is named, or may be anything', () => {
  const results = update(AZ, 1, [attempt(0)], { wafer: of('L1') });
  const touched = { wafers: [of('L1')], runs: new Set([results.header.run!.id]) };
  assert.deepEqual(touchedBy(commitOf(results)), touched);
  assert.deepEqual(touchedBy({ ...commitOf(), released: [results] }), touched);
  const anything = [
    commitOf(),
    commitOf(results, runUpdate(AZ, 2, record())),
    commitOf(update(AZ, 3, {}, { kind: 'edit', wafer: { lot: '', waferId: '', insertion: '' } })),
    { ...commitOf(results), received: [{ update: results, token: null, outcome: 'repaired' as const }] },
    { ...commitOf(results), received: [{ update: results, token: null, outcome: 'forked' as const }] },
    { ...commitOf(results), refolded: [of('L2')] },
    { ...commitOf(results), housekept: [true as const] },
  ];
  for (const commit of anything) assert.equal(touchedBy(commit), null);
});
