import Database from 'better-sqlite3';
import { timestamp, timestampMs } from '../src/clocks/hlc.ts';

/** By dot: the results of an update, and milliseconds from its birth to its being stored in this database. */
export type Arrivals = ReadonlyMap<string, { readonly results: number; readonly lagMs: number }>;

interface Row {
  readonly dot: string;
  readonly born: number;
  readonly received_at_ms: number;
  readonly results: number;
}

/** Updates of results in a node's database. All nodes of a bench run on one machine and by one clock. */
export function arrivalsOf(file: string): Arrivals {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db
      .prepare<[], Row>(
        `SELECT o.fab || '.' || o.epoch || '.' || u.sequence AS dot, u.timestamp AS born, u.received_at_ms,
           (SELECT coalesce(sum(a.results), 0) FROM attempts a WHERE a.run = u.run AND a.update_row = u.id) AS results
         FROM update_log u JOIN origins o ON o.id = u.origin WHERE u.kind = 'results'`,
      )
      .all();
    return new Map(
      rows.map(({ dot, born, received_at_ms, results }) => [
        dot,
        { results, lagMs: received_at_ms - timestampMs(timestamp(born)) },
      ]),
    );
  } finally {
    db.close();
  }
}

/** Bytes of the headers and payloads in a node's log. */
export function updateBytes(file: string): { readonly headers: number; readonly payloads: number } {
  const db = new Database(file, { readonly: true });
  try {
    return db
      .prepare<[], { headers: number; payloads: number }>(
        'SELECT total(length(header)) AS headers, total(length(payload)) AS payloads FROM update_log',
      )
      .get()!;
  } finally {
    db.close();
  }
}
