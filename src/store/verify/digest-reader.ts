import { createHash } from 'node:crypto';
import {
  type Dot,
  epoch,
  fabId,
  formatDot,
  type Origin,
  type OriginKey,
  originKey,
  sequence,
} from '../../clocks/dot.ts';
import { type Interval, IntervalSet } from '../../clocks/interval-set.ts';
import { TransportVector } from '../../clocks/transport-vector.ts';
import type { Leaf } from '../../wafer/digest-tree.ts';
import type { RunId } from '../../wafer/run.ts';
import { type Subject, subjectKey } from '../../wafer/subject.ts';
import type { Update } from '../../wafer/update.ts';
import type { WaferKey } from '../../wafer/wafer-key.ts';
import type { Connection, Query } from '../connection.ts';
import { openForReading } from '../reading-connection.ts';
import { DamagedUpdate, openSealed, type SealedRow } from '../sealed.ts';
import type { Decoders } from '../types.ts';
import { type SubjectRow, SubjectTables, type TableDigest, tablesDigest } from './subject-tables.ts';

/** Subjects that are listed at once. */
const LISTED_AT_ONCE = 500;

/** Rows of the log that are looked over at once. */
const LOOKED_OVER_AT_ONCE = 2_000;

/** Bytes of updates that are read between two points at which a reading may give way. */
const BYTES_AT_ONCE = 256 * 1024;

/** What a row costs beside its bytes. */
const ROW_BYTES = 256;

/** A subject and its local number. */
export interface ListedSubject extends SubjectRow {
  readonly subject: Subject;
}

/** What was read of one subject, all of it as of one moment. */
export interface ReadSubject {
  /** Null where nothing is applied of it here. */
  readonly leaf: Leaf | null;
  readonly tables: readonly TableDigest[];
  /** Applied updates, with what each is: 32 hex digits. */
  readonly updates: readonly { readonly dot: Dot; readonly content: string }[];
  /** Updates whose bytes are not those that were sealed. */
  readonly damaged: readonly Dot[];
  /** Updates whose columns in the log do not say what their headers do. */
  readonly misfiled: readonly Dot[];
}

/** What is found of the log beside its subjects. */
export interface LogOverview {
  /** Everything that has a row. */
  readonly rows: TransportVector;
  /** Rows of purges. */
  readonly purges: readonly number[];
}

/** What of the log is read. `bytes`: every update anew; `digests`: what the rows say of themselves. */
export type Thoroughness = 'bytes' | 'digests';

/** A read-only connection that makes digests of what a node has. Nothing is held open between two subjects. */
export class DigestReader {
  readonly #connection: Connection;
  readonly #decoders: Pick<Decoders, 'decodeHeader'>;
  readonly #tables: SubjectTables;
  readonly #statements;
  readonly #closed: () => void;

  /** @throws WafersyncError `unavailable` */
  constructor(file: string, decoders: Pick<Decoders, 'decodeHeader'>, closed: () => void) {
    this.#connection = openForReading(file);
    this.#decoders = decoders;
    this.#tables = new SubjectTables(this.#connection);
    this.#statements = statements(this.#connection);
    this.#closed = closed;
  }

