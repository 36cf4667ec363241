import { createHash } from 'node:crypto';
import type { StreamBounds } from '../../src/ingest/stream/stream-bounds.ts';
import type { StoredAttempt, StreamHistory, StreamPast } from '../../src/ingest/stream/stream-history.ts';
import { StreamIntake, type StreamParts } from '../../src/ingest/stream/stream-intake.ts';
import { StreamOwners } from '../../src/ingest/stream/stream-owners.ts';
import { type StreamResult, siteKey } from '../../src/ingest/stream/stream-result.ts';
import type { GrowingProgram } from '../../src/ingest/stream/test-index.ts';
import { countResults } from '../../src/wafer/attempt.ts';
import type { Intake, IntakeReceipt, ResultsBatch } from '../../src/wafer/intake.ts';
import type { ProgramDigest, TestDefinition, TestProgram } from '../../src/wafer/program.ts';
import type { RunId, RunRecord, RunRef } from '../../src/wafer/run.ts';
import type { World } from '../../src/world.ts';

/** A result of tester T1, stream S, changed where a test wants it so. */
export function result(change: Partial<StreamResult> & { name?: string } = {}): StreamResult {
  const { name = 'vdd', ...rest } = change;
  return {
    equipmentId: 'T1',
    streamId: 'S',
    streamSequence: 0,
    waferId: 'W1',
    lot: 'L1',
    insertion: 'CP1',
    x: 0,
    y: 0,
    partId: '',
    head: 1,
    site: 0,
    test: { number: 1, name, units: 'V', lowLimit: 0, highLimit: 2 },
    value: 1.5,
    passed: true,
    testFlags: null,
    timestampUs: 1_700_000_000_000_000,
    hardBin: null,
    softBin: null,
    lastOfDie: false,
    ...rest,
  };
}

/** A world whose clock stands still and whose timers fire when told. */
export class StillWorld implements World {
  readonly timers = new Map<number, { purpose: string; delayMs: number; run: () => void }>();
  #next = 0;
  #random = 0;

  nowMs(): number {
    return 1_750_000_000_000;
  }

  steadyMs(): number {
    return 0;
  }

  after(purpose: string, delayMs: number, run: () => void): () => void {
    const id = this.#next++;
    this.timers.set(id, { purpose, delayMs, run });
    return () => void this.timers.delete(id);
  }

  /** Fires the oldest timer; tells whether there was one. */
  fire(): boolean {
    for (const [id, timer] of this.timers) {
      this.timers.delete(id);
      timer.run();
      return true;
    }
    return false;
  }

  random(bytes: number): Uint8Array {
    const seed = createHash('sha512')
      .update(`${this.#random++}`)
      .digest();
    return Uint8Array.from({ length: bytes }, (_, i) => seed[i % seed.length]!);
  }
}

/** A program that grows; a stand-in with the shape of the real one. */
export class FakeProgram implements GrowingProgram {
  readonly #tests: TestDefinition[] = [];
  readonly #index = new Map<string, number>();

  index(definition: TestDefinition): number {
    const key = JSON.stringify(definition);
    const known = this.#index.get(key);
    if (known !== undefined) return known;
    this.#index.set(key, this.#tests.length);
    return this.#tests.push(definition) - 1;
  }

