import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import type { ReadFilter } from '../store/read-scan.ts';
import type { ReadRow } from '../store/reader.ts';
import type { Store } from '../store/store.ts';
import type { Attempt } from '../wafer/attempt.ts';
import { IndexOrder } from '../wafer/index-order.ts';
import { decodeAttempts } from '../wafer/payload/decode.ts';
import type { ProgramDigest, TestDefinition } from '../wafer/program.ts';
import { readProgram } from '../wafer/program-codec.ts';
import type { RunId } from '../wafer/run.ts';
import { toNumber } from '../wire/long.ts';
import { purgedValues } from './purged-values.ts';
import { type AttemptPlace, toPurgedResult, toTestResults } from './test-result.ts';

type TestResult = wafersync.v1.TestResult.$Properties;

/** Which stored results are asked for; an absent part matches everything. */
export interface HistoryQuery extends Pick<ReadFilter, 'waferId' | 'lot' | 'fab' | 'x' | 'y'> {
  /** Name of the test. */
  readonly test?: string;
  /** Earliest measuring time, microseconds, included. */
  readonly fromUs?: number;
  /** Latest measuring time, microseconds, excluded. */
  readonly toUs?: number;
}

/** No attempt takes longer, and no tester's clock steps back by more, while it runs. */
const LONGEST_ATTEMPT_US = 24 * 3600 * 1_000_000;

/** Programs kept decoded while a query runs; past it all are read again. */
const PROGRAMS_MAX = 16;

interface Found {
  readonly attempt: Attempt;
  readonly tests: readonly TestDefinition[];
  readonly place: AttemptPlace;
}

/** Every stored result that matches, run by run, in the order in which it was measured; a page in memory at a time. */
export async function* historicalResults(store: Store, query: HistoryQuery): AsyncGenerator<TestResult> {
  const reader = store.reader();
  try {
    const pages = reader.pages(filterOf(query));
    const places = new Places(store);
    let order = new IndexOrder<Found>(({ attempt }) => attempt.index);
    let run: RunId | null = null;
    for (const page of pages) {
      for (const row of page) {
        if (row.run.id !== run) {
          yield* resultsOf(order.end(), query);
          order = new IndexOrder<Found>(({ attempt }) => attempt.index);
          run = row.run.id;
        }
        const purged = places.purged(row);
        if (!purged) yield* resultsOf(order.push(places.attempts(row)), query);
        else if (query.test === undefined || places.mayHave(row, query.test)) yield purged;
      }
      // A long query gives way to the node's other work between pages.
      await new Promise((resolve) => setImmediate(resolve));
    }
    yield* resultsOf(order.end(), query);
  } finally {
    reader.close();
  }
}

function filterOf({ test: _, fromUs, toUs, ...filter }: HistoryQuery): ReadFilter {
  return {
    ...filter,
    ...(fromUs === undefined ? {} : { startedFromUs: fromUs - LONGEST_ATTEMPT_US }),
    ...(toUs === undefined ? {} : { startedToUs: toUs + LONGEST_ATTEMPT_US }),
  };
}

function* resultsOf(found: readonly Found[], query: HistoryQuery): Generator<TestResult> {
  for (const { attempt, tests, place } of found) {
    for (const result of toTestResults(attempt, tests, place)) if (matches(result, query)) yield result;
  }
}

function matches(result: TestResult, { test, fromUs, toUs }: HistoryQuery): boolean {
  if (test !== undefined && result.test_name !== test) return false;
  if (fromUs === undefined && toUs === undefined) return true;
  const timeUs = toNumber(result.timestamp_us);
  return (fromUs === undefined || timeUs >= fromUs) && (toUs === undefined || timeUs < toUs);
}

/** Turns rows of the store into attempts with their tests and their place. */
export class Places {
  readonly #store: Store;
  readonly #programs = new Map<ProgramDigest, readonly TestDefinition[]>();
  #run: (Pick<AttemptPlace, 'equipmentId' | 'streamId' | 'streamed'> & { readonly id: RunId }) | null = null;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What is to be said of an update whose values were purged; null where they are here. */
  purged(row: ReadRow): TestResult | null {
    const purged = purgedValues(this.#store, row.update, row.indexes);
    return purged && toPurgedResult(this.#placeOf(row), purged);
  }

  /** Whether an update may have results of a test: unless its test program is here and has none of that name. */
  mayHave({ update, run }: ReadRow, test: string): boolean {
    const { program } = update.header;
    if (program === null || !this.#store.programs.has(program)) return true;
    return this.#tests(program, run.id).some(({ name }) => name === test);
  }

  attempts(row: ReadRow): Found[] {
    const { update, indexes, run } = row;
    const place = this.#placeOf(row);
    const tests = this.#tests(update.header.program, run.id);
    const wanted = new Set(indexes);
    return decodeAttempts(update.payload)
      .filter(({ index }) => wanted.has(index))
      .map((attempt) => ({ attempt, tests, place }));
  }

  #placeOf({ run, wafer, update }: ReadRow): AttemptPlace {
    // Without a record it is looked up again: it may come later.
    if (this.#run?.id !== run.id || this.#run.streamed === undefined) {
      const record = this.#store.runs.get(run.id)?.record;
      this.#run = {
        id: run.id,
        equipmentId: record?.equipmentId ?? '',
        streamId: record?.streamId ?? '',
        streamed: record ? record.source === 'stream' : undefined,
      };
    }
    const { equipmentId, streamId, streamed } = this.#run;
    return { fab: update.header.dot.fab, run, wafer, equipmentId, streamId, streamed };
  }

  #tests(digest: ProgramDigest | null, run: RunId): readonly TestDefinition[] {
    if (!digest) throw new WafersyncError('damaged', `an update of run ${run} names no test program`);
    const known = this.#programs.get(digest);
    if (known) return known;
    const body = this.#store.programs.require(digest);
    if (this.#programs.size >= PROGRAMS_MAX) this.#programs.clear();
    const { tests } = readProgram(body, digest);
    this.#programs.set(digest, tests);
    return tests;
  }
}
