import type { Dot } from '../clocks/dot.ts';
import type { HybridClock, Timestamp } from '../clocks/hlc.ts';
import { forEachThenThrow, WafersyncError } from '../errors.ts';
import type { Store } from '../store/store.ts';
import type { HoldReason } from '../store/types.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../wafer/intake.ts';
import type { ProgramDigest } from '../wafer/program.ts';
import { readProgram } from '../wafer/program-codec.ts';
import type { RunId, RunRecord, RunRef } from '../wafer/run.ts';
import { type Update, type UpdateHeader, updateBytes } from '../wafer/update.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { encodeEdit } from '../wire/edit.ts';
import { sealUpdate } from '../wire/header.ts';
import { encodeRunRecord, sameRunRecord } from '../wire/run-record.ts';
import type { World } from '../world.ts';
import { Applier } from './applier.ts';
import {
  bookmark,
  type Commit,
  type CommitOutcome,
  type CommitTiming,
  type EditReceipt,
  isFatal,
  nothingDone,
  type Outcome,
  type Received,
  type ReceiveFailure,
} from './commit.ts';
import { CommitQueue, type Job, type QueueBounds, type Waiting } from './commit-queue.ts';
import { Editor, type EditPlan } from './editor.ts';
import { EventSource } from './event-source.ts';
import { ForkSettler } from './fork-settler.ts';
import { NOTHING_PURGED, OF_NO_WAFER, type PurgePlan, type PurgeReceipt, writePurge } from './write-purge.ts';
import { roughBytes, writeResults } from './write-results.ts';

/** What a replica is made of. */
export interface ReplicaOptions {
  readonly store: Store;
  readonly clock: HybridClock;
  readonly world: World;
  readonly queue: QueueBounds;
  /** An edit from further ahead than this is held. */
  readonly maxClockDriftMs: number;
}

/** Held updates that are tried again in one commit. */
const RETRIED_AT_ONCE = 256;

/** Timestamp of what is written as if before anything else. */
const BEFORE_ALL_TIME = 0 as Timestamp;

/** Rough size of an edit in the queue. */
const EDIT_BYTES = 4096;

/**
 * The one write path: what is born here goes through `write` and `recordRun`, what comes from peers through `receive`.
 * Both end in the same group commit.
 */
export class Replica<Token> implements Intake {
  readonly #store: Store;
  readonly #clock: HybridClock;
  readonly #world: World;
  readonly #maxClockDriftMs: number;
  readonly #applier: Applier;
  readonly #queue: CommitQueue;
  readonly #editor: Editor;
  /** Why nothing may be born here any more; null while it may. */
  #fence: WafersyncError | null = null;
  /** Why no edits are taken now; null while they are. */
  #noEdits: WafersyncError | null = null;
  /** Settles forks. */
  readonly forks: ForkSettler<Token>;
  readonly commits = new EventSource<Commit<Token>>();
  readonly receiveFailures = new EventSource<ReceiveFailure<Token>>();
  readonly outcomes = new EventSource<CommitOutcome>();
  /** What the commit under way has done so far; told once it is on disk. */
  #done = nothingDone<Token>();

