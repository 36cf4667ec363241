import { type Dot, formatDot, type Origin, sequence } from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import { IntervalSet } from '../clocks/interval-set.ts';
import { TransportVector } from '../clocks/transport-vector.ts';
import { invariant, WafersyncError } from '../errors.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { type Update, updateBytes } from '../wafer/update.ts';
import type { World } from '../world.ts';
import type { Connection } from './connection.ts';
import type { WaferOrigins } from './documents/wafer-origins.ts';
import { HeldUpdates } from './held-updates.ts';
import type { LocalKeys } from './keys.ts';
import { LogMeasures } from './log-measures.ts';
import type { NodeState } from './node-state.ts';
import { DamagedUpdate, openSealed, type SealedRow } from './sealed.ts';
import type { Decoders, HeldUpdate, HoldReason } from './types.ts';

/** Local numbers of what an update names. */
export interface LogRow {
  readonly id: number;
  readonly wafer: number | null;
  readonly run: number | null;
}

/** What a log works with. */
export interface LogParts {
  readonly keys: LocalKeys;
  readonly origins: WaferOrigins;
  readonly decoders: Decoders;
  readonly world: World;
}

/** The log: every update received or born here, as sealed where it was born. */
export class UpdateLog {
  readonly measures: LogMeasures;
  readonly #connection: Connection;
  readonly #state: NodeState;
  readonly #keys: LocalKeys;
  readonly #origins: WaferOrigins;
  readonly #decoders: Decoders;
  readonly #world: World;
  readonly #held: HeldUpdates;
  readonly #statements;
  readonly #damageListeners: ((dot: Dot) => void)[] = [];

  constructor(connection: Connection, state: NodeState, { keys, origins, decoders, world }: LogParts) {
    this.#connection = connection;
    this.#state = state;
    this.#keys = keys;
    this.#origins = origins;
    this.#decoders = decoders;
    this.#world = world;
    this.#held = new HeldUpdates(connection, keys, world);
    this.measures = new LogMeasures(connection, keys);
    this.#statements = statements(connection);
  }

