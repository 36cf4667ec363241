import { importFile } from '../test/support/run-client.ts';
import { stdfFile } from './lots.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure } from './statistics.ts';

const RUNS = 5;
const WAFERS = 100;

/** A file handed to one node over loopback, until it is durable there. */
export async function filesBench(): Promise<Figure[]> {
  const nodes = await BenchNodes.start(['tw']);
  const rates: number[] = [];
  const megabytes: number[] = [];
  let results = 0;
  try {
    for (let run = 0; run <= RUNS; run++) {
      const file = stdfFile(run + 1, WAFERS);
      const began = performance.now();
      await importFile(nodes.address('tw'), `${run}.stdf`, file.bytes);
      const seconds = (performance.now() - began) / 1000;
      results += file.results;
      // The first one warms up.
      if (run === 0) continue;
      rates.push(file.results / seconds);
      megabytes.push(file.bytes.length / 1e6 / seconds);
    }
    return [
      figure('STDF taken in', 'MB/s', '60', megabytes),
      figure('results taken in from files', 'results/s', '', rates),
      figure('on disk, from files', 'bytes/result', '6', [nodes.diskBytes('tw') / results]),
    ];
  } finally {
    await nodes.stop();
  }
}
