import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IntervalSet } from '../../src/clocks/interval-set.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import {
  attempt,
  openStore,
  origin,
  program,
  record,
  run,
  runUpdate,
  take,
  update,
  WAFER,
} from './fixtures.ts';

const AZ = origin('az');
const TWO = origin('tw', 9);
const A = { id: run('a'), startedAtUs: 100 };
const B = { id: run('b'), startedAtUs: 50 };

test('attempts tell which indexes are known, where they are and how far each site has come', (t) => {
  const store = openStore(t);
  const first = update(AZ, 1, [
    attempt(10, { site: 0, sequenceSpan: 4 }),
    attempt(12, { site: 1, sequenceSpan: 9, x: null, y: null, hardBin: null, testTimeMs: null }),
    attempt(20, { site: 0, sequenceSpan: 3 }),
  ]);
  take(store, first);
  const id = run('a');
  assert.deepEqual(store.attempts.known(id, [9, 10, 11, 12, 20]), new Set([10, 12, 20]));
  assert.deepEqual(store.attempts.known(run('f'), [10]), new Set());
  const found = store.attempts.find(id, 12)!;
  const { run: itsRun, wafer, dot, lastSequence, ...summary } = found;
  assert.deepEqual(
    summary,
    attempt(12, { site: 1, sequenceSpan: 9, x: null, y: null, hardBin: null, testTimeMs: null }),
  );
  assert.deepEqual([itsRun, wafer, dot, lastSequence], [id, WAFER, first.header.dot, 21]);
  assert.equal(store.attempts.find(id, 11), null);
  assert.equal(store.attempts.at(id, 1, 0, 14)?.index, 10);
  assert.equal(store.attempts.at(id, 1, 0, 15), null);
  assert.equal(store.attempts.at(id, 1, 0, 22)?.index, 20);
  assert.equal(store.attempts.at(id, 1, 1, 21)?.index, 12);
  assert.equal(store.attempts.at(id, 2, 0, 14), null);
  assert.deepEqual(store.attempts.lastSequences(id), [
    { head: 1, site: 0, lastSequence: 23 },
    { head: 1, site: 1, lastSequence: 21 },
  ]);
});

test('a run is known from its first update on, with its record once it has ended', (t) => {
  const store = openStore(t);
  assert.equal(store.runs.get(A.id), null);
  const W2 = { ...WAFER, waferId: 'W2' };
  take(store, update(AZ, 1, [attempt(5), attempt(6)], { run: A, wafer: W2 }));
  assert.deepEqual(store.runs.get(A.id), {
    id: A.id,
    fab: 'az',
    startedAtUs: 100,
    attempts: 2,
    results: 20,
    record: null,
  });
  take(store, update(AZ, 2, [attempt(9)], { run: A }), update(TWO, 1, [attempt(0)], { run: B }));
  const content = record({ complete: false, incompleteReason: 'cut', orphanResults: 2 });
  take(store, runUpdate(TWO, 2, content, { run: A }));
  assert.deepEqual(store.runs.get(A.id)!.record, content);
  assert.deepEqual(store.runs.wafers(A.id), [W2, WAFER]);
  assert.deepEqual(
    store.runs.list(10).map(({ id }) => id),
    [A.id, B.id],
  );
  assert.equal(store.runs.list(1).length, 1);
});

test('the dots of a run and of a wafer name all of their updates, held ones and duplicates included', (t) => {
  const store = openStore(t);
  const other = program('other');
  const W2 = { ...WAFER, waferId: 'W2' };
  take(
    store,
    update(AZ, 1, [attempt(0)], { run: A }),
    update(AZ, 2, [attempt(1)], { run: A }),
    update(AZ, 3, [attempt(0)], { run: B, wafer: W2 }),
    update(TWO, 7, [attempt(0)], { run: A }),
    runUpdate(AZ, 4, record(), { run: A }),
  );
  const held = update(AZ, 5, [attempt(2)], { run: A, program: other.digest });
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'program', '');
  });
  assert.equal(store.runs.dots(A.id).get(AZ).toString(), '1-2,4-5');
  assert.equal(store.runs.dots(A.id).get(TWO).toString(), '7');
  assert.equal(store.wafers.dots(WAFER).get(AZ).toString(), '1-2,5');
  assert.equal(store.wafers.dots(W2).get(AZ).toString(), '3');
  assert.equal(store.wafers.dots({ ...WAFER, waferId: 'W9' }).isEmpty, true);
  assert.equal(store.runs.dots(run('f')).isEmpty, true);
});

test('sequences of one origin do not close the gaps of another', (t) => {
  const store = openStore(t);
  take(store, update(AZ, 1, [attempt(1)]), update(TWO, 2, [attempt(2)]), update(AZ, 3, [attempt(3)]));
  for (const dots of [store.runs.dots(run('a')), store.wafers.dots(WAFER)]) {
    assert.equal(dots.get(AZ).toString(), '1,3');
    assert.equal(dots.get(TWO).toString(), '2');
  }
});

test('the updates of a run name each attempt that counts once, and nothing that does not count', (t) => {
  const store = openStore(t);
  take(
    store,
    update(
      TWO,
      1,
      [0, 1, 2, 3, 8].map((i) => attempt(i)),
      { run: A },
    ),
    update(
      AZ,
      1,
      [2, 3, 4, 5].map((i) => attempt(i)),
      { run: A },
    ),
    update(
      TWO,
      2,
      [2, 3].map((i) => attempt(i)),
      { run: A },
    ),
  );
  const brought = [...store.runs.updates(A.id)].map(({ dot, firstIndex, indexes }) => [
    dot.fab,
    firstIndex,
    indexes,
  ]);
  assert.deepEqual(brought, [
    ['tw', 0, [0, 1, 8]],
    ['az', 2, [2, 3, 4, 5]],
  ]);
  assert.deepEqual([...store.runs.updates(run('f'))], []);
});

