import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import type { FabId } from '../clocks/dot.ts';
import { WafersyncError } from '../errors.ts';
import { APPLICATION_ID, SCHEMA_VERSION } from './schema.ts';
import { fromSqlite } from './sqlite-error.ts';

/** Smallest page of SQLite, so smallest database. Of shorter files it reads zeros past the end. */
const MIN_BYTES = 512;

/**
 * Checks, without writing, that a file is this fab's database and of a version known here.
 * @param versions whether one of a newer version will do
 * @throws WafersyncError `damaged`, or `conflict` where it is another's or of a newer version, naming file and remedy
 */
export function inspectDatabase(file: string, fab: FabId, versions: 'known' | 'any' = 'known'): void {
  const { size } = statSync(file);
  if (size < MIN_BYTES) {
    throw new WafersyncError('damaged', `database ${file} has only ${size} bytes: it was cut, or never one`, {
      hint: 'Restore a backup, or delete the file to begin a new database.',
    });
  }
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    checkProgram(db, file);
    if (versions === 'known') checkVersion(db, file);
    checkFab(db, file, fab);
  } catch (thrown) {
    throw fromSqlite(thrown, file);
  } finally {
    db?.close();
  }
}

function checkProgram(db: Database.Database, file: string): void {
  if (db.pragma('application_id', { simple: true }) === APPLICATION_ID) return;
  throw new WafersyncError('conflict', `${file} is a database of another program`, {
    hint: 'Give wafersync a file of its own.',
  });
}

function checkVersion(db: Database.Database, file: string): void {
  const version = Number(db.pragma('user_version', { simple: true }));
  if (version <= SCHEMA_VERSION) return;
  throw new WafersyncError(
    'conflict',
    `database ${file} is of schema version ${version}, and this program knows none above ${SCHEMA_VERSION}`,
    { hint: 'Start the newer wafersync that wrote it.' },
  );
}

function checkFab(db: Database.Database, file: string, fab: FabId): void {
  const sql = 'SELECT o.fab FROM node n JOIN origins o ON o.id = n.origin';
  const found = db.prepare<[], { fab: string }>(sql).get()?.fab;
  if (found === undefined) {
    throw new WafersyncError('damaged', `database ${file} does not say whose it is`, {
      hint: 'Restore a backup.',
    });
  }
  if (found === fab) return;
  throw new WafersyncError('conflict', `database ${file} belongs to fab ${found}, not ${fab}`, {
    hint: 'Correct the fab or the path of the database in the configuration.',
  });
}
