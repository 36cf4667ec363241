import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { formatDot } from '../../src/clocks/dot.ts';
import { timestampMs } from '../../src/clocks/hlc.ts';
import { type Log, silentLog } from '../../src/log.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { HeldWatch } from '../../src/replica/held-watch.ts';
import { Audit } from '../../src/sync/audit.ts';
import { coverageOf } from '../../src/sync/coverage.ts';
import { HeldControl, type HeldControlOptions } from '../../src/sync/held-control.ts';
import { reportOf } from '../../src/sync/node-report.ts';
import { sealUpdate } from '../../src/wire/header.ts';
import { DocumentFab, equalFolds, exchange, W1 } from '../support/document-bench.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { batch, settle } from './replica-fixture.ts';

const DRIFT_MS = 60_000;
const KIM = { author: 'kim', reason: 'looked at it' };

/** A fab whose people settle what it holds. */
function fabOf(t: TestContext, fab: string) {
  const node = new DocumentFab(t, fab);
  const { store, replica, world } = node.bench;
  const told: string[] = [];
  const log: Log = {
    ...silentLog,
    info: (event, fields) => void told.push(`${event} ${JSON.stringify(fields)}`),
  };
  const audit = new Audit({ store, replica, log } as unknown as ConstructorParameters<typeof Audit>[0]);
  const control = new HeldControl({ store, replica, audit } as unknown as HeldControlOptions);
  const storage = new EventSource<boolean>();
  const watch = new HeldWatch({ replica, store, storage, world, log: silentLog, maxClockDriftMs: DRIFT_MS });
  t.after(() => watch.stop());
  /** What a person does, and the commit of it. */
  const done = async <T>(act: Promise<T>): Promise<T> => {
    act.catch(() => {});
    await node.bench.commit();
    return act;
  };
  return { node, store, control, watch, told, done };
}

/** A fab whose clock is an hour ahead, with an edit. */
async function ahead(t: TestContext): Promise<DocumentFab> {
  const world = new ManualWorld();
  world.advance(3_600_000);
  const az = new DocumentFab(t, 'az', world);
  await az.patch([['replace', '/disposition', 'hold']]);
  return az;
}

test('an edit from ahead that is released is applied, and the clock does not follow it, nor after a restart', async (t) => {
  const { node: tw, store, control, told, done } = fabOf(t, 'tw');
  const az = await ahead(t);
  await tw.take(...az.born);
  const [{ header }] = az.born as [(typeof az.born)[number]];
  assert.equal(await done(control.release(header.dot, KIM)), null);
  assert.equal(tw.document().disposition, 'hold');
  assert.ok(store.lastTimestamp() < header.timestamp, 'what is kept over a restart');
  await tw.patch([['replace', '/disposition', 'release']]);
  const [own] = tw.born;
  assert.ok(timestampMs(own!.header.timestamp) - tw.bench.world.nowMs() < 1_000, 'what is born afterwards');
  assert.equal(tw.document().disposition, 'release', 'who has seen it replaces it, whatever its time');
  const [act] = store.acts.list(null, 10);
  const { act: what, about, detail, author, reason } = act!;
  assert.deepEqual(
    [what, about, detail, author, reason],
    [...['held.release', formatDot(header.dot), 'applied', 'kim', 'looked at it']],
  );
  assert.match(
    told.at(-1)!,
    /^control\.acted \{"act":"held\.release".*"author":"kim","reason":"looked at it"\}$/,
  );
  // In the end all are alike: the fab that waited, and the one that did not.
  az.bench.world.advance(1);
  await exchange([tw, az]);
  equalFolds([tw, az]);
});

test('what is dropped is in the log and not applied; nobody is told that it is, and its time passes it by', async (t) => {
  const { node: tw, store, control, watch, done } = fabOf(t, 'tw');
  watch.start();
  const az = await ahead(t);
  await tw.take(...az.born);
  const { dot } = az.born[0]!.header;
  const hold = await done(control.drop(dot, KIM));
  assert.deepEqual(
    [hold.reason, hold.dropped?.author, hold.dropped?.reason],
    ['clock', 'kim', 'looked at it'],
  );
  const { held, updates } = store.stats();
  assert.deepEqual([held, store.holds.dropped, updates], [0, 1, 1]);
  assert.ok(store.vectors.received.has(dot), 'it is passed on');
  const coverage = () => coverageOf(store.wafers.dots(W1), [store.origin.fab], [reportOf(store)]).state;
  assert.equal(coverage(), 'pending');
  tw.bench.world.advance(2 * 3_600_000);
  await tw.bench.commit();
  await settle();
  assert.equal(tw.document().disposition, 'none');
  assert.equal(coverage(), 'pending');

  assert.equal(await done(control.release(dot, KIM)), null, 'it can be taken up again at any time');
  assert.deepEqual([tw.document().disposition, store.holds.dropped, coverage()], ['hold', 0, 'synced']);
  await exchange([tw, az]);
  equalFolds([tw, az]);
});

