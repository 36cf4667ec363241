import type { Dot, Origin } from '../clocks/dot.ts';
import { type Timestamp, timestamp } from '../clocks/hlc.ts';
import type { TransportVector } from '../clocks/transport-vector.ts';
import { invariant } from '../errors.ts';
import type { Connection, Participant } from './connection.ts';
import { type IntervalRow, intervalChanges, vectorOf } from './interval-rows.ts';
import type { LocalKeys } from './keys.ts';

/** What a node has. */
export interface Vectors {
  readonly received: TransportVector;
  /** What of it is applied; the rest is held. */
  readonly applied: TransportVector;
}

/** Sizes of the folds. */
export interface Totals {
  readonly attempts: number;
  readonly results: number;
  readonly wafers: number;
}

interface State {
  readonly origin: Origin;
  readonly vectors: Vectors;
  /** Updates whose bytes are damaged here: not received, though they are in the log. */
  readonly damaged: TransportVector;
  readonly totals: Totals;
  readonly lastTimestamp: Timestamp;
  readonly commitNumber: number;
  /** Updates that were appended, and are neither applied nor held yet. */
  readonly undecided: number;
}

/**
 * The node's own row and its vectors, kept in memory and written once a commit.
 *
 * Invariants: outside a transaction the state equals the database. At every commit received − applied is what is held
 * and sound, and applied − received what is damaged and was applied before.
 */
export class NodeState implements Participant {
  readonly #keys: LocalKeys;
  readonly #statements;
  #state: State;
  /** What the database has; differs from the state inside a transaction alone. */
  #stored: State;

