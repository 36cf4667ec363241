import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Scrub } from '../../src/replica/scrub.ts';
import { DocumentFab } from '../support/document-bench.ts';

test('a scrub reads the log to its end, a bounded part each second, and begins anew', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  for (let n = 0; n < 5; n++) await tw.patch([['add', '/attributes/oven', `${n}`]]);
  const { world } = tw.bench;
  const read: number[] = [];
  const log = {
    scan: (row: number, bytes: number) => {
      const last = tw.store.log.scan(row, bytes);
      read.push(last ?? 0);
      return last;
    },
  };
  const scrub = new Scrub({ store: { log: log as typeof tw.store.log }, world, bytesPerSecond: 1 });
  scrub.start();
  for (let second = 0; second < 12; second++) world.advance(1_000);
  assert.deepEqual(read, [1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 0]);
  assert.equal(scrub.passes, 2);
  scrub.stop();
  world.advance(1_000);
  assert.equal(read.length, 12);
});

test('a scrub of no bytes reads nothing', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const scrub = new Scrub({ store: tw.store, world: tw.bench.world, bytesPerSecond: 0 });
  scrub.start();
  assert.equal(tw.bench.world.waiting('scrub'), 0);
});
