import Database from 'better-sqlite3';
import { timestamp, timestampMs } from '../src/clocks/hlc.ts';
import { importFile, waitForRun } from '../test/support/run-client.ts';
import { stdfFile } from './lots.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure, quantile } from './statistics.ts';

const RUNS = 5;
const WAFERS = 10;

/** Lots handed to one fab, until they are durable at another. */
export async function replicationBench(): Promise<Figure[]> {
  const nodes = await BenchNodes.start(['tw', 'az']);
  const rates: number[] = [];
  try {
    for (let run = 0; run <= RUNS; run++) {
      const file = stdfFile(run + 1, WAFERS);
      const began = performance.now();
      const { runId } = await importFile(nodes.address('tw'), `${run}.stdf`, file.bytes);
      await waitForRun(nodes.address('tw'), runId, ['az']);
      if (run > 0) rates.push(file.results / ((performance.now() - began) / 1000));
    }
    const lags = lagsOf(nodes.database('az'));
    return [
      figure('from file at one fab to durable at the next', 'results/s', '500,000', rates),
      figure('birth at one fab to commit at the next, p50', 'ms', '20', [quantile(lags, 0.5)]),
      figure('birth at one fab to commit at the next, p99', 'ms', '20', [quantile(lags, 0.99)]),
    ];
  } finally {
    await nodes.stop();
  }
}

/** Per update from elsewhere: milliseconds from its timestamp to its arrival in the log; sorted. */
function lagsOf(file: string): number[] {
  const db = new Database(file, { readonly: true });
  try {
    const rows = db
      .prepare<[], { timestamp: number; received_at_ms: number }>(
        'SELECT timestamp, received_at_ms FROM update_log WHERE origin <> (SELECT origin FROM node)',
      )
      .all();
    return rows
      .map((row) => row.received_at_ms - timestampMs(timestamp(row.timestamp)))
      .sort((a, b) => a - b);
  } finally {
    db.close();
  }
}
