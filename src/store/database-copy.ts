import { statSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import Database from 'better-sqlite3';
import { WafersyncError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { IN_BACKUP } from './life.ts';
import { fromSqlite } from './sqlite-error.ts';

/** Pages (4 KiB) that a step copies: 256 KiB, about a millisecond. */
const PAGES_PER_STEP = 64;

/** How often a copy may begin anew because another program writes to the database. */
const MAX_RESTARTS = 10;

/** How far a copy is. */
export interface CopyProgress {
  readonly copiedPages: number;
  /** In all, as of now. */
  readonly pages: number;
}

/**
 * Copies a database into a new file while it is written to, and makes of it one file that stands alone and says of itself
 * that it is no running database. What fails or is given up leaves nothing behind.
 * @param progress called after each step
 * @throws WafersyncError `exhausted`, `unavailable`; the reason of `signal`
 */
export async function copyDatabase(
  connection: Connection,
  file: string,
  progress: (progress: CopyProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  await removeCopy(file);
  try {
    let copied = 0;
    let restarts = 0;
    await connection.copyTo(file, (left, pages) => {
      signal.throwIfAborted();
      const copiedPages = pages - left;
      // The database may grow by more than a step, but what is copied grows with each step, unless it began anew.
      if (copiedPages <= copied && ++restarts > MAX_RESTARTS) throw disturbed(connection.file);
      copied = copiedPages;
      progress({ copiedPages, pages });
      return PAGES_PER_STEP;
    });
    finish(file);
  } catch (thrown) {
    await removeCopy(file);
    throw fromSqlite(thrown, file);
  }
}

/** Removes a copy and what SQLite may have left beside it. */
export async function removeCopy(file: string): Promise<void> {
  for (const suffix of ['', '-journal', '-wal', '-shm']) await rm(file + suffix, { force: true });
}

/** Size of a database with what its write-ahead log may add, bytes: what a copy of it needs at most, as of now. */
export function copyBytes(file: string): number {
  const log = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return statSync(file).size + log;
}

/** It gets no write-ahead log, so that it can be read where nothing may be written. Whoever sends it makes it durable. */
function finish(file: string): void {
  const db = new Database(file, { fileMustExist: true });
  try {
    db.pragma('synchronous = OFF');
    db.pragma('journal_mode = DELETE');
    db.prepare('UPDATE life SET file = ?').run(IN_BACKUP);
  } finally {
    db.close();
  }
}

function disturbed(file: string): WafersyncError {
  return new WafersyncError(
    'unavailable',
    `database ${file} was written by another program while it was copied, more than ${MAX_RESTARTS} times`,
    { hint: 'Close the other program, and try again.' },
  );
}
