import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type DemoLot, demoLot } from '../../generator/demo-lot.ts';
import { runService } from '../../wire/services.ts';
import { inspectRun } from '../inspect.ts';
import { withNode } from '../node-client.ts';
import { waitForFabs } from '../wait.ts';
import { addressOf, type DemoFab } from './fabs.ts';

/** What became of the demo's lot. */
export interface LotArrival {
  readonly lot: DemoLot;
  readonly runId: string;
  /** From the first byte handed in to all of it durable and applied at every fab, milliseconds. */
  readonly tookMs: number;
}

const CHUNK_BYTES = 256 * 1024;

/** File of the latest lot, below the data folder: something for people to try the other commands on. */
export const LOT_FILE = 'latest-lot.stdf';

/** The next lot of the demo: each start makes one. */
export function nextLot(data: string, wafers: number, startedAt: number): DemoLot {
  const file = join(data, 'lots.txt');
  const number = countLots(file) + 1;
  const lot = demoLot({ number, wafers, startedAt });
  writeFileSync(file, `${lot.lot}\n`, { flag: 'a' });
  writeFileSync(join(data, LOT_FILE), lot.stdf);
  return lot;
}

function countLots(file: string): number {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).length;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Hands a lot to a fab's intake and waits until every fab has it. */
export async function handIn(
  lot: DemoLot,
  fab: DemoFab,
  nowMs: () => number,
  signal: AbortSignal,
): Promise<LotArrival> {
  const began = nowMs();
  return withNode(runService, addressOf(fab), async (runs) => {
    const call = runs.ImportRun({ signal });
    for (let at = 0; at < lot.stdf.length; at += CHUNK_BYTES) {
      await call.write({ file_name: lot.fileName, data: lot.stdf.subarray(at, at + CHUNK_BYTES) });
    }
    const { run_id } = await call.finish();
    const runId = run_id ?? '';
    await waitForFabs(runs, runId, 'all', { signal });
    return { lot, runId, tookMs: nowMs() - began };
  });
}

/** Reads the lot back from every fab's store; tells which of them give back just what the generator's model says. */
export async function verify(
  arrival: LotArrival,
  fabs: readonly DemoFab[],
): Promise<{ equal: string[]; other: string[] }> {
  const equal: string[] = [];
  const other: string[] = [];
  for (const fab of fabs) {
    const { digests } = await inspectRun(addressOf(fab), arrival.runId);
    const same = digests.attempts_sha256 === arrival.lot.digests.attempts_sha256;
    (same ? equal : other).push(fab.fab);
  }
  return { equal, other };
}
