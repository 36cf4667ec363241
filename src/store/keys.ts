import {
  type Dot,
  epoch,
  type FabId,
  type Origin,
  type OriginKey,
  originKey,
  type Sequence,
} from '../clocks/dot.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import type { RunId } from '../wafer/run.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import type { Connection, Participant } from './connection.ts';

/** Wafers whose numbers are kept in memory; past it all are asked for again. */
const MAX_KNOWN_WAFERS = 4096;

/**
 * Local numbers of the things that rows refer to. They mean nothing outside this database.
 *
 * Invariant: the origins kept in memory are rows of the database; there are as many as lives of databases in the mesh.
 */
export class LocalKeys implements Participant {
  readonly #statements;
  #origins = new Map<OriginKey, number>();
  #byNumber = new Map<number, Origin>();
  /** Numbers of wafers that were asked for lately. */
  #wafers = new Map<string, number>();

  constructor(connection: Connection) {
    this.#statements = {
      origin: connection.prepare<[string, number], { id: number }>(
        'SELECT id FROM origins WHERE fab = ? AND epoch = ?',
      ),
      addOrigin: connection.prepare<[string, number], never>(
        'INSERT INTO origins (fab, epoch) VALUES (?, ?)',
      ),
      latestEpoch: connection.prepare<[string], { epoch: number | null }>(
        'SELECT max(epoch) AS epoch FROM origins WHERE fab = ?',
      ),
      originAt: connection.prepare<[number], { fab: string; epoch: number }>(
        'SELECT fab, epoch FROM origins WHERE id = ?',
      ),
      dot: connection.prepare<[number], { origin: number; sequence: number }>(
        'SELECT origin, sequence FROM update_log WHERE id = ?',
      ),
      wafer: connection.prepare<[string, string, string], { id: number }>(
        'SELECT id FROM wafers WHERE wafer_id = ? AND lot = ? AND insertion = ?',
      ),
      addWafer: connection.prepare<[string, string, string], never>(
        'INSERT INTO wafers (wafer_id, lot, insertion) VALUES (?, ?, ?)',
      ),
      waferAt: connection.prepare<[number], WaferKey>(
        'SELECT lot, wafer_id AS waferId, insertion FROM wafers WHERE id = ?',
      ),
      run: connection.prepare<[string], { id: number }>('SELECT id FROM runs WHERE run_id = ?'),
      addRun: connection.prepare<[string], never>('INSERT INTO runs (run_id) VALUES (?)'),
      program: connection.prepare<[string], { id: number }>('SELECT id FROM programs WHERE digest = ?'),
      addProgram: connection.prepare<[string], never>('INSERT INTO programs (digest) VALUES (?)'),
    };
    connection.enlist(this);
  }

  /** Number of an origin, given to it here if need be. Inside a transaction only. */
  origin(origin: Origin): number {
    const key = originKey(origin);
    const known = this.#origins.get(key);
    if (known !== undefined) return known;
    const { origin: find, addOrigin } = this.#statements;
    const id = find.get(origin.fab, origin.epoch)?.id ?? addOrigin.insert(origin.fab, origin.epoch);
    this.#origins.set(key, id);
    return id;
  }

  /** Number of an origin; null where it is not known here. */
  findOrigin(origin: Origin): number | null {
    const key = originKey(origin);
    const known = this.#origins.get(key);
    if (known !== undefined) return known;
    const id = this.#statements.origin.get(origin.fab, origin.epoch)?.id ?? null;
    if (id !== null) this.#origins.set(key, id);
    return id;
  }

  /** Greatest epoch that is known of a fab; 0 where none is. */
  latestEpoch(fab: FabId): number {
    return this.#statements.latestEpoch.get(fab)?.epoch ?? 0;
  }

  /** Origin of a number that is a row of the database. */
  originAt(id: number): Origin {
    const known = this.#byNumber.get(id);
    if (known) return known;
    const row = this.#statements.originAt.get(id)!;
    const origin = { fab: row.fab as FabId, epoch: epoch(row.epoch) };
    this.#byNumber.set(id, origin);
    return origin;
  }

  /** Dot of a row of update_log. */
  dotOf(updateRow: number): Dot {
    const { origin, sequence } = this.#statements.dot.get(updateRow)!;
    return this.dot(origin, sequence);
  }

  /** Dot of an origin's number and a sequence. */
  dot(originId: number, value: number): Dot {
    return { ...this.originAt(originId), sequence: value as Sequence };
  }

  /** Number of a wafer, given to it here if need be. Inside a transaction only. */
  wafer(key: WaferKey): number {
    return this.findWafer(key) ?? this.#statements.addWafer.insert(key.waferId, key.lot, key.insertion);
  }

  /** Number of a wafer; null where no update names it. */
  findWafer({ waferId, lot, insertion }: WaferKey): number | null {
    const name = JSON.stringify([waferId, lot, insertion]);
    const known = this.#wafers.get(name);
    if (known !== undefined) return known;
    const id = this.#statements.wafer.get(waferId, lot, insertion)?.id ?? null;
    if (this.#wafers.size >= MAX_KNOWN_WAFERS) this.#wafers.clear();
    if (id !== null) this.#wafers.set(name, id);
    return id;
  }

  /** Key of a wafer's number that is a row of the database. */
  waferAt(id: number): WaferKey {
    return this.#statements.waferAt.get(id)!;
  }

  /** Number of a run, given to it here if need be. Inside a transaction only. */
  run(id: RunId): number {
    return this.findRun(id) ?? this.#statements.addRun.insert(id);
  }

  /** Number of a run; null where no update names it. */
  findRun(id: RunId): number | null {
    return this.#statements.run.get(id)?.id ?? null;
  }

  /** Number of a test program, given to it here if need be. Inside a transaction only. */
  program(digest: ProgramDigest): number {
    return this.#statements.program.get(digest)?.id ?? this.#statements.addProgram.insert(digest);
  }

  /** Rows may be others than they were: all numbers are asked for again. */
  forget(): void {
    this.#origins = new Map();
    this.#byNumber = new Map();
    this.#wafers = new Map();
  }

  /** What was numbered since is forgotten on a rollback, as its rows are gone. */
  save(): () => void {
    return () => this.forget();
  }

  flush(): void {}
}
