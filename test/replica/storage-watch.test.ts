import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WafersyncError } from '../../src/errors.ts';
import type { CommitOutcome } from '../../src/replica/commit.ts';
import { EventSource } from '../../src/replica/event-source.ts';
import { PROBE_BYTES, PROBE_MAX_MS, PROBE_MIN_MS } from '../../src/replica/storage-state.ts';
import { StorageWatch } from '../../src/replica/storage-watch.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { Bench, batch } from './replica-fixture.ts';

const FULL = new WafersyncError('exhausted', 'the disk is full', { hint: 'Free space.' });

/** A watch of a replica that does what the test says. */
class Watched {
  readonly world = new ManualWorld();
  readonly journal = new Journal();
  readonly outcomes = new EventSource<CommitOutcome>();
  readonly changes: boolean[] = [];
  readonly tries: number[] = [];
  room = false;
  readonly watch = new StorageWatch({ replica: this, world: this.world, log: this.journal });

  constructor() {
    this.watch.changes.subscribe((full) => this.changes.push(full));
  }

  proveRoom(bytes: number): WafersyncError | null {
    this.tries.push(bytes);
    if (!this.room) return FULL;
    this.outcomes.emit({ error: null, jobs: 0, bytes, timing: null });
    return null;
  }

  refuse(error = FULL, jobs = 1): void {
    this.outcomes.emit({ error, jobs, bytes: 100, timing: null });
  }

  get told(): string[] {
    return this.journal.lines
      .filter(({ level }) => level !== 'debug')
      .map(({ level, event }) => `${level} ${event}`);
  }
}

test('a full disk is told once, tried while it lasts, and told again once it is over', () => {
  const node = new Watched();
  node.refuse(FULL, 2);
  node.refuse();
  assert.deepEqual(node.changes, [true]);
  assert.deepEqual(node.told, ['error storage.full']);
  assert.equal(node.journal.lines[0]!.error, FULL);
  node.world.advance(PROBE_MIN_MS);
  node.world.advance(2 * PROBE_MIN_MS);
  assert.deepEqual(node.tries, [PROBE_BYTES, PROBE_BYTES]);
  const view = { full: true, fullForMs: 750, reason: 'the disk is full. Free space.', refused: 3 };
  assert.deepEqual(node.watch.view(), view);
  node.room = true;
  node.world.advance(4 * PROBE_MIN_MS);
  assert.deepEqual(node.changes, [true, false]);
  assert.deepEqual(node.told, ['error storage.full', 'info storage.recovered']);
  assert.deepEqual(node.journal.lines.at(-1)!.fields, { lasted_ms: 1750, refused: 3 });
  assert.deepEqual(node.watch.view(), { full: false, fullForMs: 0, reason: '', refused: 0 });
  assert.equal(node.world.waiting('storage-probe'), 0, 'nothing is tried while nothing fails');
});

test('an ordinary commit that is large enough ends it, and the try that was set is not made', () => {
  const node = new Watched();
  node.refuse();
  node.outcomes.emit({ error: null, jobs: 1, bytes: 100, timing: null });
  assert.deepEqual(node.changes, [true, false]);
  node.world.advance(PROBE_MAX_MS);
  assert.deepEqual(node.tries, []);
});

test('commits that fail for another reason are no full disk', () => {
  const node = new Watched();
  node.refuse(new WafersyncError('unavailable', 'the disk cannot be read'));
  assert.deepEqual([node.changes, node.world.waiting('storage-probe')], [[], 0]);
});

test('a watch that was stopped tries no more, and hears no more', () => {
  const node = new Watched();
  node.refuse();
  node.watch.stop();
  node.world.advance(PROBE_MAX_MS);
  node.outcomes.emit({ error: null, jobs: 1, bytes: PROBE_BYTES, timing: null });
  assert.deepEqual([node.tries, node.changes], [[], [true]]);
});

test('a replica whose database may not grow: what has no room is refused, small commits go on, and the fault stays', async (t) => {
  const tw = new Bench(t, 'tw', { maxFileBytes: 700_000 });
  const journal = new Journal();
  const watch = new StorageWatch({ replica: tw.replica, world: tw.world, log: journal });
  const kept = tw.replica.write(batch([0]));
  await tw.commit();
  await kept;
  assert.equal(watch.view().full, false);
  const refused = assert.rejects(tw.replica.write(batch([1], {}, 400_000)), { code: 'exhausted' });
  await tw.commit();
  await refused;
  const before = tw.store.foldDigest();
  tw.world.advance(PROBE_MIN_MS);
  const small = tw.replica.write(batch([2]));
  await tw.commit();
  await small;
  assert.deepEqual(
    [watch.view().full, watch.view().refused, tw.world.waiting('storage-probe')],
    [true, 1, 1],
    'one write was refused, and the try that failed is followed by another',
  );
  assert.notEqual(tw.store.foldDigest(), before);
  assert.equal(tw.commits.length, 2);
  watch.stop();
});
