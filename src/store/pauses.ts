import type { FabId } from '../clocks/dot.ts';
import type { Connection } from './connection.ts';

/** Which lanes of a peer rest. */
export type PausedLanes = 'live' | 'catch-up' | 'all';

/** A peer with which a node does not sync for a while. */
export interface PeerPause {
  readonly lanes: PausedLanes;
  readonly author: string;
  readonly reason: string;
  /** Wall clock when it was said, milliseconds since 1970-01-01T00:00:00Z. */
  readonly sinceMs: number;
  /** Wall clock when it ends by itself; null where somebody has to end it. */
  readonly untilMs: number | null;
}

/** The peers that are paused here, over restarts. */
export class StoredPauses {
  readonly #connection: Connection;
  readonly #statements;

  constructor(connection: Connection) {
    this.#connection = connection;
    this.#statements = statements(connection);
  }

  all(): Map<FabId, PeerPause> {
    return new Map(this.#statements.all.all().map(({ fab, ...pause }) => [fab as FabId, pause]));
  }

  /** Inside a transaction: a peer is paused from now on, in place of any pause before. */
  put(fab: FabId, { lanes, author, reason, sinceMs, untilMs }: PeerPause): void {
    this.#connection.requireTransaction();
    this.#statements.put.run(fab, lanes, author, reason, Math.floor(sinceMs), untilMs && Math.floor(untilMs));
  }

  /** Inside a transaction: a peer is paused no more. */
  end(fab: FabId): void {
    this.#connection.requireTransaction();
    this.#statements.end.run(fab);
  }
}

function statements(connection: Connection) {
  return {
    all: connection.prepare<[], PeerPause & { fab: string }>(
      'SELECT fab, lanes, author, reason, since_ms AS sinceMs, until_ms AS untilMs FROM peer_pauses ORDER BY fab',
    ),
    put: connection.prepare<[string, PausedLanes, string, string, number, number | null], never>(
      `INSERT OR REPLACE INTO peer_pauses (fab, lanes, author, reason, since_ms, until_ms) VALUES (?, ?, ?, ?, ?, ?)`,
    ),
    end: connection.prepare<[string], never>('DELETE FROM peer_pauses WHERE fab = ?'),
  };
}
