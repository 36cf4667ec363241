import { type FabId, type Origin, type OriginKey, originKey } from '../clocks/dot.ts';
import { type Timestamp, timestampMs } from '../clocks/hlc.ts';
import type { IntervalSet } from '../clocks/interval-set.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import type { Connection } from './connection.ts';
import type { LocalKeys } from './keys.ts';

/** Updates of one sum that is remembered. */
const BLOCK = 1024;

/** Sums that are remembered; past it all are forgotten, and read again as they are asked for. */
const MAX_BLOCKS = 65_536;

/** The latest updates of an origin whose mean counts. */
const MEAN_OF = 64;

/** Updates that were counted, and their bytes. */
export interface Measured {
  readonly updates: number;
  readonly bytes: number;
}

/**
 * How large and how old parts of the log are. Sums over whole blocks of an origin's sequences are remembered, so that
 * what is asked again and again is read once.
 *
 * Invariant: a sum that is remembered is that of a whole block as it stands in the log.
 */
export class LogMeasures {
  readonly #keys: LocalKeys;
  readonly #statements;
  readonly #blocks = new Map<OriginKey, Map<number, number>>();
  #remembered = 0;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
  }

  /**
   * Counts updates that are here, and their bytes. Yields what it has so far after each block that it reads, of which none is
   * large; what it gives back is all of it. Damaged ones count as they stand in the log.
   */
  *sizes(wanted: TransportVector): Generator<Measured, Measured> {
    let [updates, bytes] = [0, 0];
    for (const [origin, set] of wanted.entries()) {
      for (const { from, to } of piecesOf(set)) {
        const whole = to - from + 1 === BLOCK;
        const known = whole ? this.#blocks.get(originKey(origin))?.get(from) : undefined;
        const sum = known ?? this.#read(origin, from, to);
        updates += to - from + 1;
        bytes += sum;
        if (known !== undefined) continue;
        if (whole) this.#remember(origin, from, sum);
        yield { updates, bytes };
      }
    }
    return { updates, bytes };
  }

  /**
   * About when the oldest of some updates that are here was born, ms since 1970 by this node's clock; null for none. One
   * look-up an origin: its updates are born in order. None is later than it was received, whatever its timestamp says.
   * @param aheadMs how far the clock of a fab is ahead of this node's
   */
  oldestMs(wanted: TransportVector, aheadMs: (fab: FabId) => number): number | null {
    const born = wanted.entries().flatMap(([origin, { intervals }]) => {
      const key = this.#keys.findOrigin(origin);
      const row = key === null ? undefined : this.#statements.born.get(key, intervals[0]!.from);
      if (!row) return [];
      return [Math.min(row.receivedAtMs, timestampMs(row.timestamp as Timestamp) - aheadMs(origin.fab))];
    });
    return born.length > 0 ? Math.min(...born) : null;
  }

  /** Mean bytes of the latest updates of an origin that are here; of all origins where it has none, null where nobody has. */
  meanBytes(origin: Origin): number | null {
    const { ofOrigin, ofAll } = this.#statements;
    const key = this.#keys.findOrigin(origin);
    const own = key === null ? null : (ofOrigin.get(key, MEAN_OF)?.mean ?? null);
    return own ?? ofAll.get(MEAN_OF)?.mean ?? null;
  }

  /** An update is another one now, or gone. */
  changed({ fab, epoch }: Origin, sequence: number): void {
    const first = sequence - ((sequence - 1) % BLOCK);
    if (this.#blocks.get(originKey({ fab, epoch }))?.delete(first)) this.#remembered--;
  }

  #remember(origin: Origin, first: number, bytes: number): void {
    if (this.#remembered >= MAX_BLOCKS) {
      this.#blocks.clear();
      this.#remembered = 0;
    }
    const key = originKey(origin);
    const blocks = this.#blocks.get(key) ?? new Map<number, number>();
    this.#blocks.set(key, blocks);
    blocks.set(first, bytes);
    this.#remembered++;
  }

  #read(origin: Origin, from: number, to: number): number {
    const key = this.#keys.findOrigin(origin);
    return key === null ? 0 : (this.#statements.bytes.get(key, from, to)?.bytes ?? 0);
  }
}

/** Intervals cut where blocks begin. */
function* piecesOf({ intervals }: IntervalSet): Generator<{ from: number; to: number }> {
  for (const { from, to } of intervals) {
    for (let first = from; first <= to; ) {
      const last = Math.min(to, first + BLOCK - 1 - ((first - 1) % BLOCK));
      yield { from: first, to: last };
      first = last + 1;
    }
  }
}

/** The sizes of blobs stand in the head of a row: their bytes are not read. */
const BYTES = 'length(header) + length(payload) + length(digest)';

function statements(connection: Connection) {
  return {
    bytes: connection.prepare<[origin: number, from: number, to: number], { bytes: number | null }>(
      `SELECT sum(${BYTES}) AS bytes FROM update_log WHERE origin = ? AND sequence BETWEEN ? AND ?`,
    ),
    born: connection.prepare<[origin: number, sequence: number], { timestamp: number; receivedAtMs: number }>(
      `SELECT timestamp, received_at_ms AS receivedAtMs FROM update_log WHERE origin = ? AND sequence = ?`,
    ),
    ofOrigin: connection.prepare<[origin: number, limit: number], { mean: number | null }>(
      `SELECT avg(bytes) AS mean
       FROM (SELECT ${BYTES} AS bytes FROM update_log WHERE origin = ? ORDER BY sequence DESC LIMIT ?)`,
    ),
    ofAll: connection.prepare<[limit: number], { mean: number | null }>(
      `SELECT avg(bytes) AS mean FROM (SELECT ${BYTES} AS bytes FROM update_log ORDER BY id DESC LIMIT ?)`,
    ),
  };
}