  /**
   * Takes an update in: received from now on. It has to be applied or held in the same transaction.
   * @returns false where the very same update is there already; nothing changed then
   * @throws WafersyncError `conflict` where other content stands under its dot
   */
  append(update: Update): boolean {
    this.#connection.requireTransaction();
    if (this.#state.vectors.received.has(update.header.dot)) return this.#refuseOther(update);
    this.#insert(update);
    this.#state.received(update.header.dot);
    return true;
  }

  /** SHA-256 of the update under a dot; null where there is none. */
  digestOf(dot: Dot): Uint8Array | null {
    const origin = this.#keys.findOrigin(dot);
    return origin === null ? null : (this.#statements.digest.get(origin, dot.sequence)?.digest ?? null);
  }

  /** The update under a dot; null where there is none. */
  get(dot: Dot): Update | null {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.sealed.get(origin, dot.sequence);
    return row ? this.open(row, dot) : null;
  }

  /** The update under a dot; null where there is none, or where it is damaged, which those who listen for it are told. */
  getSound(dot: Dot): Update | null {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.sealed.get(origin, dot.sequence);
    return row ? this.#openSound(row, dot) : null;
  }

  /**
   * Updates of one origin: the newest interval first and, within it, the highest sequence first. Ends before it passes
   * `maxBytes`, but gives one at least if any is there. One that is damaged is passed over.
   */
  read(origin: Origin, wanted: IntervalSet, maxBytes: number): Update[] {
    const key = this.#keys.findOrigin(origin);
    const here = wanted.intersection(this.#state.vectors.received.get(origin));
    const updates: Update[] = [];
    let bytes = 0;
    for (const { from, to } of key === null ? [] : here.intervals.toReversed()) {
      this.#statements.newestFirst.each(
        (row) => {
          const update = this.#openSound(row, this.#keys.dot(key!, row.sequence));
          if (!update) return true;
          bytes += updateBytes(update);
          if (bytes > maxBytes && updates.length > 0) return false;
          updates.push(update);
          return bytes < maxBytes;
        },
        key!,
        from,
        to,
      );
      if (bytes >= maxBytes && updates.length > 0) break;
    }
    return updates;
  }

  /** Holds an update that was appended: received, not applied. Held already, it gets the new reason. */
  hold(dot: Dot, reason: HoldReason, detail: string): void {
    this.#connection.requireTransaction();
    invariant(!this.#state.vectors.applied.has(dot), 'an applied update is not held');
    if (this.#held.put(this.rowOf(dot).id, reason, detail)) this.#state.held();
  }

  /**
   * Inside a transaction, while the folds are empty: what is damaged cannot be folded anew, and is held until it has come
   * again.
   */
  holdDamaged(): void {
    this.#connection.requireTransaction();
    const { damaged, vectors } = this.#state;
    for (const [origin, { intervals }] of damaged.intersection(vectors.applied).entries()) {
      for (const { from, to } of intervals) {
        for (let n = from; n <= to; n++) this.#holdAgain({ ...origin, sequence: sequence(n) });
      }
    }
  }

  #holdAgain(dot: Dot): void {
    this.#state.unapplied(dot);
    this.#held.put(this.rowOf(dot).id, 'fold', 'it was damaged when the tables were folded anew');
  }

  /** Held updates, the longest held first. */
  held(limit: number): HeldUpdate[] {
    return this.#held.list(limit);
  }

  /** Dots of the updates that wait for a test program, in order of arrival. */
  heldForProgram(digest: ProgramDigest): Dot[] {
    return this.#held.forProgram(digest);
  }

  /** Updates that are held for one of these reasons, in order of arrival, behind a row; with their rows. */
  heldAfter(
    reasons: readonly HoldReason[],
    row: number,
    limit: number,
  ): { readonly dot: Dot; readonly row: number }[] {
    return this.#held.after(reasons, row, limit);
  }

  /** Least timestamp of the updates that are held for being too far ahead; null where none is. */
  earliestAhead(): Timestamp | null {
    return this.#held.earliestAhead();
  }

  get heldCount(): number {
    return this.#held.count();
  }

  /** How many updates are held for each reason; without those of which there is none. */
  get heldByReason(): ReadonlyMap<HoldReason, number> {
    return this.#held.byReason();
  }

  /** Marks an appended update as applied; it is held no more. */
  markApplied(dot: Dot, updateRow: number): void {
    this.#state.applied(dot, this.#held.end(updateRow));
  }

  /** Inside a transaction, while the folds are empty: takes an update out; another may come under its dot. */
  remove(dot: Dot): void {
    this.#connection.requireTransaction();
    const { id } = this.rowOf(dot);
    this.#held.end(id);
    this.#statements.mend.run(id);
    this.#statements.remove.run(id);
    this.measures.changed(dot, dot.sequence);
    this.#state.gone(dot);
  }

  /** Local numbers of a received update. @throws WafersyncError `not-found` */
  rowOf(dot: Dot): LogRow {
    const origin = this.#keys.findOrigin(dot);
    const row = origin === null ? undefined : this.#statements.row.get(origin, dot.sequence);
    if (row) return row;
    throw new WafersyncError('not-found', `update ${formatDot(dot)} is not in the log`, {
      hint: 'Append it first.',
    });
  }

  /** Update of its stored bytes. @throws DamagedUpdate, which is told to those who listen for damage as well */
  open(row: SealedRow, dot: Dot): Update {
    try {
      return openSealed(row, dot, this.#decoders);
    } catch (thrown) {
      if (thrown instanceof DamagedUpdate) this.found(thrown.dot);
      throw thrown;
    }
  }

  /** An update was found damaged, here or by a reader of its own. */
  found(dot: Dot): void {
    for (const listener of this.#damageListeners) listener(dot);
  }

  /** Calls a listener with each update that is found damaged, maybe in the middle of a transaction. */
  onDamage(listener: (dot: Dot) => void): void {
    this.#damageListeners.push(listener);
  }

  /**
   * Reads some of the log behind a row, in order of arrival, so that damage is found: up to `maxBytes`, but one update at
   * least. Tells the last row that was read; null behind the last one.
   */
  scan(updateRow: number, maxBytes: number): number | null {
    let last: number | null = null;
    let bytes = 0;
    this.#statements.behind.each(({ id, origin, sequence, ...row }) => {
      bytes += row.header.length + row.payload.length;
      if (bytes > maxBytes && last !== null) return false;
      this.#openSound(row, this.#keys.dot(origin, sequence));
      last = id;
      return bytes < maxBytes;
    }, updateRow);
    return last;
  }

  /** Row of the update that came last; 0 where there is none. */
  get lastRow(): number {
    return this.#statements.last.get()!.last;
  }

  /** Updates that are damaged and have not come again yet. */
  get damaged(): TransportVector {
    return this.#state.damaged;
  }

  /** Inside a transaction: a damaged update counts as not received from now on. Tells whether that is news. */
  markDamaged(dot: Dot): boolean {
    this.#connection.requireTransaction();
    if (!this.#state.vectors.received.has(dot)) return false;
    this.#statements.damage.run(this.rowOf(dot).id, Math.floor(this.#world.nowMs()));
    this.#state.damage(dot);
    return true;
  }

  /** Inside a transaction: a damaged update has come again. Tells whether it was one that is damaged here. */
  repair({ header: { dot }, headerBytes, payload, digest, stubDigest }: Update): boolean {
    this.#connection.requireTransaction();
    if (!this.#state.damaged.has(dot)) return false;
    const { id } = this.rowOf(dot);
    this.#statements.repair.run(headerBytes, payload, digest, stubDigest ?? null, id);
    this.#statements.mend.run(id);
    this.measures.changed(dot, dot.sequence);
    this.#state.mend(dot);
    return true;
  }

  /** Inside a transaction: an update loses its values; its stub is what is left. */
  cut(dot: Dot, stub: Uint8Array, stubDigest: Uint8Array): void {
    this.#connection.requireTransaction();
    this.#statements.cut.run(stub, stubDigest, this.rowOf(dot).id);
    this.measures.changed(dot, dot.sequence);
  }

  /** Of some updates, those that are stubs here. */
  stubsAmong(wanted: TransportVector): TransportVector {
    return TransportVector.of(
      wanted.entries().map(([origin, { intervals }]): [Origin, IntervalSet] => {
        const key = this.#keys.findOrigin(origin);
        const found = intervals.flatMap(({ from, to }) =>
          key === null ? [] : this.#statements.stubs.all(key, from, to),
        );
        return [origin, IntervalSet.of(found.map(({ sequence }) => ({ from: sequence, to: sequence })))];
      }),
    );
  }

  /** Dots of the stubs that were held until a purge came that names them. */
  heldForPurge(purge: Dot): Dot[] {
    return this.#held.forPurge(this.rowOf(purge).id);
  }

  /** Next applied update behind a row, in order of arrival; null at the end. @throws DamagedUpdate */
  appliedAfter(updateRow: number): { row: LogRow; update: Update } | null {
    const row = this.#statements.appliedAfter.get(updateRow);
    return row ? { row, update: this.open(row, this.#keys.dot(row.origin, row.sequence)) } : null;
  }

  #openSound(row: SealedRow, dot: Dot): Update | null {
    try {
      return this.open(row, dot);
    } catch (thrown) {
      if (thrown instanceof DamagedUpdate) return null;
      throw thrown;
    }
  }

  #refuseOther(update: Update): false {
    const stored = this.digestOf(update.header.dot);
    if (stored && Buffer.compare(stored, update.digest) === 0) return false;
    throw new WafersyncError('conflict', `other content is stored under ${formatDot(update.header.dot)}`, {
      hint: 'Two databases share one epoch: one of them is a copy. Give the copy a new epoch.',
    });
  }

  #insert({ header, headerBytes, payload, digest, stubDigest }: Update): void {
    const { dot, run, program, wafer } = header;
    const origin = this.#keys.origin(dot);
    const about = header.kind === 'run' || header.kind === 'purge' ? null : this.#keys.wafer(wafer);
    this.#statements.insert.run(
      origin,
      dot.sequence,
      header.timestamp,
      header.kind,
      about,
      run ? this.#keys.run(run.id) : null,
      program ? this.#keys.program(program) : null,
      header.version,
      Math.floor(this.#world.nowMs()),
      digest,
      headerBytes,
      payload,
      stubDigest ?? null,
    );
    if (about !== null) this.#origins.add(about, origin);
  }
}

/** Rows are looked up by dot, as the unique index of update_log has it. */
function statements(connection: Connection) {
  type ByDot = [origin: number, sequence: number];
  return {
    insert: connection.prepare<(number | string | Uint8Array | null)[], never>(
      `INSERT INTO update_log
         (origin, sequence, timestamp, kind, wafer, run, program, version, received_at_ms, digest, header, payload,
          stub_digest)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    behind: connection.prepare<
      [updateRow: number],
      SealedRow & { id: number; origin: number; sequence: number }
    >(
      `SELECT id, origin, sequence, header, payload, digest, stub_digest AS stubDigest FROM update_log u
       WHERE id > ? AND NOT EXISTS (SELECT 1 FROM damaged_updates d WHERE d.update_row = u.id) ORDER BY id`,
    ),
    last: connection.prepare<[], { last: number }>('SELECT ifnull(max(id), 0) AS last FROM update_log'),
    damage: connection.prepare<[number, number], never>(
      'INSERT INTO damaged_updates (update_row, found_at_ms) VALUES (?, ?)',
    ),
    mend: connection.prepare<[number], never>('DELETE FROM damaged_updates WHERE update_row = ?'),
    repair: connection.prepare<[Uint8Array, Uint8Array, Uint8Array, Uint8Array | null, number], never>(
      'UPDATE update_log SET header = ?, payload = ?, digest = ?, stub_digest = ? WHERE id = ?',
    ),
    cut: connection.prepare<[Uint8Array, Uint8Array, number], never>(
      'UPDATE update_log SET payload = ?, stub_digest = ? WHERE id = ?',
    ),
    stubs: connection.prepare<[number, number, number], { sequence: number }>(
      `SELECT sequence FROM update_log WHERE origin = ? AND sequence BETWEEN ? AND ? AND stub_digest IS NOT NULL`,
    ),
    remove: connection.prepare<[number], never>('DELETE FROM update_log WHERE id = ?'),
    digest: connection.prepare<ByDot, { digest: Uint8Array }>(
      'SELECT digest FROM update_log WHERE origin = ? AND sequence = ?',
    ),
    sealed: connection.prepare<ByDot, SealedRow>(
      'SELECT header, payload, digest, stub_digest AS stubDigest FROM update_log WHERE origin = ? AND sequence = ?',
    ),
    row: connection.prepare<ByDot, LogRow>(
      'SELECT id, wafer, run FROM update_log WHERE origin = ? AND sequence = ?',
    ),
    newestFirst: connection.prepare<
      [origin: number, from: number, to: number],
      SealedRow & { sequence: number }
    >(
      `SELECT sequence, header, payload, digest, stub_digest AS stubDigest FROM update_log
       WHERE origin = ? AND sequence BETWEEN ? AND ? ORDER BY sequence DESC`,
    ),
    appliedAfter: connection.prepare<
      [updateRow: number],
      LogRow & SealedRow & { origin: number; sequence: number }
    >(
      `SELECT id, origin, sequence, wafer, run, header, payload, digest, stub_digest AS stubDigest FROM update_log u
       WHERE id > ? AND NOT EXISTS (SELECT 1 FROM held_updates h WHERE h.update_row = u.id)
       ORDER BY id LIMIT 1`,
    ),
  };
}
