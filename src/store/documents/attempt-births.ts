import { type Dot, sameDot } from '../../clocks/dot.ts';
import type { Timestamp } from '../../clocks/hlc.ts';
import { TransportVector } from '../../clocks/transport-vector.ts';
import type { Connection, Participant } from '../connection.ts';
import type { LocalKeys } from '../keys.ts';
import type { Decoders } from '../types.ts';
import type { UpdateLog } from '../update-log.ts';

/** A results update of a wafer. */
export interface ResultsUpdate {
  readonly row: number;
  readonly run: number;
  readonly dot: Dot;
  readonly timestamp: Timestamp;
  /** What its origin had applied, of other origins that have updates of the wafer. */
  readonly seen: TransportVector;
}

/** Updates of which the attempts are kept in memory; past it all are read again. */
const MAX_KNOWN = 2048;

/**
 * The results updates of wafers, what their writers knew, and by which updates an attempt was born.
 *
 * Invariant: what is kept in memory of an update is what its row has.
 */
export class AttemptBirths implements Participant {
  readonly #keys: LocalKeys;
  readonly #decoders: Decoders;
  readonly #log: Pick<UpdateLog, 'get'>;
  readonly #statements;
  /** Indexes in the run of the attempts of updates that were asked for lately. */
  #known = new Map<number, ReadonlySet<number>>();
  /** Updates that were asked for lately, by their rows. */
  #updates = new Map<number, ResultsUpdate>();

  constructor(connection: Connection, keys: LocalKeys, decoders: Decoders, log: Pick<UpdateLog, 'get'>) {
    this.#keys = keys;
    this.#decoders = decoders;
    this.#log = log;
    this.#statements = statements(connection);
    connection.enlist(this);
  }

  /** A results update by its row. */
  update(row: number): ResultsUpdate {
    return this.#toUpdate(this.#statements.update.get(row)!);
  }

  /** Applied results updates of a wafer that a set of updates does not hold, in order of arrival. */
  unseen(wafer: number, seen: TransportVector): ResultsUpdate[] {
    const rows = this.#statements.ofWafer.all(wafer);
    return rows
      .filter(({ origin, sequence }) => !seen.has(this.#keys.dot(origin, sequence)))
      .map((row) => this.#toUpdate(row));
  }

  /** Whether a set of updates holds every attempt of an update, by it or by another that brought the same one. */
  holdsAttempts(seen: TransportVector, { row, run, dot }: ResultsUpdate): boolean {
    if (seen.has(dot)) return true;
    if (!this.#bornTwice(run)) return false;
    const wanted = new Set(this.#indexes(row));
    for (const other of this.#statements.ofRun.all(run)) {
      if (!seen.has(this.#keys.dot(other.origin, other.sequence))) continue;
      for (const index of this.#indexes(other.id)) wanted.delete(index);
    }
    return wanted.size === 0;
  }

  /** Dots of all updates that bring one attempt; the given one is among them. */
  dots(run: number, index: number, dot: Dot): Dot[] {
    if (!this.#bornTwice(run)) return [dot];
    const others = this.#statements.ofRun
      .all(run)
      .filter(({ id }) => this.#indexes(id).has(index))
      .map(({ origin, sequence }) => this.#keys.dot(origin, sequence));
    return others.some((other) => sameDot(other, dot)) ? others : [...others, dot];
  }

  /** Whether several origins brought attempts of a run: a file that was handed in at two fabs. */
  #bornTwice(run: number): boolean {
    const { first, last } = this.#statements.originsOfRun.get(run)!;
    return first !== last;
  }

  #indexes(row: number): ReadonlySet<number> {
    const known = this.#known.get(row);
    if (known) return known;
    const { payload } = this.#log.get(this.#keys.dotOf(row))!;
    const indexes = new Set(this.#decoders.readAttempts(payload).map(({ index }) => index));
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(row, indexes);
    return indexes;
  }

  /** Rows that are gone give their numbers to others. */
  forget(): void {
    this.#known = new Map();
    this.#updates = new Map();
  }

  /** Rows that are rolled back do so too. */
  save(): () => void {
    return () => this.forget();
  }

  flush(): void {}

  #toUpdate({ id, run, origin, sequence, timestamp }: UpdateRow): ResultsUpdate {
    const known = this.#updates.get(id);
    if (known) return known;
    const dot = this.#keys.dot(origin, sequence);
    const { seen = TransportVector.empty } = this.#log.get(dot)!.header;
    const update = { row: id, run, dot, timestamp: timestamp as Timestamp, seen };
    if (this.#updates.size >= MAX_KNOWN) this.#updates.clear();
    this.#updates.set(id, update);
    return update;
  }
}

/** Whether whoever made an update knew another one: of its own origin the earlier ones, of others what it says. */
export function knew({ dot, seen }: Pick<ResultsUpdate, 'dot' | 'seen'>, other: Dot): boolean {
  if (dot.fab === other.fab && dot.epoch === other.epoch) return dot.sequence > other.sequence;
  return seen.has(other);
}

interface DotRow {
  readonly id: number;
  readonly origin: number;
  readonly sequence: number;
}

interface UpdateRow extends DotRow {
  readonly run: number;
  readonly timestamp: number;
}

function statements(connection: Connection) {
  const update = 'SELECT u.id, u.run, u.origin, u.sequence, u.timestamp FROM update_log u';
  const applied = 'NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)';
  return {
    update: connection.prepare<[number], UpdateRow>(`${update} WHERE u.id = ?`),
    ofWafer: connection.prepare<[number], UpdateRow>(
      `${update} WHERE u.wafer = ? AND u.kind = 'results' AND ${applied} ORDER BY u.id`,
    ),
    ofRun: connection.prepare<[number], DotRow>(
      `SELECT u.id, u.origin, u.sequence FROM update_log u WHERE u.run = ? AND u.kind = 'results' AND ${applied}`,
    ),
    originsOfRun: connection.prepare<[number], { first: number; last: number }>(
      `SELECT (SELECT min(origin) FROM update_log WHERE run = r.id) AS first,
         (SELECT max(origin) FROM update_log WHERE run = r.id) AS last FROM runs r WHERE r.id = ?`,
    ),
  };
}
