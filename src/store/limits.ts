import type { FabId } from '../clocks/dot.ts';
import type { Connection } from './connection.ts';

/** A time of each day in which a limit of its own holds. */
export interface LimitWindow {
  /** Minutes since midnight in the node's time zone. */
  readonly fromMinute: number;
  /** Not included; not after `fromMinute` where it is of the next day. */
  readonly toMinute: number;
  /** 0 for no limit. */
  readonly bytesPerS: number;
}

/** How many bytes are exchanged with a peer at most, in each direction by itself. */
export interface PeerLimit {
  /** Outside the windows; 0 for no limit. */
  readonly bytesPerS: number;
  /** The first that holds counts. */
  readonly windows: readonly LimitWindow[];
  readonly author: string;
  readonly reason: string;
  /** Wall clock when it was said, milliseconds since 1970-01-01T00:00:00Z. */
  readonly sinceMs: number;
}

/** The limits of peers, over restarts. */
export class StoredLimits {
  readonly #connection: Connection;
  readonly #statements;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#statements = statements(connection);
  }

  all(): Map<FabId, PeerLimit> {
    return new Map(
      this.#statements.all.all().map(({ fab, windows, ...limit }) => {
        return [fab as FabId, { ...limit, windows: JSON.parse(windows) as LimitWindow[] }];
      }),
    );
  }

  /** Inside a transaction: this limit holds from now on, in place of any before; null: none. */
  put(fab: FabId, limit: PeerLimit | null): void {
    this.#connection.requireTransaction();
    if (!limit) this.#statements.end.run(fab);
    else {
      const { bytesPerS, windows, author, reason, sinceMs } = limit;
      this.#statements.put.run(fab, bytesPerS, JSON.stringify(windows), author, reason, Math.floor(sinceMs));
    }
  }
}

function statements(connection: Connection) {
  return {
    all: connection.prepare<[], Omit<PeerLimit, 'windows'> & { fab: string; windows: string }>(
      `SELECT fab, bytes_per_s AS bytesPerS, windows, author, reason, since_ms AS sinceMs
       FROM peer_limits ORDER BY fab`,
    ),
    put: connection.prepare<[string, number, string, string, string, number], never>(
      `INSERT OR REPLACE INTO peer_limits (fab, bytes_per_s, windows, author, reason, since_ms)
       VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    end: connection.prepare<[string], never>('DELETE FROM peer_limits WHERE fab = ?'),
  };
}
