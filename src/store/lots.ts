import { type Dot, type FabId, sequence } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { RunFacts } from '../wafer/completeness.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/** Runs of one lot, or of one wafer, that are looked at. */
const MAX_RUNS = 10_000;

/** Intervals of updates by which wafers are looked up; one that is between two may count as well. */
const MAX_INTERVALS = 32;

/** A run of a lot or a wafer. */
export interface LotRun extends RunFacts {
  /** Fab where it was first taken in. */
  readonly fab: FabId;
  /** Why it did not end as it should; empty where it did. */
  readonly incompleteReason: string;
  readonly fileName: string;
  readonly equipmentId: string;
  /** Attempts of the wafer that was asked for; of a lot, of its wafers. */
  readonly ofWafer: number;
}

/** Counts of a wafer. */
export interface WaferCounts {
  /** Attempts kept. */
  readonly attempts: number;
  /** Dies with coordinates that have an attempt. */
  readonly dies: number;
}

/** What the wafers of a page are chosen by, beside their place. */
export interface PageFilter {
  /** Absent: of every lot. */
  readonly lot?: string;
  /** Those that have some of these updates; absent: all. */
  readonly having?: TransportVector;
  /** With `having`: as well those with a conflict that is open for a person. Alone: just those. */
  readonly disputed?: boolean;
}

/** A wafer that was looked at. */
export interface PageRow {
  readonly key: WaferKey;
  /** Whether it may match; whoever asks makes sure. */
  readonly hit: boolean;
}

/** What is known here of lots. Every query is answered by indexes, whatever else is in the database. */
export class Lots {
  readonly #keys: LocalKeys;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  /** Wafers of a lot by wafer id and insertion. */
  wafers(lot: string, limit: number): WaferKey[] {
    return this.#statements.wafers.all(lot, limit);
  }

  /** How many wafers a lot has, each insertion by itself. */
  countWafers(lot: string): number {
    return this.#statements.countWafers.get(lot)!.count;
  }

  /** Runs of a lot: those that name one of its wafers, or whose record names the lot. By run id. */
  runs(lot: string): LotRun[] {
    return this.#statements.runs.all(lot, lot, lot, MAX_RUNS).map(toRun);
  }

  /** Runs of a wafer, by run id. */
  runsOfWafer(key: WaferKey): LotRun[] {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? [] : this.#statements.runsOfWafer.all(wafer, MAX_RUNS).map(toRun);
  }

  /** What is here of a wafer. */
  counts(key: WaferKey): WaferCounts {
    const wafer = this.#keys.findWafer(key);
    return wafer === null ? { attempts: 0, dies: 0 } : this.#statements.counts.get(wafer, wafer)!;
  }

  /** The last of some updates to be born; null for none. An origin's last one has its greatest timestamp. */
  lastOf(dots: TransportVector): { readonly dot: Dot; readonly timestamp: Timestamp } | null {
    const heads = dots.entries().flatMap(([origin, { max }]) => {
      const id = this.#keys.findOrigin(origin);
      const row = id === null ? undefined : this.#statements.born.get(id, max);
      return row
        ? [{ dot: { ...origin, sequence: sequence(max) }, timestamp: row.timestamp as Timestamp }]
        : [];
    });
    return heads.reduce<(typeof heads)[number] | null>(
      (last, head) => (last === null || head.timestamp > last.timestamp ? head : last),
      null,
    );
  }

  /**
   * Names of lots about a place among all names, by bytes: some before it, and some from it on. Wafers without a lot are
   * left out; that some update names a wafer of it is for whoever asks to make sure.
   * @param each most names of either side; each costs one look into an index
   */
  namesAbout(place: string, each: number): string[] {
    const { namesBefore, namesFrom } = this.#statements;
    const rows = [...namesBefore.all(place, each).reverse(), ...namesFrom.all(place, each)];
    return rows.map(({ lot }) => lot);
  }

  /**
   * The next wafers behind one, by lot, wafer id and insertion, and which of them may match.
   * @param after null for the first ones
   * @param limit wafers that are looked at
   */
  page(filter: PageFilter, after: WaferKey | null, limit: number): PageRow[] {
    const { lot, having, disputed = false } = filter;
    const all = having === undefined && !disputed;
    const terms = [Number(all), Number(disputed), this.#intervals(having)] as const;
    const place = [lot ?? after?.lot ?? '', after?.waferId ?? '', after?.insertion ?? ''] as const;
    const query = lot === undefined ? this.#statements.page : this.#statements.pageOfLot;
    const rows = query.all(...terms, ...place, limit);
    return rows.map(({ hit, lot: own, waferId, insertion }) => ({
      key: { lot: own, waferId, insertion },
      hit: hit === 1,
    }));
  }

  /** Intervals as JSON: [[origin, first, last], …]. Of an origin with many, those between them count as well. */
  #intervals(having: TransportVector | undefined): string {
    const rows = (having?.entries() ?? []).flatMap(([origin, { intervals, max }]) => {
      const id = this.#keys.findOrigin(origin);
      if (id === null) return [];
      if (intervals.length > MAX_INTERVALS) return [[id, intervals[0]!.from, max]];
      return intervals.map(({ from, to }) => [id, from, to]);
    });
    return JSON.stringify(rows);
  }
}

