import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type ClientOf, makeClient } from '../../src/api/client.ts';
import { unsyncedWafers } from '../../src/api/list-wafers.ts';
import { TransportVector } from '../../src/clocks/transport-vector.ts';
import { wafersync } from '../../src/gen/wafersync.js';
import type { Message } from '../../src/wire/message.ts';
import { syncMonitor, waferService } from '../../src/wire/services.ts';
import { closing, collect } from '../support/grpc-client.ts';
import { type LocalNode, startNodes } from '../support/local-nodes.ts';
import { ManualWorld } from '../support/manual-world.ts';
import { waitForRun } from '../support/run-client.ts';
import { sendResults } from '../support/tester.ts';

const { SyncState } = wafersync.v1;
type Monitor = ClientOf<typeof syncMonitor.methods>;

/** Hands in one die of each wafer, named `LOT/WAFER`. */
async function handIn(node: LocalNode, fabs: readonly string[], ...names: string[]): Promise<void> {
  const results = names.map((name, i) => {
    const [lot = '', wafer_id = ''] = name.split('/');
    const place = { die_x: 1, die_y: 1, test_name: 'VDD', test_value: 1, last_of_die: true };
    return { equipment_id: 'T', stream_id: names.join(), lot, wafer_id, ...place, stream_sequence: i + 1 };
  });
  await waitForRun(node.address, (await sendResults(node.address, results)).runId, fabs);
}

function monitorOf(t: TestContext, node: LocalNode): Monitor {
  return closing(t, makeClient(syncMonitor, node.address));
}

const named = (wafers: Message<'ListWafersResponse'>['wafers']) =>
  (wafers ?? []).map(({ lot, wafer_id }) => `${lot}/${wafer_id}`);

/** All pages of a list; `between` is called after each. */
async function pages(monitor: Monitor, request: Message<'ListWafersRequest'>, between = async () => {}) {
  const told: string[][] = [];
  let page_token = '';
  do {
    const page = await monitor.ListWafers({ ...request, page_token });
    told.push(named(page.wafers));
    page_token = page.next_page_token ?? '';
    await between();
  } while (page_token !== '');
  return told;
}

test('a list of wafers tells each that was there once, though others are added while it goes on', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const monitor = monitorOf(t, tw);
  await handIn(tw, ['tw'], 'L1/B', 'L1/D', 'L2/A', 'L2/C', 'L3/A');
  let added = 0;
  const told = await pages(monitor, { page_size: 2 }, async () => {
    if (added++ === 0) await handIn(tw, ['tw'], 'L0/Z', 'L1/A', 'L1/C', 'L2/B');
  });
  assert.deepEqual(told, [['L1/B', 'L1/D'], ['L2/A', 'L2/B'], ['L2/C', 'L3/A'], []]);
  assert.deepEqual((await pages(monitor, { lot: 'L2' })).flat(), ['L2/A', 'L2/B', 'L2/C']);
});

test('wafers are listed by state, and by the fab that misses something', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  await handIn(tw, ['tw', 'az'], 'L1/A', 'L1/B');
  await az.stop();
  await handIn(tw, ['tw'], 'L1/B', 'L1/C', 'L2/A');
  const monitor = monitorOf(t, tw);
  const listed = async (request: Message<'ListWafersRequest'>) => (await pages(monitor, request)).flat();
  const late = ['L1/B', 'L1/C', 'L2/A'];
  assert.deepEqual(await listed({ state: SyncState.PENDING }), late);
  assert.deepEqual(await listed({ missing_at: 'az' }), late);
  assert.deepEqual(await listed({ missing_at: 'tw' }), []);
  assert.deepEqual(await listed({ state: SyncState.SYNCED }), ['L1/A']);
  assert.deepEqual(await listed({ state: SyncState.CONFLICT }), []);
  assert.deepEqual(await listed({ lot: 'L1', missing_at: 'az', page_size: 1 }), ['L1/B', 'L1/C']);
  const { wafers } = await monitor.ListWafers({ lot: 'L2' });
  const [wafer] = wafers ?? [];
  assert.deepEqual(wafer?.synced_fabs, ['tw']);
  assert.deepEqual(
    wafer?.missing_fabs?.map(({ fab_id, updates }) => [fab_id, Number(updates)]),
    [['az', 1]],
  );
});