  /** Wafers and runs that some update names, some at a time. */
  *list(): Generator<ListedSubject[]> {
    yield* this.#pages(this.#statements.wafers, ({ id, ...wafer }) => ({
      ...{ kind: 'wafer', row: id, subject: { kind: 'wafer', wafer } },
    }));
    yield* this.#pages(this.#statements.runs, ({ id, run }) => ({
      ...{ kind: 'run', row: id, subject: { kind: 'run', run } },
    }));
  }

  /** Purges that the tables have, at once: they are few. */
  purges(): number[] {
    return this.#statements.purges.all().map(({ id }) => id);
  }

  /** The purge of a row of the log; null where there is none. */
  purge(row: number): ListedSubject | null {
    const dot = this.#statements.dot.get(row);
    return dot ? { kind: 'purge', row, subject: { kind: 'purge', purge: dotOf(dot) } } : null;
  }

  /** Looks over the rows of the log without their bytes. Yields where it may give way. */
  *overview(): Generator<void, LogOverview> {
    const found = new Map<OriginKey, { origin: Origin; set: IntervalSet }>();
    const purges: number[] = [];
    for (let after = 0, more = true; more; ) {
      const rows = this.#statements.behind.all(after, LOOKED_OVER_AT_ONCE);
      for (const [key, ofOrigin] of Map.groupBy(rows, (row) => originKey(dotOf(row)))) {
        const { origin, set } = found.get(key) ?? { origin: dotOf(ofOrigin[0]!), set: IntervalSet.empty };
        found.set(key, { origin, set: set.union(IntervalSet.of(ofOrigin.map(intervalOf))) });
      }
      for (const { id, bare } of rows) if (bare === 1) purges.push(id);
      after = rows.at(-1)?.id ?? after;
      more = rows.length === LOOKED_OVER_AT_ONCE;
      yield;
    }
    return { rows: TransportVector.of([...found.values()].map(({ origin, set }) => [origin, set])), purges };
  }

  /** Reads one subject, as of one moment. Yields where it may give way; until it has ended, nothing else is read here. */
  *read({ subject, ...row }: ListedSubject, thoroughness: Thoroughness): Generator<void, ReadSubject> {
    const { begin, commit } = this.#statements;
    begin.run();
    try {
      const log = yield* this.#readLog(row, thoroughness);
      const dots = row.kind === 'run' ? this.#statements.dotsOfRun.all(row.row).map(dotOf) : log.applied;
      const tables = yield* this.#tables.read(row);
      const nothing = dots.length === 0 && tables.length === 0;
      const leaf = {
        key: subjectKey(subject),
        dots: digestOf(dots.map(formatDot)),
        log: digestOf(log.updates.map(({ dot, content }) => `${formatDot(dot)} ${content}`)),
        tables: tablesDigest(tables),
      };
      const { updates, damaged, misfiled } = log;
      return { leaf: nothing ? null : leaf, tables, updates, damaged, misfiled };
    } finally {
      commit.run();
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.close();
    this.#closed();
  }

  *#pages<Row extends { readonly id: number }>(
    query: Query<[number, number], Row>,
    listed: (row: Row) => ListedSubject,
  ): Generator<ListedSubject[]> {
    for (let after = 0, more = true; more; ) {
      const rows = query.all(after, LISTED_AT_ONCE);
      after = rows.at(-1)?.id ?? after;
      more = rows.length === LISTED_AT_ONCE;
      yield rows.map(listed);
    }
  }

  *#readLog({ kind, row }: SubjectRow, thoroughness: Thoroughness) {
    const applied: Dot[] = [];
    const updates: { dot: Dot; content: string }[] = [];
    const damaged: Dot[] = [];
    const misfiled: Dot[] = [];
    let bytes = 0;
    const query = this.#statements[thoroughness][kind];
    for (const stored of query.rows(row)) {
      const dot = dotOf(stored);
      const update = thoroughness === 'bytes' ? this.#open(stored, dot) : null;
      const sound = stored.damaged === 0 && (thoroughness === 'digests' || update !== null);
      if (!sound) damaged.push(dot);
      if (update && !isFiled(stored, update)) misfiled.push(dot);
      if (stored.held === 0) {
        applied.push(dot);
        updates.push({ dot, content: sound ? hex(stored.digest).slice(0, 32) : 'damaged' });
      }
      bytes += ROW_BYTES + (stored.header?.length ?? 0) + (stored.payload?.length ?? 0);
      if (bytes < BYTES_AT_ONCE) continue;
      bytes = 0;
      yield;
    }
    return { applied, updates, damaged, misfiled };
  }

  /** Null where its bytes are not those that were sealed, or it is another stub than the one that its purge names. */
  #open(stored: StoredRow, dot: Dot): Update | null {
    try {
      const update = openSealed(stored as SealedRow, dot, this.#decoders);
      if (!update.stubDigest) return update;
      const named = this.#statements.named.all(stored.origin, stored.sequence);
      const stub = hex(update.stubDigest);
      return named.length === 0 || named.some(({ digest }) => digest === stub) ? update : null;
    } catch (thrown) {
      if (thrown instanceof DamagedUpdate) return null;
      throw thrown;
    }
  }
}

/** Whether the columns of a row say what the header of its update does. A kind that was unknown on arrival stays so. */
function isFiled(stored: StoredRow, { header }: Update): boolean {
  const { kind, timestamp, version, run, program, wafer } = header;
  const about = kind === 'run' || kind === 'purge' ? null : wafer;
  return (
    (stored.kind === kind || stored.kind === 'unknown') &&
    stored.timestamp === timestamp &&
    stored.version === version &&
    stored.run === (run?.id ?? null) &&
    stored.program === program &&
    stored.lot === (about?.lot ?? null) &&
    stored.waferId === (about?.waferId ?? null) &&
    stored.insertion === (about?.insertion ?? null)
  );
}

