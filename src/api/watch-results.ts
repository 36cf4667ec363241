import type { wafersync } from '../gen/wafersync.js';
import type { Commit } from '../replica/commit.ts';
import type { Unsubscribe } from '../replica/event-source.ts';
import type { Store } from '../store/store.ts';
import { decodeAttemptTable } from '../wafer/payload/decode.ts';
import type { Update } from '../wafer/update.ts';
import type { YieldView } from '../wafer/views.ts';
import type { WaferKey } from '../wafer/wafer-key.ts';
import { fromNumber, toNumber } from '../wire/long.ts';
import type { World } from '../world.ts';
import { pause } from './changes.ts';
import { Places } from './history.ts';
import { type BacklogBounds, ResultBacklog } from './result-backlog.ts';
import { toTestResults } from './test-result.ts';
import { fromWireView, toWireView } from './yield-views.ts';

type Request = wafersync.v1.WatchResultsRequest.$Properties;
type Response = wafersync.v1.WatchResultsResponse.$Properties;
type TestResult = wafersync.v1.TestResult.$Properties;

/** What watching needs. */
export interface WatchOptions {
  readonly store: Store;
  readonly world: World;
  /** The node's commits. */
  readonly commits: {
    subscribe(listener: (commit: Pick<Commit<unknown>, 'added' | 'released'>) => void): Unsubscribe;
  };
  readonly backlog?: BacklogBounds;
}

/** What waits for one watcher at most. */
const BACKLOG: BacklogBounds = { updates: 256, bytes: 4 * 1024 * 1024 };

/** Results in one response. */
const PAGE_RESULTS = 1_000;

/** Least time between two rounds of news, milliseconds. */
const MIN_INTERVAL_MS = 50;

/**
 * Tells the results that become durable here, from whichever fab, as they do: first the yields of what is here already,
 * then in rounds the new results and, behind them, the yields of their wafers. A watcher that is slower than the
 * results is told how many it missed.
 */
export async function* watchResults(
  options: WatchOptions,
  request: Request,
  signal: AbortSignal,
): AsyncGenerator<Response, void, void> {
  const { store, world, commits, backlog: bounds = BACKLOG } = options;
  const backlog = new ResultBacklog(bounds);
  const watch = new Watch(store, request);
  const unsubscribe = commits.subscribe(({ added, released }) => {
    for (const { update, applied } of added) if (applied && watch.concerns(update)) backlog.push(update);
    for (const update of released) if (watch.concerns(update)) backlog.push(update);
  });
  const wake = () => backlog.wake();
  signal.addEventListener('abort', wake);
  try {
    yield { yields: watch.present() };
    for (await backlog.filled(); !signal.aborted; await backlog.filled()) {
      yield* watch.round(backlog);
      await pause(world, MIN_INTERVAL_MS, signal);
    }
  } finally {
    unsubscribe();
    signal.removeEventListener('abort', wake);
  }
}

/** One watcher's wishes, and what it is told. */
class Watch {
  readonly #store: Store;
  readonly #request: Request;
  /** Null: the one that the mesh names for a wafer's product. */
  readonly #view: YieldView | null;
  readonly #places: Places;

  constructor(store: Store, request: Request) {
    this.#store = store;
    this.#request = request;
    this.#view = request.view ? fromWireView(request.view) : null;
    this.#places = new Places(store);
  }

  /** Whether an update may bring what is watched. Called for every update of the node. */
  concerns({ header: { kind, wafer } }: Update): boolean {
    const { wafer_id, lot } = this.#request;
    return kind === 'results' && (!wafer_id || wafer.waferId === wafer_id) && (!lot || wafer.lot === lot);
  }

  /** Yields of the wafers that are here, where wafers or a lot are watched. */
  present(): wafersync.v1.WaferYield.$Properties[] {
    const { wafer_id, lot, equipment_id } = this.#request;
    if (equipment_id || (!wafer_id && !lot)) return [];
    const filter = { ...(wafer_id ? { waferId: wafer_id } : {}), ...(lot ? { lot } : {}) };
    return this.#store.wafers.find(filter).map(({ key }) => this.#yieldOf(key));
  }

  /** All that waits: results page by page, then the yields of their wafers and what was missed. */
  *round(backlog: ResultBacklog): Generator<Response, void, void> {
    const wafers = new Map<string, WaferKey>();
    for (let update = backlog.shift(); update; update = backlog.shift()) {
      if (!this.#byTester(update)) continue;
      const { wafer } = update.header;
      wafers.set(JSON.stringify(wafer), wafer);
      yield* this.#news(update);
    }
    const missed = backlog.takeMissed();
    if (wafers.size === 0 && missed.attempts === 0) return;
    yield {
      yields: [...wafers.values()].map((wafer) => this.#yieldOf(wafer)),
      missed_attempts: fromNumber(missed.attempts),
      missed_results: fromNumber(missed.results),
    };
  }

  #byTester({ header: { run } }: Update): boolean {
    const { equipment_id } = this.#request;
    if (!equipment_id || run === null) return !equipment_id;
    return this.#store.runs.get(run.id)?.record?.equipmentId === equipment_id;
  }

  *#news(update: Update): Generator<Response, void, void> {
    const indexes = this.#counting(update);
    if (this.#request.summary) {
      const counting = decodeAttemptTable(update.payload).filter(({ index }) => indexes.includes(index));
      const results = counting.reduce((sum, { resultCount }) => sum + resultCount, 0);
      if (counting.length > 0) yield page([], counting.length, results);
      return;
    }
    let results: TestResult[] = [];
    let attempts = 0;
    let ended = 0;
    const { run, wafer } = update.header;
    const row = { run: run!, wafer, update, indexes };
    const purged = indexes.length > 0 ? this.#places.purged(row) : null;
    if (purged) {
      yield page([purged], toNumber(purged.purged?.attempts), toNumber(purged.purged?.results));
      return;
    }
    for (const found of this.#places.attempts(row)) {
      for (const result of toTestResults(found.attempt, found.tests, found.place)) {
        if (results.length >= PAGE_RESULTS) {
          yield page(results, attempts, ended);
          [results, attempts, ended] = [[], 0, 0];
        }
        results.push(result);
      }
      attempts++;
      ended += found.attempt.results.length;
    }
    if (attempts > 0) yield page(results, attempts, ended);
  }

  /** Indexes of the attempts of an update that are not known from another one. */
  #counting({ header: { run, dot }, payload }: Update): number[] {
    if (run === null) return [];
    return decodeAttemptTable(payload)
      .map(({ index }) => index)
      .filter((index) => {
        const counting = this.#store.attempts.find(run.id, index)?.dot;
        return (
          counting?.fab === dot.fab && counting.epoch === dot.epoch && counting.sequence === dot.sequence
        );
      });
  }

  #yieldOf(key: WaferKey): wafersync.v1.WaferYield.$Properties {
    const view = this.#view ?? this.#store.documents.viewOf(key);
    const { parts, passed, failed } = this.#store.yields.of(key, view);
    return {
      wafer: { lot: key.lot, wafer_id: key.waferId, insertion: key.insertion },
      view: toWireView(view),
      parts: fromNumber(parts),
      passed: fromNumber(passed),
      failed: fromNumber(failed),
      ...(passed + failed > 0 ? { yield: passed / (passed + failed) } : {}),
    };
  }
}

function page(results: TestResult[], attempts: number, attemptResults: number): Response {
  return { results, attempts: fromNumber(attempts), attempt_results: fromNumber(attemptResults) };
}
