import { truncateSync } from 'node:fs';
import Database from 'better-sqlite3';
import { WafersyncError } from '../errors.ts';
import { fromSqlite } from './sqlite-error.ts';

const BUSY_TIMEOUT_MS = 100;

/**
 * Keeps a second process from the same database. The lock is a write transaction that stays open on a small database
 * beside it, so it dies with the process, even by SIGKILL; its file stays. Readers may still read who holds it.
 */
export class DatabaseLock {
  readonly #db: Database.Database;

  private constructor(db: Database.Database) {
    this.#db = db;
  }

  /** @throws WafersyncError `precondition` where another process, or this one, has it; `unavailable` */
  static acquire(file: string): DatabaseLock {
    const lockFile = `${file}.lock`;
    try {
      return new DatabaseLock(hold(file, lockFile));
    } catch (thrown) {
      if (!isDamaged(thrown)) throw fromSqlite(thrown, lockFile);
      // Left so by a loss of power. Emptied in place, not replaced, so that a lock on it stays a lock.
      truncateSync(lockFile);
      return new DatabaseLock(hold(file, lockFile));
    }
  }

  /** Lets go. Once is enough, more does no harm. */
  release(): void {
    this.#db.close();
  }
}

function hold(file: string, lockFile: string): Database.Database {
  const db = new Database(lockFile, { timeout: BUSY_TIMEOUT_MS });
  try {
    // What it says need not survive a loss of power: the lock does not either.
    db.pragma('synchronous = OFF');
    db.pragma('journal_mode = MEMORY');
    db.exec('BEGIN IMMEDIATE');
    db.exec('CREATE TABLE IF NOT EXISTS holder (pid INTEGER NOT NULL)');
    db.exec('DELETE FROM holder');
    db.prepare('INSERT INTO holder (pid) VALUES (?)').run(process.pid);
    db.exec('COMMIT');
    db.exec('BEGIN IMMEDIATE');
    return db;
  } catch (thrown) {
    const error = hasCode(thrown, 'SQLITE_BUSY') ? inUse(file, db) : thrown;
    db.close();
    throw error;
  }
}

function isDamaged(thrown: unknown): boolean {
  return hasCode(thrown, 'SQLITE_NOTADB') || hasCode(thrown, 'SQLITE_CORRUPT');
}

function hasCode(thrown: unknown, prefix: string): boolean {
  return thrown instanceof Database.SqliteError && thrown.code.startsWith(prefix);
}

function inUse(file: string, db: Database.Database): WafersyncError {
  const pid = holderOf(db);
  const who = pid === null ? 'another process' : `process ${pid}`;
  return new WafersyncError('precondition', `database ${file} is open in ${who}`, {
    hint: 'Stop that process, or give this one a database of its own.',
  });
}

/** Process id of the holder; null where it cannot be told, which only makes the message poorer. */
function holderOf(db: Database.Database): number | null {
  try {
    return db.prepare<[], { pid: number }>('SELECT pid FROM holder').get()?.pid ?? null;
  } catch (thrown) {
    if (thrown instanceof Database.SqliteError) return null;
    throw thrown;
  }
}
