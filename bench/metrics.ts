import { setInterval } from 'node:timers/promises';
import { RESULTS_PER_DIE } from './load/dies.ts';
import { LoadProcess } from './load/load-process.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure } from './statistics.ts';

const RUNS = 5;
const FABS = ['tw', 'az'];
const RESULTS_PER_SECOND = 10_000;
const SECONDS = 8;

/** Scrapes a second; what one a second costs would be lost in what else the CPU time of a node varies by. */
const SCRAPES_PER_SECOND = 20;

/** What scrapes cost a node under load: the same load by turns with and without them. */
export async function metricsBench(): Promise<Figure[]> {
  const nodes = await BenchNodes.start(FABS, undefined, true);
  const load = new LoadProcess();
  const each: number[] = [];
  const shares: number[] = [];
  try {
    for (let run = 0; run <= RUNS; run++) {
      const without = await loaded(nodes, load, `without-${run}`, 0);
      const scraped = await loaded(nodes, load, `with-${run}`, SCRAPES_PER_SECOND);
      // The first one warms up.
      if (run === 0) continue;
      const seconds = (scraped.cpuSeconds - without.cpuSeconds) / scraped.scrapes;
      each.push(seconds * 1000);
      shares.push((seconds / (without.cpuSeconds / without.seconds)) * 100);
    }
    return [
      figure('CPU of a scrape, under 10,000 results/s', 'ms', '', each),
      figure('one scrape a second', '% of a core', '1', perSecond(each)),
      figure('the same, share of what the load costs', '%', '', shares),
    ];
  } finally {
    load.stop();
    await nodes.stop();
  }
}

/** Milliseconds each second, in percent. */
function perSecond(each: readonly number[]): number[] {
  return each.map((ms) => ms / 10);
}

interface Load {
  readonly cpuSeconds: number;
  readonly seconds: number;
  readonly scrapes: number;
}

async function loaded(nodes: BenchNodes, load: LoadProcess, lot: string, perSecond: number): Promise<Load> {
  const before = nodes.usage('tw').cpuSeconds;
  const began = performance.now();
  const ended = new AbortController();
  const scraping = perSecond === 0 ? 0 : scrapes(nodes.metricsUrl('tw'), 1000 / perSecond, ended.signal);
  await load.run({
    ...{ kind: 'paced', addresses: [nodes.address('tw')], seconds: SECONDS, lot },
    diesPerSecond: RESULTS_PER_SECOND / RESULTS_PER_DIE,
  });
  ended.abort();
  const count = await scraping;
  const cpuSeconds = nodes.usage('tw').cpuSeconds - before;
  return { cpuSeconds, seconds: (performance.now() - began) / 1000, scrapes: count };
}

/** Scrapes now and then, until it is to end; tells how often. */
async function scrapes(url: string, everyMs: number, ended: AbortSignal): Promise<number> {
  let count = 0;
  for await (const _ of setInterval(everyMs)) {
    if (ended.aborted) break;
    await (await fetch(url)).text();
    count++;
  }
  return count;
}