  constructor(connection: Connection, keys: LocalKeys) {
    this.#keys = keys;
    this.#statements = statements(connection);
    const row = this.#statements.node.get()!;
    this.#state = {
      origin: keys.originAt(row.origin),
      ...this.#loadVectors(),
      totals: { attempts: row.attempts, results: row.results, wafers: row.wafers },
      lastTimestamp: timestamp(row.lastTimestamp),
      commitNumber: row.commitNumber,
      undecided: 0,
    };
    this.#stored = this.#state;
    connection.enlist(this);
  }

  /** This fab, and the life of its database that goes on. */
  get origin(): Origin {
    return this.#state.origin;
  }

  get vectors(): Vectors {
    return this.#state.vectors;
  }

  get totals(): Totals {
    return this.#state.totals;
  }

  get commitNumber(): number {
    return this.#state.commitNumber;
  }

  get lastTimestamp(): Timestamp {
    return this.#state.lastTimestamp;
  }

  raiseTimestamp(seen: Timestamp): void {
    if (seen > this.#state.lastTimestamp) this.#state = { ...this.#state, lastTimestamp: seen };
  }

  get damaged(): TransportVector {
    return this.#state.damaged;
  }

  /** A received update is damaged: it is not received any more. What was applied of it stays applied. */
  damage(dot: Dot): void {
    const { vectors, damaged } = this.#state;
    const received = vectors.received.with(dot, vectors.received.get(dot).without(dot.sequence));
    this.#state = { ...this.#state, vectors: { ...vectors, received }, damaged: damaged.add(dot) };
  }

  /** A damaged update has come again. */
  mend(dot: Dot): void {
    const { vectors, damaged } = this.#state;
    const left = damaged.with(dot, damaged.get(dot).without(dot.sequence));
    const received = vectors.received.add(dot);
    this.#state = { ...this.#state, vectors: { ...vectors, received }, damaged: left };
  }

  /** Inside a transaction: goes on under another epoch. */
  renew(origin: Origin): void {
    this.#statements.renew.run(this.#keys.origin(origin));
    this.#state = { ...this.#state, origin };
  }

  /** Inside a transaction: an applied update is in the log no more; another may come under its dot. */
  gone(dot: Dot): void {
    const { vectors } = this.#state;
    const without = (vector: TransportVector) => vector.with(dot, vector.get(dot).without(dot.sequence));
    const left = { received: without(vectors.received), applied: without(vectors.applied) };
    this.#state = { ...this.#state, vectors: left, damaged: without(this.#state.damaged) };
  }

  received(dot: Dot): void {
    const { vectors, undecided } = this.#state;
    const received = vectors.received.add(dot);
    this.#state = { ...this.#state, vectors: { ...vectors, received }, undecided: undecided + 1 };
  }

  /** The update is applied; `wasHeld` tells whether it was held until now. */
  applied(dot: Dot, wasHeld: boolean): void {
    const { vectors } = this.#state;
    this.#state = { ...this.#state, vectors: { ...vectors, applied: vectors.applied.add(dot) } };
    if (!wasHeld) this.held();
  }

  /** Inside a transaction, while the folds are empty: an applied update is held from now on. */
  unapplied(dot: Dot): void {
    const { vectors } = this.#state;
    const applied = vectors.applied.with(dot, vectors.applied.get(dot).without(dot.sequence));
    this.#state = { ...this.#state, vectors: { ...vectors, applied } };
  }

  /** One update less waits for a decision. */
  held(): void {
    this.#state = { ...this.#state, undecided: this.#state.undecided - 1 };
  }

  /** Changes the sizes of the folds. */
  count(change: Totals): void {
    const { attempts, results, wafers } = this.#state.totals;
    const totals = {
      attempts: attempts + change.attempts,
      results: results + change.results,
      wafers: wafers + change.wafers,
    };
    this.#state = { ...this.#state, totals };
  }

  save(): () => void {
    const state = this.#state;
    const stored = this.#stored;
    return () => {
      this.#state = state;
      this.#stored = stored;
    };
  }

  flush(changed: boolean): void {
    invariant(this.#state.undecided === 0, 'every update is applied or held when its transaction ends');
    if (!changed && this.#state === this.#stored) return;
    this.#state = { ...this.#state, commitNumber: this.#state.commitNumber + 1 };
    this.#writeVectors();
    const { commitNumber, lastTimestamp, totals } = this.#state;
    this.#statements.save.run(commitNumber, lastTimestamp, totals.attempts, totals.results, totals.wafers);
    this.#stored = this.#state;
  }

  #writeVectors(): void {
    const before = this.#stored.vectors.received;
    const after = this.#state.vectors.received;
    for (const origin of after.changedSince(before)) {
      const { gone, put } = intervalChanges(before.get(origin), after.get(origin));
      const key = this.#keys.origin(origin);
      for (const from of gone) this.#statements.dropInterval.run(key, from);
      for (const { from, to } of put) this.#statements.putInterval.run(key, from, to);
    }
  }

  #loadVectors(): Pick<State, 'vectors' | 'damaged'> {
    const received = vectorOf(this.#keys, this.#statements.intervals.all());
    const held = vectorOf(this.#keys, this.#statements.held.all());
    const damaged = vectorOf(this.#keys, this.#statements.damaged.all());
    return { vectors: { received, applied: received.join(damaged).difference(held) }, damaged };
  }
}

interface NodeRow extends Totals {
  readonly origin: number;
  readonly commitNumber: number;
  readonly lastTimestamp: number;
}

function statements(connection: Connection) {
  return {
    node: connection.prepare<[], NodeRow>(
      `SELECT origin, commit_number AS commitNumber, last_timestamp AS lastTimestamp, attempts, results, wafers
       FROM node`,
    ),
    save: connection.prepare<number[], never>(
      'UPDATE node SET commit_number = ?, last_timestamp = ?, attempts = ?, results = ?, wafers = ?',
    ),
    renew: connection.prepare<[number], never>('UPDATE node SET origin = ?'),
    intervals: connection.prepare<[], IntervalRow>('SELECT origin, first, last FROM received_intervals'),
    // CROSS JOIN: from the few that are held to the log, never through the log.
    held: connection.prepare<[], IntervalRow>(
      `SELECT u.origin, u.sequence AS first, u.sequence AS last
       FROM held_updates h CROSS JOIN update_log u ON u.id = h.update_row`,
    ),
    damaged: connection.prepare<[], IntervalRow>(
      `SELECT u.origin, u.sequence AS first, u.sequence AS last
       FROM damaged_updates d CROSS JOIN update_log u ON u.id = d.update_row`,
    ),
    putInterval: connection.prepare<[number, number, number], never>(
      'INSERT OR REPLACE INTO received_intervals (origin, first, last) VALUES (?, ?, ?)',
    ),
    dropInterval: connection.prepare<[number, number], never>(
      'DELETE FROM received_intervals WHERE origin = ? AND first = ?',
    ),
  };
}
