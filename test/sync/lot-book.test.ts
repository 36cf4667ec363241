import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { Commit } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { LotBook, touchedBy } from '../../src/sync/lot-book.ts';
import type { Update } from '../../src/wafer/update.ts';
import type { TimerPurpose, World } from '../../src/world.ts';
import { attempt, openStore, origin, record, run, runUpdate, take, update } from '../store/fixtures.ts';
import { StillWorld } from '../support/grpc-client.ts';

const AZ = origin('az');
const A = { id: run('a'), startedAtUs: 100 };
/** Of who waits to the end. */
const WAITING = new AbortController().signal;
const of = (lot: string) => ({ lot, waferId: 'W1', insertion: '' });

function commitOf(...updates: Update[]): Commit<unknown> {
  const added = updates.map((one) => ({ update: one, token: null, applied: true }));
  return { added, released: [], received: [], programs: [], refolded: [], housekept: [] };
}

function bookOf(t: TestContext, world: World = new StillWorld()) {
  const store = openStore(t);
  const commits = new EventSource<Commit<unknown>>();
  const book = new LotBook({ store, commits, world });
  const commit = (...updates: Update[]) => {
    take(store, ...updates);
    commits.emit(commitOf(...updates));
  };
  return { store, book, commit, commits };
}

test('a lot is looked up once until something of it comes', async (t) => {
  const { book, commit } = bookOf(t);
  assert.equal((await book.read('L1', WAITING)).known, false);
  commit(update(AZ, 1, [attempt(0)], { run: A, wafer: of('L1') }));
  const before = await book.read('L1', WAITING);
  assert.deepEqual([before.known, before.dots.size, before.wafers.length], [true, 1, 1]);
  const content = await book.content('L1', WAITING);
  assert.equal(content.digest, before.digest);
  commit(update(AZ, 2, [attempt(0)], { wafer: of('L2'), run: { ...A, id: run('b') } }));
  assert.equal(await book.read('L1', WAITING), before);
  assert.equal(await book.content('L1', WAITING), content);
  commit(update(AZ, 3, [attempt(1, { x: 1 })], { run: A, wafer: of('L1') }));
  const after = await book.read('L1', WAITING);
  assert.notEqual(after, before);
  assert.deepEqual([after.dots.size, after.wafers[0]?.attempts, after.runs[0]?.recorded], [2, 2, null]);
  assert.notEqual(after.digest, before.digest);
  commit(runUpdate(AZ, 4, record({ attempts: 2, lot: 'L1' }), { run: A }));
  assert.equal((await book.read('L1', WAITING)).runs[0]?.recorded, 2);
});

test('at most some lots are remembered: those that were asked for last', async (t) => {
  const { book } = bookOf(t);
  const [first, second] = [await book.read('L1', WAITING), await book.read('L2', WAITING)];
  for (let i = 3; i <= 16; i++) await book.read(`L${i}`, WAITING);
  assert.equal(await book.read('L1', WAITING), first);
  await book.read('L17', WAITING);
  assert.equal(await book.read('L1', WAITING), first);
  assert.notEqual(await book.read('L2', WAITING), second);
});

/** A world in which every look at the clock takes so long that work gives way at once; `during` runs where it has. */
class BusyWorld extends StillWorld {
  during: () => void = () => {};
  gaveWay = 0;
  #steadyMs = 0;

  override steadyMs(): number {
    this.#steadyMs += 10;
    return this.#steadyMs;
  }

  override after(_purpose: TimerPurpose, _delayMs: number, run: () => void): () => void {
    this.gaveWay++;
    setImmediate(() => {
      this.during();
      run();
    });
    return () => {};
  }
}

const manyOf = (lot: string, from: number, count: number) =>
  Array.from({ length: count }, (_, i) =>
    update(AZ, from + i, [attempt(from + i, { x: i })], {
      ...{ run: A, wafer: { ...of(lot), waferId: `W${i % 50}` } },
    }),
  );

test('a lot gives way after each wafer, and is read again where a commit touches it meanwhile', async (t) => {
  const world = new BusyWorld();
  const { book, commit } = bookOf(t, world);
  commit(...manyOf('L1', 1, 100));
  let commits = 0;
  world.during = () => {
    const another = { ...A, id: run('d') };
    if (++commits === 20) commit(update(AZ, 500, [attempt(500)], { run: another, wafer: of('L1') }));
    if (commits === 30)
      commit(update(AZ, 501, [attempt(0)], { run: { ...A, id: run('b') }, wafer: of('L2') }));
  };
  const facts = await book.read('L1', WAITING);
  assert.ok(world.gaveWay > 50, `${world.gaveWay} turns`);
  assert.equal(facts.dots.size, 101);
  assert.equal(
    facts.wafers.reduce((sum, { dots }) => sum + dots.size, 0),
    101,
    'all of one moment',
  );
  assert.equal(await book.read('L1', WAITING), facts, 'it is remembered');
});

