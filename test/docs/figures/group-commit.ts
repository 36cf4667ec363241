// Prints what group commit saves: commits, and bytes handed to the device (Linux): docs/adr/0009.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fabId } from '../../../src/clocks/dot.ts';
import { HybridClock } from '../../../src/clocks/hlc.ts';
import { Replica } from '../../../src/replica/replica.ts';
import { Store } from '../../../src/store/store.ts';
import { makeProgram } from '../../../src/wafer/program-codec.ts';
import { streamRunId } from '../../../src/wafer/run.ts';
import { decoders } from '../../../src/wire/decoders.ts';
import { realWorld } from '../../../src/world.ts';
import { measuredWafer } from '../../support/measured-wafer.ts';

const TESTS = 60;
const UPDATES = 448;
const limits = { lowLimit: 0, highLimit: 1, lowSpec: null, highSpec: null, resultScale: null };
const program = makeProgram(
  Array.from({ length: TESTS }, (_, i) => ({
    ...limits,
    kind: 'PTR',
    number: i,
    name: `test ${i}`,
    units: 'V',
  })),
);
const attempts = measuredWafer({ dies: UPDATES, tests: TESTS }).slice(0, UPDATES);
const results = attempts.reduce((sum, attempt) => sum + attempt.results.length, 0);

/** Bytes that this process has caused to be written to a device. */
function written(): number {
  return Number(/^write_bytes: (\d+)/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1]);
}

console.log(`${UPDATES} updates of one die, ${(results / UPDATES).toFixed(0)} results each`);
for (const writers of [1, 4, 16, 64]) {
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-figure-'));
  const file = join(folder, 'wafersync.db');
  const store = Store.open({ file, fab: fabId('tw'), world: realWorld, decoders });
  const replica = new Replica({
    store,
    clock: new HybridClock(realWorld.nowMs),
    world: realWorld,
    queue: { groupCommitMs: 5, groupBytes: 2 ** 20, maxQueueBytes: 2 ** 26 },
    maxClockDriftMs: 60_000,
  });
  const run = { id: streamRunId('tw', 'T01', `S${writers}`), startedAtUs: 0 };
  const wafer = { lot: 'LOT-1', waferId: 'W07', insertion: 'CP1' };
  const before = { written: written(), commits: store.commitNumber, ms: performance.now() };
  for (let i = 0; i < UPDATES; i += writers) {
    const group = attempts.slice(i, i + writers);
    await Promise.all(group.map((attempt) => replica.write({ wafer, run, program, attempts: [attempt] })));
  }
  const commits = store.commitNumber - before.commits;
  const bytes = written() - before.written;
  const ms = performance.now() - before.ms;
  replica.close();
  store.checkpoint();
  console.log(
    `${String(writers).padStart(2)} at once: ${String(commits).padStart(3)} commits, ${Math.round(bytes / UPDATES)} bytes written an update, ` +
      `${(ms / UPDATES).toFixed(2)} ms an update, database ${(statSync(file).size / results).toFixed(1)} bytes a result`,
  );
  store.close();
  rmSync(folder, { recursive: true });
}
