// Prints how long a node says nothing else while it works out the status and the digest of a large lot: docs/adr/0032.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Metadata } from '@grpc/grpc-js';
import { lotHandlers } from '../../../src/api/lot-handlers.ts';
import { Slots } from '../../../src/api/slots.ts';
import { fabId } from '../../../src/clocks/dot.ts';
import type { Commit } from '../../../src/replica/commit.ts';
import { EventSource } from '../../../src/replica/event-source.ts';
import { Store } from '../../../src/store/store.ts';
import { AppliedMarks } from '../../../src/sync/applied-marks.ts';
import { LotBook } from '../../../src/sync/lot-book.ts';
import { realWorld } from '../../../src/world.ts';
import { attempt, jsonDecoders, origin, PROGRAM, run, take, update } from '../../store/fixtures.ts';

const WAFERS = 1_000;
const RUNS = 7;
const SIZES = [
  { lot: 'L1000', updates: 1_000 },
  { lot: 'L25000', updates: 25_000 },
  { lot: 'L100000', updates: 100_000 },
];
const AZ = origin('az');
const folder = mkdtempSync(join(tmpdir(), 'wafersync-figure-'));
const store = Store.open({
  ...{ file: join(folder, 'wafersync.db'), fab: fabId('tw'), world: realWorld, decoders: jsonDecoders },
});
const commits = new EventSource<Commit<unknown>>();
const none = { added: [], released: [], received: [], programs: [], refolded: [], housekept: [] };

/** A lot of so many updates in so many wafers; it shares the numbers of its origin with nobody. */
let sequence = 0;
function fill(lot: string, updates: number): void {
  for (let from = 0; from < updates; from += 1_000) {
    const some = Array.from({ length: 1_000 }, (_, i) => {
      const wafer = { lot, waferId: `W${(from + i) % WAFERS}`, insertion: '' };
      const part = {
        wafer,
        run: { id: run((SIZES.length + sequence).toString(16).at(-1)!), startedAtUs: 1 },
      };
      return update(AZ, ++sequence, [attempt(sequence, { x: Math.floor((from + i) / WAFERS) })], part);
    });
    take(store, ...some);
  }
}

const lots = new LotBook({ ...{ store, commits, world: realWorld } });
const sync = { changes: new EventSource<void>(), reports: () => [] };
const handlers = lotHandlers({
  ...{ store, lots, commits, sync, world: realWorld, marks: new AppliedMarks() },
  membership: { members: () => ['az', 'de', 'il', 'kr', 'tw'].map(fabId) },
  slots: new Slots(1, 'subscriptions', 'none'),
  ask: () => Promise.reject(new Error('nobody is asked')),
} as unknown as Parameters<typeof lotHandlers>[0]);

type Method = 'GetLotStatus' | 'GetLotDigest';

/** CPU time of this thread, milliseconds: what other programs on the machine take does not count. */
function cpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** Milliseconds of the longest turn while a call is answered, by the clock and of CPU time, and from the call to its answer. */
async function answered(method: Method, lot: string): Promise<{ turn: number; cpu: number; all: number }> {
  // What was remembered of the lot is forgotten.
  commits.emit(none);
  const call = Object.assign(new EventSource(), {
    ...{ request: { lot }, metadata: new Metadata(), cancelled: false },
    ...{ getPeer: () => '', once: () => {} },
  });
  let [turn, cpu] = [0, 0];
  let over = false;
  const began = performance.now();
  const watching = (async () => {
    for (let [last, lastCpu] = [began, cpuMs()]; !over; ) {
      await new Promise((resolve) => setImmediate(resolve));
      const [now, nowCpu] = [performance.now(), cpuMs()];
      turn = Math.max(turn, now - last);
      cpu = Math.max(cpu, nowCpu - lastCpu);
      [last, lastCpu] = [now, nowCpu];
    }
  })();
  await new Promise<void>((resolve, reject) => {
    const respond = (error: unknown) => (error ? reject(error) : resolve());
    (handlers[method] as unknown as (call: unknown, respond: unknown) => void)(call, respond);
  });
  const all = performance.now() - began;
  over = true;
  await watching;
  return { turn, cpu, all };
}

const median = (values: number[]) => values.sort((a, b) => a - b)[values.length >> 1]!;

store.programs.put(PROGRAM.digest, PROGRAM.body);
for (const { lot, updates } of SIZES) fill(lot, updates);
for (const method of ['GetLotDigest', 'GetLotStatus'] as const) {
  for (const { lot, updates } of SIZES) {
    const seen: Awaited<ReturnType<typeof answered>>[] = [];
    for (let i = 0; i < RUNS; i++) seen.push(await answered(method, lot));
    const of = (what: 'turn' | 'cpu' | 'all') => median(seen.map((one) => one[what])).toFixed(0);
    console.log(
      `${method}, ${WAFERS} wafers, ${updates} updates: longest turn ${of('turn')} ms, of CPU time ${of('cpu')} ms; answer after ${of('all')} ms`,
    );
  }
}
store.close();
rmSync(folder, { recursive: true });
