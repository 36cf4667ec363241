import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fabId } from '../../src/clocks/dot.ts';
import { HybridClock } from '../../src/clocks/hlc.ts';
import type { Commit, ReceiveFailure } from '../../src/replica/commit.ts';
import { Replica } from '../../src/replica/replica.ts';
import { Store } from '../../src/store/store.ts';
import type { Attempt } from '../../src/wafer/attempt.ts';
import type { ResultsBatch } from '../../src/wafer/intake.ts';
import type { TestProgram } from '../../src/wafer/program.ts';
import { makeProgram } from '../../src/wafer/program-codec.ts';
import { ResultsBuilder } from '../../src/wafer/results-builder.ts';
import type { RunId, RunRecord } from '../../src/wafer/run.ts';
import type { Update } from '../../src/wafer/update.ts';
import { decoders } from '../../src/wire/decoders.ts';
import { quickFolder } from '../store/fixtures.ts';
import { ManualWorld } from '../support/manual-world.ts';

/** One replica over a real store, its commits kept. */
export class Bench {
  readonly world: ManualWorld;
  readonly store: Store;
  readonly replica: Replica<string>;
  readonly commits: Commit<string>[] = [];
  readonly failures: ReceiveFailure<string>[] = [];

  constructor(
    t: TestContext,
    fab = 'tw',
    options: { world?: ManualWorld; maxQueueBytes?: number; maxFileBytes?: number; file?: string } = {},
  ) {
    this.world = options.world ?? new ManualWorld();
    const { world } = this;
    this.store = Store.open({
      file: options.file ?? join(quickFolder(t), `${fab}.db`),
      // What a test puts in another place is meant to be taken for the same.
      identify: () => 'the same',
      fab: fabId(fab),
      world,
      ...(options.maxFileBytes === undefined ? {} : { maxFileBytes: options.maxFileBytes }),
      decoders,
    });
    this.replica = new Replica({
      store: this.store,
      clock: new HybridClock(() => world.nowMs(), this.store.lastTimestamp()),
      world,
      queue: {
        groupCommitMs: 5,
        groupBytes: 1024 * 1024,
        maxQueueBytes: options.maxQueueBytes ?? 8 * 1024 * 1024,
      },
      maxClockDriftMs: 60_000,
    });
    this.replica.commits.subscribe((commit) => this.commits.push(commit));
    this.replica.receiveFailures.subscribe((failure) => this.failures.push(failure));
    t.after(() => this.store.close());
  }

  /** Lets the group commit happen. */
  async commit(): Promise<void> {
    await settle();
    this.world.advance(5);
    await settle();
  }

  /** Updates of the last commit. */
  get born(): Update[] {
    return this.commits.at(-1)?.added.map(({ update }) => update) ?? [];
  }

  /** Outcomes of the last commit, as `token outcome`. */
  get outcomes(): string[] {
    return this.commits.at(-1)?.received.map(({ token, outcome }) => `${token} ${outcome}`) ?? [];
  }
}

/** Lets promises that have settled run on. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A program of some tests. */
export const PROGRAM: TestProgram = makeProgram(
  Array.from({ length: 4 }, (_, i) => ({
    kind: 'PTR' as const,
    number: 100 + i,
    name: `test ${i}`,
    units: 'V',
    lowLimit: 0,
    highLimit: 1,
    lowSpec: null,
    highSpec: null,
    resultScale: null,
  })),
);

export const RUN = 'a'.repeat(32) as RunId;

/** A batch of attempts with these indexes; `values` results each. */
export function batch(
  indexes: readonly number[],
  part: Partial<ResultsBatch> = {},
  values = 4,
): ResultsBatch {
  return {
    wafer: { lot: 'L1', waferId: 'W1', insertion: 'CP1' },
    run: { id: RUN, startedAtUs: 1_700_000_000_000_000 },
    program: PROGRAM,
    attempts: indexes.map((index) => attempt(index, values)),
    ...part,
  };
}

function attempt(index: number, values: number): Attempt {
  const results = new ResultsBuilder();
  for (let i = 0; i < values; i++) {
    results.result(i % 4, 0, 0);
    results.value64(Math.fround(Math.sin(index * 1000 + i)));
  }
  return {
    index,
    head: 1,
    site: 0,
    x: index,
    y: -1,
    partId: `${index}`,
    hardBin: 1,
    softBin: 1,
    partFlags: 0,
    testCount: 4,
    testTimeMs: 1,
    startedAtUs: null,
    sequenceSpan: 0,
    results: results.take(),
  };
}

/** A run record. */
export const RECORD: RunRecord = {
  source: 'file',
  lot: 'L1',
  attempts: 3,
  results: 12,
  complete: true,
  incompleteReason: '',
  orphanResults: 0,
  fileName: 'lot.stdf',
  contentDigest: 'ab'.repeat(32),
  equipmentId: 'T-1',
  streamId: '',
  product: 'chip',
  jobName: 'job',
  jobRevision: '7',
  records: [],
  final: false,
};
