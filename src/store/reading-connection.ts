import Database from 'better-sqlite3';
import { Connection } from './connection.ts';
import { fromSqlite } from './sqlite-error.ts';

/** Page cache of a connection that only reads. */
const CACHE_KIB = 2 * 1024;

/** Opens a database that is there to read from it, beside the connection that writes. @throws WafersyncError `unavailable` */
export function openForReading(file: string): Connection {
  try {
    const db = new Database(file, { readonly: true, fileMustExist: true });
    db.pragma(`cache_size = -${CACHE_KIB}`);
    return new Connection(db, file);
  } catch (thrown) {
    throw fromSqlite(thrown, file);
  }
}
