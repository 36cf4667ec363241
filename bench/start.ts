import { importFile } from '../test/support/run-client.ts';
import { stdfFile } from './lots.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure } from './statistics.ts';

const RUNS = 7;
/** Twice the demo's data, and twenty times. */
const WAFERS = [10, 100];
const WAFERS_PER_FILE = 10;

/** From the start of a process to serving, after a kill. */
export async function startBench(): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const wafers of WAFERS) figures.push(await startWith(wafers));
  return figures;
}

async function startWith(wafers: number): Promise<Figure> {
  const nodes = await BenchNodes.start(['tw']);
  const times: number[] = [];
  let results = 0;
  try {
    for (let number = 0; number < wafers / WAFERS_PER_FILE; number++) {
      const file = stdfFile(number + 1, WAFERS_PER_FILE);
      await importFile(nodes.address('tw'), `${number}.stdf`, file.bytes);
      results += file.results;
    }
    for (let run = 0; run < RUNS; run++) {
      await nodes.kill('tw');
      const began = performance.now();
      await nodes.startFab('tw');
      times.push((performance.now() - began) / 1000);
    }
    const aim = wafers === WAFERS[0] ? '2' : '';
    return figure(`start after a kill, ${results.toLocaleString('en-US')} results`, 's', aim, times);
  } finally {
    await nodes.stop();
  }
}
