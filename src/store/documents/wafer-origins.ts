import type { Connection, Participant } from '../connection.ts';

/** Wafers whose origins are kept in memory; past it all are read again. */
const MAX_KNOWN = 4096;

/**
 * Which origins have updates of a wafer. Asked for with every update that is born, so it is kept in memory.
 *
 * Invariant: what is kept of a wafer is what the log has.
 */
export class WaferOrigins implements Participant {
  readonly #next;
  #known = new Map<number, readonly number[]>();

  constructor(connection: Connection) {
    this.#next = connection.prepare<[number, number], { origin: number }>(
      'SELECT origin FROM update_log WHERE wafer = ? AND origin > ? ORDER BY origin LIMIT 1',
    );
    connection.enlist(this);
  }

  /** Numbers of the origins that have updates of a wafer, growing. */
  of(wafer: number): readonly number[] {
    const known = this.#known.get(wafer);
    if (known) return known;
    const origins: number[] = [];
    for (let next = this.#next.get(wafer, 0); next; next = this.#next.get(wafer, next.origin))
      origins.push(next.origin);
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(wafer, origins);
    return origins;
  }

  /** Updates are in the log no more. */
  forget(): void {
    this.#known = new Map();
  }

  /** An update of a wafer is in the log now. */
  add(wafer: number, origin: number): void {
    const known = this.#known.get(wafer);
    if (known && !known.includes(origin)) this.#known.delete(wafer);
  }

  save(): () => void {
    return () => {
      this.#known = new Map();
    };
  }

  flush(): void {}
}