test('a lot that counts attempts of a run that has more now, of another lot, is read again as well', async (t) => {
  const world = new BusyWorld();
  const { book, commit } = bookOf(t, world);
  commit(...manyOf('L1', 1, 10));
  let commits = 0;
  world.during = () => {
    if (++commits === 5) commit(update(AZ, 500, [attempt(500)], { run: A, wafer: of('L2') }));
  };
  assert.equal((await book.read('L1', WAITING)).runs[0]?.received, 11);
});

test('a lot that changes whenever it is read is told after some readings, and not remembered', async (t) => {
  const world = new BusyWorld();
  const { book, commit } = bookOf(t, world);
  commit(...manyOf('L1', 1, 10));
  let next = 500;
  world.during = () => commit(update(AZ, next, [attempt(next++)], { run: A, wafer: of('L1') }));
  const facts = await book.read('L1', WAITING);
  assert.ok(world.gaveWay < 3 * 40, `it ended after ${world.gaveWay} turns`);
  assert.ok(facts.dots.size > 10);
  world.during = () => {};
  assert.notEqual(await book.read('L1', WAITING), facts);
});

test('the digest of a large lot is of one moment while its updates come, one lot after the other', async (t) => {
  const world = new BusyWorld();
  const { store, book, commit } = bookOf(t, world);
  commit(...manyOf('L1', 1, 2_400));
  commit(...manyOf('L3', 3_001, 2_400));
  const first = await book.content('L1', WAITING);
  commit(update(AZ, 7_000, [attempt(7_000)], { run: A, wafer: of('L1') }));
  const second = await book.content('L1', WAITING);
  commit(update(AZ, 7_001, [attempt(7_001)], { run: A, wafer: of('L1') }));
  let open = 0;
  const reader = store.lotReader.bind(store);
  store.lotReader = () => {
    assert.equal(open++, 0, 'one large lot is read at a time');
    const own = reader();
    const close = own.close.bind(own);
    own.close = () => {
      open--;
      close();
    };
    return own;
  };
  let next = 8_000;
  world.during = () => commit(update(AZ, next, [attempt(next++)], { run: A, wafer: of('L1') }));
  const [third, other] = await Promise.all([book.content('L1', WAITING), book.content('L3', WAITING)]);
  assert.ok(next > 8_010);
  assert.deepEqual([first.applied.size, second.applied.size], [2_400, 2_401]);
  assert.ok(third.applied.size >= 2_402, 'of a moment since it was asked for');
  for (const { applied, digest } of [first, second, third]) {
    const digests = store.log.read(AZ, applied.get(AZ), 1e9).map((one) => Buffer.from(one.digest));
    const sha = createHash('sha256').update('wafersync lot 1\n');
    assert.equal(digest, sha.update(Buffer.concat(digests.sort(Buffer.compare))).digest('hex'));
  }
  assert.equal(other.dots.size, 2_400);
  assert.equal(open, 0);
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

test('all who ask for a large lot until it is begun have it by one reading; it is given up when they are all gone', async (t) => {
  const { store, book, commit } = bookOf(t, new BusyWorld());
  commit(...manyOf('L1', 1, 2_400));
  let [begun, closed] = [0, 0];
  const reader = store.lotReader.bind(store);
  store.lotReader = () => {
    begun++;
    const own = reader();
    const close = own.close.bind(own);
    own.close = () => {
      closed++;
      close();
    };
    return own;
  };
  const all = await Promise.all([1, 2, 3].map(() => book.content('L1', WAITING)));
  assert.deepEqual([begun, new Set(all).size], [1, 1]);

  commit(update(AZ, 7_000, [attempt(7_000)], { run: A, wafer: of('L1') }));
  const leaving = [new AbortController(), new AbortController()];
  const asked = leaving.map(({ signal }) =>
    assert.rejects(book.content('L1', signal), { code: 'cancelled' }),
  );
  while (begun < 2) await new Promise((resolve) => setImmediate(resolve));
  leaving[0]!.abort();
  assert.equal(closed, 1, 'one waits still');
  leaving[1]!.abort();
  await Promise.all(asked);
  while (closed < 2) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(begun, 2);

  await assert.rejects(book.content('L1', AbortSignal.abort()), { code: 'cancelled' });
  assert.equal(begun, 2, 'nobody waits for it');

  // Behind another one: who leaves is told at once, and who asks then has a reading of its own.
  commit(...manyOf('L2', 10_000, 2_400));
  const other = book.content('L2', WAITING);
  const left = new AbortController();
  const given = assert.rejects(book.content('L1', left.signal), { code: 'cancelled' });
  left.abort();
  const later = book.content('L1', WAITING);
  await given;
  assert.equal((await other).dots.size, 2_400);
  assert.equal((await later).dots.size, 2_401);
});