function digestOf(lines: readonly string[]): string {
  const sha = createHash('sha256');
  for (const line of lines) sha.update(`${line}\n`);
  return sha.digest('hex').slice(0, 32);
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

interface DotRow {
  readonly fab: string;
  readonly epoch: number;
  readonly sequence: number;
}

/** A row of the log; header and payload where bytes are read. */
interface StoredRow extends DotRow {
  readonly origin: number;
  readonly held: number;
  readonly damaged: number;
  readonly digest: Uint8Array;
  readonly stubDigest: Uint8Array | null;
  readonly header?: Uint8Array;
  readonly payload?: Uint8Array;
  readonly kind: string;
  readonly timestamp: number;
  readonly version: number;
  readonly lot: string | null;
  readonly waferId: string | null;
  readonly insertion: string | null;
  readonly run: string | null;
  readonly program: string | null;
}

function dotOf({ fab, epoch: life, sequence: position }: DotRow): Dot {
  return { fab: fabId(fab), epoch: epoch(life), sequence: sequence(position) };
}

function intervalOf({ sequence: position }: DotRow): Interval {
  return { from: position, to: position };
}

const STORED = `u.origin, o.fab, o.epoch, u.sequence, u.digest,
  EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id) AS held,
  EXISTS (SELECT 1 FROM damaged_updates d WHERE d.update_row = u.id) AS damaged`;

/** Rows of one subject, in the order that all fabs share. A run's own are its records: its results are with their wafers. */
const WHERE: Readonly<Record<Subject['kind'], string>> = {
  wafer: 'u.wafer = ?',
  run: 'u.run = ? AND u.wafer IS NULL',
  purge: 'u.id = ?',
};

function logQueries(connection: Connection, select: string, joins: string) {
  const query = (where: string) =>
    connection.prepare<[number], StoredRow>(
      `SELECT ${select} FROM update_log u JOIN origins o ON o.id = u.origin ${joins}
       WHERE ${where} ORDER BY o.fab, o.epoch, u.sequence`,
    );
  return { wafer: query(WHERE.wafer), run: query(WHERE.run), purge: query(WHERE.purge) };
}

function statements(connection: Connection) {
  return {
    begin: connection.prepare<[], never>('BEGIN'),
    commit: connection.prepare<[], never>('COMMIT'),
    wafers: connection.prepare<[number, number], { id: number } & WaferKey>(
      `SELECT id, lot, wafer_id AS waferId, insertion FROM wafers WHERE id > ? ORDER BY id LIMIT ?`,
    ),
    runs: connection.prepare<[number, number], { id: number; run: RunId }>(
      'SELECT id, run_id AS run FROM runs WHERE id > ? ORDER BY id LIMIT ?',
    ),
    purges: connection.prepare<[], { id: number }>(
      'SELECT update_row AS id FROM purges UNION SELECT purge FROM purged_updates',
    ),
    dot: connection.prepare<[number], DotRow>(
      `SELECT o.fab, o.epoch, u.sequence FROM update_log u JOIN origins o ON o.id = u.origin WHERE u.id = ?`,
    ),
    behind: connection.prepare<[number, number], DotRow & { id: number; bare: number }>(
      `SELECT u.id, o.fab, o.epoch, u.sequence, u.wafer IS NULL AND u.run IS NULL AS bare
       FROM update_log u JOIN origins o ON o.id = u.origin WHERE u.id > ? ORDER BY u.id LIMIT ?`,
    ),
    dotsOfRun: connection.prepare<[number], DotRow>(
      `SELECT o.fab, o.epoch, u.sequence FROM update_log u JOIN origins o ON o.id = u.origin
       WHERE u.run = ? AND NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)
       ORDER BY o.fab, o.epoch, u.sequence`,
    ),
    named: connection.prepare<[number, number], { digest: string }>(
      'SELECT lower(hex(stub_digest)) AS digest FROM purged_updates WHERE origin = ? AND sequence = ?',
    ),
    digests: logQueries(connection, STORED, ''),
    bytes: logQueries(
      connection,
      `${STORED}, u.stub_digest AS stubDigest, u.header, u.payload, u.kind, u.timestamp, u.version, w.lot,
       w.wafer_id AS waferId, w.insertion, r.run_id AS run, p.digest AS program`,
      'LEFT JOIN wafers w ON w.id = u.wafer LEFT JOIN runs r ON r.id = u.run LEFT JOIN programs p ON p.id = u.program',
    ),
  };
}