test('a page token is good for the list that it came from alone', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const monitor = monitorOf(t, tw);
  await handIn(tw, ['tw'], 'L1/A', 'L1/B');
  const { next_page_token } = await monitor.ListWafers({ page_size: 1 });
  const refused = (request: Message<'ListWafersRequest'>) => monitor.ListWafers(request);
  await assert.rejects(
    refused({ lot: 'L1', page_token: next_page_token }),
    /page_token is of a list of other wafers/,
  );
  for (const page_token of ['x', Buffer.from('[1,2,3,4]').toString('base64url')])
    await assert.rejects(refused({ page_token }), /page_token is none that this node gave/);
  await assert.rejects(refused({ state: 7 as never }), /state 7 is not known/);
});

test('a watch of all wafers begins with those that are not everywhere, and tells what comes', async (t) => {
  const [tw, az] = (await startNodes(t, ['tw', 'az'])) as [LocalNode, LocalNode];
  await handIn(tw, ['tw', 'az'], 'L1/A', 'L1/B');
  const pending = handIn(tw, ['tw', 'az'], 'L2/A');
  const monitor = monitorOf(t, tw);
  const states: string[] = [];
  let edited: Promise<unknown> | null = null;
  for await (const { wafer, up_to_date } of monitor.WatchSyncStatus({ min_interval_ms: 1 })) {
    if (up_to_date) edited = edit(t, az);
    if (!wafer) continue;
    states.push(`${wafer.lot}/${wafer.wafer_id} ${wafer.state}`);
    // The one that was everywhere before is told since something of it came.
    if (edited && states.includes(`L1/A ${SyncState.SYNCED}`) && states.includes(`L2/A ${SyncState.SYNCED}`))
      break;
  }
  await Promise.all([pending, edited]);
  assert.ok(!states.some((state) => state.startsWith('L1/B')), states.join());
});

test('a walk over all wafers ends when nobody waits for it any more', async () => {
  const rows = Array.from({ length: 100 }, (_, i) => ({
    key: { lot: 'L1', waferId: `W${i}`, insertion: '' },
    hit: false,
  }));
  const sources = {
    store: { lots: { page: () => rows }, vectors: { received: TransportVector.empty } },
    sync: { reports: () => [] },
    membership: { members: () => [] },
    world: new ManualWorld(),
  };
  const over = new AbortController();
  const walk = unsyncedWafers(sources as unknown as Parameters<typeof unsyncedWafers>[0], over.signal);
  const next = walk.next();
  over.abort();
  assert.deepEqual(await next, { done: true, value: undefined });
});

async function edit(t: TestContext, node: LocalNode): Promise<void> {
  const wafers = closing(t, makeClient(waferService, node.address));
  const patch_json = '[{"op":"replace","path":"/disposition","value":"hold"}]';
  await wafers.PatchWafer({ wafer_id: 'A', lot: 'L1', patch_json, author: 'mia', reason: 'look' });
}

test('a watch follows a wafer that is not known yet, and refuses an insertion of no wafer', async (t) => {
  const [tw] = (await startNodes(t, ['tw'])) as [LocalNode];
  const monitor = monitorOf(t, tw);
  await assert.rejects(
    collect(monitor.WatchSyncStatus({ insertion: 'WS1' })),
    /insertion is given, and wafer_id is empty/,
  );
  const told: string[] = [];
  let coming: Promise<void> | null = null;
  for await (const { wafer, up_to_date } of monitor.WatchSyncStatus({ wafer_id: 'B', lot: 'L1' })) {
    if (up_to_date) coming = handIn(tw, ['tw'], 'L1/A', 'L1/B', 'L2/B');
    if (!wafer) continue;
    told.push(`${wafer.lot}/${wafer.wafer_id}`);
    if (wafer.state === SyncState.SYNCED) break;
  }
  await coming;
  assert.deepEqual([...new Set(told)], ['L1/B']);
});
