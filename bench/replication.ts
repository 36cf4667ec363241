import { importFile, waitForRun } from '../test/support/run-client.ts';
import { updateBytes } from './arrivals.ts';
import { streamLot } from './load/generated.ts';
import { LoadProcess } from './load/load-process.ts';
import { stdfFile } from './lots.ts';
import { BenchNodes } from './nodes.ts';
import { type Figure, figure, quantile } from './statistics.ts';
import { countBytes } from './wire-bytes.ts';

const RUNS = 5;
const WAFERS = 10;
const LOTS = 10;
const WATCHED_DIES = 200;
/** Above the 50 ms that a watch lets pass between two rounds of news, which would be measured otherwise. */
const GAP_MS = 60;
const LIVE_RATE = 10_000;

/** From one fab to the next: lots, dies, bytes. */
export async function replicationBench(): Promise<Figure[]> {
  return [...(await fromFiles()), ...(await catchUp()), ...(await visible()), ...(await wire())];
}

/** Lots handed to one fab, until they are durable at another. */
async function fromFiles(): Promise<Figure[]> {
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
    return [figure('from file at one fab to durable at the next', 'results/s', '', rates)];
  } finally {
    await nodes.stop();
  }
}

/** A fab that comes back and gets what it missed. The start of its process counts, reading of files does not. */
async function catchUp(): Promise<Figure[]> {
  const rates: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const nodes = await BenchNodes.start(['tw', 'az']);
    try {
      await nodes.stopFab('az');
      let results = 0;
      const runIds: string[] = [];
      for (let lot = 0; lot < LOTS; lot++) {
        const file = stdfFile(run * LOTS + lot + 1, WAFERS);
        runIds.push((await importFile(nodes.address('tw'), `${lot}.stdf`, file.bytes)).runId);
        results += file.results;
      }
      const began = performance.now();
      await nodes.startFab('az');
      for (const runId of runIds) await waitForRun(nodes.address('tw'), runId, ['az']);
      rates.push(results / ((performance.now() - began) / 1000));
    } finally {
      await nodes.stop();
    }
  }
  return [figure('from one fab to durable at the next, catching up', 'results/s', '500,000', rates)];
}

/** A die at a time, from its acknowledgement at one fab until a watch at the next tells of it. */
async function visible(): Promise<Figure[]> {
  const nodes = await BenchNodes.start(['tw', 'az']);
  const load = new LoadProcess();
  const p50: number[] = [];
  const p99: number[] = [];
  try {
    for (let run = 0; run <= RUNS; run++) {
      const lags = await load.run({
        ...{ kind: 'watched', address: nodes.address('tw'), watchAt: nodes.address('az') },
        ...{ dies: WATCHED_DIES, gapMs: GAP_MS, lot: `watched-${run}` },
      });
      if (run === 0) continue;
      lags.sort((a, b) => a - b);
      p50.push(quantile(lags, 0.5));
      p99.push(quantile(lags, 0.99));
    }
    return [
      figure('from commit at one fab to visible at the next, p50', 'ms', '20', p50),
      figure('from commit at one fab to visible at the next, p99', 'ms', '20', p99),
    ];
  } finally {
    load.stop();
    await nodes.stop();
  }
}

/** Bytes between two fabs, both ways, TCP payload: HTTP/2, gRPC and reports included; no compression on loopback. */
async function wire(): Promise<Figure[]> {
  const live: number[] = [];
  const files: number[] = [];
  const headers: number[] = [];
  const payloads: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const counted = await countBytes();
    try {
      const { nodes } = counted;
      const file = stdfFile(run + 1, WAFERS);
      counted.reset();
      const { runId } = await importFile(nodes.address('tw'), `${run}.stdf`, file.bytes);
      await waitForRun(nodes.address('tw'), runId, ['az']);
      files.push(counted.bytes() / file.results);
      const before = updateBytes(nodes.database('az'));
      counted.reset();
      const streamed = await streamLot(nodes.address('tw'), { rate: LIVE_RATE, seed: run + 1 });
      await waitForRun(nodes.address('tw'), streamed.runId, ['az']);
      live.push(counted.bytes() / streamed.results);
      const after = updateBytes(nodes.database('az'));
      headers.push((after.headers - before.headers) / streamed.results);
      payloads.push((after.payloads - before.payloads) / streamed.results);
    } finally {
      await counted.stop();
    }
  }
  return [
    figure('on the wire, a lot from a file', 'bytes/result', '4', files),
    figure('on the wire, live at 10,000 results/s', 'bytes/result', '4', live),
    figure('of that, headers of updates', 'bytes/result', '', headers),
    figure('of that, payloads of updates', 'bytes/result', '', payloads),
  ];
}
