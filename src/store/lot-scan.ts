import { createHash } from 'node:crypto';
import { epoch, fabId, type Origin } from '../clocks/dot.ts';
import { type Interval, IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { WafersyncError } from '../errors.ts';
import type { Connection } from './connection.ts';
import { openForReading } from './reading-connection.ts';

/** Updates of one lot that are looked at. */
const MAX_UPDATES = 100_000;

/** Rows of a page. */
const PAGE_ROWS = 1_000;

/** Rows that are read between two points at which a reading may give way; some milliseconds. A lot of fewer is read in one turn. */
const ROWS_AT_ONCE = 1_000;

/** What a page costs beside its rows, in rows: most wafers have few. */
const PAGE_COST_ROWS = 10;

/** Wafers that are listed at once. */
const WAFERS_AT_ONCE = 200;

/** Parts of the digests that are sorted, and hashed, one after the other; they are even, as digests are. */
const PARTS = 256;

/** Parts that are sorted between two points at which a reading may give way: a few milliseconds of the largest lot. */
const PARTS_AT_ONCE = 2;

/** The updates of a lot, as of one moment. */
export interface LotContent {
  /** Those that are here, held ones included: of its wafers, and the record that counts of each run. */
  readonly dots: TransportVector;
  /** Those of them that are applied here. */
  readonly applied: TransportVector;
  /** SHA-256, hex, over the sorted digests of the applied ones. */
  readonly digest: string;
}

interface Row {
  readonly origin: number;
  readonly sequence: number;
  readonly applied: number;
  /** 64 hex digits. */
  readonly digest: string;
}

type WaferRow = { readonly id: number; readonly waferId: string; readonly insertion: string };

/**
 * Reads the updates of a lot, a bounded number of rows at a time. All of it must be read as of one moment: in one turn,
 * or inside a transaction of the connection.
 */
export class LotScan {
  readonly #statements;

  constructor(connection: Connection) {
    this.#statements = statements(connection);
  }

  /**
   * Reads a lot. Yields where it may give way.
   * @throws WafersyncError `exhausted` where its updates are too many to be looked at
   */
  *read(lot: string, maxUpdates = MAX_UPDATES): Generator<void, LotContent> {
    const found = new FoundUpdates();
    let rows = 0;
    for (const page of this.#pages(lot)) {
      for (const row of page) found.add(row);
      if (found.size > maxUpdates) throw tooMany(lot, maxUpdates);
      rows += page.length + PAGE_COST_ROWS;
      if (rows < ROWS_AT_ONCE) continue;
      rows = 0;
      yield;
    }
    return yield* found.content((origin) => this.#origin(origin));
  }

  /** Rows of the lot, at most {@link PAGE_ROWS} a page; a wafer with few has a short one. */
  *#pages(lot: string): Generator<readonly Row[]> {
    const { wafers, ofWafer, records } = this.#statements;
    let [waferId, insertion] = ['', ''];
    for (let listed = WAFERS_AT_ONCE; listed === WAFERS_AT_ONCE; ) {
      const some = wafers.all(lot, waferId, insertion, WAFERS_AT_ONCE);
      for (const { id } of some)
        yield* pagesOf((origin, sequence) => ofWafer.all(id, origin, sequence, PAGE_ROWS));
      listed = some.length;
      ({ waferId, insertion } = some.at(-1) ?? { waferId, insertion });
    }
    for (let run = 0; ; ) {
      const some = records.all(lot, run, PAGE_ROWS);
      yield some;
      if (some.length < PAGE_ROWS) return;
      run = some.at(-1)!.run;
    }
  }

  #origin(id: number): Origin {
    const { fab, epoch: life } = this.#statements.origin.get(id)!;
    return { fab: fabId(fab), epoch: epoch(life) };
  }
}

/** Pages by origin and sequence. */
function* pagesOf(next: (origin: number, sequence: number) => readonly Row[]): Generator<readonly Row[]> {
  let [origin, sequence] = [0, 0];
  for (;;) {
    const page = next(origin, sequence);
    yield page;
    if (page.length < PAGE_ROWS) return;
    ({ origin, sequence } = page.at(-1)!);
  }
}

/** What was read of a lot. */
class FoundUpdates {
  readonly #sequences = new Map<number, number[]>();
  readonly #unapplied = new Map<number, number[]>();
  readonly #digests: string[][] = Array.from({ length: PARTS }, () => []);
  size = 0;

