import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { sequence } from '../../src/clocks/dot.ts';
import { WafersyncError } from '../../src/errors.ts';
import { silentLog } from '../../src/log.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { HeldWatch, type HeldWatchOptions } from '../../src/replica/held-watch.ts';
import type { Store } from '../../src/store/store.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { settle } from './replica-fixture.ts';

const DRIFT_MS = 60_000;

/** A fab that watches what it holds; `told` is what it logs. */
function watching(t: TestContext, fab: string) {
  const node = new DocumentFab(t, fab);
  const told: unknown[] = [];
  const { store, replica, world } = node.bench;
  const log = { ...silentLog, info: (event: string, fields?: object) => void told.push([event, fields]) };
  const storage = new EventSource<boolean>();
  const watch = new HeldWatch({ replica, store, storage, world, log, maxClockDriftMs: DRIFT_MS });
  t.after(() => watch.stop());
  const start = async () => {
    watch.start();
    await node.bench.commit();
  };
  return { node, watch, told, start, storage };
}

/** A fab whose clock is ahead. */
function ahead(t: TestContext, ms: number): DocumentFab {
  const world = new ManualWorld();
  world.advance(ms);
  return new DocumentFab(t, 'az', world);
}

test('an edit from too far ahead is applied when its time has come, and what is written then is later', async (t) => {
  const { node: tw, told, start } = watching(t, 'tw');
  await start();
  const az = ahead(t, DRIFT_MS + 30_000);
  await az.patch([['replace', '/disposition', 'hold']]);
  await tw.take(...az.born);
  assert.deepEqual([tw.store.log.heldCount, tw.bench.world.waiting('held')], [1, 1]);
  assert.equal(tw.document().disposition, 'none');
  tw.bench.world.advance(29_000);
  await tw.bench.commit();
  assert.equal(tw.store.log.heldCount, 1, 'not before its time');
  tw.bench.world.advance(1_000);
  await tw.bench.commit();
  assert.deepEqual([tw.store.log.heldCount, tw.bench.world.waiting('held')], [0, 0]);
  assert.equal(tw.document().disposition, 'hold');
  assert.deepEqual(told, [['held.released', { updates: 1 }]]);
  await tw.patch([['replace', '/disposition', 'release']]);
  assert.ok(tw.born[0]!.header.timestamp > az.born[0]!.header.timestamp);
});

test('of several each is applied in its time, and a clock that was set is looked at within a minute', async (t) => {
  const { node: tw, start } = watching(t, 'tw');
  await start();
  const az = ahead(t, DRIFT_MS + 600_000);
  await az.patch([['add', '/tags/late', true]]);
  const de = new DocumentFab(t, 'de', new ManualWorld());
  de.bench.world.advance(DRIFT_MS + 10_000);
  await de.patch([['add', '/tags/soon', true]]);
  await tw.take(...az.born, ...de.born);
  assert.equal(tw.store.log.heldCount, 2);
  tw.bench.world.advance(10_000);
  await tw.bench.commit();
  assert.deepEqual(tw.document().tags, { soon: true });
  // The clock is set by ten minutes; no timer knows.
  tw.bench.world.now += 600_000;
  tw.bench.world.advance(60_000);
  await tw.bench.commit();
  assert.deepEqual(tw.document().tags, { late: true, soon: true });
});

test('what an older version could not apply is tried again at the start, more of it than one commit takes', async (t) => {
  const az = new DocumentFab(t, 'az');
  for (let i = 0; i < 300; i++)
    void az.bench.replica.edit((editor) =>
      editor.patch(
        { wafer: { lot: 'L1', waferId: 'W1', insertion: 'CP1' }, author: '', reason: '', expected: {} },
        JSON.stringify([{ op: 'add', path: `/attributes/a${i}`, value: i }]),
        true,
      ),
    );
  await az.bench.commit();
  const { node: tw, told, start } = watching(t, 'tw');
  tw.store.transaction(() => {
    for (const update of az.born) {
      tw.store.log.append(update);
      tw.store.log.hold(update.header.dot, 'kind', 'kind edit is not known to this version');
    }
  });
  assert.equal(tw.store.log.heldCount, 300);
  await start();
  await settle();
  await tw.bench.commit();
  await settle();
  assert.equal(tw.store.log.heldCount, 0);
  assert.deepEqual(told, [['held.released', { updates: 300 }]]);
  assert.equal(tw.store.documents.version({ lot: 'L1', waferId: 'W1', insertion: 'CP1' }), 300);
  assert.equal(tw.store.foldDigest(), az.store.foldDigest());
  assert.equal(tw.store.vectors.applied.has({ ...az.store.origin, sequence: sequence(300) }), true);
});

test('what fails on a full disk is tried again as soon as there is room, or after a minute', async () => {
  const world = new ManualWorld();
  const storage = new EventSource<boolean>();
  const commits = new EventSource<{ added: { applied: boolean }[]; received: [] }>();
  const tried: (readonly string[])[] = [];
  let full = true;
  const retryHeld = (reasons: readonly string[]) => {
    tried.push(reasons);
    return full ? Promise.reject(new WafersyncError('exhausted', 'the disk is full')) : Promise.resolve(3);
  };
  const store = { log: { earliestAhead: () => null } } as unknown as Pick<Store, 'log'>;
  const replica = { commits, retryHeld } as unknown as HeldWatchOptions['replica'];
  const watch = new HeldWatch({ replica, store, storage, world, log: silentLog, maxClockDriftMs: DRIFT_MS });
  const all = ['kind', 'fold', 'clock'];
  watch.start();
  await settle();
  assert.deepEqual(tried, [all]);
  for (let i = 0; i < 3; i++) {
    world.advance(20_000);
    commits.emit({ added: [{ applied: false }], received: [] });
  }
  await settle();
  assert.deepEqual(tried, [all, all], 'what else is held does not put it off');
  storage.emit(true);
  full = false;
  storage.emit(false);
  await settle();
  assert.deepEqual(tried, [all, all, all]);
  storage.emit(false);
  assert.deepEqual([tried.length, world.waiting('held')], [3, 0], 'nothing is left to try');
  watch.stop();
});
