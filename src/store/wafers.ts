import type { Timestamp } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import { DotQueries } from './dot-queries.ts';
import type { LocalKeys } from './keys.ts';
import type { WaferFilter, WaferRow } from './types.ts';

/** The wafers known here. */
export class Wafers {
  readonly #keys: LocalKeys;
  readonly #dots: DotQueries;
  readonly #statements;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#dots = new DotQueries(connection, keys);
    this.#statements = statements(connection);
  }

  /** Wafers with results or a document that match, by lot, wafer id and insertion. */
  find({ waferId, lot, insertion }: WaferFilter, limit = 1000): WaferRow[] {
    const { byId, byLot, any } = this.#statements;
    const step = [insertion ?? null, insertion ?? null] as const;
    const inLot = [lot ?? null, lot ?? null, ...step] as const;
    let rows: Row[];
    if (waferId !== undefined) rows = byId.all(waferId, ...inLot, limit);
    else rows = lot === undefined ? any.all(...step, limit) : byLot.all(lot, ...step, limit);
    return rows.map(toWafer);
  }

  /** Updates of a wafer that are here, held ones and such as added nothing included. */
  dots(key: WaferKey): TransportVector {
    return this.#dots.of('wafer', this.#keys.findWafer(key));
  }
}

interface Row extends WaferKey {
  readonly runs: number;
  readonly attempts: number;
  readonly results: number;
  readonly dies: number;
  readonly passedDies: number;
  readonly firstUpdate: number | null;
  readonly lastUpdate: number | null;
}

function toWafer({ lot, waferId, insertion, firstUpdate, lastUpdate, ...sizes }: Row): WaferRow {
  return {
    key: { lot, waferId, insertion },
    ...sizes,
    firstUpdate: firstUpdate as Timestamp | null,
    lastUpdate: lastUpdate as Timestamp | null,
  };
}

type Optional = [text: string | null, again: string | null];

/** Wafers are chosen first, by an index, and only then counted. */
function statements(connection: Connection) {
  const find = (where: string) => `
    SELECT w.lot, w.wafer_id AS waferId, w.insertion, count(rw.run) AS runs, ifnull(sum(rw.attempts), 0) AS attempts,
      ifnull(sum(rw.results), 0) AS results, min(rw.first_timestamp) AS firstUpdate, max(rw.last_timestamp) AS lastUpdate,
      (SELECT count(*) FROM dies d WHERE d.wafer = w.id) AS dies,
      (SELECT count(*) FROM dies d WHERE d.wafer = w.id AND d.passed = 1) AS passedDies
    FROM (
      SELECT * FROM wafers w
      WHERE ${where} (? IS NULL OR insertion = ?) AND wafer_id <> '' AND (
        EXISTS (SELECT 1 FROM run_wafers rw WHERE rw.wafer = w.id)
        OR EXISTS (SELECT 1 FROM documents d WHERE d.wafer = w.id)
      )
      ORDER BY lot, wafer_id, insertion LIMIT ?
    ) w LEFT JOIN run_wafers rw ON rw.wafer = w.id
    GROUP BY w.id ORDER BY w.lot, w.wafer_id, w.insertion`;
  return {
    byId: connection.prepare<[string, ...Optional, ...Optional, number], Row>(
      find('wafer_id = ? AND (? IS NULL OR lot = ?) AND'),
    ),
    byLot: connection.prepare<[string, ...Optional, number], Row>(find('lot = ? AND')),
    any: connection.prepare<[...Optional, number], Row>(find('')),
  };
}
