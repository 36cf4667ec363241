// Loaded into a node before the program, by tests alone (`node --import`): ends the process with SIGKILL at a moment
// that a test has named. The program knows nothing of it. What is armed comes by the environment, for moments before the
// node serves, or as a message of the parent.
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { CheckpointWatch } from './checkpoint-watch.ts';
import { type Armed, CHECKPOINT_PAGES_VARIABLE, KILL_VARIABLE } from './kill-points.ts';

type Moment = Armed['moment'];

let armed: Armed | null = null;
let watch: CheckpointWatch | null = null;
/** Moments of the armed kind that are still let pass. */
let left = 0;
/** What the worker is told: see kill-worker.ts. */
const inside = new Int32Array(new SharedArrayBuffer(8));

function arm(wish: Armed): void {
  armed = wish;
  left = wish.after;
  if (wish.insideUs === undefined) return;
  if (wish.shm) watch = new CheckpointWatch(wish.shm);
  const data = { inside, insideUs: wish.insideUs, shm: wish.shm ?? '' };
  // The main thread is in SQLite then, and can do nothing by itself.
  new Worker(new URL('kill-worker.ts', import.meta.url), { workerData: data }).unref();
}

/** Whether the moment is the one that is armed. */
function due(moment: Moment): boolean {
  return armed?.moment === moment && left-- <= 0;
}

function passing(moment: Moment): void {
  if (due(moment)) process.kill(process.pid, 'SIGKILL');
}

/** Runs a call of SQLite in which, or at whose sides, the process may end. */
function within<T>(
  { before, at, after }: { before: Moment; at: readonly Moment[]; after: Moment },
  call: () => T,
): T {
  passing(before);
  if (at.some(due)) {
    Atomics.store(inside, 1, watch?.now().attempted ?? 0);
    Atomics.store(inside, 0, 1);
    Atomics.notify(inside, 0);
  }
  try {
    return call();
  } finally {
    Atomics.store(inside, 0, 0);
    passing(after);
  }
}

/** A node's own database, opened to write; not a reader's connection, nor the lock beside it. */
function isNodes(db: Database.Database): boolean {
  return db.name.endsWith('wafersync.db') && !db.readonly;
}

/** The same, or one that is being made. */
function isBeginning(db: Database.Database): boolean {
  return isNodes(db) || db.name.endsWith('wafersync.db.new');
}

const COMMITS = {
  before: 'before-commit',
  at: ['in-commit', 'in-checkpoint'],
  after: 'after-commit',
} as const;
const CLOSES = { before: 'before-close', at: ['in-close'], after: 'after-close' } as const;

const { prepare, pragma, exec, close } = Database.prototype;

Database.prototype.prepare = function (this: Database.Database, sql: string) {
  const statement = prepare.call(this, sql) as Database.Statement;
  if (isBeginning(this)) passing('start');
  if (!isNodes(this)) return statement;
  if (sql !== 'COMMIT') return statement;
  const run = statement.run.bind(statement);
  statement.run = () => within(COMMITS, run);
  return statement;
} as typeof prepare;

Database.prototype.pragma = function (this: Database.Database, source: string, options?: object) {
  if (isBeginning(this)) passing('start');
  const pages = process.env[CHECKPOINT_PAGES_VARIABLE];
  const wanted = pages ? source.replace(/^(wal_autocheckpoint) = \d+$/, `$1 = ${pages}`) : source;
  return pragma.call(this, wanted, options as Database.PragmaOptions);
} as typeof pragma;

Database.prototype.exec = function (this: Database.Database, sql: string) {
  if (isBeginning(this)) passing('start');
  exec.call(this, sql);
  if (isBeginning(this)) passing('start');
  return this;
} as typeof exec;

Database.prototype.close = function (this: Database.Database) {
  if (!isNodes(this)) return close.call(this);
  return within(CLOSES, () => close.call(this));
};

const given = process.env[KILL_VARIABLE];
if (given) arm(JSON.parse(given) as Armed);
process.on('message', (wish: Armed) => arm(wish));
