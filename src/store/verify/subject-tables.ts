import { createHash } from 'node:crypto';
import type { Subject } from '../../wafer/subject.ts';
import { TextDigest } from '../../wafer/text-digest.ts';
import type { Connection, Query } from '../connection.ts';

/** A subject by its local number: of wafers, of runs, or of the purge's row in update_log. */
export interface SubjectRow {
  readonly kind: Subject['kind'];
  readonly row: number;
}

/** Digest of what one table has of a subject: 32 hex digits. */
export interface TableDigest {
  readonly table: string;
  readonly digest: string;
}

/** Rows that are read between two points at which a reading may give way. */
const ROWS_AT_ONCE = 500;

type Tables = readonly (readonly [table: string, sql: string])[];

const DOT = 'o.fab, o.epoch, u.sequence';
const BY_UPDATE = (alias: string, column = 'update_row') =>
  `LEFT JOIN update_log u ON u.id = ${alias}.${column} LEFT JOIN origins o ON o.id = u.origin`;

/** Columns of an attempt that an update brought. */
const ATTEMPT = `a.x, a.y, a.head, a.site, a.part_id, a.hard_bin, a.soft_bin, a.part_flags, a.passed, a.test_count,
  a.test_time_ms, a.started_at_us, a.sequence_span, a.results, ${DOT}`;

/** What hangs on a wafer, without local numbers. Attempts without coordinates are with their run. */
const OF_WAFER: Tables = [
  [
    'attempts',
    `SELECT r.run_id, a.attempt_index, ${ATTEMPT}
     FROM attempts a LEFT JOIN runs r ON r.id = a.run ${BY_UPDATE('a')}
     WHERE a.wafer = ? AND a.x IS NOT NULL ORDER BY a.x, a.y, r.run_id, a.attempt_index`,
  ],
  [
    'dies',
    `SELECT d.x, d.y, d.attempts, r.run_id, d.attempt_index, d.hard_bin, d.soft_bin, d.passed
     FROM dies d LEFT JOIN runs r ON r.id = d.run WHERE d.wafer = ? ORDER BY d.x, d.y`,
  ],
  [
    'run_wafers',
    `SELECT r.run_id, rw.first_index, rw.attempts, rw.results, rw.updates, rw.first_timestamp, rw.last_timestamp
     FROM run_wafers rw LEFT JOIN runs r ON r.id = rw.run WHERE rw.wafer = ? ORDER BY r.run_id`,
  ],
  ['documents', 'SELECT version, watches_attempts FROM documents WHERE wafer = ?'],
  ['fields', 'SELECT field, value, siblings, policy FROM fields WHERE wafer = ? ORDER BY field'],
  [
    'siblings',
    `SELECT s.field, ${DOT}, s.value, s.context FROM siblings s ${BY_UPDATE('s')}
     WHERE s.wafer = ? ORDER BY s.field, ${DOT}`,
  ],
  [
    'guarded_edits',
    `SELECT ${DOT}, g.guards, g.fields FROM guarded_edits g ${BY_UPDATE('g')} WHERE g.wafer = ? ORDER BY ${DOT}`,
  ],
  ['grounds', 'SELECT guards, fields FROM grounds WHERE wafer = ? ORDER BY guards, fields'],
  [
    'fields_seen',
    `SELECT ${DOT}, f.field, f.context FROM update_log u JOIN origins o ON o.id = u.origin
       JOIN fields_seen f ON f.update_row = u.id
     WHERE u.wafer = ? AND u.kind IN ('edit', 'retire') ORDER BY ${DOT}, f.field`,
  ],
  [
    'attempts_seen',
    `SELECT ${DOT}, s.fab, s.epoch, f.first, f.last FROM update_log u JOIN origins o ON o.id = u.origin
       JOIN attempts_seen f ON f.update_row = u.id LEFT JOIN origins s ON s.id = f.origin
     WHERE u.wafer = ? AND u.kind IN ('edit', 'retire') ORDER BY ${DOT}, s.fab, s.epoch, f.first`,
  ],
  [
    'conflicts',
    `SELECT id, kind, field, subject, state, policy, pattern FROM conflicts WHERE wafer = ? ORDER BY id`,
  ],
  [
    'conflict_members',
    `SELECT c.id, m.field, m.value, m.chosen, ${DOT}
     FROM conflicts c JOIN conflict_members m ON m.conflict = c.id ${BY_UPDATE('m')}
     WHERE c.wafer = ? ORDER BY c.id, m.field, ${DOT}`,
  ],
  [
    'settlements',
    `SELECT s.conflict, s.kind, s.field, s.dots, ${DOT} FROM settlements s ${BY_UPDATE('s')}
     WHERE s.wafer = ? ORDER BY s.conflict, ${DOT}`,
  ],
];

