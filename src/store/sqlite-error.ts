import Database from 'better-sqlite3';
import { type ErrorCode, WafersyncError } from '../errors.ts';

interface Meaning {
  /** Beginning of SQLite's result code. */
  readonly prefix: string;
  readonly code: ErrorCode;
  readonly what: string;
  readonly hint: string;
}

/** Failures of the place where the database lies. The update at hand is not at fault. */
const STORAGE_FAILURES: readonly Meaning[] = [
  {
    prefix: 'SQLITE_FULL',
    code: 'exhausted',
    what: 'is full',
    hint: 'Free space on its volume, or raise the bound of its size.',
  },
  {
    // The index of the write-ahead log could not be lengthened.
    prefix: 'SQLITE_IOERR_SHMSIZE',
    code: 'exhausted',
    what: 'is full',
    hint: 'Free space on its volume.',
  },
  {
    prefix: 'SQLITE_IOERR',
    code: 'unavailable',
    what: 'cannot be read or written',
    hint: 'Check the volume that it lies on.',
  },
  {
    prefix: 'SQLITE_READONLY',
    code: 'unavailable',
    what: 'cannot be written',
    hint: 'Make the file and its folder writable for this user.',
  },
  {
    prefix: 'SQLITE_CANTOPEN',
    code: 'unavailable',
    what: 'cannot be opened',
    hint: 'Check that its folder exists and that this user may read and write it.',
  },
  {
    prefix: 'SQLITE_PERM',
    code: 'unavailable',
    what: 'cannot be opened',
    hint: 'Make the file and its folder accessible for this user.',
  },
  {
    prefix: 'SQLITE_BUSY',
    code: 'unavailable',
    what: 'is being written by another program',
    hint: 'Close the other program.',
  },
  {
    prefix: 'SQLITE_NOMEM',
    code: 'unavailable',
    what: 'needs more memory than there is',
    hint: 'Give the process more memory.',
  },
  {
    prefix: 'SQLITE_NOTADB',
    code: 'damaged',
    what: 'is not a database',
    hint: 'Check the path; if it is right, restore a backup.',
  },
  {
    prefix: 'SQLITE_CORRUPT',
    code: 'damaged',
    what: 'is damaged',
    hint: 'Restore a backup, or move the file away: a new database fetches everything from the other fabs.',
  },
];

/** What SQLite's result code means for the file; null where the statement, not the storage, is at fault. */
export function storageFailure(thrown: unknown, file: string): WafersyncError | null {
  if (!(thrown instanceof Database.SqliteError)) return null;
  const meaning = STORAGE_FAILURES.find(({ prefix }) => thrown.code.startsWith(prefix));
  if (!meaning) return null;
  const { code, what, hint } = meaning;
  return new WafersyncError(code, `database ${file} ${what}: ${thrown.message} (${thrown.code})`, {
    hint,
    cause: thrown,
  });
}

/** Turns anything thrown by SQLite into the one error family. Other errors stay as they are. */
export function fromSqlite(thrown: unknown, file: string): unknown {
  const failure = storageFailure(thrown, file);
  if (failure || !(thrown instanceof Database.SqliteError)) return failure ?? thrown;
  return new WafersyncError('internal', `database ${file}: ${thrown.message} (${thrown.code})`, {
    cause: thrown,
  });
}
