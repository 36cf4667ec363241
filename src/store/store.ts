import {
  type Dot,
  type Epoch,
  epoch as epochOf,
  mintEpochAbove,
  type Origin,
  type Sequence,
  sequence,
} from '../clocks/dot.ts';
import type { Timestamp } from '../clocks/hlc.ts';
import { WafersyncError } from '../errors.ts';
import type { Update } from '../wafer/update.ts';
import type { World } from '../world.ts';
import { Acts } from './acts.ts';
import { Attempts } from './attempts.ts';
import { Chains } from './chains.ts';
import { Checkpoints } from './checkpoints.ts';
import { Conflicts } from './conflicts.ts';
import type { Connection } from './connection.ts';
import { type DatabaseOptions, type OpenDatabase, openDatabase } from './database.ts';
import { type CopyProgress, copyBytes, copyDatabase } from './database-copy.ts';
import { AttemptBirths } from './documents/attempt-births.ts';
import { Bases } from './documents/bases.ts';
import { DocumentQueries } from './documents/stored-view.ts';
import { WaferOrigins } from './documents/wafer-origins.ts';
import { Documents } from './documents.ts';
import { type FileSizes, fileSizes } from './file-sizes.ts';
import { FoldDigest } from './fold-digest.ts';
import { DocumentFold } from './folds/document-fold.ts';
import { Folds } from './folds/folds.ts';
import { Forks } from './forks.ts';
import { Holds } from './holds.ts';
import { LocalKeys } from './keys.ts';
import { type IdentifyFile, identifyFile, Life, type RenewalReason } from './life.ts';
import { StoredLimits } from './limits.ts';
import { LotReader, LotScan } from './lot-scan.ts';
import { Lots } from './lots.ts';
import { NodeState, type Vectors } from './node-state.ts';
import { OpenReaders } from './open-readers.ts';
import { StoredPauses } from './pauses.ts';
import { Peers } from './peers.ts';
import { Programs } from './programs.ts';
import { Purges } from './purges.ts';
import { StoreReader } from './reader.ts';
import { type Rebuilt, rebuild, refold } from './rebuild.ts';
import { Room } from './room.ts';
import { Runs } from './runs.ts';
import { Sizes } from './sizes.ts';
import { Stubs } from './stubs.ts';
import type { Decoders, StoreStats } from './types.ts';
import { UpdateLog } from './update-log.ts';
import { DigestReader } from './verify/digest-reader.ts';
import { Refiler } from './verify/refiler.ts';
import { Refolder } from './verify/refolder.ts';
import { WaferNames } from './wafer-names.ts';
import { Wafers } from './wafers.ts';
import { Yields } from './yields.ts';

/** What to open, and how to read what updates carry. */
export interface StoreOptions extends DatabaseOptions {
  readonly decoders: Decoders;
  /** How the file is told from a copy of it. */
  readonly identify?: IdentifyFile;
}

/** A database that goes on under another epoch. */
export interface Renewal {
  readonly reason: RenewalReason;
  /** The origin before. */
  readonly from: Origin;
}

/**
 * The database of one node: the log of updates and the tables folded from it. Synchronous; one writer.
 *
 * Invariants: at every commit each update in the log is either applied or held; the folds hang on the set of applied
 * updates alone.
 */
export class Store {
  readonly log: UpdateLog;
  readonly programs: Programs;
  readonly documents: Documents;
  readonly conflicts: Conflicts;
  readonly attempts: Attempts;
  readonly runs: Runs;
  readonly wafers: Wafers;
  readonly waferNames: WaferNames;
  readonly lots: Lots;
  readonly lotScan: LotScan;
  readonly yields: Yields;
  readonly peers: Peers;
  readonly room: Room;
  readonly sizes: Sizes;
  readonly checkpoints: Checkpoints;
  readonly chains: Chains;
  readonly forks: Forks;
  readonly purges: Purges;
  readonly stubs: Stubs;
  readonly holds: Holds;
  readonly acts: Acts;
  readonly pauses: StoredPauses;
  readonly limits: StoredLimits;
  readonly refolder: Refolder;
  readonly refiler: Refiler;
  /** How the epoch was renewed when the database was opened; null where it was not. */
  readonly renewal: Renewal | null;
  readonly #world: World;
  readonly #connection: Connection;
  readonly #lock: OpenDatabase['lock'];
  readonly #decoders: Decoders;
  readonly #state: NodeState;
  readonly #folds: Folds;
  readonly #digest: FoldDigest;
  readonly #keys: LocalKeys;
  /** What is remembered by the number of a row is forgotten. */
  readonly #rowsGone: () => void;
  readonly #readers = new OpenReaders();

