import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import Database from 'better-sqlite3';
import { type FabId, mintEpochAt } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import type { World } from '../world.ts';
import { Connection } from './connection.ts';
import { inspectDatabase } from './inspect.ts';
import { DatabaseLock } from './lock.ts';
import { APPLICATION_ID, migrate } from './schema.ts';
import { fromSqlite } from './sqlite-error.ts';

/** How long a write waits for a foreign program, such as an operator's shell, before it fails. */
const BUSY_TIMEOUT_MS = 250;
/** Pages (4 KiB) in the write-ahead log at which a commit moves them into the database: 16 MiB. */
const CHECKPOINT_PAGES = 4096;
/** Size that the write-ahead log is cut back to. */
const WAL_BYTES = 64 * 1024 * 1024;
/** Page cache. */
const CACHE_KIB = 64 * 1024;

/** What to open. */
export interface DatabaseOptions {
  readonly file: string;
  readonly fab: FabId;
  readonly world: World;
  /** Largest size of the database file, bytes; unbounded where absent. */
  readonly maxFileBytes?: number;
}

/** An open database and the lock that keeps others away. */
export interface OpenDatabase {
  readonly connection: Connection;
  readonly lock: DatabaseLock;
}

/**
 * Opens a node's database, or creates it. A file that is not this fab's database is not touched.
 * @throws WafersyncError `conflict` (newer version, other fab, other program's), `precondition` (open elsewhere), `damaged`,
 * `unavailable`
 */
export function openDatabase(options: DatabaseOptions): OpenDatabase {
  const file = realFile(options.file);
  const lock = DatabaseLock.acquire(file);
  try {
    if (existsSync(file)) inspectDatabase(file, options.fab);
    else createDatabase(file, options);
    return { connection: connect(file, options.maxFileBytes), lock };
  } catch (thrown) {
    lock.release();
    throw fromSqlite(thrown, file);
  }
}

/** One name for one file, so that a symbolic link does not lead around the lock. @throws WafersyncError `precondition` */
export function realFile(file: string): string {
  if (existsSync(file)) return realpathSync(file);
  const folder = dirname(file);
  if (!existsSync(folder)) {
    throw new WafersyncError('precondition', `folder ${folder} of database ${file} does not exist`, {
      hint: 'Create the folder, or correct the path.',
    });
  }
  return join(realpathSync(folder), basename(file));
}

/** Makes the database under another name and renames it once it is whole: a file that exists is never half made. */
function createDatabase(file: string, { fab, world }: DatabaseOptions): void {
  refuseOrphanedLog(file);
  const draft = `${file}.new`;
  for (const suffix of ['', '-journal', '-wal', '-shm']) rmSync(draft + suffix, { force: true });
  const db = new Database(draft);
  try {
    // Nothing reads the draft before it is whole, so one fsync at the end is enough.
    db.pragma('synchronous = OFF');
    db.pragma(`application_id = ${APPLICATION_ID}`);
    migrate(db);
    db.prepare('INSERT INTO origins (id, fab, epoch) VALUES (1, ?, ?)').run(
      fab,
      mintEpochAt(world.nowMs(), (bytes) => world.random(bytes)),
    );
    db.prepare('INSERT INTO node VALUES (1, 1, 0, 0, 0, 0, 0, ?)').run(Math.floor(world.nowMs()));
    db.pragma('journal_mode = WAL');
  } finally {
    db.close();
  }
  sync(draft);
  renameSync(draft, file);
  sync(dirname(file));
}

/** Makes sure that a file, or the names in a folder, are on disk. */
export function sync(path: string): void {
  const descriptor = openSync(path, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** SQLite would replay a log left over from another database into the new one. */
function refuseOrphanedLog(file: string): void {
  const log = `${file}-wal`;
  if (!existsSync(log) || statSync(log).size === 0) return;
  throw new WafersyncError(
    'damaged',
    `database ${file} is missing, but its write-ahead log ${log} is there`,
    {
      hint: 'Put the database back beside its log. To begin a new database, move the log away.',
    },
  );
}

function connect(file: string, maxFileBytes: number | undefined): Connection {
  const db = new Database(file, { fileMustExist: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.pragma('journal_mode = WAL');
    db.pragma('synchronous = FULL');
    db.pragma('foreign_keys = ON');
    db.pragma('mmap_size = 0');
    db.pragma(`cache_size = -${CACHE_KIB}`);
    db.pragma(`wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    db.pragma(`journal_size_limit = ${WAL_BYTES}`);
    migrate(db);
    const connection = new Connection(db, file);
    if (maxFileBytes !== undefined) connection.limit(maxFileBytes);
    return connection;
  } catch (thrown) {
    db.close();
    throw thrown;
  }
}