  program(): TestProgram {
    const body = Buffer.from(JSON.stringify(this.#tests));
    const digest = createHash('sha256').update(body).digest('hex') as ProgramDigest;
    return { digest, body, tests: [...this.#tests] };
  }
}

interface Waiting {
  readonly batch: ResultsBatch;
  readonly resolve: (receipt: IntakeReceipt) => void;
  readonly reject: (error: Error) => void;
}

/**
 * A store in memory that stands for the real one. Batches wait until {@link commit} makes one durable, or become so
 * at once where `eager`.
 */
export class FakeStore implements Intake, StreamHistory {
  eager = true;
  /** What the next commits fail with. */
  readonly failures: Error[] = [];
  readonly durable = new Map<RunId, Map<number, StoredAttempt>>();
  readonly starts = new Map<RunId, number>();
  readonly batches: ResultsBatch[] = [];
  readonly receipts: IntakeReceipt[] = [];
  readonly records: { run: RunRef; record: RunRecord }[] = [];
  readonly waiting: Waiting[] = [];
  lookups = 0;
  mostWaiting = 0;

  write(batch: ResultsBatch): Promise<IntakeReceipt> {
    const { promise, resolve, reject } = Promise.withResolvers<IntakeReceipt>();
    this.waiting.push({ batch, resolve, reject });
    this.mostWaiting = Math.max(this.mostWaiting, this.waiting.length);
    if (this.eager) this.commit(0);
    return promise;
  }

  /** Makes a waiting batch durable, or fails it. */
  commit(which: number): void {
    const [write] = this.waiting.splice(which, 1);
    if (!write) return;
    const failure = this.failures.shift();
    if (failure) write.reject(failure);
    else write.resolve(this.#keep(write.batch));
  }

  /** The process dies: of what waits, some is durable, and nobody is told. */
  crash(isDurable: () => boolean): void {
    for (const { batch } of this.waiting.splice(0)) if (isDurable()) this.#keep(batch);
  }

  async recordRun(run: RunRef, record: RunRecord): Promise<void> {
    this.records.push({ run, record });
  }

  runStart(run: RunId): number | null {
    return this.starts.get(run) ?? null;
  }

  async past(run: RunId): Promise<StreamPast> {
    const stored = this.attempts(run);
    const lastSequences = new Map<number, number>();
    for (const { attempt } of stored) {
      const key = siteKey(attempt.head, attempt.site);
      lastSequences.set(key, Math.max(lastSequences.get(key) ?? 0, attempt.index + attempt.sequenceSpan));
    }
    const results = stored.reduce((sum, { attempt }) => sum + attempt.results.length, 0);
    const recorded = this.records.some(({ run: { id } }) => id === run);
    const lot = stored[0]?.wafer.lot ?? null;
    return { attempts: stored.length, results, recorded, lot, through: throughOf(stored), lastSequences };
  }

  async attemptAt(run: RunId, head: number, site: number, sequence: number): Promise<StoredAttempt | null> {
    this.lookups++;
    const covers = ({ attempt }: StoredAttempt) =>
      attempt.head === head &&
      attempt.site === site &&
      attempt.index <= sequence &&
      sequence <= attempt.index + attempt.sequenceSpan;
    return this.attempts(run).find(covers) ?? null;
  }

  /** Durable attempts of a run, of all runs without one, in order of index. */
  attempts(run?: RunId): StoredAttempt[] {
    const runs = run === undefined ? [...this.durable.values()] : [this.durable.get(run) ?? new Map()];
    return runs.flatMap((stored) => [...stored.values()]).sort((a, b) => a.attempt.index - b.attempt.index);
  }

  #keep(batch: ResultsBatch): IntakeReceipt {
    const stored = this.durable.get(batch.run.id) ?? new Map<number, StoredAttempt>();
    this.durable.set(batch.run.id, stored);
    if (!this.starts.has(batch.run.id)) this.starts.set(batch.run.id, batch.run.startedAtUs);
    const fresh = batch.attempts.filter(({ index }) => !stored.has(index));
    for (const attempt of fresh) {
      stored.set(attempt.index, { wafer: batch.wafer, attempt, tests: batch.program.tests, purged: false });
    }
    const known = batch.attempts.length - fresh.length;
    const receipt = { added: fresh.length, addedResults: countResults(fresh), known, dots: [] };
    this.batches.push(batch);
    this.receipts.push(receipt);
    return receipt;
  }
}

/** Greatest S such that the results of whole attempts are 1 to S, worked out result by result from the front. */
function throughOf(stored: readonly StoredAttempt[]): number {
  const ends = stored.map(({ attempt }) => ({
    last: attempt.index + attempt.sequenceSpan,
    results: attempt.results.length,
  }));
  const whole = (s: number) =>
    ends.filter(({ last }) => last <= s).reduce((sum, { results }) => sum + results, 0) === s;
  return Math.max(0, ...ends.map(({ last }) => last).filter(whole));
}

/** A node that takes streams. */
export function fakeNode(store = new FakeStore()) {
  const world = new StillWorld();
  const parts: StreamParts = {
    fab: 'tw',
    world,
    intake: store,
    history: store,
    owners: new StreamOwners(),
    newProgram: () => new FakeProgram(),
  };
  const open = (bounds: Partial<StreamBounds> = {}) => new StreamIntake(parts, { bounds });
  /** Streams the results and ends the stream. */
  const stream = async (results: readonly StreamResult[], bounds: Partial<StreamBounds> = {}) => {
    const session = open(bounds);
    for (const each of results) await session.take(each);
    return session.finish();
  };
  return { store, world, parts, open, stream };
}

/** Lets everything run that does not wait for a commit or a timer. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
