import { toWireView } from '../api/yield-views.ts';
import { WafersyncError } from '../errors.ts';
import type { wafersync } from '../gen/wafersync.js';
import type { YieldView } from '../wafer/views.ts';
import { formatWafer } from '../wafer/wafer-key.ts';
import { toNumber } from '../wire/long.ts';
import { testEquipment } from '../wire/services.ts';
import { withNode } from './node-client.ts';
import { counted, grouped, type Terminal } from './output.ts';

/** Options of `wafersync watch`. */
export interface WatchOptions {
  /** host:port of a node. */
  readonly node: string;
  readonly wafer?: string;
  readonly lot?: string;
  readonly equipment?: string;
  readonly view: YieldView;
  readonly json?: boolean;
}

type Response = wafersync.v1.WatchResultsResponse.$Properties;
type Yield = wafersync.v1.WaferYield.$Properties;

/** Tells results as they become durable at a node, until it is stopped. @throws WafersyncError where the node goes away */
export async function watch(options: WatchOptions, terminal: Terminal): Promise<never> {
  const { node, json, view } = options;
  const request = {
    wafer_id: options.wafer ?? '',
    lot: options.lot ?? '',
    equipment_id: options.equipment ?? '',
    view: toWireView(view),
    summary: !json,
  };
  await withNode(testEquipment, node, async (client) => {
    const news = new News(view);
    for await (const response of client.WatchResults(request)) {
      if (json) terminal.out(JSON.stringify(toJson(response, view)));
      else for (const line of news.lines(response)) terminal.out(line);
    }
  });
  throw new WafersyncError('unavailable', `the node at ${node} ended the watch`, { hint: 'Watch again.' });
}

/** What a person reads: a line for each wafer that has news. */
class News {
  readonly #view: YieldView;
  #attempts = 0;
  #results = 0;

  constructor(view: YieldView) {
    this.#view = view;
  }

  *lines({
    attempts,
    attempt_results,
    yields,
    missed_results,
    missed_attempts,
    results,
  }: Response): Generator<string> {
    const purged = purgedResults(results);
    if (purged > 0) yield `the values of ${counted(purged, 'result')} that came were purged before`;
    this.#attempts += toNumber(attempts);
    this.#results += toNumber(attempt_results);
    const missed = toNumber(missed_attempts);
    if (missed > 0) {
      yield `missed ${counted(missed, 'attempt')} with ${counted(toNumber(missed_results), 'result')}: more came than was read`;
    }
    if (!yields?.length) return;
    if (this.#attempts > 0) {
      yield `${counted(this.#attempts, 'attempt')} with ${counted(this.#results, 'result')} came`;
    }
    [this.#attempts, this.#results] = [0, 0];
    for (const one of yields) yield yieldLine(one, this.#view);
  }
}

/** Results that came without their values. */
function purgedResults(results: Response['results']): number {
  return (results ?? []).reduce((sum, { purged }) => sum + toNumber(purged?.results), 0);
}

function yieldLine(one: Yield, view: YieldView): string {
  const { wafer_id, lot, insertion } = one.wafer ?? {};
  const name = formatWafer({ lot: lot ?? '', waferId: wafer_id ?? '', insertion: insertion ?? '' });
  const rate = typeof one.yield === 'number' ? `${(one.yield * 100).toFixed(2)} %` : 'unknown';
  const counts = `${grouped(toNumber(one.passed))} passed, ${grouped(toNumber(one.failed))} failed`;
  return `${name}: yield (${view}) ${rate}, ${counts} of ${grouped(toNumber(one.parts))}`;
}

/** Keys of `--json`: those of the proto, numbers as numbers. */
function toJson(response: Response, view: YieldView) {
  return {
    attempts: toNumber(response.attempts),
    attempt_results: toNumber(response.attempt_results),
    missed_attempts: toNumber(response.missed_attempts),
    missed_results: toNumber(response.missed_results),
    yields: (response.yields ?? []).map((one) => ({
      lot: one.wafer?.lot ?? '',
      wafer_id: one.wafer?.wafer_id ?? '',
      insertion: one.wafer?.insertion ?? '',
      view,
      parts: toNumber(one.parts),
      passed: toNumber(one.passed),
      failed: toNumber(one.failed),
      yield: one.yield ?? null,
    })),
    purged_results: purgedResults(response.results),
    results: (response.results ?? []).filter(({ purged }) => !purged).map(resultJson),
  };
}

function resultJson(result: wafersync.v1.TestResult.$Properties) {
  const value = result.test_value ?? 0;
  return {
    fab_id: result.fab_id,
    run_id: result.run_id,
    attempt_index: toNumber(result.attempt_index),
    equipment_id: result.equipment_id,
    lot: result.lot,
    wafer_id: result.wafer_id,
    insertion: result.insertion,
    die_x: result.no_coordinates ? null : result.die_x,
    die_y: result.no_coordinates ? null : result.die_y,
    part_id: result.part_id,
    head: result.head,
    site: result.site,
    hard_bin: result.hard_bin ?? null,
    soft_bin: result.soft_bin ?? null,
    test_number: result.test_number,
    test_name: result.test_name,
    units: result.units,
    // JSON has no number for these: they are written as protobuf writes them.
    test_value: result.no_value ? null : Number.isFinite(value) ? value : String(value),
    pass_fail: result.pass_fail,
    timestamp_us: toNumber(result.timestamp_us),
    last_of_die: result.last_of_die,
  };
}