  add({ origin, sequence, applied, digest }: Row): void {
    push(this.#sequences, origin, sequence);
    if (applied === 1) this.#digests[Number.parseInt(digest.slice(0, 2), 16)]!.push(digest);
    else push(this.#unapplied, origin, sequence);
    this.size++;
  }

  *content(originOf: (id: number) => Origin): Generator<void, LotContent> {
    const dots = yield* this.#vector(originOf, this.#sequences);
    const applied = dots.difference(yield* this.#vector(originOf, this.#unapplied));
    return { dots, applied, digest: yield* this.#digest() };
  }

  *#vector(
    originOf: (id: number) => Origin,
    found: ReadonlyMap<number, readonly number[]>,
  ): Generator<void, TransportVector> {
    const sets: [Origin, IntervalSet][] = [];
    for (const [origin, sequences] of found) {
      // Typed arrays sort numbers as numbers, and several times as fast.
      const sorted = new Float64Array(sequences);
      yield* this.#pause();
      sorted.sort();
      yield* this.#pause();
      sets.push([originOf(origin), IntervalSet.of(intervalsOf(sorted))]);
      yield* this.#pause();
    }
    return TransportVector.of(sets);
  }

  /** Hex digits sort as the bytes do, and part after part as all of them at once. */
  *#digest(): Generator<void, string> {
    const sha = createHash('sha256').update('wafersync lot 1\n');
    for (const [at, part] of this.#digests.entries()) {
      sha.update(Buffer.from(part.sort().join(''), 'hex'));
      if (at % PARTS_AT_ONCE === 0) yield* this.#pause();
    }
    return sha.digest('hex');
  }

  /** A lot that is read in one turn is put together in it. */
  *#pause(): Generator<void, void> {
    if (this.size > ROWS_AT_ONCE) yield;
  }
}

function push(map: Map<number, number[]>, key: number, value: number): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}

function intervalsOf(sorted: Float64Array): Interval[] {
  const intervals: { from: number; to: number }[] = [];
  for (const sequence of sorted) {
    const last = intervals.at(-1);
    if (last && sequence <= last.to + 1) last.to = sequence;
    else intervals.push({ from: sequence, to: sequence });
  }
  return intervals;
}

function tooMany(lot: string, maxUpdates: number): WafersyncError {
  return new WafersyncError('exhausted', `lot ${lot} has more than ${maxUpdates} updates`, {
    hint: 'Ask for its wafers one by one.',
  });
}

/** A read-only connection of its own that reads lots as of one moment, while the writer goes on. */
export class LotReader {
  readonly #connection: Connection;
  readonly #scan: LotScan;
  readonly #statements;
  readonly #closed: () => void;

  /** @throws WafersyncError `unavailable` */
  constructor(file: string, closed: () => void) {
    this.#connection = openForReading(file);
    this.#scan = new LotScan(this.#connection);
    const control = (sql: string) => this.#connection.prepare<[], unknown>(sql);
    this.#statements = { begin: control('BEGIN'), commit: control('COMMIT') };
    this.#closed = closed;
  }

  /**
   * Reads a lot, as of the moment at which it is begun. Yields where it may give way; until it has ended, nothing else is
   * read here, and the write-ahead log is kept.
   * @throws WafersyncError `exhausted`
   */
  *read(lot: string): Generator<void, LotContent> {
    const { begin, commit } = this.#statements;
    begin.run();
    try {
      return yield* this.#scan.read(lot);
    } finally {
      commit.run();
    }
  }

  /** Closes the connection. */
  close(): void {
    this.#connection.close();
    this.#closed();
  }
}

function statements(connection: Connection) {
  const columns = `u.origin, u.sequence, lower(hex(u.digest)) AS digest,
    NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)
    AND NOT EXISTS (SELECT 1 FROM damaged_updates d WHERE d.update_row = u.id) AS applied`;
  return {
    wafers: connection.prepare<[lot: string, waferId: string, insertion: string, limit: number], WaferRow>(
      `SELECT id, wafer_id AS waferId, insertion FROM wafers
       WHERE lot = ? AND wafer_id <> '' AND (wafer_id, insertion) > (?, ?) ORDER BY wafer_id, insertion LIMIT ?`,
    ),
    ofWafer: connection.prepare<[wafer: number, origin: number, sequence: number, limit: number], Row>(
      `SELECT ${columns} FROM update_log u
       WHERE u.wafer = ? AND (u.origin, u.sequence) > (?, ?) ORDER BY u.origin, u.sequence LIMIT ?`,
    ),
    records: connection.prepare<[lot: string, run: number, limit: number], Row & { readonly run: number }>(
      `SELECT r.id AS run, ${columns} FROM runs r CROSS JOIN update_log u ON u.id = r.record_update
       WHERE r.lot = ? AND r.id > ? ORDER BY r.id LIMIT ?`,
    ),
    origin: connection.prepare<[id: number], { readonly fab: string; readonly epoch: number }>(
      'SELECT fab, epoch FROM origins WHERE id = ?',
    ),
  };
}
