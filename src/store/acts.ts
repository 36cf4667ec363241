import type { World } from '../world.ts';
import type { Connection } from './connection.ts';

/** Acts that are kept. */
const MAX_ACTS = 10_000;

/** What somebody did at this node. */
export interface Act {
  /** What, such as peer.pause. */
  readonly act: string;
  /** What it was done to: a fab, or the dot of an update; empty for the node itself. */
  readonly about: string;
  /** What came of it, in words; may be empty. */
  readonly detail: string;
  /** Empty where it ended by itself. */
  readonly author: string;
  readonly reason: string;
}

/** An act that is kept. */
export interface KeptAct extends Act {
  /** Orders them. */
  readonly id: number;
  /** Wall clock, milliseconds since 1970-01-01T00:00:00Z. */
  readonly atMs: number;
}

/** The latest acts of people at this node. */
export class Acts {
  readonly #connection: Connection;
  readonly #world: World;
  readonly #statements;

  constructor(connection: Connection, world: World) {
    this.#connection = connection;
    this.#world = world;
    this.#statements = statements(connection);
  }

  /** Inside a transaction: keeps an act, and lets the oldest go. */
  add({ act, about, detail, author, reason }: Act): void {
    this.#connection.requireTransaction();
    this.#statements.add.run(Math.floor(this.#world.nowMs()), act, about, detail, author, reason);
    this.#statements.trim.run(MAX_ACTS);
  }

  /** Acts below an id, the latest first; null is above all. */
  list(below: number | null, limit: number): KeptAct[] {
    return this.#statements.list.all(below ?? Number.MAX_SAFE_INTEGER, limit);
  }
}

function statements(connection: Connection) {
  return {
    add: connection.prepare<[number, string, string, string, string, string], never>(
      'INSERT INTO acts (at_ms, act, about, detail, author, reason) VALUES (?, ?, ?, ?, ?, ?)',
    ),
    trim: connection.prepare<[number], never>('DELETE FROM acts WHERE id <= (SELECT max(id) FROM acts) - ?'),
    list: connection.prepare<[number, number], KeptAct>(
      `SELECT id, at_ms AS atMs, act, about, detail, author, reason FROM acts WHERE id < ? ORDER BY id DESC LIMIT ?`,
    ),
  };
}
