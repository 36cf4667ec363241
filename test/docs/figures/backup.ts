// Prints what ways to copy a database under load cost: docs/adr/0034. The size in MiB may be given.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';

const MIB = 1024 * 1024;
const SIZE_MIB = Number(process.argv[2] ?? 512);
/** Synced by the thread pool whenever so much has been copied. */
const SYNC_EVERY = 16 * MIB;

const folder = mkdtempSync(join(tmpdir(), 'wafersync-figure-'));
const file = join(folder, 'source.db');
const copy = join(folder, 'copy.db');
const source = connect();
source.exec('CREATE TABLE log (id INTEGER PRIMARY KEY, body BLOB)');
const insert = source.prepare('INSERT INTO log (body) VALUES (?)');
for (let mib = 0; mib < SIZE_MIB; mib += 8) {
  source.transaction(() => {
    for (let i = 0; i < 512; i++) insert.run(randomBytes(16 * 1024));
  })();
}

function connect(): Database.Database {
  const db = new Database(file);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.pragma('cache_size = -65536');
  db.pragma('wal_autocheckpoint = 4096');
  db.pragma(`journal_size_limit = ${64 * MIB}`);
  return db;
}

/** Commits 64 KiB every 10 ms while `work` goes on, and prints what that did to both. */
async function under(what: string, work: () => Promise<string>): Promise<void> {
  let longest = 0;
  let wal = 0;
  let commits = 0;
  const load = setInterval(() => {
    const before = performance.now();
    source.transaction(() => insert.run(randomBytes(64 * 1024)))();
    longest = Math.max(longest, performance.now() - before);
    commits++;
    wal = Math.max(wal, statSync(`${file}-wal`).size);
  }, 10);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const before = performance.now();
  const told = await work();
  const seconds = (performance.now() - before) / 1000;
  delay.disable();
  clearInterval(load);
  const ms = (ns: number) => (ns / 1e6).toFixed(1);
  console.log(
    `${what}: ${seconds.toFixed(1)} s, ${(commits / seconds).toFixed(0)} commits a second, the longest ${longest.toFixed(0)} ms; ` +
      `event loop late by ${ms(delay.percentile(50))} ms half the time, ${ms(delay.percentile(99))} ms 1 in 100, ${ms(delay.max)} ms at most; ` +
      `write-ahead log ${(wal / MIB).toFixed(0)} MiB at most${told}`,
  );
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(copy + suffix, { force: true });
  source.pragma('wal_checkpoint(TRUNCATE)');
}

/** Copies in steps; gives up once it has begun anew too often. */
async function inSteps(db: Database.Database, pages: number, synced: boolean): Promise<string> {
  let least = Number.POSITIVE_INFINITY;
  let restarts = 0;
  let copied = 0;
  const handle = synced ? await open(copy, 'w') : null;
  let syncing: Promise<void> | null = null;
  try {
    await db.backup(copy, {
      progress: ({ remainingPages }) => {
        if (remainingPages > least + 1000) {
          restarts++;
          least = Number.POSITIVE_INFINITY;
          if (restarts > 50) throw new Error('it begins anew again and again');
        }
        least = Math.min(least, remainingPages);
        copied += pages * 4096;
        if (handle && !syncing && copied >= SYNC_EVERY) {
          copied = 0;
          syncing = handle.sync().finally(() => {
            syncing = null;
          });
        }
        return pages;
      },
    });
  } catch (error) {
    return `; ${String(error)}`;
  } finally {
    await syncing;
    await handle?.close();
  }
  return `; ${restarts} restarts`;
}

await under('nothing', () => new Promise((resolve) => setTimeout(() => resolve(''), 3000)));
for (const pages of [16, 64, 256, 1024]) {
  await under(`${pages} pages a step, the writer's connection`, () => inSteps(source, pages, false));
}
await under("64 pages a step, the writer's connection, synced along the way", () =>
  inSteps(source, 64, true),
);
const other = connect();
await under('64 pages a step, another connection', () => inSteps(other, 64, false));
other.close();
await under('VACUUM INTO, in a thread of its own', () => {
  const code = `const { workerData: [file, copy] } = require('node:worker_threads');
    const Database = require('better-sqlite3');
    new Database(file, { readonly: true }).prepare('VACUUM INTO ?').run(copy);`;
  return new Promise((resolve, reject) => {
    const worker = new Worker(code, { eval: true, workerData: [file, copy] });
    worker.once('error', reject);
    worker.once('exit', () => resolve(''));
  });
});
source.close();
rmSync(folder, { recursive: true });
