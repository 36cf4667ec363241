import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLog } from '../../src/log.ts';
import { Scrub } from '../../src/replica/scrub.ts';
import type { ProgramDigest } from '../../src/wafer/program.ts';
import { quickFolder } from '../store/fixtures.ts';
import { damageFirstPage } from '../support/damaged-pages.ts';
import { DocumentFab } from '../support/document-bench.ts';
import { Journal } from '../support/grpc-client.ts';
import { ManualWorld } from '../support/manual-world.ts';

test('a scrub reads the log to its end, then the programs, a bounded part each second, and begins anew', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  for (let n = 0; n < 5; n++) await tw.patch([['add', '/attributes/oven', `${n}`]]);
  const { world } = tw.bench;
  for (const body of ['a', 'b']) {
    const digest = createHash('sha256').update(body).digest('hex') as ProgramDigest;
    tw.store.programs.put(digest, Buffer.from(body));
  }
  const read: string[] = [];
  const noted = (name: 'log' | 'programs') => ({
    scan: (row: number, bytes: number) => {
      const last = tw.store[name].scan(row, bytes);
      read.push(`${name} ${last ?? 'end'}`);
      return last;
    },
  });
  const store = { log: noted('log'), programs: noted('programs') } as unknown as typeof tw.store;
  const scrub = new Scrub({ store, world, log: silentLog, bytesPerSecond: 1 });
  scrub.start();
  for (let second = 0; second < 10; second++) world.advance(1_000);
  const rows = ['log 1', 'log 2', 'log 3', 'log 4', 'log 5', 'log end'];
  assert.deepEqual(read, [...rows, 'programs 1', 'programs 2', 'programs end', 'log 1']);
  assert.equal(scrub.passes, 1);
  scrub.stop();
  world.advance(1_000);
  assert.equal(read.length, 10);
});

test('a scrub of no bytes reads nothing', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const scrub = new Scrub({ store: tw.store, world: tw.bench.world, log: silentLog, bytesPerSecond: 0 });
  scrub.start();
  assert.equal(tw.bench.world.waiting('scrub'), 0);
});

test('what SQLite cannot read is told once a pass and passed over, and what is behind it is read', async (t) => {
  const file = join(quickFolder(t), 'tw.db');
  const before = new DocumentFab(t, 'tw', new ManualWorld(), file);
  for (let n = 0; n < 60; n++) await before.patch([['add', '/attributes/oven', `${n} ${'x'.repeat(200)}`]]);
  before.store.close();
  damageFirstPage(file, 'update_log');
  const tw = new DocumentFab(t, 'tw', new ManualWorld(), file);
  const { world } = tw.bench;
  const log = new Journal();
  const read = new Set<number>();
  const scan = (row: number, bytes: number) => {
    const last = tw.store.log.scan(row, bytes);
    if (last !== null) read.add(last);
    return last;
  };
  const store = { log: { scan }, programs: { scan: () => null } } as unknown as typeof tw.store;
  const scrub = new Scrub({ store, world, log, bytesPerSecond: 1 });
  scrub.start();
  for (let second = 0; second < 100; second++) world.advance(1_000);
  scrub.stop();
  assert.ok(scrub.passes > 0);
  assert.ok(read.has(60) && !read.has(1), [...read].join());
  const told = log.lines.filter(({ event }) => event === 'scrub.failed');
  assert.deepEqual(told[0]?.fields, { reading: 'log', behind_row: 0 });
  assert.ok(told.length <= scrub.passes + 1, 'once a pass');
});

test('a scrub tells how much of the log its pass has read', async (t) => {
  const tw = new DocumentFab(t, 'tw');
  const { world } = tw.bench;
  const scrub = new Scrub({ store: tw.store, world, log: silentLog, bytesPerSecond: 1 });
  assert.equal(scrub.progress, 1, 'of nothing all is read');
  for (let n = 0; n < 4; n++) await tw.patch([['add', '/attributes/oven', `${n}`]]);
  scrub.start();
  const told = Array.from({ length: 6 }, () => {
    world.advance(1_000);
    return scrub.progress;
  });
  assert.deepEqual(told, [0.25, 0.5, 0.75, 1, 1, 0]);
  scrub.stop();
});
