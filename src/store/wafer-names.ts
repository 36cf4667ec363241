import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection } from './connection.ts';
import type { WaferFilter } from './types.ts';

/** Wafers that one name may match. */
const MAX_MATCHES = 20;

/** Finds wafers by the names that people give: some parts of the key, or an id that a wafer was corrected to. */
export class WaferNames {
  readonly #statements;

  constructor(connection: Connection) {
    this.#statements = statements(connection);
  }

  /**
   * Wafers that a name matches, at most 20: the one with exactly this key, else those with the parts that are given,
   * else those whose corrected id it is. A correction is one hop: a corrected id is not looked up again.
   */
  find({ waferId = '', lot = '', insertion = '' }: WaferFilter): WaferKey[] {
    const exact = this.#statements.exact.all(waferId, lot, insertion);
    if (exact.length > 0) return exact;
    const parts = [lot, lot, insertion, insertion, MAX_MATCHES] as const;
    const own = this.#statements.byParts.all(waferId, ...parts);
    return own.length > 0 ? own : this.#statements.corrected.all(JSON.stringify(waferId), ...parts);
  }
}

type Parts = [lot: string, again: string, insertion: string, again: string, limit: number];

/** The mesh's own document has no name, and is found by none. */
function statements(connection: Connection) {
  const key = 'SELECT w.lot, w.wafer_id AS waferId, w.insertion FROM wafers w';
  const known = `w.wafer_id <> '' AND EXISTS (SELECT 1 FROM update_log u WHERE u.wafer = w.id)`;
  const corrected = (part: string) =>
    `ifnull((SELECT f.value ->> '$' FROM fields f WHERE f.wafer = w.id AND f.field = '/corrected/${part}'), w.${part})`;
  return {
    exact: connection.prepare<[string, string, string], WaferKey>(
      `${key} WHERE w.wafer_id = ? AND w.lot = ? AND w.insertion = ? AND ${known}`,
    ),
    byParts: connection.prepare<[string, ...Parts], WaferKey>(
      `${key} WHERE w.wafer_id = ? AND (? = '' OR w.lot = ?) AND (? = '' OR w.insertion = ?) AND ${known}
       ORDER BY w.lot, w.insertion LIMIT ?`,
    ),
    corrected: connection.prepare<[string, ...Parts], WaferKey>(
      `${key} JOIN fields c ON c.wafer = w.id
       WHERE c.field = '/corrected/wafer_id' AND c.value = ? AND (? = '' OR ${corrected('lot')} = ?)
         AND (? = '' OR ${corrected('insertion')} = ?) ORDER BY w.lot, w.insertion LIMIT ?`,
    ),
  };
}
