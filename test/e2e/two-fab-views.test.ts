import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { makeClient } from '../../src/api/client.ts';
import { toWireView } from '../../src/api/yield-views.ts';
import type { YieldView } from '../../src/wafer/views.ts';
import type { WaferKey } from '../../src/wafer/wafer-key.ts';
import { toNumber } from '../../src/wire/long.ts';
import { testEquipment } from '../../src/wire/services.ts';
import { Cluster, type Fab } from '../support/cluster.ts';
import { readYields } from '../support/read-yields.ts';
import { importFile } from '../support/run-client.ts';
import { type Sample, samplesMissing, twoFabSample } from '../support/stdf-samples.ts';

const FABS: readonly Fab[] = ['tw', 'az'];

/** Views, and the rules of the truth that they are. */
const RULES = { first: 'first', last: 'latest', best: 'best', worst: 'worst' } as const;
const views = Object.entries(RULES) as [keyof typeof RULES, (typeof RULES)[keyof typeof RULES]][];

/** Hands a file in at a fab; settles when both fabs have all of it. */
async function handIn(cluster: Cluster, fab: Fab, { name, path }: Sample): Promise<void> {
  await importFile(cluster.address(fab), name, readFileSync(path), FABS);
}

/** What a node answers to a watch of the lot: the one wafer that is there, and its yield. */
async function watchedYield(address: string, lot: string, view: YieldView) {
  const client = makeClient(testEquipment, address);
  try {
    for await (const { yields } of client.WatchResults({ lot, view: toWireView(view), summary: true })) {
      assert.equal(yields?.length, 1, 'the two files are of one wafer');
      const { wafer, view: told, parts, passed, yield: rate } = yields[0]!;
      assert.equal(told, toWireView(view), 'the view stands next to the number');
      const key: WaferKey = {
        lot: wafer?.lot ?? '',
        waferId: wafer?.wafer_id ?? '',
        insertion: wafer?.insertion ?? '',
      };
      return { key, parts: toNumber(parts), passed: toNumber(passed), rate };
    }
  } finally {
    client.close();
  }
  throw new Error(`the watch at ${address} told nothing`);
}

const ORDERS: Readonly<Record<string, (cluster: Cluster, fabA: Sample, fabB: Sample) => Promise<unknown>>> = {
  'the first pass at tw, then the retest at az': async (cluster, fabA, fabB) => {
    await handIn(cluster, 'tw', fabA);
    await handIn(cluster, 'az', fabB);
  },
  'the retest at az, then the first pass at tw': async (cluster, fabA, fabB) => {
    await handIn(cluster, 'az', fabB);
    await handIn(cluster, 'tw', fabA);
  },
  'both at once': (cluster, fabA, fabB) =>
    Promise.all([handIn(cluster, 'tw', fabA), handIn(cluster, 'az', fabB)]),
};

for (const [order, handInBoth] of Object.entries(ORDERS)) {
  describe(`a wafer tested at one fab and again at another: ${order}`, { skip: samplesMissing }, () => {
    let cluster: Cluster;

    before(async () => {
      const { fabA, fabB } = twoFabSample('lot2');
      cluster = await Cluster.start(FABS);
      await handInBoth(cluster, fabA, fabB);
    });

    after(async () => {
      await cluster.stop();
    });

    for (const fab of FABS) {
      for (const [view, rule] of views) {
        test(`dies, bins and yield at ${fab} by the view "${view}" are what is true`, async () => {
          const { truth } = twoFabSample('lot2');
          const { key, ...told } = await watchedYield(cluster.address(fab), truth.lot, view);
          assert.deepEqual([key.lot, key.waferId], [truth.lot, truth.wafer]);
          assert.deepEqual(told, { parts: truth.dies, passed: truth.good[rule], rate: truth.yield[rule] });

          const database = join(cluster.dataFolder(fab), 'wafersync.db');
          const bins = readYields(database, (yields) => yields.bins(key, view));
          const hard = Object.fromEntries(bins.hard.map(({ bin, parts }) => [String(bin), parts]));
          assert.deepEqual(hard, truth.hard_bins[rule]);

          const dies = readYields(database, (yields) => yields.dies(key, view));
          assert.equal(dies.length, truth.dies);
          assert.equal(dies.filter(({ passed }) => passed).length, truth.good[rule]);
          const at = new Map(dies.map((die) => [`${die.x} ${die.y}`, die]));
          for (const die of truth.both) {
            const shown = at.get(`${die.x} ${die.y}`);
            const expected = rule === 'first' ? die.fabA.hbin : die[rule];
            assert.deepEqual([shown?.hardBin, shown?.attempts], [expected, 2], `die ${die.x} ${die.y}`);
          }
        });
      }
    }
  });
}
