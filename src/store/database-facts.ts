import Database from 'better-sqlite3';
import { epoch, fabId, type Origin } from '../clocks/dot.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import { fromSqlite } from './sqlite-error.ts';

/** What a database says of itself. */
export interface DatabaseFacts {
  readonly origin: Origin;
  readonly schemaVersion: number;
  readonly received: TransportVector;
  /** Results kept. */
  readonly results: number;
}

/** Reads what a database says of itself. @throws WafersyncError `damaged`, `unavailable` */
export function databaseFacts(file: string): DatabaseFacts {
  return reading(file, (db) => {
    const node = db
      .prepare<[], { fab: string; epoch: number; results: number }>(
        'SELECT o.fab, o.epoch, n.results FROM node n JOIN origins o ON o.id = n.origin',
      )
      .get();
    if (!node) {
      throw new WafersyncError('damaged', `database ${file} does not say whose it is`, {
        hint: 'Take another one.',
      });
    }
    const rows = db.prepare<[], { fab: string; epoch: number; first: number; last: number }>(
      'SELECT o.fab, o.epoch, r.first, r.last FROM received_intervals r JOIN origins o ON o.id = r.origin',
    );
    return {
      origin: { fab: fabId(node.fab), epoch: epoch(node.epoch) },
      schemaVersion: Number(db.pragma('user_version', { simple: true })),
      received: TransportVector.of(
        rows
          .all()
          .map(({ fab, epoch: life, first, last }) => [
            { fab: fabId(fab), epoch: epoch(life) },
            IntervalSet.range(first, last),
          ]),
      ),
      results: node.results,
    };
  });
}

/** Checks the structure of a database as SQLite sees it; reads all of it. @throws WafersyncError `damaged`, `unavailable` */
export function checkDatabase(file: string): void {
  const fault = reading(file, (db) => db.pragma('quick_check(1)', { simple: true }));
  if (fault === 'ok') return;
  throw new WafersyncError('damaged', `database ${file} is damaged: ${fault}`, { hint: 'Take another one.' });
}

function reading<T>(file: string, read: (db: Database.Database) => T): T {
  let db: Database.Database | null = null;
  try {
    db = new Database(file, { readonly: true, fileMustExist: true });
    return read(db);
  } catch (thrown) {
    throw fromSqlite(thrown, file);
  } finally {
    db?.close();
  }
}
