import { createHash } from 'node:crypto';
import type { Connection } from './connection.ts';

/**
 * The folds in canonical order, without local numbers: dots and the ids that all fabs share stand in their place. Keys
 * alone, which held updates may have brought, are left out.
 */
const TABLES: readonly (readonly [name: string, sql: string])[] = [
  [
    'runs',
    `SELECT r.run_id, r.started_at_us, f.fab, f.epoch, fu.sequence, q.fab, q.epoch, qu.sequence, r.source, r.lot,
       r.record_attempts, r.record_results, r.complete, r.incomplete_reason, r.orphan_results, r.file_name,
       r.content_digest, r.equipment_id, r.stream_id, r.product, r.job_name, r.job_revision, r.records
     FROM runs r JOIN update_log fu ON fu.id = r.first_update JOIN origins f ON f.id = fu.origin
       LEFT JOIN update_log qu ON qu.id = r.record_update LEFT JOIN origins q ON q.id = qu.origin
     ORDER BY r.run_id`,
  ],
  [
    'run_wafers',
    `SELECT r.run_id, w.wafer_id, w.lot, w.insertion, rw.first_index, rw.attempts, rw.results, rw.updates,
       rw.first_timestamp, rw.last_timestamp
     FROM run_wafers rw JOIN runs r ON r.id = rw.run JOIN wafers w ON w.id = rw.wafer
     ORDER BY r.run_id, w.wafer_id, w.lot, w.insertion`,
  ],
  [
    'attempts',
    `SELECT r.run_id, a.attempt_index, w.wafer_id, w.lot, w.insertion, a.x, a.y, a.head, a.site, a.part_id,
       a.hard_bin, a.soft_bin, a.part_flags, a.passed, a.test_count, a.test_time_ms, a.started_at_us,
       a.sequence_span, a.results, o.fab, o.epoch, u.sequence
     FROM runs r CROSS JOIN attempts a ON a.run = r.id JOIN wafers w ON w.id = a.wafer
       JOIN update_log u ON u.id = a.update_row JOIN origins o ON o.id = u.origin
     ORDER BY r.run_id, a.attempt_index`,
  ],
  [
    'dies',
    `SELECT w.wafer_id, w.lot, w.insertion, d.x, d.y, d.attempts, r.run_id, d.attempt_index, d.hard_bin, d.soft_bin,
       d.passed
     FROM wafers w CROSS JOIN dies d ON d.wafer = w.id JOIN runs r ON r.id = d.run
     ORDER BY w.wafer_id, w.lot, w.insertion, d.x, d.y`,
  ],
  ['final_runs', 'SELECT r.run_id FROM final_runs f JOIN runs r ON r.id = f.run ORDER BY r.run_id'],
  [
    'documents',
    `SELECT w.wafer_id, w.lot, w.insertion, d.version, d.watches_attempts FROM documents d JOIN wafers w ON w.id = d.wafer
     ORDER BY w.wafer_id, w.lot, w.insertion`,
  ],
  [
    'fields',
    `SELECT w.wafer_id, w.lot, w.insertion, f.field, f.value, f.siblings, f.policy
     FROM fields f JOIN wafers w ON w.id = f.wafer ORDER BY w.wafer_id, w.lot, w.insertion, f.field`,
  ],
  [
    'siblings',
    `SELECT w.wafer_id, w.lot, w.insertion, s.field, o.fab, o.epoch, u.sequence, s.value, s.context
     FROM siblings s JOIN wafers w ON w.id = s.wafer JOIN update_log u ON u.id = s.update_row
       JOIN origins o ON o.id = u.origin
     ORDER BY w.wafer_id, w.lot, w.insertion, s.field, o.fab, o.epoch, u.sequence`,
  ],
  [
    'guarded_edits',
    `SELECT o.fab, o.epoch, u.sequence, g.guards, g.fields
     FROM guarded_edits g JOIN update_log u ON u.id = g.update_row JOIN origins o ON o.id = u.origin
     ORDER BY o.fab, o.epoch, u.sequence`,
  ],
  [
    'grounds',
    `SELECT w.wafer_id, w.lot, w.insertion, g.guards, g.fields FROM grounds g JOIN wafers w ON w.id = g.wafer
     ORDER BY w.wafer_id, w.lot, w.insertion, g.guards, g.fields`,
  ],
  [
    'conflicts',
    `SELECT c.id, c.kind, c.field, c.state, c.policy, c.pattern, m.field, m.value, m.chosen, o.fab, o.epoch, u.sequence
     FROM conflicts c JOIN conflict_members m ON m.conflict = c.id JOIN update_log u ON u.id = m.update_row
       JOIN origins o ON o.id = u.origin
     ORDER BY c.id, m.field, o.fab, o.epoch, u.sequence`,
  ],
  [
    'settlements',
    `SELECT s.conflict, s.kind, s.field, s.dots, o.fab, o.epoch, u.sequence
     FROM settlements s JOIN update_log u ON u.id = s.update_row JOIN origins o ON o.id = u.origin
     ORDER BY s.conflict, o.fab, o.epoch, u.sequence`,
  ],
  [
    'purged_updates',
    `SELECT o.fab, o.epoch, n.sequence, lower(hex(n.stub_digest)), q.fab, q.epoch, u.sequence
     FROM purged_updates n JOIN origins o ON o.id = n.origin JOIN update_log u ON u.id = n.purge
       JOIN origins q ON q.id = u.origin
     ORDER BY o.fab, o.epoch, n.sequence, q.fab, q.epoch, u.sequence`,
  ],
];

/** Tables that came later are named only where they have rows: a database from before has the digest that it had. */
const ALWAYS_NAMED: ReadonlySet<string> = new Set(['runs', 'run_wafers', 'attempts', 'dies']);

/** Computes the digest of the folds. */
export class FoldDigest {
  readonly #queries;

  constructor(connection: Connection) {
    this.#queries = TABLES.map(([name, sql]) => ({
      name,
      rows: connection.prepare<[], unknown[]>(sql).raw(),
    }));
  }

  /** SHA-256, hex, over one JSON line a row. Equal at all fabs that have applied the same updates. */
  compute(): string {
    const sha = createHash('sha256').update('wafersync folds 1\n');
    for (const { name, rows } of this.#queries) {
      let named = ALWAYS_NAMED.has(name);
      if (named) sha.update(`${name}\n`);
      rows.each((row) => {
        sha.update(`${named ? '' : `${name}\n`}${JSON.stringify(row)}\n`);
        named = true;
        return true;
      });
    }
    return sha.digest('hex');
  }
}