  constructor(options: ReplicaOptions) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#world = options.world;
    this.#maxClockDriftMs = options.maxClockDriftMs;
    this.#applier = new Applier(options);
    this.#editor = new Editor(options.store);
    this.forks = new ForkSettler(options.store, {
      durable: (bytes, work) => this.#durable(bytes, work),
      take: (update, token) => this.#takeFor(update, token),
      bear: (facts, payload, timestamp) => this.#bear(facts, payload, timestamp),
    });
    this.#queue = new CommitQueue(options.world, options.queue, (jobs, failures) =>
      this.#commitGroup(jobs, failures),
    );
  }

  /** Takes in attempts born here. Those known already are left out. */
  async write(batch: ResultsBatch): Promise<IntakeReceipt> {
    let receipt: IntakeReceipt = { added: 0, addedResults: 0, known: 0, dots: [] };
    await this.#bornIn(roughBytes(batch), () => {
      receipt = writeResults(this.#store, batch, {
        putProgram: (digest, body) => this.#putProgram(digest, body),
        bear: (facts, payload) => this.#bear(facts, payload),
      });
    });
    return receipt;
  }

  async recordRun(run: RunRef, record: RunRecord): Promise<void> {
    await this.#bornIn(1024, () => {
      const known = this.#store.runs.get(run.id)?.record;
      // Once final, a run stays so: the same record that does not say it adds nothing.
      const marked = { ...record, final: record.final || (known?.final ?? false) };
      if (known && sameRunRecord(known, marked)) return;
      const wafer = { lot: record.lot, waferId: '', insertion: '' };
      this.#bear({ kind: 'run', wafer, run, version: 0, program: null }, encodeRunRecord(marked));
    });
  }

  /**
   * Writes an edit. What it writes is worked out inside its commit, against the document as it is then, so that its
   * contexts are those of all siblings present.
   * @param plan called inside the transaction; what it throws is passed on, and nothing is written
   * @param always also while edits are refused
   */
  async edit(plan: (editor: Editor) => EditPlan, always = false): Promise<EditReceipt> {
    if (this.#noEdits && !always) throw this.#noEdits;
    let receipt: EditReceipt = { dot: null };
    await this.#bornIn(EDIT_BYTES, () => {
      // It may have waited since.
      if (this.#noEdits && !always) throw this.#noEdits;
      receipt = { dot: this.#writeEdit(plan(this.#editor)) };
    });
    return receipt;
  }

  /** Writes an edit as if before all time: whatever people say of the same fields is later. Null writes nothing. */
  async seed(plan: (editor: Editor) => EditPlan | null): Promise<void> {
    await this.#bornIn(EDIT_BYTES, () => {
      const edit = plan(this.#editor);
      if (edit) this.#writeEdit(edit, BEFORE_ALL_TIME);
    });
  }

  /**
   * Purges the values of results, for good and at every fab.
   * @param plan called inside the transaction; what it throws is passed on. What may not be purged of it is left out
   */
  async purge(plan: () => PurgePlan): Promise<PurgeReceipt> {
    if (this.#noEdits) throw this.#noEdits;
    let receipt: PurgeReceipt = NOTHING_PURGED;
    await this.#bornIn(EDIT_BYTES, () => {
      receipt = writePurge(this.#store, plan(), (payload) => this.#bear(OF_NO_WAFER, payload));
    });
    return receipt;
  }

  runStart(run: RunId): number | null {
    return this.#store.runs.get(run)?.startedAtUs ?? null;
  }

  /** Takes in an update that came from elsewhere; the answer comes with `commits` or `receiveFailures`. */
  receive(received: Received<Token>): void {
    this.#queue.add({
      bytes: updateBytes(received.update),
      run: () => this.#receive(received),
      committed: () => {},
      failed: (error) => this.receiveFailures.emit({ failed: [received], error }),
    });
  }

  /** Takes in a test program that came from elsewhere. @throws WafersyncError `damaged` where its digest is wrong */
  receiveProgram(digest: ProgramDigest, body: Uint8Array): void {
    const program = readProgram(body, digest);
    this.#queue.add({
      bytes: body.length,
      run: () => this.#putProgram(program.digest, body),
      committed: () => {},
      // The updates that need it are held, and ask for it again.
      failed: () => {},
    });
  }

  /**
   * Tries held updates again, some hundreds in a commit. Tells how many are applied now.
   * @param reasons those for which they are held
   */
  async retryHeld(reasons: readonly HoldReason[]): Promise<number> {
    let released = 0;
    for (let row = 0, more = true; more; ) {
      await this.#durable(0, () => {
        const held = this.#store.log.heldAfter(reasons, row, RETRIED_AT_ONCE);
        for (const { dot } of held) if (this.#release(dot)) released++;
        row = held.at(-1)?.row ?? row;
        more = held.length === RETRIED_AT_ONCE;
      });
    }
    return released;
  }

  /**
   * Tries one held update again, now. An edit from too far ahead is applied nevertheless, and the clock does not follow it.
   * Tells whether it is applied.
   * @param decide called inside the transaction, before it is tried and after; what it throws is passed on, and nothing changes
   */
  async releaseHeld(dot: Dot, decide: { before(): void; after(applied: boolean): void }): Promise<boolean> {
    let applied = false;
    await this.#durable(0, () => {
      decide.before();
      applied = this.#release(dot, Number.POSITIVE_INFINITY);
      decide.after(applied);
    });
    return applied;
  }

  /** Nothing that people say of wafers is taken from now on, whoever says it is told why; null: it is again. Results are. */
  refuseEdits(why: WafersyncError | null): void {
    this.#noEdits = why;
  }

  /** Nothing is born here from now on: whoever writes is told why. What others bear is still taken. */
  fence(error: WafersyncError): void {
    this.#fence = error;
  }

  /** Runs other small writes in a commit of the group. */
  async housekeep(work: () => void): Promise<void> {
    await this.#durable(0, () => {
      work();
      this.#done.housekept.push(true);
    });
  }

  /** Folds parts of the tables again. @param work done in a commit of the group; gives the wafers that are others now */
  async refold(work: () => readonly WaferKey[]): Promise<void> {
    await this.#durable(0, () => this.#done.refolded.push(...work()));
  }

  /**
   * Tries at once, in a commit of its own, whether so many bytes can be written; nothing of them stays. Gives what keeps
   * them from it, null where nothing does.
   */
  proveRoom(bytes: number): WafersyncError | null {
    try {
      this.#store.transaction(() => this.#store.room.prove(bytes));
    } catch (thrown) {
      return WafersyncError.from(thrown);
    }
    this.#tell({ error: null, jobs: 0, bytes, timing: null });
    return null;
  }

  /** What waits for its commit. */
  get waiting(): Waiting {
    return this.#queue.waiting;
  }

  /** Commits what waits and takes no more. */
  close(): void {
    this.#queue.close();
  }

  async #bornIn(bytes: number, run: () => void): Promise<void> {
    if (this.#fence) throw this.#fence;
    await this.#durable(bytes, run);
  }

  #durable(bytes: number, run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      void this.#queue.addWithRoom({ bytes, run, committed: resolve, failed: reject });
    });
  }

  // -- inside the transaction ---------------------------------------------------------------------------------------

  /** The edit of a plan is born; null where there is nothing to write. */
  #writeEdit({ kind, wafer, version, edit }: EditPlan, timestamp?: Timestamp): Dot | null {
    if (edit === null) return null;
    return this.#bear({ kind, wafer, version, run: null, program: null }, encodeEdit(edit), timestamp);
  }

  /** An update is born: dot, timestamp, seal, log, fold. */
  #bear(
    facts: Omit<UpdateHeader, 'dot' | 'timestamp'>,
    payload: Uint8Array,
    timestamp: Timestamp = this.#clock.tick(),
  ): Dot {
    const dot = { ...this.#store.origin, sequence: this.#store.nextSequence() };
    const update = sealUpdate({ dot, timestamp, ...facts }, payload);
    this.#store.log.append(update);
    this.#store.apply(update);
    this.#store.saveTimestamp(timestamp);
    this.#done.added.push({ update, token: null, applied: true });
    this.#stubsMayFollow(update);
    return dot;
  }

  #receive({ update, token }: Received<Token>): void {
    const outcome = this.#takeFor(update, token);
    this.#done.received.push({ update, token, outcome });
  }

  #takeFor(update: Update, token: Token): Outcome {
    const outcome = this.#store.savepoint(() => this.#take(update));
    if (outcome === 'applied' || outcome === 'held')
      this.#done.added.push({ update, token, applied: outcome === 'applied' });
    return outcome;
  }

  #take(update: Update): Outcome {
    const { dot, timestamp } = update.header;
    if (this.#store.repair(update)) return 'repaired';
    const known = this.#store.log.digestOf(dot);
    if (known) return Buffer.compare(known, update.digest) === 0 ? 'known' : 'forked';
    this.#store.log.append(update);
    if (this.#clock.observe(timestamp, this.#maxClockDriftMs)) this.#store.saveTimestamp(this.#clock.last);
    return this.#applyOrHold(update) ? 'applied' : 'held';
  }

  /** Tells whether it is applied; a purge lets the stubs that waited for it be applied as well. */
  #applyOrHold(update: Update, maxAheadMs?: number): boolean {
    const applied = this.#applier.applyOrHold(update, maxAheadMs);
    if (applied) this.#stubsMayFollow(update);
    return applied;
  }

  #stubsMayFollow({ header: { kind, dot } }: Update): void {
    if (kind !== 'purge') return;
    for (const stub of this.#store.log.heldForPurge(dot)) this.#release(stub);
  }

  #putProgram(digest: ProgramDigest, body: Uint8Array): void {
    if (this.#store.programs.has(digest)) return;
    this.#store.programs.put(digest, body);
    this.#done.programs.push(digest);
    for (const dot of this.#store.log.heldForProgram(digest)) this.#release(dot);
  }

  /** Applies a held update if nothing speaks against it any more; tells whether it did. */
  #release(dot: Dot, maxAheadMs?: number): boolean {
    const update = this.#store.log.getSound(dot);
    if (!update || !this.#applyOrHold(update, maxAheadMs)) return false;
    // What was applied although it is ahead does not lead the clock: nothing that is born here shall be as far ahead.
    if (this.#clock.observe(update.header.timestamp, this.#maxClockDriftMs)) {
      this.#store.saveTimestamp(this.#clock.last);
    }
    this.#done.released.push(update);
    return true;
  }

  // -- group commit -------------------------------------------------------------------------------------------------

  #commitGroup(jobs: readonly Job[], failures: Map<Job, WafersyncError>): void {
    const timing = this.#startTiming();
    try {
      this.#store.transaction(() => {
        for (const job of jobs) this.#runJob(job, failures);
      });
    } catch (thrown) {
      this.#takeOutcome();
      const error = WafersyncError.from(thrown, 'unavailable', 'the commit failed');
      for (const job of jobs) if (!failures.has(job)) failures.set(job, error);
      const bytes = jobs.reduce((sum, job) => sum + job.bytes, 0);
      this.outcomes.emit({ error, jobs: jobs.length, bytes, timing: timing() });
      return;
    }
    const bytes = this.#done.added.reduce((sum, { update }) => sum + updateBytes(update), 0);
    this.#tell({ error: null, jobs: jobs.length, bytes, timing: timing() });
  }

  #startTiming(): () => CommitTiming {
    const beganMs = this.#world.nowMs();
    const began = this.#world.steadyMs();
    return () => ({ beganMs, tookMs: this.#world.steadyMs() - began });
  }

  /** Tells of a commit that is on disk: who follows what was committed is told whatever who follows how it went throws. */
  #tell(outcome: CommitOutcome): void {
    const commit = this.#takeOutcome();
    forEachThenThrow([() => this.outcomes.emit(outcome), () => this.commits.emit(commit)], (tell) => tell());
  }

  #runJob(job: Job, failures: Map<Job, WafersyncError>): void {
    const forgetWhatFollows = bookmark(this.#done);
    try {
      this.#store.savepoint(() => job.run());
    } catch (thrown) {
      const error = WafersyncError.from(thrown);
      if (isFatal(error)) throw error;
      forgetWhatFollows();
      failures.set(job, error);
    }
  }

  #takeOutcome(): Commit<Token> {
    const done = this.#done;
    this.#done = nothingDone();
    return done;
  }
}
