import type Database from 'better-sqlite3';
import { invariant, type WafersyncError } from '../errors.ts';
import { fromSqlite, storageFailure } from './sqlite-error.ts';

/** What can be bound to a statement. */
export type Value = number | string | Uint8Array | null;

/** Pages that SQLite allows at most: no bound. */
const ALL_PAGES = 4_294_967_294;

/** State in memory that must follow what transactions do. */
export interface Participant {
  /** Notes the state as it is; the answer puts it back. */
  save(): () => void;
  /** Writes what belongs to the transaction, just before its commit. `changed`: something was written already. */
  flush(changed: boolean): void;
}

/**
 * One writing connection to one database file. Everything that SQLite throws leaves it as a WafersyncError.
 *
 * Invariant: once the storage failed inside a transaction, nothing more is written in it, and it cannot commit. SQLite
 * may have rolled it back already, so that a further statement would commit on its own.
 */
export class Connection {
  readonly file: string;
  readonly #db: Database.Database;
  readonly #participants: Participant[] = [];
  readonly #control;
  readonly #totalChanges;
  /** Between BEGIN and the end of {@link transaction}, whatever SQLite has made of it meanwhile. */
  #active = false;
  #failure: WafersyncError | null = null;

  constructor(db: Database.Database, file: string) {
    this.#db = db;
    this.file = file;
    const control = (sql: string) => this.prepare<[], unknown>(sql);
    this.#control = {
      begin: control('BEGIN IMMEDIATE'),
      commit: control('COMMIT'),
      savepoint: control('SAVEPOINT step'),
      undo: control('ROLLBACK TO step'),
      release: control('RELEASE step'),
    };
    this.#totalChanges = this.prepare<[], { changes: number }>('SELECT total_changes() AS changes');
  }

  /** Lets state in memory take part in transactions and savepoints. */
  enlist(participant: Participant): void {
    this.#participants.push(participant);
  }

  prepare<Params extends readonly Value[], Row>(sql: string): Query<Params, Row> {
    try {
      return new Query(this, this.#db.prepare<Value[], Row>(sql));
    } catch (thrown) {
      throw this.failed(thrown);
    }
  }

  /** Runs a pragma and gives its first value. */
  pragma(source: string): unknown {
    try {
      return this.#db.pragma(source, { simple: true });
    } catch (thrown) {
      throw this.failed(thrown);
    }
  }

  /** Runs `work` so that it fails, or says that it is busy, at once where another program is in the way. */
  withoutWaiting<T>(work: () => T): T {
    const waitMs = Number(this.pragma('busy_timeout'));
    this.pragma('busy_timeout = 0');
    try {
      return work();
    } finally {
      this.pragma(`busy_timeout = ${waitMs}`);
    }
  }

  /** Bounds the size of the file from now on, bytes; null takes the bound away. */
  limit(bytes: number | null): void {
    const pages = bytes === null ? ALL_PAGES : Math.floor(bytes / Number(this.pragma('page_size')));
    this.pragma(`max_page_count = ${Math.max(1, pages)}`);
  }

  /** Commits what `work` did, durably, or nothing. Not nested; `work` must not be asynchronous. */
  transaction<T>(work: () => T): T {
    invariant(!this.#active, 'transactions do not nest');
    this.#rollBack();
    const restore = this.#save();
    this.#control.begin.run();
    this.#active = true;
    try {
      const before = this.#totalChanges.get()!.changes;
      const result = work();
      invariant(!(result instanceof Promise), 'the work of a transaction is synchronous');
      const changed = this.#totalChanges.get()!.changes !== before;
      for (const participant of this.#participants) participant.flush(changed);
      this.#control.commit.run();
      return result;
    } catch (thrown) {
      const failure = this.#failure ?? thrown;
      this.#failure = null;
      // First, so that memory is right whatever becomes of the file.
      restore();
      this.#rollBack();
      throw failure;
    } finally {
      this.#active = false;
    }
  }

  /** Ends a transaction that was not committed, if there is one; where that fails, the next one tries again. @throws the storage's failure */
  #rollBack(): void {
    if (!this.#db.inTransaction) return;
    try {
      this.#db.exec('ROLLBACK');
    } catch (thrown) {
      throw fromSqlite(thrown, this.file);
    }
  }

  /**
   * Copies the database into a new file, some pages at a time, between whatever else is done: what is written here
   * meanwhile is written to the copy as well, so that it is of one moment in the end. Another program that writes makes it
   * begin anew.
   * @param next told the pages that are left and those in all after each step; gives how many the next one copies, and
   * ends the copy by throwing
   * @throws WafersyncError the storage's failure; what `next` throws
   */
  async copyTo(file: string, next: (left: number, pages: number) => number): Promise<void> {
    try {
      await this.#db.backup(file, {
        progress: ({ remainingPages, totalPages }) => next(remainingPages, totalPages),
      });
    } catch (thrown) {
      throw storageFailure(thrown, file) ?? thrown;
    }
  }

  /** Inside a transaction: undoes what `work` did, and that alone, if it throws. May be nested. */
  savepoint<T>(work: () => T): T {
    this.requireTransaction();
    const restore = this.#save();
    this.#control.savepoint.run();
    try {
      const result = work();
      this.requireTransaction();
      this.#control.release.run();
      return result;
    } catch (thrown) {
      if (this.#failure === null) {
        this.#control.undo.run();
        this.#control.release.run();
      }
      restore();
      throw this.#failure ?? thrown;
    }
  }

  /** Runs `work` in the transaction under way, else in one of its own. */
  write<T>(work: () => T): T {
    return this.#active ? work() : this.transaction(work);
  }

  /** @throws the storage's failure, or `internal` outside a transaction */
  requireTransaction(): void {
    this.requireSound();
    invariant(this.#active, 'the log and its folds are written inside a transaction');
  }

  /** @throws the failure after which the transaction under way cannot go on */
  requireSound(): void {
    if (this.#failure) throw this.#failure;
  }

  /** Error for what a statement threw; a failure of the storage dooms the transaction under way. */
  failed(thrown: unknown): unknown {
    const failure = storageFailure(thrown, this.file);
    if (failure && this.#active) this.#failure ??= failure;
    return failure ?? fromSqlite(thrown, this.file);
  }

  close(): void {
    this.#db.close();
  }

  #save(): () => void {
    const restores = this.#participants.map((participant) => participant.save());
    return () => {
      for (const restore of restores) restore();
    };
  }
}

/** A prepared statement. */
export class Query<Params extends readonly Value[], Row> {
  readonly #connection: Connection;
  readonly #statement: Database.Statement<Value[], Row>;

  constructor(connection: Connection, statement: Database.Statement<Value[], Row>) {
    this.#connection = connection;
    this.#statement = statement;
  }

  /** Rows as arrays instead of objects. */
  raw(): this {
    this.#statement.raw();
    return this;
  }

  /** Runs it and tells how many rows it changed. */
  run(...params: Params): number {
    this.#connection.requireSound();
    try {
      return this.#statement.run(...params).changes;
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }

  /** Runs an INSERT and gives the new row's number. */
  insert(...params: Params): number {
    this.#connection.requireSound();
    try {
      return Number(this.#statement.run(...params).lastInsertRowid);
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }

  get(...params: Params): Row | undefined {
    this.#connection.requireSound();
    try {
      return this.#statement.get(...params);
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }

  all(...params: Params): Row[] {
    this.#connection.requireSound();
    try {
      return this.#statement.all(...params);
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }

  /** Rows one by one; nothing else may use the connection until all were taken, or no more are. */
  *rows(...params: Params): Generator<Row, void> {
    this.#connection.requireSound();
    try {
      yield* this.#statement.iterate(...params);
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }

  /** Goes through rows without keeping them, until `visit` gives false; nothing else may use the connection meanwhile. */
  each(visit: (row: Row) => boolean, ...params: Params): void {
    this.#connection.requireSound();
    try {
      for (const row of this.#statement.iterate(...params)) if (!visit(row)) break;
    } catch (thrown) {
      throw this.#connection.failed(thrown);
    }
  }
}
