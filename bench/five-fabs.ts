import { setTimeout } from 'node:timers/promises';
import { type Arrivals, arrivalsOf } from './arrivals.ts';
import { RESULTS_PER_DIE } from './load/dies.ts';
import { LoadProcess } from './load/load-process.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure } from './statistics.ts';

const RUNS = 5;
const FABS = ['tw', 'az', 'de', 'il', 'kr'];
const RESULTS_PER_SECOND = 10_000;
const SECONDS = 60;
const SAMPLE_MS = 1000;

/** Five fabs that each take 10,000 results/s for a minute: what is everywhere within a second, and what a node costs. */
export async function fiveFabsBench(): Promise<Figure[]> {
  const shares: number[] = [];
  const slowest: number[] = [];
  const cores: number[] = [];
  const rss: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const one = await minute(run);
    shares.push(one.everywhere.share * 100);
    slowest.push(one.everywhere.slowestMs);
    cores.push(one.cores);
    rss.push(one.rssBytes / 2 ** 20);
  }
  return [
    figure('five fabs, 10,000 results/s each: visible everywhere within 1 s', '%', '100', shares),
    figure('five fabs: slowest arrival', 'ms', '', slowest),
    figure('five fabs: CPU of a node', 'cores', '0.5', cores),
    figure('five fabs: memory of the greatest node', 'MiB', '250', rss),
  ];
}

async function minute(run: number) {
  const nodes = await BenchNodes.start(FABS);
  const load = new LoadProcess();
  try {
    const before = cpuOf(nodes);
    const began = performance.now();
    let rssBytes = 0;
    const sampling = new AbortController();
    const sampler = (async () => {
      while (!sampling.signal.aborted) {
        rssBytes = Math.max(rssBytes, ...FABS.map((fab) => nodes.usage(fab).rssBytes));
        await setTimeout(SAMPLE_MS);
      }
    })();
    await load.run({
      kind: 'paced',
      addresses: FABS.map((fab) => nodes.address(fab)),
      diesPerSecond: RESULTS_PER_SECOND / RESULTS_PER_DIE,
      seconds: SECONDS,
      lot: `minute-${run}`,
    });
    const cores = (cpuOf(nodes) - before) / ((performance.now() - began) / 1000) / FABS.length;
    sampling.abort();
    await sampler;
    // What has not come by then counts as late anyway.
    await setTimeout(2 * SAMPLE_MS);
    const expected = FABS.length * RESULTS_PER_SECOND * SECONDS;
    return { everywhere: everywhere(nodes, expected), cores, rssBytes };
  } finally {
    load.stop();
    await nodes.stop();
  }
}

/** Share of all expected results that came to the last fab in time: each update counts with its slowest arrival. */
function everywhere(nodes: BenchNodes, expected: number): { share: number; slowestMs: number } {
  const arrivals: Arrivals[] = FABS.map((fab) => arrivalsOf(nodes.database(fab)));
  let inTime = 0;
  let slowestMs = 0;
  for (const [dot, { results }] of arrivals[0]!) {
    const lags = arrivals.map((at) => at.get(dot)?.lagMs ?? Number.POSITIVE_INFINITY);
    const slowest = Math.max(...lags);
    slowestMs = Math.max(slowestMs, slowest);
    if (slowest <= 1000) inTime += results;
  }
  return { share: inTime / expected, slowestMs };
}

function cpuOf(nodes: BenchNodes): number {
  return FABS.reduce((sum, fab) => sum + nodes.usage(fab).cpuSeconds, 0);
}