/** What hangs on a run. */
const OF_RUN: Tables = [
  [
    'runs',
    `SELECT r.started_at_us, ${DOT}, q.fab, q.epoch, qu.sequence, r.source, r.lot, r.record_attempts,
       r.record_results, r.complete, r.incomplete_reason, r.orphan_results, r.file_name, r.content_digest,
       r.equipment_id, r.stream_id, r.product, r.job_name, r.job_revision, r.records
     FROM runs r ${BY_UPDATE('r', 'first_update')} LEFT JOIN update_log qu ON qu.id = r.record_update
       LEFT JOIN origins q ON q.id = qu.origin WHERE r.id = ? AND r.first_update IS NOT NULL`,
  ],
  ['final_runs', 'SELECT 1 FROM final_runs WHERE run = ?'],
  [
    'attempts',
    `SELECT a.attempt_index, w.wafer_id, w.lot, w.insertion, ${ATTEMPT}
     FROM attempts a LEFT JOIN wafers w ON w.id = a.wafer ${BY_UPDATE('a')}
     WHERE a.run = ? AND a.x IS NULL ORDER BY a.attempt_index`,
  ],
];

/** What hangs on a purge. */
const OF_PURGE: Tables = [
  ['purges', 'SELECT author, reason, term_days, updates FROM purges WHERE update_row = ?'],
  [
    'purged_updates',
    `SELECT o.fab, o.epoch, n.sequence, lower(hex(n.stub_digest))
     FROM purged_updates n LEFT JOIN origins o ON o.id = n.origin
     WHERE n.purge = ? ORDER BY o.fab, o.epoch, n.sequence`,
  ],
];

const TABLES: Readonly<Record<Subject['kind'], Tables>> = { wafer: OF_WAFER, run: OF_RUN, purge: OF_PURGE };

/** Digests of what the folds have of one subject, equal at all fabs that have applied the same of it. */
export class SubjectTables {
  readonly #queries: Readonly<
    Record<Subject['kind'], readonly { table: string; rows: Query<[number], unknown[]> }[]>
  >;

  constructor(connection: Connection) {
    const prepared = (tables: Tables) =>
      tables.map(([table, sql]) => ({ table, rows: connection.prepare<[number], unknown[]>(sql).raw() }));
    this.#queries = {
      wafer: prepared(TABLES.wafer),
      run: prepared(TABLES.run),
      purge: prepared(TABLES.purge),
    };
  }

  /** Digest of each table that has rows of a subject. Yields where a reading may give way; what is read stays one state only in a transaction. */
  *read({ kind, row }: SubjectRow): Generator<void, TableDigest[]> {
    const digests: TableDigest[] = [];
    for (const { table, rows } of this.#queries[kind]) {
      const digest = new TextDigest();
      let count = 0;
      for (const values of rows.rows(row)) {
        digest.add(`${JSON.stringify(values)}\n`);
        if (++count % ROWS_AT_ONCE === 0) yield;
      }
      if (count > 0) digests.push({ table, digest: digest.hex().slice(0, 32) });
    }
    return digests;
  }

  /** The same at once. */
  readNow(subject: SubjectRow): TableDigest[] {
    const reading = this.read(subject);
    for (;;) {
      const step = reading.next();
      if (step.done) return step.value;
    }
  }
}

/** One digest over those of the tables. */
export function tablesDigest(tables: readonly TableDigest[]): string {
  const lines = tables.map(({ table, digest }) => `${table} ${digest}\n`);
  return createHash('sha256').update(lines.join('')).digest('hex').slice(0, 32);
}

/** Names of the tables whose digests are not the same. */
export function differingTables(a: readonly TableDigest[], b: readonly TableDigest[]): string[] {
  const before = new Map(a.map(({ table, digest }) => [table, digest]));
  const after = new Map(b.map(({ table, digest }) => [table, digest]));
  const names = [...new Set([...before.keys(), ...after.keys()])];
  return names.filter((table) => before.get(table) !== after.get(table)).sort();
}
