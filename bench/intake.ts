import { RESULTS_PER_DIE } from './load/dies.ts';
import { LoadProcess } from './load/load-process.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure, quantile } from './statistics.ts';

const RUNS = 5;
const SINGLE_DIES = 2_000;
const BATCHED_DIES = 10_000;
const ACKNOWLEDGED_DIES = 500;

/** Results streamed to one node by a tester in a process of its own. */
export async function intakeBench(): Promise<Figure[]> {
  const nodes = await BenchNodes.start(['tw']);
  const load = new LoadProcess();
  const address = nodes.address('tw');
  const rates = { single: [] as number[], batched: [] as number[] };
  const p95: number[] = [];
  const cpu: number[] = [];
  try {
    for (let run = 0; run <= RUNS; run++) {
      const single = await load.run({ kind: 'single', address, dies: SINGLE_DIES, lot: `single-${run}` });
      const before = nodes.usage('tw').cpuSeconds;
      const batched = await load.run({ kind: 'batched', address, dies: BATCHED_DIES, lot: `batched-${run}` });
      const used = nodes.usage('tw').cpuSeconds - before;
      const latencies = await load.run({
        ...{ kind: 'acknowledged', address, dies: ACKNOWLEDGED_DIES },
        lot: `acknowledged-${run}`,
      });
      // The first one warms up.
      if (run === 0) continue;
      rates.single.push((SINGLE_DIES * RESULTS_PER_DIE) / single[0]!);
      rates.batched.push((BATCHED_DIES * RESULTS_PER_DIE) / batched[0]!);
      cpu.push((used / (BATCHED_DIES * RESULTS_PER_DIE)) * 1e6);
      p95.push(
        quantile(
          latencies.sort((a, b) => a - b),
          0.95,
        ),
      );
    }
    return [
      figure('StreamTestResults, one message a result', 'results/s', '50,000', rates.single),
      figure('SyncTestData, batched', 'results/s', '300,000', rates.batched),
      figure('CPU of the node, batched', 'µs/result', '', cpu),
      figure('acknowledgement of 100 results, p95', 'ms', '20', p95),
    ];
  } finally {
    load.stop();
    await nodes.stop();
  }
}