  private constructor({ connection, lock }: OpenDatabase, options: StoreOptions) {
    const { decoders, world } = options;
    const keys = new LocalKeys(connection);
    this.#keys = keys;
    this.#connection = connection;
    this.#lock = lock;
    this.#decoders = decoders;
    this.#state = new NodeState(connection, keys);
    this.programs = new Programs(connection, keys);
    const origins = new WaferOrigins(connection);
    this.log = new UpdateLog(connection, this.#state, { keys, origins, decoders, world });
    const births = new AttemptBirths(connection, keys, decoders, this.log);
    const queries = new DocumentQueries(connection, keys, births, origins);
    this.#rowsGone = () => {
      births.forget();
      origins.forget();
    };
    const bases = new Bases(connection, keys);
    this.documents = new Documents(connection, {
      ...{ log: this.log, state: this.#state, keys, decoders, queries, bases },
    });
    const folds = new DocumentFold(connection, keys, decoders, queries, bases);
    this.purges = new Purges(connection, keys);
    const { purges, log } = this;
    this.stubs = new Stubs({ log, state: this.#state, purges, decoders });
    this.#folds = new Folds(connection, this.#state, keys, this.programs, decoders, folds, purges);
    this.#digest = new FoldDigest(connection);
    const rowsGone = () => this.#rowsGone();
    this.refolder = new Refolder(connection, { log, folds: this.#folds, state: this.#state, keys, rowsGone });
    this.refiler = new Refiler(connection, { log, keys, programs: this.programs });
    this.conflicts = new Conflicts(connection, keys, this.log, decoders);
    this.attempts = new Attempts(connection, keys);
    this.runs = new Runs(connection, keys);
    this.wafers = new Wafers(connection, keys);
    this.waferNames = new WaferNames(connection);
    this.lots = new Lots(connection, keys);
    this.lotScan = new LotScan(connection);
    this.yields = new Yields(connection, keys);
    this.peers = new Peers(connection, keys, world);
    this.room = new Room(connection);
    this.sizes = new Sizes(connection);
    this.checkpoints = new Checkpoints(connection);
    this.chains = new Chains(connection, keys, this.#state);
    this.forks = new Forks(connection, keys, this.log, decoders, world);
    this.holds = new Holds(connection, keys, world);
    this.acts = new Acts(connection, world);
    this.pauses = new StoredPauses(connection);
    this.limits = new StoredLimits(connection);
    this.#world = world;
    this.renewal = this.#begin(new Life(connection, world, options.identify ?? identifyFile));
  }

  /**
   * Opens the database of a fab, or creates it with a new epoch. A file that cannot be opened is left as it is.
   * @throws WafersyncError `conflict` (newer version, other fab, another program's file), `precondition` (open elsewhere), `damaged`
   * (not a database, cut, corrupt), `unavailable` (no access)
   */
  static open(options: StoreOptions): Store {
    const database = openDatabase(options);
    try {
      return new Store(database, options);
    } catch (thrown) {
      database.connection.close();
      database.lock.release();
      throw thrown;
    }
  }

  /** This fab and the epoch of this database. */
  get origin(): Origin {
    return this.#state.origin;
  }

  /** What is here, as of the last commit; inside a transaction, as of now. */
  get vectors(): Vectors {
    return this.#state.vectors;
  }

  /** Committed write transactions so far, over all restarts. */
  get commitNumber(): number {
    return this.#state.commitNumber;
  }

  /**
   * Commits what `work` wrote, durably, or nothing of it. Synchronous; not nested.
   * @throws what `work` throws; WafersyncError `exhausted`, `unavailable` or `damaged` where the disk fails, even if
   * `work` caught it
   */
  transaction<T>(work: () => T): T {
    return this.#connection.transaction(work);
  }

  /** Inside a transaction: undoes what `work` wrote, and that alone, if it throws. May be nested. */
  savepoint<T>(work: () => T): T {
    return this.#connection.savepoint(work);
  }

  /**
   * Inside a transaction: goes on under a new epoch, greater than any that is known of this fab. What was born under the
   * ones before stays.
   * @param above an epoch that others know of
   */
  renewEpoch(above: Epoch = this.origin.epoch): Origin {
    this.#connection.requireTransaction();
    const { fab, epoch } = this.origin;
    const known = epochOf(Math.max(epoch, above, this.#keys.latestEpoch(fab)));
    const origin = { fab, epoch: mintEpochAbove(known, this.#world.nowMs(), this.#world.random) };
    this.#state.renew(origin);
    return origin;
  }

  /**
   * Inside a transaction: updates give way to others with the same dots. They are kept aside, all folds are folded anew
   * without them, and their dots are missing again.
   */
  giveWay(dots: readonly Dot[]): void {
    this.#connection.requireTransaction();
    if (dots.length === 0) return;
    this.#folds.empty();
    for (const dot of dots) {
      this.forks.keep(dot);
      this.chains.cut(dot, dot.sequence);
    }
    this.#foldAnew();
  }

  /** Folds what is applied into the folds, which are empty; what was known of rows may be so no more. */
  #foldAnew(): void {
    this.#rowsGone();
    refold(this.log, this.#folds, () => {});
  }

  /** Inside a transaction: a damaged update has come again. Tells whether it was one that is damaged here. */
  repair(update: Update): boolean {
    const { dot } = update.header;
    const before = this.log.digestOf(dot);
    if (!this.log.repair(update)) return false;
    // The chain may have been led over the damaged digest.
    this.chains.cut(dot, dot.sequence);
    const isOther = before === null || Buffer.compare(before, update.digest) !== 0;
    if (isOther && this.vectors.applied.has(dot)) {
      // Other content of a fork that nobody had found: the tables still have what rotted.
      this.#folds.empty();
      this.#foldAnew();
    }
    this.stubs.make(dot);
    return true;
  }

  /** Sequence of the next update born here. The same until that update is appended. */
  nextSequence(): Sequence {
    // What is damaged keeps its number.
    const damaged = this.#state.damaged.get(this.origin).max;
    return sequence(Math.max(this.vectors.received.get(this.origin).max, damaged) + 1);
  }

  /** Greatest hybrid timestamp that was saved; 0 for a new database. */
  lastTimestamp(): Timestamp {
    return this.#state.lastTimestamp;
  }

  /** Inside a transaction: keeps a timestamp, so that none at or below it is issued after a restart. */
  saveTimestamp(timestamp: Timestamp): void {
    this.#connection.requireTransaction();
    this.#state.raiseTimestamp(timestamp);
  }

  /**
   * Folds an appended update into the readable tables, and ends its hold if it was held. An applied one stays as it is.
   * Half of it may be done when this throws: call it in a savepoint.
   * @throws WafersyncError `precondition` where the kind is not known to this version or the test program is not here,
   * `damaged` or `invalid` where it cannot be folded
   */
  apply(update: Update): void {
    this.#connection.requireTransaction();
    const { dot } = update.header;
    if (this.vectors.applied.has(dot)) return;
    const row = this.log.rowOf(dot);
    // First marked: the folds look at what is applied, this one included.
    this.log.markApplied(dot, row.id);
    this.#folds.fold(update, row);
    if (update.header.kind === 'results') this.stubs.make(dot);
    else if (update.header.kind === 'purge') {
      for (const named of this.#decoders.decodePurge(update.payload).purged) this.stubs.make(named.dot);
    }
  }

  #begin(life: Life): Renewal | null {
    const reason = life.recognise();
    const from = this.origin;
    try {
      life.begin(() => {
        if (reason) this.renewEpoch();
      });
    } catch (thrown) {
      // A node whose disk is full goes on, and nothing is born until there is room; a copy may not.
      if (reason || WafersyncError.from(thrown).code !== 'exhausted') throw thrown;
    }
    return reason && { reason, from };
  }

  stats(): StoreStats {
    const updates = this.vectors.received.size;
    const held = this.vectors.received.difference(this.vectors.applied).size - this.holds.dropped;
    return { updates, held, damaged: this.#state.damaged.size, ...this.#state.totals };
  }

  /**
   * SHA-256 over all folds: equal at every fab that has applied the same updates, whatever their order of arrival. Reads
   * every attempt.
   */
  foldDigest(): string {
    return this.#digest.compute();
  }

  /**
   * Empties the folds and folds the log again; all or nothing.
   * @param progress called now and then with the number of updates folded so far
   */
  rebuild(progress: (updates: number) => void = () => {}): Rebuilt {
    // What is damaged is in the tables no more.
    this.#rowsGone();
    return rebuild(this.#connection, this.log, this.#folds, this.#digest, progress);
  }

  /** A connection of its own for long reads. Close it when done. */
  reader(): StoreReader {
    const damaged = (dot: Dot) => this.log.found(dot);
    return this.#readers.add(
      (closed) => new StoreReader(this.#connection.file, this.#decoders, { closed, damaged }),
    );
  }

  /** What the database takes of its volume now. */
  files(): FileSizes {
    return fileSizes(this.#connection.file);
  }

  /** A connection of its own that makes digests of what is here. Close it when done. */
  digests(): DigestReader {
    return this.#readers.add((closed) => new DigestReader(this.#connection.file, this.#decoders, closed));
  }

  /** A connection of its own that reads lots. Close it when done. */
  lotReader(): LotReader {
    return this.#readers.add((closed) => new LotReader(this.#connection.file, closed));
  }

  /** Whether a large lot is read just now, for which the write-ahead log is kept. */
  isReadingLot(): boolean {
    return this.#readers.some(LotReader);
  }

  /** Copies the database into a new file while it is written to; see {@link copyDatabase}. */
  copyTo(file: string, progress: (progress: CopyProgress) => void, signal: AbortSignal): Promise<void> {
    return copyDatabase(this.#connection, file, progress, signal);
  }

  /** Bytes that a copy of it needs at most, as of now. */
  get copyBytes(): number {
    return copyBytes(this.#connection.file);
  }

  /** Bounds the size of the database file from now on, bytes; null takes the bound away. What is there stays. */
  limitFile(bytes: number | null): void {
    this.#connection.limit(bytes);
  }

  /** Moves the write-ahead log into the database and cuts it. */
  checkpoint(): void {
    this.#connection.pragma('wal_checkpoint(TRUNCATE)');
  }

  /** Closes readers and database, and lets go of the lock. Not usable afterwards. */
  close(): void {
    this.#readers.close();
    this.#connection.close();
    this.#lock.release();
  }
}