test('a run of more attempts than a page is gone through completely', (t) => {
  const store = openStore(t);
  const indexes = Array.from({ length: 9000 }, (_, i) => i);
  for (let at = 0; at < 3; at++) {
    take(
      store,
      update(
        AZ,
        at + 1,
        indexes.filter((i) => i % 3 === at).map((i) => attempt(i, { x: i })),
        { run: A },
      ),
    );
  }
  const seen = [...store.runs.updates(A.id)].flatMap((brought) => brought.indexes);
  assert.deepEqual(
    seen.toSorted((a, b) => a - b),
    indexes,
  );
});

test('wafers are found by any part of their key, with what is known of them', (t) => {
  const store = openStore(t);
  const keys = [
    WAFER,
    { ...WAFER, insertion: 'CP2' },
    { ...WAFER, lot: 'L2' },
    { lot: '', waferId: 'W7', insertion: '' },
  ];
  take(
    store,
    ...keys.map((wafer, i) =>
      update(AZ, i + 1, [attempt(i, { x: i }), attempt(i + 100, { x: i, partFlags: 8 })], { wafer }),
    ),
  );
  const found = (filter: Parameters<typeof store.wafers.find>[0]) =>
    store.wafers.find(filter).map(({ key }) => key);
  assert.deepEqual(found({ waferId: 'W1' }), [keys[0], keys[1], keys[2]]);
  assert.deepEqual(found({ waferId: 'W1', lot: 'L1' }), [keys[0], keys[1]]);
  assert.deepEqual(found({ waferId: 'W1', insertion: 'CP1' }), [keys[0], keys[2]]);
  assert.deepEqual(found({ lot: '' }), [keys[3]]);
  assert.equal(found({}).length, 4);
  assert.equal(store.wafers.find({}, 2).length, 2);
  assert.deepEqual(store.wafers.find({ lot: 'L2' })[0], {
    key: keys[2],
    runs: 1,
    attempts: 2,
    results: 20,
    dies: 1,
    passedDies: 0,
    firstUpdate: 1_000_003,
    lastUpdate: 1_000_003,
  });
});

test('a wafer that only a held update names is not shown, but its dots are known', (t) => {
  const store = openStore(t);
  const held = update(AZ, 1, {}, { kind: 'edit', run: null, program: null });
  store.transaction(() => {
    store.log.append(held);
    store.log.hold(held.header.dot, 'kind', '');
  });
  assert.deepEqual(store.wafers.find({}), []);
  assert.equal(store.wafers.dots(WAFER).has(held.header.dot), true);
  const later = { ...WAFER, waferId: 'W2' };
  take(store, update(AZ, 2, [attempt(0)], { wafer: later }));
  assert.deepEqual(
    store.wafers.find({}, 1).map(({ key }) => key),
    [later],
  );
});

test('a program is kept under the digest of its bytes only', (t) => {
  const store = openStore(t);
  const { digest, body } = program('tests');
  assert.equal(store.programs.has(digest), false);
  assert.equal(store.programs.get(digest), null);
  assert.throws(() => store.programs.put(digest, new TextEncoder().encode('other')), { code: 'damaged' });
  store.programs.put(digest, body);
  store.programs.put(digest, body);
  assert.equal(store.programs.has(digest), true);
  assert.deepEqual(new Uint8Array(store.programs.get(digest)!), body);
});

test('a later report of a peer takes the place of the one before; an earlier one changes nothing', (t) => {
  const store = openStore(t);
  const vector = (...sets: string[]) =>
    TransportVector.of(
      sets.map((text, i) => {
        const intervals = text.split(',').map((part) => {
          const [from, to = from] = part.split('-').map(Number);
          return { from: from!, to: to! };
        });
        return [[AZ, TWO][i]!, IntervalSet.of(intervals)] as const;
      }),
    );
  const shown = () =>
    store.peers
      .reports()
      .map(({ origin: { fab, epoch }, number, received, applied }) => [
        fab,
        epoch,
        number,
        `${received}`,
        `${applied}`,
      ]);
  const kr = origin('kr', 2);
  const save = (node: typeof kr, number: number, received: TransportVector, applied = received) => {
    store.peers.saveReport({ origin: node, number, received, applied });
  };
  save(kr, 5, vector('1-9,12', '1-3'), vector('1-9', '1-3'));
  save(origin('de'), 1, vector('1-2'));
  assert.deepEqual(shown(), [
    ['de', origin('de').epoch, 1, `${vector('1-2')}`, `${vector('1-2')}`],
    ['kr', kr.epoch, 5, `${vector('1-9,12', '1-3')}`, `${vector('1-9', '1-3')}`],
  ]);
  save(kr, 4, vector('1-100'));
  save(kr, 5, vector('1-100'));
  save(origin('kr', 1), 900, vector('1-100'));
  assert.equal(shown()[1]![3], `${vector('1-9,12', '1-3')}`);
  save(kr, 6, vector('1-4'));
  assert.deepEqual(shown()[1], ['kr', kr.epoch, 6, `${vector('1-4')}`, `${vector('1-4')}`]);
  save(origin('kr', 3), 1, vector('2-3'));
  assert.deepEqual(shown()[1]!.slice(1, 4), [origin('kr', 3).epoch, 1, `${vector('2-3')}`]);
});