test('what is dropped does not come in with its program; released before that it waits for it again', async (t) => {
  const az = new DocumentFab(t, 'az');
  const { node: tw, store, control, done } = fabOf(t, 'tw');
  const written = az.bench.replica.write(batch([1]));
  await az.bench.commit();
  await written;
  const [update] = az.born;
  const { replica } = tw.bench;
  replica.receive({ update: update!, token: '' });
  await tw.bench.commit();
  const { dot, program } = update!.header;
  await done(control.drop(dot, KIM));
  const again = await done(control.release(dot, KIM));
  assert.deepEqual([again?.reason, again?.dropped], ['program', null]);
  assert.match(store.acts.list(null, 1)[0]!.detail, /^still held: /);
  await done(control.drop(dot, KIM));
  replica.receiveProgram(program!, az.store.programs.get(program!)!);
  await tw.bench.commit();
  assert.ok(!store.vectors.applied.has(dot), 'dropped, it is not tried by itself');
  assert.equal(await done(control.release(dot, KIM)), null);
  equalFolds([tw, az]);
});

test('what cannot be applied is told to be held still, with the reason; what is not held is not settled', async (t) => {
  const { node: tw, store, control, done } = fabOf(t, 'tw');
  const az = await ahead(t);
  const [edit] = az.born;
  const broken = sealUpdate({ ...edit!.header }, new Uint8Array([255]));
  await tw.take(broken);
  const hold = await done(control.release(broken.header.dot, KIM));
  assert.equal(hold?.reason, 'fold');
  assert.equal(store.acts.list(null, 1)[0]!.act, 'held.release');
  await tw.patch([['add', '/tags/a', true]]);
  const { dot } = tw.born[0]!.header;
  await assert.rejects(done(control.release(dot, KIM)), {
    code: 'not-found',
    message: /is not held: it is applied/,
  });
  const unknown = { ...dot, sequence: 77 as typeof dot.sequence };
  await assert.rejects(done(control.drop(unknown, KIM)), { code: 'not-found', message: /it is not here/ });
  assert.equal(store.acts.list(null, 10).length, 1, 'nothing was done');
});

test('what is held is told in pages, by reason, fab and lot', async (t) => {
  const { node: tw, store } = fabOf(t, 'tw');
  const az = await ahead(t);
  for (let i = 0; i < 4; i++)
    await az.patch([['add', `/tags/t${i}`, true]], i > 1 ? { wafer: { ...W1, lot: 'L2' } } : {});
  await tw.take(...az.born);
  const all = { reason: null, fab: null, lot: null };
  const first = store.holds.page(all, 0, 3);
  const rest = store.holds.page(all, first.at(-1)!.row, 3);
  assert.deepEqual(
    [...first, ...rest].map(({ dot }) => Number(dot.sequence)),
    [1, 2, 3, 4, 5],
  );
  const count = (filter: Partial<typeof all>) => store.holds.page({ ...all, ...filter }, 0, 100).length;
  assert.deepEqual(
    [count({ lot: 'L2' as never }), count({ fab: 'az' as never }), count({ fab: 'tw' as never })],
    [2, 5, 0],
  );
  assert.deepEqual([count({ reason: 'clock' as never }), count({ reason: 'fold' as never })], [5, 0]);
  assert.deepEqual([first[0]!.wafer, first[0]!.kind], [W1, 'edit']);
});

test('the latest acts are kept, up to a bound', async (t) => {
  const { store } = fabOf(t, 'tw');
  store.transaction(() => {
    for (let i = 1; i <= 10_010; i++)
      store.acts.add({ act: 'peer.pause', about: `${i}`, detail: '', author: 'kim', reason: 'why' });
  });
  assert.deepEqual(
    store.acts.list(null, 2).map(({ about }) => about),
    ['10010', '10009'],
  );
  assert.deepEqual(
    store.acts.list(12, 10).map(({ about }) => about),
    ['11'],
  );
});
