import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { fabId } from '../src/clocks/dot.ts';
import { HybridClock } from '../src/clocks/hlc.ts';
import { Replica } from '../src/replica/replica.ts';
import { Store } from '../src/store/store.ts';
import type { Update } from '../src/wafer/update.ts';
import type { WaferKey } from '../src/wafer/wafer-key.ts';
import { decoders } from '../src/wire/decoders.ts';
import { realWorld } from '../src/world.ts';
import { batch, PROGRAM } from '../test/replica/replica-fixture.ts';
import { type Figure, figure } from './statistics.ts';

const RUNS = 5;
const EDITS = 2_000;
const WAFERS = 500;
const CONFLICTS = 2_000;
const UPDATES = 4_000;
/** Edits that are handed in before one waits: they share commits. */
const AT_ONCE = 250;
const CHECKS = 200_000;

/** Edits and conflicts through a replica and its database on disk; and what a wafer of one fab pays for the check of verdicts. */
export async function conflictsBench(): Promise<Figure[]> {
  const written: number[] = [];
  const merged: number[] = [];
  const found: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    const edits = await edited('tw', EDITS, (i) => [wafer(i % WAFERS), `/attributes/key-${i % 7}`, i]);
    written.push(EDITS / edits.seconds);
    merged.push(EDITS / (await received(edits.updates)).seconds);
    const sides = await Promise.all(
      ['tw', 'az'].map((fab) => edited(fab, CONFLICTS, (i) => [wafer(i), '/limits_revision', fab])),
    );
    const conflicts = await received(sides.flatMap(({ updates }) => updates));
    if (conflicts.conflicts !== CONFLICTS) throw new Error(`${conflicts.conflicts} conflicts were found`);
    found.push(CONFLICTS / conflicts.seconds);
  }
  return [
    figure('edits written, one field each', '1/s', '', written),
    figure('edits of another fab merged', '1/s', '', merged),
    figure('conflicts found', '1/s', '', found),
    figure(
      'check of verdicts on a wafer of one fab, share of applying 4 results of a die',
      '%',
      '2',
      await checkShares(),
    ),
  ];
}

function wafer(i: number): WaferKey {
  return { lot: 'L1', waferId: `W${i}`, insertion: 'CP1' };
}

/** A fab with a database on disk, for as long as `use` takes. */
async function withFab<T>(
  name: string,
  use: (replica: Replica<null>, store: Store, file: string) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'wafersync-bench-'));
  const file = join(folder, 'wafersync.db');
  const store = Store.open({ file, fab: fabId(name), world: realWorld, decoders });
  const queue = { groupCommitMs: 5, groupBytes: 2 ** 20, maxQueueBytes: 2 ** 26 };
  const clock = new HybridClock(realWorld.nowMs);
  const replica = new Replica<null>({ store, clock, world: realWorld, queue, maxClockDriftMs: 60_000 });
  try {
    return await use(replica, store, file);
  } finally {
    store.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

type EditOf = (i: number) => readonly [wafer: WaferKey, path: string, value: string | number];

async function edited(
  fab: string,
  count: number,
  edit: EditOf,
): Promise<{ updates: Update[]; seconds: number }> {
  return withFab(fab, async (replica) => {
    const updates: Update[] = [];
    replica.commits.subscribe(({ added }) => updates.push(...added.map(({ update }) => update)));
    const began = performance.now();
    for (let from = 0; from < count; from += AT_ONCE) {
      const group = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => edit(from + i));
      await Promise.all(
        group.map(([wafer, path, value]) =>
          replica.edit((editor) =>
            editor.patch(
              { wafer, author: 'kim', reason: '', expected: {} },
              JSON.stringify([{ op: 'add', path, value }]),
              true,
            ),
          ),
        ),
      );
    }
    return { updates, seconds: (performance.now() - began) / 1000 };
  });
}

/** Takes updates in at a fab that has none; settles when all are on disk. */
async function received(updates: readonly Update[]): Promise<{ seconds: number; conflicts: number }> {
  return withFab('de', async (replica, store) => {
    const began = performance.now();
    await takeIn(replica, updates);
    const seconds = (performance.now() - began) / 1000;
    return { seconds, conflicts: store.conflicts.ids({}, '', 1_000_000).length };
  });
}

function takeIn(replica: Replica<null>, updates: readonly Update[]): Promise<void> {
  return new Promise((resolve) => {
    let left = updates.length;
    replica.commits.subscribe(({ received }) => {
      left -= received.length;
      if (left === 0) resolve();
    });
    for (const update of updates) replica.receive({ update, token: null });
  });
}

/** Time of what looks for differing verdicts, for one update, against the time that applying it takes: percent. */
async function checkShares(): Promise<number[]> {
  const updates = await withFab('tw', async (replica) => {
    const born: Update[] = [];
    replica.commits.subscribe(({ added }) => born.push(...added.map(({ update }) => update)));
    await Promise.all(Array.from({ length: UPDATES }, (_, index) => replica.write(batch([index]))));
    return born;
  });
  const shares: number[] = [];
  for (let run = 0; run < RUNS; run++) {
    shares.push(
      await withFab('az', async (replica, store, file) => {
        replica.receiveProgram(PROGRAM.digest, PROGRAM.body);
        const began = performance.now();
        await takeIn(replica, updates);
        const applyMs = (performance.now() - began) / UPDATES;
        return (100 * checkMs(store, file, updates[0]!)) / applyMs;
      }),
    );
  }
  return shares;
}

/** The parts of the check: what is asked where the update is born, whether its run is final, whether its wafer is watched. */
function checkMs(store: Store, file: string, { header }: Update): number {
  const db = new Database(file, { readonly: true });
  const plain = db.prepare(
    'SELECT r.started_at_us FROM runs r JOIN update_log u ON u.id = r.first_update WHERE r.id = 1',
  );
  const final = db.prepare(
    `SELECT r.started_at_us, EXISTS (SELECT 1 FROM final_runs f WHERE f.run = r.id) AS final
     FROM runs r JOIN update_log u ON u.id = r.first_update WHERE r.id = 1`,
  );
  const watching = new Set<number>();
  const time = (run: () => unknown): number => {
    const began = performance.now();
    for (let i = 0; i < CHECKS; i++) run();
    return (performance.now() - began) / CHECKS;
  };
  try {
    // In a transaction, as where it is asked: a read outside one takes locks of its own.
    db.exec('BEGIN');
    time(() => plain.get());
    const finality = time(() => final.get()) - time(() => plain.get());
    const others = store.transaction(() => time(() => store.documents.seenOfOthers(header.wafer)));
    return others + Math.max(0, finality) + time(() => watching.has(1));
  } finally {
    db.close();
  }
}