interface RunRow {
  readonly id: LotRun['id'];
  readonly fab: FabId;
  readonly source: LotRun['source'];
  readonly recorded: number | null;
  readonly complete: number | null;
  readonly incompleteReason: string | null;
  readonly fileName: string | null;
  readonly equipmentId: string | null;
  readonly received: number;
  readonly ofWafer: number;
}

function toRun({ complete, incompleteReason, fileName, equipmentId, ...row }: RunRow): LotRun {
  return {
    ...row,
    ended: complete === 1,
    incompleteReason: incompleteReason ?? '',
    fileName: fileName ?? '',
    equipmentId: equipmentId ?? '',
  };
}

type KeyRow = WaferKey & { readonly hit: number };
type Page = [
  all: number,
  disputed: number,
  intervals: string,
  lot: string,
  wafer: string,
  insertion: string,
  limit: number,
];

/** Wafers of a lot that updates name. The mesh, and runs without wafers, have no name. */
const NAMED = `w.wafer_id <> '' AND EXISTS (SELECT 1 FROM update_log u WHERE u.wafer = w.id)`;

const RUN = (ofWafer: string) => `
  SELECT r.run_id AS id, o.fab, r.source, r.record_attempts AS recorded, r.complete,
    r.incomplete_reason AS incompleteReason, r.file_name AS fileName, r.equipment_id AS equipmentId,
    (SELECT ifnull(sum(rw.attempts), 0) FROM run_wafers rw WHERE rw.run = r.id) AS received, ${ofWafer} AS ofWafer
  FROM runs r JOIN update_log u ON u.id = r.first_update JOIN origins o ON o.id = u.origin`;

function statements(connection: Connection) {
  return {
    wafers: connection.prepare<[string, number], WaferKey>(
      `SELECT w.lot, w.wafer_id AS waferId, w.insertion FROM wafers w WHERE w.lot = ? AND ${NAMED}
       ORDER BY w.wafer_id, w.insertion LIMIT ?`,
    ),
    countWafers: connection.prepare<[string], { count: number }>(
      `SELECT count(*) AS count FROM wafers w WHERE w.lot = ? AND ${NAMED}`,
    ),
    runs: connection.prepare<[string, string, string, number], RunRow>(
      `${RUN(`(SELECT ifnull(sum(rw.attempts), 0) FROM run_wafers rw JOIN wafers w ON w.id = rw.wafer
         WHERE rw.run = r.id AND w.lot = ?)`)}
       WHERE r.id IN (
         SELECT id FROM runs WHERE lot = ?
         UNION SELECT rw.run FROM wafers w JOIN run_wafers rw ON rw.wafer = w.id WHERE w.lot = ?
       ) ORDER BY r.run_id LIMIT ?`,
    ),
    runsOfWafer: connection.prepare<[number, number], RunRow>(
      `${RUN('mine.attempts')} JOIN run_wafers mine ON mine.run = r.id WHERE mine.wafer = ? ORDER BY r.run_id LIMIT ?`,
    ),
    counts: connection.prepare<[number, number], WaferCounts>(
      `SELECT (SELECT ifnull(sum(attempts), 0) FROM run_wafers WHERE wafer = ?) AS attempts,
         (SELECT count(*) FROM dies WHERE wafer = ?) AS dies`,
    ),
    namesBefore: connection.prepare<[string, number], { lot: string }>(names('max(lot)', '<', '<')),
    namesFrom: connection.prepare<[string, number], { lot: string }>(names('min(lot)', '>=', '>')),
    born: connection.prepare<[number, number], { timestamp: number }>(
      'SELECT timestamp FROM update_log WHERE origin = ? AND sequence = ?',
    ),
    page: connection.prepare<Page, KeyRow>(page('(lot, wafer_id, insertion) > (?, ?, ?)')),
    pageOfLot: connection.prepare<Page, KeyRow>(page('lot = ? AND (wafer_id, insertion) > (?, ?)')),
  };
}

/** Names of lots from a place on in one direction: each is looked up behind the one before. */
function names(next: string, first: string, then: string): string {
  return `
    WITH RECURSIVE names(lot) AS (
      SELECT ${next} FROM wafers WHERE lot > '' AND lot ${first} ?
      UNION ALL
      SELECT (SELECT ${next} FROM wafers WHERE lot > '' AND lot ${then} names.lot) FROM names WHERE names.lot IS NOT NULL
      LIMIT ?
    ) SELECT lot FROM names WHERE lot IS NOT NULL`;
}

/** A bounded stretch of the index, and which of its wafers may match. */
function page(behind: string): string {
  return `
    SELECT w.lot, w.wafer_id AS waferId, w.insertion, ${NAMED} AND (
      ? OR (? AND EXISTS (SELECT 1 FROM conflicts c WHERE c.state = 'open' AND c.wafer = w.id))
      OR EXISTS (
        SELECT 1 FROM json_each(?) i CROSS JOIN update_log u
        WHERE u.wafer = w.id AND u.origin = i.value ->> 0 AND u.sequence BETWEEN i.value ->> 1 AND i.value ->> 2
      )
    ) AS hit
    FROM (SELECT * FROM wafers WHERE ${behind} ORDER BY lot, wafer_id, insertion LIMIT ?) w
    ORDER BY w.lot, w.wafer_id, w.insertion`;
}
